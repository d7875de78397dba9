"""What the console is told before and during a change of state; whose token counts while regions are down; faults where they may be."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.acceptance.deployment import until
from tests.console_world import Console, deployed


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with deployed(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """For tests that leave it as it was."""
    with deployed(tmp_path_factory.mktemp("shared")) as made:
        yield made


def moves(console: Console) -> dict[str, dict[str, Any]]:
    return {move["name"]: move for move in console.get("/operator/moves")["moves"]}


def level(console: Console) -> bool:
    sides = console.get("/operator/status")["status"].values()
    return all(side["answers"] and side["ready"] for side in sides) and len({side["content"] for side in sides}) == 1


def state(console: Console) -> tuple[str, int]:
    found = console.get("/operator/state")
    return found["state"], found["epoch"]


def test_what_each_move_would_come_to_is_told_and_nothing_is_changed(console: Console) -> None:
    until(lambda: level(console), "level")
    before = state(console)
    found = moves(console)
    assert {name for name, move in found.items() if move["refused"] is None} == {
        "failover", "failover-writable", "set-fenced", "set-failover", "failover-region-lost", "failover-writable-region-lost",
    }  # fmt: skip
    planned, lost = found["failover-writable"], found["failover-writable-region-lost"]
    assert planned["becomes"]["writer"] == "ap-northeast-1" and planned["prediction"] is None and planned["needsWord"] is None
    assert planned["does"][0].startswith("Writing stops everywhere until Tokyo has every change")
    assert planned["does"][1:] == ["Everybody is served from Tokyo.", "Writing goes to Tokyo."]
    assert lost["needsWord"] == "us-east-1 answers, so it is not lost." and lost["order"]["acceptLoss"] is True
    assert "nothing that is known of" in lost["prediction"] and lost["predictedLoss"]["changes"] == 0
    assert found["set-failover"]["becomes"]["writer"] is None and found["set-failover"]["kind"] == "at once"
    assert state(console) == before


def test_each_move_that_is_offered_can_be_made_as_it_is_told(console: Console) -> None:
    """From state to state; whatever is offered is ordered as it stands, and comes to what was said."""
    for name in ("failover-writable", "failover", "failback", "set-fenced", "set-failover", "failover-writable", "set-fenced", "failback"):
        until(lambda: level(console), "level")
        move = moves(console)[name]
        assert move["refused"] is None, (name, move["refused"])
        end = console.lines(move["path"], **move["order"], epoch=console.get("/operator/state")["epoch"])[-1]["end"]
        assert {**end, "epoch": 0} == {**move["becomes"], "epoch": 0}, name


def test_a_move_that_would_be_refused_says_why_in_the_words_of_the_refusal(console: Console) -> None:
    until(lambda: level(console), "level")
    console.lines("/operator/failover", writable=True)
    refused = moves(console)["set-active"]["refused"]
    answer = console.lines("/operator/state", state="active")[-1]["error"]
    assert answer["detail"] == refused and "`multiregion failback` does that first" in refused
    console.stop("primary")
    refused = moves(console)["failback"]["refused"]
    assert console.lines("/operator/failback")[-1]["error"]["detail"] == refused


@pytest.mark.parametrize("field", ["writable", "regionLost", "acceptLoss"])
def test_what_to_set_a_state_cannot_mean_is_refused_and_not_ignored(shared: Console, field: str) -> None:
    before = state(shared)
    answer = shared.ask("authority", "POST", "/operator/state", shared.operator, json={"state": "failover", field: True})
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert state(shared) == before


def test_what_the_last_drill_measured_stands_beside_each_move(console: Console) -> None:
    until(lambda: level(console), "level")
    assert {move["lastDrill"] for move in moves(console).values()} == {None}
    begun = {"run": 1, "word": "begun", "scenario": "crash"}
    sealed = {"run": 1, "word": "sealed", "verdict": "pass", "seal": "s", "experience": {"rto": 1_900_000, "lost": 3}}
    for after, facts in enumerate((begun, sealed)):
        line = {"after": after, "reason": "a drill", "facts": facts}
        assert console.ask("authority", "POST", "/operator/drills", console.operator, json=line).status_code == 200
    said = "Last drill (crash, just now): 1.9 s without writes, 3 writes lost, all listed."
    told = {name: move["lastDrill"] for name, move in moves(console).items()}
    assert told == {name: said if "region-lost" in name else None for name in told}


def test_a_takeover_is_predicted_while_the_primary_is_lost(console: Console) -> None:
    until(lambda: level(console), "level")
    console.stop("primary")
    found = moves(console)
    assert "us-east-1 does not answer" in found["failover"]["refused"]
    lost = found["failover-writable-region-lost"]
    assert lost["refused"] is None and lost["needsWord"] is None and "acceptLoss" not in lost["order"]
    assert "whatever was written in the last" in lost["prediction"] and lost["predictedLoss"]["seconds"] > 0
    assert "N. Virginia is given up as lost" in lost["does"][0]
    console.stop("secondary")
    assert all(move["refused"] for move in moves(console).values() if move["kind"] in ("planned", "takeover"))


def test_what_is_under_way_is_told_whoever_ordered_it(console: Console) -> None:
    until(lambda: level(console), "level")
    console.lines("/operator/failover", console.sign_in("olga"), writable=True, reason="maintenance")
    console.lines("/operator/state", state="active")
    failed, done = console.get("/operator/progress")["runs"]
    assert (done["what"], done["to"], done["actor"], done["reason"], done["outcome"]) == (
        "switch",
        "failover",
        "olga",
        "maintenance",
        "done",
    )
    assert [step["name"] for step in done["steps"]][:4] == ["check", "repair", "fence", "admit us-east-1"]
    assert (failed["outcome"], failed["actor"]) == ("failed", "operator") and "fenced and drained" in failed["detail"]


def test_an_operator_is_known_while_both_regions_are_down(console: Console) -> None:
    """Even by an authority that has just been started: it has kept the keys."""
    olga, vera = console.sign_in("olga"), console.sign_in("vera")
    assert console.ask("authority", "GET", "/operator/state", olga).status_code == 200
    console.stop("primary", "secondary", "authority")
    console.start("authority")
    for headers, status in ((olga, 200), (vera, 403), ({"Authorization": olga["Authorization"][:-8] + "AAAAAAAA"}, 401)):
        assert console.ask("authority", "GET", "/operator/state", headers).status_code == status


def test_a_disabled_operator_is_out_while_a_region_answers(console: Console) -> None:
    olga = console.sign_in("olga")
    assert console.ask("authority", "GET", "/operator/state", olga).status_code == 200
    console.administer("AdminDisableUser", "olga")
    for part, path in (("authority", "/operator/state"), ("edge", "/operator/faults"), ("primary", "/operator/report")):
        until(lambda part=part, path=path: console.ask(part, "GET", path, olga).status_code == 401, part)  # type: ignore[misc]


def test_whoever_left_the_group_is_no_operator_any_more(console: Console) -> None:
    olga = console.sign_in("olga")
    console.administer("AdminRemoveUserFromGroup", "olga", GroupName="operators")
    assert console.ask("authority", "GET", "/operator/state", olga).status_code == 403


def test_parts_are_frozen_and_resumed_and_what_they_are_is_told(shared: Console) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        file = shared.data.folder / "processes.json"
        file.write_bytes(msgspec.json.encode({"secondary": process.pid}))
        parts = shared.get("/operator/faults", "edge")["parts"]
        assert (parts["secondary"], parts["authority"]) == ("runs", "unknown")
        for what, condition in (("freeze", "frozen"), ("resume", "runs"), ("kill", "ended")):
            answer = shared.ask("edge", "POST", "/operator/faults", shared.operator, json={"what": what, "part": "secondary"})
            assert answer.status_code == 200
            until(lambda condition=condition: shared.get("/operator/faults", "edge")["parts"]["secondary"] == condition, what)  # type: ignore[misc]
        process.wait()
        answer = shared.ask("edge", "POST", "/operator/faults", shared.operator, json={"what": "freeze", "part": "secondary"})
        assert (answer.status_code, answer.json()["code"]) == (409, "not_running")


def test_the_link_is_cut_delayed_and_healed(shared: Console) -> None:
    def links(**body: Any) -> dict[str, Any]:
        answer = shared.ask("edge", "POST", "/operator/faults", shared.operator, json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["links"]
        return found

    cut = links(what="cut", to="secondary")
    assert (cut["primary"]["back"]["cut"], cut["primary"]["there"]["cut"]) == (True, False)
    assert links(what="delay", milliseconds=40)["secondary"]["there"]["delayMilliseconds"] == 40
    healed = links(what="heal")
    assert not any(way["cut"] or way["delayMilliseconds"] for link in healed.values() for way in link.values())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"what": "explode", "part": "primary"}, "what"),
        ({"what": "kill"}, "part"),
        ({"what": "kill", "part": "edge"}, "part"),
        ({"what": "kill", "part": "../../etc"}, "part"),
        ({"what": "cut", "to": "us-east-1"}, "to"),
        ({"what": "delay"}, "milliseconds"),
        ({"what": "delay", "milliseconds": 60_001}, "delay_milliseconds"),
        ({"what": "delay", "milliseconds": "soon"}, "milliseconds"),
    ],
)
def test_a_fault_that_is_none_names_the_field(shared: Console, body: dict[str, Any], field: str) -> None:
    answer = shared.ask("edge", "POST", "/operator/faults", shared.operator, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert answer.json().get("field", field) == field and field in answer.json()["detail"]


def test_faults_are_refused_where_the_parts_are_not_all_here(tmp_path: Path) -> None:
    with deployed(tmp_path, supervised=False) as console:
        for method, how in (("GET", {}), ("POST", {"json": {"what": "cut"}})):
            answer = console.ask("edge", method, "/operator/faults", console.operator, **how)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_local")
        assert console.ask("edge", "GET", "/uiConfig.json").json()["operations"]["faults"] is False
