"""The finalizer and how functions are put inline: CloudFormation is answered whatever happens, the page is told where both regions are."""

import ast
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra import inline as inlining
from infra.inline import inline, ordered
from infra.lambdas import finalizer, shared
from infra.lambdas.finalizer import Finalizer
from tests.infra.region import PREFIX, PRIMARY, SECONDARY, client, refusal, two_regions

STACK = f"arn:aws:cloudformation:{PRIMARY}:123456789012:stack/gallery/27e4f910-0666-47af-863f-267187809e9b"
PROPERTIES = {
    "Primary": PRIMARY,
    "Secondary": SECONDARY,
    "Prefix": PREFIX,
    "AppId": "app",
    "UserReplication": "profile",
    "WebBundleBucket": f"{PREFIX}-bundles",
    "WebBundleKey": "web.zip",
    "DashboardUrl": "https://console.example.com/dashboard",
    "Labels": {PRIMARY: "N. Virginia"},
    "Limits": {"photoBytes": "26214400", "passwordCharactersMin": "12"},
}
FOUND = {
    region: {
        "ApiUrl": f"https://api.{region}/v1",
        "RoutingUrl": f"https://state.{region}/v1",
        "UserPoolId": f"{region}_pool",
        "UserPoolClientId": "client",
    }
    for region in (PRIMARY, SECONDARY)
}


@pytest.fixture(scope="module", autouse=True)
def account() -> Iterator[None]:
    with two_regions():
        for region in (PRIMARY, SECONDARY):
            where = {} if region == PRIMARY else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            client("s3", region).create_bucket(Bucket=f"{PREFIX}-site-{region}", **where)
        yield


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, list[Any]]]:
    """Where a custom resource's answer goes."""
    received: list[Any] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", received
    server.shutdown()
    server.server_close()
    thread.join()


def event(kind: str, url: str) -> dict[str, Any]:
    told = {"StackId": STACK, "RequestId": "r", "LogicalResourceId": "Finalize", "ResponseURL": url, "RequestType": kind}
    return {**told, "ResourceProperties": PROPERTIES}


def test_a_failure_is_told_with_its_reason(cloudformation: tuple[str, list[Any]]) -> None:
    finalizer.handler(event("Create", cloudformation[0]), None)
    (answer,) = cloudformation[1]
    assert (answer["Status"], answer["PhysicalResourceId"], answer["RequestId"]) == ("FAILED", "finalizer", "r")
    assert "StackSet" in answer["Reason"] and len(answer["Reason"]) < 1024


def test_deleting_goes_on_whatever_is_there_already(cloudformation: tuple[str, list[Any]]) -> None:
    finalizer.handler({**event("Delete", cloudformation[0]), "PhysicalResourceId": "mine"}, None)
    (answer,) = cloudformation[1]
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "mine")


def test_deleting_goes_on_though_something_cannot_be_cleared(
    cloudformation: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Finalizer, region: str) -> None:
        raise refusal("AccessDenied")

    monkeypatch.setattr(Finalizer, "empty", refused)
    finalizer.handler(event("Delete", cloudformation[0]), None)
    assert cloudformation[1][0]["Status"] == "SUCCESS"


def test_the_page_is_told_where_both_regions_are() -> None:
    config = Finalizer(PROPERTIES, STACK).ui_config(FOUND)
    assert (config["appId"], config["primary"], config["secondary"]) == ("app", PRIMARY, SECONDARY)
    assert config["limits"] == {"photoBytes": 26_214_400, "passwordCharactersMin": 12}
    assert config["dashboardUrl"] == "https://console.example.com/dashboard"
    second = config["regions"][SECONDARY]
    assert (second["apiUrl"], second["stateUrl"]) == (f"https://api.{SECONDARY}/v1", f"https://state.{SECONDARY}/v1/state/app")
    assert second["auth"]["userPoolEndpoint"] == f"https://cognito-idp.{SECONDARY}.amazonaws.com/"
    assert "eventsUrl" not in second


@pytest.mark.parametrize(("replication", "passwords"), [("profile", ["own", "own"]), ("native", [None, "replica"])])
def test_the_page_is_told_whose_passwords_a_region_has(replication: str, passwords: list[str | None]) -> None:
    regions = Finalizer(PROPERTIES | {"UserReplication": replication}, STACK).ui_config(FOUND)["regions"]
    assert [regions[region]["auth"].get("passwords") for region in (PRIMARY, SECONDARY)] == passwords


