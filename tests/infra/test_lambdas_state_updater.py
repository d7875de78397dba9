"""AppStateUpdaterLambda as code: the same moves as everywhere, one decision an epoch, copies that never go back, a region that is down."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from infra.lambdas import shared
from infra.lambdas import state_updater as updater
from infra.lambdas.items import typed
from infra.lambdas.state_updater import Authority, Copy, IllegalMove, InvalidInput, NotDrained, StaleEpoch, Unavailable
from multiregion import errors, states
from tests.infra.changes import GUIDE, change, copies, lose
from tests.infra.region import (
    APP,
    ENVIRONMENT,
    PREFIX,
    PRIMARY,
    SECONDARY,
    Failing,
    admit,
    clear,
    client,
    items,
    refusal,
    set_policy,
    two_regions,
)


@pytest.fixture(scope="module", autouse=True)
def account() -> Iterator[None]:
    with two_regions():
        yield


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    clear()
    for name in ("CONFIRM_SECONDS", "DRAIN_SECONDS", "PAUSE_SECONDS"):
        monkeypatch.setattr(updater, name, 0.01)


def fence_of(region: str) -> list[str]:
    policy = json.loads(client("s3", region).get_bucket_policy(Bucket=f"{PREFIX}-photos-{region}")["Policy"])
    return [statement["Sid"] for statement in policy["Statement"]]


# moves


@pytest.mark.parametrize(("state", "leader", "writable"), list(product(states.State, states.Role, (False, True))))
def test_moves_are_those_of_the_package(state: states.State, leader: states.Role, writable: bool) -> None:
    for to, wish, drained, lost in product(states.State, (False, True), (False, True), (False, True)):
        current = states.RoutingState(state, 7, leader, writable)
        here = {"state": state.value, "epoch": 7, "leader": leader.value, "writable": writable}
        wanted = wish and to is states.State.FAILOVER  # elsewhere it means nothing
        try:
            expected: Any = states.move(current, to, writable=wanted, drained=drained, region_lost=lost)
        except errors.IllegalMove:
            with pytest.raises(IllegalMove):
                updater.move(here, to.value, writable=wanted, drained=drained, lost=lost)
            continue
        found = updater.move(here, to.value, writable=wanted, drained=drained, lost=lost)
        assert found == {"state": expected.state, "epoch": 8, "leader": expected.leader, "writable": expected.writable}
        assert updater.writer_of(found["state"], found["writable"]) == expected.writer


def test_the_first_state_is_that_of_the_package() -> None:
    first = states.FIRST
    assert {"state": first.state, "epoch": first.epoch, "leader": first.leader, "writable": first.writable} == shared.FIRST


def test_the_guides_payload_changes_the_state_in_both_regions() -> None:
    assert change("active")["epoch"] == 1
    answer = change("fenced", Reason="maintenance", Actor="ada")
    assert answer == {
        "appId": APP,
        "state": "fenced",
        "epoch": 2,
        "writer": None,
        "regions": {"primary": PRIMARY, "secondary": SECONDARY},
        "leader": "primary",
        "confirmed": {PRIMARY: True, SECONDARY: True},
        "changed": True,
    }
    for copy in copies():
        assert (copy["state"], copy["epoch"], copy["actor"], copy["reason"], "writer" in copy) == ("fenced", 2, "ada", "maintenance", False)
    history = sorted(items("AuthorityTable", SECONDARY), key=lambda each: each["epoch"])
    assert [(each["epoch"], each["state"], each["actor"]) for each in history] == [(1, "active", "multiregion"), (2, "fenced", "ada")]


def test_it_goes_through_all_states_and_back() -> None:
    seen = [change(state)["state"] for state in ("fenced", "failover", "fenced", "active", "failover", "active")]
    assert seen == ["fenced", "failover", "fenced", "active", "failover", "active"]
    assert [copy["writer"] for copy in copies()] == [PRIMARY, PRIMARY]


def test_asking_for_the_state_that_is_there_tells_the_regions_again() -> None:
    change("fenced")
    client("dynamodb", SECONDARY).delete_item(TableName=ENVIRONMENT["STATE_TABLE"], Key=typed({"appId": APP}))
    answer = change("fenced")
    assert (answer["changed"], answer["epoch"]) == (False, 2) and [copy["epoch"] for copy in copies()] == [2, 2]


def test_the_caller_is_kept_where_no_actor_is_given() -> None:
    change("fenced")
    assert copies()[0]["actor"] == "tester"


def test_the_handler_reads_the_functions_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    answer = updater.handler({**GUIDE, "NewState": "fenced"}, SimpleNamespace(aws_request_id="r1"))
    assert (answer["state"], copies()[0]["actor"]) == ("fenced", "lambda r1")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"NewState": "Active"}, "NewState must be one of active, fenced, failover"),
        ({"NewState": None}, "NewState"),
        ({"AppId": "other"}, "AppId"),
        ({"TableName": "other"}, "TableName"),
        ({"TableName": 7}, "TableName"),
        ({"Reason": "x" * 501}, "Reason"),
        ({"Writable": "yes"}, "Writable"),
        ({"RegionLost": 1}, "RegionLost"),
        ({"ExpectedEpoch": "2"}, "ExpectedEpoch"),
        ({"ExpectedEpoch": True}, "ExpectedEpoch"),
        ({"Newstate": "active"}, "unknown field Newstate"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_changed(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        change(**{"to": "fenced", **wrong} if "NewState" not in wrong else {"to": wrong["NewState"]})
    assert items("AuthorityTable", SECONDARY) == []


def test_a_change_decided_under_another_epoch_is_refused() -> None:
    change("fenced", Actor="ada")
    with pytest.raises(StaleEpoch, match=r"ada changed the state to fenced \(epoch 2\) first"):
        change("failover", ExpectedEpoch=1)
    assert change("failover", ExpectedEpoch=2)["epoch"] == 3


def test_of_two_who_decide_at_once_one_has_decided() -> None:
    change("active")
    authority = Authority(ENVIRONMENT)
    current = authority.newest()
    authority.decide(updater.move(current, "fenced", writable=False), "first", "")
    with pytest.raises(StaleEpoch, match="first changed the state to fenced"):
        authority.decide(updater.move(current, "failover", writable=False), "second", "")
    assert authority.newest()["actor"] == "first"


def test_a_decision_whose_answer_was_lost_is_not_taken_for_somebody_elses() -> None:
    authority = Authority(ENVIRONMENT)
    at_first: list[Any] = []

    class Twice:
        """The first answer is lost, and the client asks again."""

        original = authority.dynamodb
        exceptions, query = original.exceptions, original.query

        def put_item(self, **named: Any) -> Any:
            at_first.append(self.original.put_item(**named))
            return self.original.put_item(**named)

    authority.dynamodb = Twice()
    assert authority.decide(shared.FIRST, "ada", "")["epoch"] == 1 and len(at_first) == 1


@pytest.mark.parametrize("failure", [refusal("InternalServerError"), ConnectTimeoutError(endpoint_url="x")])
def test_an_authority_that_does_not_answer_changes_nothing(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    change("active")
    make = Authority.__init__

    def broken(self: Authority, environment: Any) -> None:
        make(self, environment)
        self.dynamodb = Failing(self.dynamodb, query=[failure])

    monkeypatch.setattr(Authority, "__init__", broken)
    with pytest.raises(Unavailable, match="nothing was changed"):
        change("fenced")
    assert [copy["epoch"] for copy in copies()] == [1, 1]


# copies


def test_a_copy_refuses_a_lower_epoch() -> None:
    change("active")
    change("fenced")
    item = copies()[0]
    admit("failover", 9, None, SECONDARY)
    Copy("secondary", ENVIRONMENT).put(item)
    assert [copy["epoch"] for copy in copies()] == [2, 9]


def test_a_copy_refuses_another_decision_of_the_same_epoch() -> None:
    change("fenced")
    item = copies()[0]
    Copy("primary", ENVIRONMENT).put({**item, "state": "active", "decided": "another"})
    assert copies()[0]["state"] == "fenced"


def test_a_region_that_is_down_is_reported_and_the_other_one_told(monkeypatch: pytest.MonkeyPatch) -> None:
    change("active")
    lose(monkeypatch, "primary")
    answer = change("failover")
    assert answer["confirmed"] == {PRIMARY: False, SECONDARY: True} and copies()[1]["state"] == "failover"


def test_uploads_are_denied_wherever_the_region_is_not_the_writer() -> None:
    change("active")
    assert (fence_of(PRIMARY), fence_of(SECONDARY)) == (["Own"], ["Own", "Fence"])
    change("fenced")
    assert (fence_of(PRIMARY), fence_of(SECONDARY)) == (["Own", "Fence"], ["Own", "Fence"])
    change("failover", Writable=True)
    assert (fence_of(PRIMARY), fence_of(SECONDARY)) == (["Own", "Fence"], ["Own"])


# naming a new writer


def test_a_new_writer_needs_the_old_one_fenced() -> None:
    change("active")
    with pytest.raises(IllegalMove, match="set the state fenced first"):
        change("failover", Writable=True)
    change("fenced")
    answer = change("failover", Writable=True)
    assert (answer["writer"], answer["leader"]) == (SECONDARY, "secondary")
    with pytest.raises(IllegalMove):
        change("active")
    change("fenced")
    assert change("active")["writer"] == PRIMARY


def record(region: str, id: str) -> None:
    item = typed({"photoId": "p", "commentId": id, "epoch": 1, "region": PRIMARY, "createdAt": "x"})
    client("dynamodb", region).put_item(TableName=ENVIRONMENT["COMMENTS_TABLE"], Item=item)


def test_a_new_writer_needs_both_regions_equal() -> None:
    client("s3", PRIMARY).put_object(Bucket=ENVIRONMENT["BUCKET"], Key="photos/p/x", Body=b"x")
    change("fenced")
    record(PRIMARY, "c")
    with pytest.raises(NotDrained, match="differ in 1 records and 1 objects"):
        change("failover", Writable=True)
    assert [copy["state"] for copy in copies()] == ["fenced", "fenced"]
    record(SECONDARY, "c")
    with pytest.raises(NotDrained, match="0 records and 1 objects"):
        change("failover", Writable=True)
    replicate("photos/p/x")
    assert change("failover", Writable=True)["writer"] == SECONDARY


def replicate(key: str) -> None:
    """Replication is no upload, so the fence does not hold it up; here it is one, before the fence is put back."""
    bucket = f"{PREFIX}-photos-{SECONDARY}"
    fenced = client("s3", SECONDARY).get_bucket_policy(Bucket=bucket)["Policy"]
    set_policy(SECONDARY)
    client("s3", SECONDARY).put_object(Bucket=bucket, Key=key, Body=b"x")
    client("s3", SECONDARY).put_bucket_policy(Bucket=bucket, Policy=fenced)


def test_a_region_that_cannot_be_read_is_not_drained(monkeypatch: pytest.MonkeyPatch) -> None:
    change("fenced")
    lose(monkeypatch, "primary")
    with pytest.raises(NotDrained, match="has not confirmed the fenced state"):
        change("failover", Writable=True)


def test_a_lost_region_is_taken_over_from_on_the_operators_word(monkeypatch: pytest.MonkeyPatch) -> None:
    change("active")
    lose(monkeypatch, "primary")
    with pytest.raises(IllegalMove, match="AcceptLoss"):
        change("failover", Writable=True, RegionLost=True)
    answer = change("failover", Writable=True, RegionLost=True, AcceptLoss=True)
    assert (answer["writer"], answer["confirmed"]) == (SECONDARY, {PRIMARY: False, SECONDARY: True})


def test_failover_is_writable_by_default_where_the_stack_says_so() -> None:
    writable = {**ENVIRONMENT, "FAILOVER_WRITABLE": "yes"}
    change("fenced")
    assert change("failover", writable)["writer"] == SECONDARY
    change("fenced")
    assert change("failover", writable, Writable=False)["writer"] is None


# metrics


@pytest.fixture
def endpoint() -> Iterator[SimpleNamespace]:
    received: list[Any] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/", received=received)
    server.shutdown()
    server.server_close()
    thread.join()


def test_metrics_have_exactly_the_guides_fields(endpoint: SimpleNamespace) -> None:
    sending = {**ENVIRONMENT, "SEND_METRICS": "Yes", "METRICS_ENDPOINT": endpoint.url}
    change("fenced", sending)
    change("fenced", sending)
    (event,) = endpoint.received
    assert event.pop("TimeStamp")
    assert event == {"Solution": "multiregion", "Version": "0.1.0", "UUID": APP, "Event": "STATE_UPDATED", "Value": "fenced"}


def test_metrics_are_off_by_default_and_never_in_the_way(endpoint: SimpleNamespace) -> None:
    change("fenced", {**ENVIRONMENT, "METRICS_ENDPOINT": endpoint.url})
    assert endpoint.received == []
    gone = {**ENVIRONMENT, "SEND_METRICS": "Yes", "METRICS_ENDPOINT": "http://127.0.0.1:9/"}
    assert change("active", gone)["state"] == "active"
