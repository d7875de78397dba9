"""Orders of several operators that cross, over real processes: what one was told holds, and whoever is overtaken is told by whom."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import pytest

from tests.acceptance.deployment import Deployment, deployed, until, upload
from tests.acceptance.operators import Operator, Refused
from tests.acceptance.pictures import picture
from tests.acceptance.test_operators import Duel

TRIES, DUELS = 12, 100
DRAIN_SECONDS = 20


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("orders"), MULTIREGION_DRAIN_SECONDS=str(DRAIN_SECONDS)) as deployment:
        with deployment.region("primary") as http:
            assert upload(http, picture(0), photoId="subject").status_code == 201
        yield deployment


@pytest.fixture
def operators(running: Deployment) -> Iterator[tuple[Operator, Operator]]:
    """Two people, and an application that is active and level; it is so again afterwards."""
    ada, grace = Operator(running, "ada"), Operator(running, "grace")
    ada.until_level()
    yield ada, grace
    running.mend()
    ada.until_level()
    ada.change("failback")
    ada.until_level()


@dataclass
class Given:
    """An order that is given in the background, and what it was told."""

    order: Callable[[], dict[str, Any]]
    told: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._give)
        self._thread.start()

    def _give(self) -> None:
        try:
            self.told = self.order()
        except Refused as refused:
            self.told = refused.problem
        except httpx.HTTPError as error:
            self.told = {"broken": str(error)}

    def answer(self) -> dict[str, Any]:
        self._thread.join(60)
        assert self.told, "no answer within 60 s"
        return self.told


def begun_or_told(operator: Operator, who: str, given: Given) -> bool:
    return bool(given.told) or any(run["actor"] == who and run["outcome"] == "running" for run in operator.get("progress")["runs"])


def write(running: Deployment, role: str) -> int:
    with running.region(role) as http:
        return http.post("/comments/subject", json={"message": "is anybody writing?"}).status_code


def stuck(running: Deployment, ada: Operator, path: str = "failover", **body: Any) -> Given:
    """A planned switch that has fenced, and waits for a line that is cut."""
    running.change_wire(cut=True)
    assert write(running, "primary") == 201
    given = Given(partial(ada.change, path, **body))
    until(lambda: ada.state()["state"] == "fenced", "the switch has fenced")
    return given


def test_to_fence_stops_a_switch_that_is_under_way(running: Deployment, operators: tuple[Operator, Operator]) -> None:
    ada, grace = operators
    switch = stuck(running, ada, writable=True)
    steps = [line["step"] for line in grace.order("state", state="fenced", reason="stop") if "step" in line]
    assert (steps[0]["name"], steps[0]["outcome"]) == ("claim", "done") and "the order of ada" in steps[0]["detail"]
    running.change_wire(cut=False)
    told = switch.answer()
    assert told["code"] == "stale_epoch" and told["detail"].startswith("grace changed the state to fenced")
    assert [write(running, role) for role in ("primary", "secondary")] == [409, 409]
    newest, fence = [line for line in ada.history() if line["what"] == "state"][:2]
    assert (newest["actor"], newest["state"], newest["reason"]) == ("grace", "fenced", "stop")
    assert (fence["actor"], fence["facts"]) == ("ada", {"towards": {"state": "failover", "writable": True}})


def test_at_any_moment_of_a_switch_a_fence_that_succeeds_stays(running: Deployment, operators: tuple[Operator, Operator]) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance, (ada, grace) = random.Random(seed), operators
    running.change_wire(delay_milliseconds=30)
    for _ in range(TRIES):
        switch = Given(partial(ada.change, "failover", writable=True))
        until(partial(begun_or_told, grace, "ada", switch), "the switch has begun")
        time.sleep(chance.uniform(0, 0.15))
        fenced = grace.change("state", state="fenced")
        told = switch.answer()
        state = ada.state()
        print(f"fenced at epoch {fenced['epoch']}; the switch was told {told.get('code', told.get('state'))}")
        assert state == fenced and state["state"] == "fenced", "nothing undoes a fence but an order that is given after it"
        assert told.get("code") == "stale_epoch" or told["epoch"] < fenced["epoch"]
        assert write(running, "secondary") == 409
        ada.change("failback")


@pytest.mark.parametrize(("path", "body"), [("failback", {}), ("state", {"state": "active"})])
def test_whoever_comes_back_in_the_middle_of_a_switch_stays_there(
    running: Deployment, operators: tuple[Operator, Operator], path: str, body: dict[str, Any]
) -> None:
    ada, grace = operators
    switch = stuck(running, ada)
    assert grace.change(path, **body)["state"] == "active"
    began = time.monotonic()
    told = switch.answer()
    assert time.monotonic() - began < DRAIN_SECONDS / 2, "it is told while the line is still cut"
    running.change_wire(cut=False)
    assert told["code"] == "stale_epoch" and "grace changed the state to active" in told["detail"]
    assert write(running, "primary") == 201


def test_what_an_authority_that_died_left_half_done_is_claimed_and_told(running: Deployment, operators: tuple[Operator, Operator]) -> None:
    ada, grace = operators
    switch = stuck(running, ada, "switchover")
    running.kill("authority")
    assert "broken" in switch.answer()
    running.restart("authority")
    before = grace.state()
    after = grace.change("state", state="fenced")
    assert (after["state"], after["epoch"]) == ("fenced", before["epoch"] + 1)
    assert grace.change("state", state="fenced")["epoch"] == after["epoch"], "it is what somebody wanted now"
    assert "on the way to failover, writable" in running.run("state", "history").stdout


def test_a_switchover_whose_authority_died_goes_on_to_where_it_was_going(running: Deployment, operators: tuple[Operator, Operator]) -> None:
    """From the secondary, too: run again, it does not go back."""
    ada, grace = operators
    assert ada.change("switchover")["writer"] == "ap-northeast-1"
    ada.until_level()
    running.change_wire(cut=True)
    assert write(running, "secondary") == 201
    switch = Given(partial(ada.change, "switchover"))
    until(lambda: grace.state()["state"] == "fenced", "the switchover has fenced")
    running.kill("authority")
    switch.answer()
    running.restart("authority")
    running.change_wire(cut=False)
    assert grace.change("switchover")["writer"] == "us-east-1"


def test_of_two_orders_at_the_same_moment_nobody_is_sent_to_recover_the_authority(
    running: Deployment, operators: tuple[Operator, Operator]
) -> None:
    """Without an epoch, as the commands give them: both may succeed, one after the other; the last one told is the state."""
    ada, grace = operators
    pairs = [("fenced", "failover"), ("active", "fenced"), ("failover", "active")]
    for n in range(DUELS):
        wanted = pairs[n % len(pairs)]
        told = Duel([ada, grace]).fight([lambda who, to=to: who.change("state", state=to) for to in wanted])  # type: ignore[misc]
        state = ada.state()
        for each in told:
            assert each.get("code") in (None, "stale_epoch"), each
            assert "backup" not in each.get("detail", "")
        assert any("code" not in each and each["epoch"] == state["epoch"] for each in told)