def test_the_page_may_talk_to_exactly_both_regions() -> None:
    addresses = Finalizer(PROPERTIES, STACK).addresses(FOUND)
    apis = [f"https://{kind}.{region}" for region in (PRIMARY, SECONDARY) for kind in ("state", "api")]
    cognito = [f"https://cognito-idp.{region}.amazonaws.com" for region in (PRIMARY, SECONDARY)]
    assert addresses == [
        *apis,
        *cognito,
        *(f"https://{PREFIX}-photos-{region}.s3.{region}.amazonaws.com" for region in (PRIMARY, SECONDARY)),
    ]


# the state, and what updates overwrite


class Deployed(Finalizer):
    """With a function that answers as ordered, and notes of what was done."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(PROPERTIES | {"StateTable": "states"}, STACK)
        self.answers, self.asked, self.done = list(answers), list[Any](), list[str]()

    def invoked(self, name: str, event: Any) -> Any:
        self.asked.append(event)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def outputs(self, region: str) -> Any:
        return FOUND[region]

    def allow(self, found: Any) -> None:
        self.done.append("policy")

    def replicate_back(self) -> None:
        self.done.append("replication")


TAKEN = {"confirmed": {PRIMARY: True, SECONDARY: True}}
BEHIND = RuntimeError("AppStateUpdaterLambda: StaleEpoch: the authority's table was behind the regions")


def test_no_state_is_asked_for_so_that_none_is_taken_back_that_somebody_sets_meanwhile() -> None:
    deployed = Deployed(TAKEN)
    deployed.tell_state()
    assert deployed.asked == [{"AppId": "app", "TableName": "states", "TellAgain": True}]


def test_the_state_is_told_again_once_an_authority_that_was_behind_is_mended_and_not_for_ever() -> None:
    Deployed(BEHIND, TAKEN).tell_state()
    with pytest.raises(RuntimeError, match="StaleEpoch"):
        Deployed(*[BEHIND] * finalizer.TELL_ATTEMPTS, TAKEN).tell_state()
    with pytest.raises(RuntimeError, match="NotDrained"):
        Deployed(RuntimeError("NotDrained"), TAKEN).tell_state()


def test_a_region_that_does_not_take_the_state_fails_the_deployment() -> None:
    with pytest.raises(RuntimeError, match="the state was not taken"):
        Deployed({"confirmed": {PRIMARY: True, SECONDARY: False}}).tell_state()


def test_after_an_update_all_is_restored_that_it_may_have_overwritten() -> None:
    deployed = Deployed(TAKEN)
    deployed.restore()
    assert (deployed.done, len(deployed.asked)) == (["policy", "replication"], 1)


# inline


@pytest.mark.parametrize(
    "module", ["application", "state_updater", "user_exporter", "user_importer", "user_guard", "finalizer", "site_publisher"]
)
def test_a_function_is_one_text_that_needs_nothing_of_ours(module: str) -> None:
    text = inline(module)
    scope: dict[str, Any] = {"__name__": "index"}
    exec(compile(text, "index.py", "exec"), scope)  # noqa: S102 - as the service does
    assert callable(scope["handler"])
    assert "infra" not in text and '"""' not in text
    assert inline(module) == text


def test_neighbours_come_first_and_once() -> None:
    names = ordered("application")
    assert len(names) == len(set(names)) and names[-1] == "application"
    assert names.index("items") < names.index("store") < names.index("comments") < names.index("photos")


def test_values_take_the_place_of_what_the_code_assigns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.py").write_text('TEXT = ""\nprint(TEXT)\n')
    monkeypatch.setattr(inlining, "FOLDER", tmp_path)
    assert inline("one", {"TEXT": "a"}) == "TEXT = 'a'\nprint(TEXT)\n"
    with pytest.raises(ValueError, match="nothing is called OTHER"):
        inline("one", {"OTHER": "a"})


def test_only_plain_values_are_shared() -> None:
    assert ast.unparse(inlining.assignment("MOVES", {("primary", True): None})) == "MOVES = {('primary', True): None}"
    with pytest.raises(ValueError, match="KEY is no plain value"):
        inlining.assignment("KEY", Key("'a'"))


class Key(str):
    """A text that is written without its quotes."""

    def __repr__(self) -> str:
        return str(self)


def test_what_is_shared_with_the_package_is_a_value_in_the_function() -> None:
    text = inline("application")
    assert f"PHOTO_BYTES_MAX = {shared.PHOTO_BYTES_MAX}\n" in text and "multiregion." not in text
    assert "MOVES" not in text and "MOVES = " in inline("state_updater")


def test_two_things_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.py").write_text("LIMIT = 1\n")
    (tmp_path / "two.py").write_text("from infra.lambdas.one import x\nLIMIT = 2\n")
    monkeypatch.setattr(inlining, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="LIMIT is defined in one and in two"):
        inline("two")
