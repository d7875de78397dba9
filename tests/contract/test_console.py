"""Every route for operators, on every part: nobody without a token, no viewer, and every operator; whoever it is, the history knows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from multiregion.config import Settings
from multiregion.local.serve import application_of
from tests.acceptance.deployment import until
from tests.console_world import PARTS, Console, deployed

# Every route that operators have, and a body that an operator may send there without harm.
ROUTES: dict[tuple[str, str, str], dict[str, Any] | None] = {
    ("authority", "GET", "/operator/status"): None,
    ("authority", "GET", "/operator/history"): None,
    ("authority", "GET", "/operator/state"): None,
    ("authority", "GET", "/operator/moves"): None,
    ("authority", "GET", "/operator/progress"): None,
    ("authority", "GET", "/operator/losses"): None,
    ("authority", "GET", "/operator/automatic"): None,
    ("authority", "POST", "/operator/state"): {"state": "active"},
    ("authority", "POST", "/operator/failover"): {"epoch": 999_999},
    ("authority", "POST", "/operator/failback"): {},
    ("authority", "POST", "/operator/switchover"): {"epoch": 999_999},
    ("authority", "POST", "/operator/recover"): {},
    ("authority", "POST", "/operator/accept-history"): {"region": "us-east-1"},
    ("authority", "POST", "/operator/verify"): {},
    ("authority", "POST", "/operator/repair"): {"region": "secondary", "epoch": 999_999},
    ("authority", "POST", "/operator/losses/apply"): {"ids": []},
    ("authority", "POST", "/operator/losses/discard"): {"ids": []},
    ("authority", "POST", "/operator/automatic"): {"word": "resume"},
    ("authority", "GET", "/operator/drills"): None,
    ("authority", "POST", "/operator/drills"): {
        "after": 999_999,
        "reason": "a test",
        "facts": {"run": 1, "word": "begun", "scenario": "crash"},
    },
    ("edge", "GET", "/operator/faults"): None,
    ("edge", "POST", "/operator/faults"): {"what": "heal"},
    ("primary", "GET", "/operator/report"): None,
    ("primary", "GET", "/operator/lag"): None,
    ("secondary", "GET", "/operator/report"): None,
    ("secondary", "GET", "/operator/lag"): None,
}
CROSSED = ("authority", "POST", "/operator/drills")
"""Answered only with what was seen before: an operator whose number is another one is told so."""
EVERY = pytest.mark.parametrize(("part", "method", "path"), ROUTES, ids=" ".join)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with deployed(tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture(scope="module")
def viewer(console: Console) -> dict[str, str]:
    return console.sign_in("vera")


@pytest.fixture(scope="module")
def olga(console: Console) -> dict[str, str]:
    return console.sign_in("olga")


def ask(console: Console, part: str, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    body = ROUTES[part, method, path]
    return console.ask(part, method, path, headers, **({} if body is None else {"json": body}))


def test_no_route_for_operators_is_forgotten(console: Console) -> None:
    found = {
        (part, method, route.path)
        for part in PARTS
        for route in application_of(console.configs[part], Settings(), supervised=True).routes
        if isinstance(route, Route) and route.path.startswith("/operator")
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert found == set(ROUTES)


def test_every_route_for_operators_has_its_line_in_the_documentation() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "console.md").read_text()
    parts = {part: "region" if part in ("primary", "secondary") else part for part in PARTS}
    assert [route for route in ROUTES if f"| {parts[route[0]]} | `{route[1]} {route[2]}` |" not in text] == []


@EVERY
def test_nobody_without_a_token(console: Console, part: str, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Bearer a.b.c"}, {"Authorization": "Basic b3A6eA=="}):
        answer = ask(console, part, method, path, headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@EVERY
def test_no_viewer(console: Console, viewer: dict[str, str], part: str, method: str, path: str) -> None:
    answer = ask(console, part, method, path, viewer)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "operators" in answer.json()["detail"]


@EVERY
def test_every_operator(console: Console, olga: dict[str, str], part: str, method: str, path: str) -> None:
    for headers in (console.operator, olga):
        assert ask(console, part, method, path, headers).status_code == (409 if (part, method, path) == CROSSED else 200)


def test_an_access_token_is_no_id_token(console: Console) -> None:
    flow = {"USERNAME": "olga", "PASSWORD": "correct horse battery"}
    client = console.deployment.primary.client_id
    answer = console.cognito("InitiateAuth", ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=flow).json()
    headers = {"Authorization": f"Bearer {answer['AuthenticationResult']['AccessToken']}"}
    assert console.ask("authority", "GET", "/operator/state", headers).status_code == 401


def test_the_history_names_the_user_whatever_the_body_says(console: Console, olga: dict[str, str]) -> None:
    console.lines("/operator/state", olga, state="fenced", actor="mallory", reason="a test")
    newest = console.get("/operator/history")["history"][0]
    assert (newest["actor"], newest["reason"]) == ("olga", "a test")
    console.lines("/operator/state", state="active", actor="the night shift")
    assert console.get("/operator/history")["history"][0]["actor"] == "the night shift"
    word = console.ask("authority", "POST", "/operator/automatic", olga, json={"word": "resume", "actor": "mallory"})
    assert word.status_code == 200 and console.get("/operator/history")["history"][0]["actor"] == "olga"


@pytest.mark.parametrize("actor", ["automatic", "x" * 129])
def test_nobody_passes_for_the_automatic_mode(console: Console, actor: str) -> None:
    answer = console.ask("authority", "POST", "/operator/state", console.operator, json={"state": "active", "actor": actor})
    assert (answer.status_code, answer.json()["field"]) == (400, "actor")


def test_browsers_are_let_in_from_the_edge_alone(console: Console) -> None:
    for part in ("authority", "primary", "secondary"):
        for origin, allowed in ((console.deployment.edge, console.deployment.edge), ("http://elsewhere.example", None)):
            asking = {"Origin": origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
            answer = console.ask(part, "OPTIONS", "/operator/status", asking)
            assert answer.headers.get("access-control-allow-origin") == allowed
            answer = console.ask(part, "GET", "/operator/state", {**console.operator, "Origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed


def test_the_page_is_told_where_the_authority_is_and_may_call_it(console: Console) -> None:
    answer = console.ask("edge", "GET", "/uiConfig.json")
    assert answer.json()["operations"] == {"url": console.deployment.authority, "faults": True, "lagObjectiveSeconds": 5.0}
    policy = answer.headers["content-security-policy"]
    assert console.deployment.authority in policy.partition("connect-src ")[2].partition(";")[0]
    assert console.deployment.authority not in policy.partition("img-src ")[2].partition(";")[0]


def test_a_region_tells_its_own_report_and_how_its_lag_was(console: Console) -> None:
    report = console.get("/operator/report", "secondary")
    assert (report["role"], report["region"], report["ready"]) == ("secondary", "ap-northeast-1", True)
    until(lambda: console.get("/operator/lag", "secondary")["samples"], "a sample of the lag")
    at, seconds, changes, size = console.get("/operator/lag", "secondary")["samples"][-1]
    assert at > 1_700_000_000 and all(each is None or each >= 0 for each in (seconds, changes, size))
