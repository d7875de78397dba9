"""The load of a drill: operations are due at fixed times whatever became of those before, and answers are taken for what they say."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import pytest

from multiregion.drills.compass import Compass, client_at, clients_of
from multiregion.drills.history import Event, Operation
from multiregion.drills.target import NO_CONNECTION, Silent, position_in, silence
from multiregion.drills.workload import Workload, chance, chosen, outcome_of
from multiregion.probes import Answer, Attempt, Call
from tests.unit.manual_clock import ManualClock

REGIONS = {"primary": "east", "secondary": "west"}
ACTIVE = {"state": "active", "epoch": 3, "writer": "east"}
MOVED = {"state": "failover", "epoch": 5, "writer": "west"}
RATE = 100.0


class Regions:
    """A target whose regions only have a state."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = dict(ACTIVE)

    def call(self, role: str, headers: Mapping[str, str], *, seconds: float = 2.0) -> Call:
        return OneCall(role, headers)

    def address(self, role: str) -> str:
        return f"http://{role}"

    async def state(self, role: str) -> dict[str, Any]:
        return self.told

    async def states(self, role: str) -> AsyncIterator[dict[str, Any]]:
        yield self.told


class OneCall:
    client_id = pool_id = ""
    operator: Mapping[str, str] = {}

    def __init__(self, role: str, headers: Mapping[str, str]) -> None:
        self.role, self.headers = role, headers

    async def __call__(
        self, method: str, path: str, *, json: Any = None, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        return Answer(200, {}, b"{}")

    async def position(self) -> tuple[int, int] | None:
        return (3, 77)


class Scripted:
    """Answers as `answer` says."""

    mix: Mapping[str, float] = {"add": 1}

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.made: list[Attempt] = []
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.noted: list[tuple[str, str]] = []

    async def prepare(self, call: Call, *, clients: Sequence[int], operations: int) -> None: ...

    def propose(self, kind: str, client: int, number: int) -> Attempt | None:
        return None if kind == "delete" else Attempt(kind, f"drill-1-{client}-{number}", client, number)

    async def make(self, attempt: Attempt, call: Call) -> Answer:
        assert isinstance(call, OneCall)
        self.made.append(attempt)
        self.asked.append((call.role, call.headers))
        found: Answer = await self.answer(attempt, call.role)
        return found

    def note(self, attempt: Attempt, outcome: str, answer: Answer | None) -> None:
        self.noted.append((attempt.id, outcome))

    async def read_back(self, call: Call) -> Sequence[Mapping[str, Any]]:
        return []

    def lost(self, record: str, what: str) -> tuple[str, str] | None:
        return None

    async def remove(self, call: Call) -> None: ...

    async def remaining(self, call: Call) -> Sequence[str]:
        return []


class Yielding(ManualClock):
    """Others get their turn while somebody sleeps."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        await super().sleep(seconds)


class Made:
    """A workload, and what it has recorded."""

    def __init__(self, answer: Any, mix: Mapping[str, float], clients: int = 8, seed: int = 1) -> None:
        self.operations: list[Operation] = []
        self.events: list[Event] = []
        self.target, self.probe, clock = Regions(), Scripted(answer), Yielding()
        began = clock.monotonic()

        def now() -> int:
            return round((clock.monotonic() - began) * 1_000_000)

        self.clients = clients_of(clients)
        self.compass = Compass(self.target, REGIONS, clock, now, self.events.append)
        self.compass.begin(ACTIVE)
        self.workload = Workload(
            self.probe, self.target, self.compass, self.clients, REGIONS, rate=RATE, seed=seed, mix=mix, clock=clock, now=now,
            record=self.operations.append,
        )  # fmt: skip

    async def run(self, operations: int) -> None:
        """So many, and those that have begun meanwhile."""
        task = asyncio.create_task(self.workload.run())
        while len(self.probe.made) < operations:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.workload.drain()

    def of(self, conduct: str) -> list[Operation]:
        numbers = {client.c for client in self.clients if client.conduct == conduct}
        return [each for each in self.operations if each.c in numbers]


async def good(attempt: Attempt, role: str) -> Answer:
    return Answer(201, {"multiregion-position": "3.41.abc.def"}, b"{}")


def refused(state: Mapping[str, Any] | None = None, status: int = 409, code: str = "fenced") -> Answer:
    return Answer(status, {}, json.dumps({"code": code, **({"state": state} if state else {})}).encode())


async def test_operations_go_out_on_time_though_none_is_answered() -> None:
    """A closed loop would have sent as many as there are clients, and then waited."""

    async def hangs(attempt: Attempt, role: str) -> Answer:
        await asyncio.sleep(60)
        raise AssertionError

    made = Made(hangs, {"add": 1}, clients=4)
    await made.run(50)
    dues = sorted(each.due for each in made.operations)
    assert {later - earlier for earlier, later in itertools.pairwise(dues)} == {10_000}
    assert all(abs(each.sent - each.due) <= 1 for each in made.operations)
    assert {(each.out, each.code) for each in made.operations} == {("unknown", "timeout")}
    assert made.workload.counts.in_flight_most >= 50


async def test_the_same_seed_makes_the_same_operations() -> None:
    runs = []
    for seed in (5, 5, 6):
        made = Made(good, {"add": 3, "read": 1, "replace": 1}, seed=seed)
        await made.run(40)
        runs.append([(attempt.kind, attempt.client) for attempt in sorted(made.probe.made, key=lambda each: each.number)][:25])
    assert runs[0] == runs[1] != runs[2]


async def test_where_there_is_nothing_to_do_it_to_something_is_added() -> None:
    made = Made(good, {"delete": 1})
    await made.run(10)
    assert {each.k for each in made.operations} == {"add"}


@pytest.mark.parametrize(
    ("answer", "out", "code"),
    [
        (Answer(201, {}, b"{}"), "ok", None),
        (refused(), "refused", "fenced"),
        (refused(status=507, code="disk_full"), "refused", "disk_full"),
        (refused(status=503, code="unreachable"), "unknown", "unreachable"),
        (refused(status=503, code="commit_unknown"), "unknown", "commit_unknown"),
        (Answer(409, {}, b'{"__type": "FencedException"}'), "refused", "FencedException"),
        (Answer(503, {}, b'{"__type": "ServiceUnavailableException"}'), "unknown", "ServiceUnavailableException"),
        (Answer(500, {}, b"oops"), "unknown", None),
        (Answer(502, {}, b"[]"), "unknown", None),
    ],
)
def test_an_answer_is_taken_for_what_it_says(answer: Answer, out: str, code: str | None) -> None:
    assert outcome_of(answer) == (out, code)


@pytest.mark.parametrize(
    ("error", "definite"),
    [
        (httpx.ConnectError("refused"), True),
        (httpx.ConnectTimeout("late"), True),
        (httpx.ReadTimeout("late"), False),
        (httpx.ReadError("reset"), False),
        (httpx.RemoteProtocolError("gone"), False),
        (httpx.WriteError("reset"), False),
    ],
)
def test_only_a_connection_that_was_never_made_surely_carried_nothing(error: Exception, definite: bool) -> None:
    assert silence(error).definite is definite


async def test_no_connection_is_a_refusal_and_a_reset_is_not() -> None:
    async def silent(attempt: Attempt, role: str) -> Answer:
        raise Silent(NO_CONNECTION, definite=True) if attempt.number % 2 else Silent("reset", definite=False)

    made = Made(silent, {"add": 1})
    await made.run(30)
    assert {(each.out, each.code) for each in made.operations} == {("refused", NO_CONNECTION), ("unknown", "reset")}


async def test_who_follows_goes_where_a_refusal_says_and_a_stale_tab_does_not() -> None:
    async def moved(attempt: Attempt, role: str) -> Answer:
        return refused(MOVED) if role == "primary" else await good(attempt, role)

    made = Made(moved, {"add": 1}, seed=3)
    made.target.told = dict(MOVED)
    await made.run(600)
    assert [each.out for each in made.of("follows")][-20:] == ["ok"] * 20
    assert {each.to for each in made.of("stale")} == {"primary"}
    assert {each.out for each in made.of("stale")} == {"refused"}
    assert {(each.to, made.clients[each.c].role) for each in made.of("pinned")} == {("primary", "primary"), ("secondary", "secondary")}


async def test_a_write_says_under_which_epoch_it_was_decided_and_a_script_does_not() -> None:
    made = Made(good, {"add": 1}, seed=3)
    made.compass.learn(MOVED)
    await made.run(100)
    said = {client.conduct: made.compass.headers_for(client).get("Multiregion-Epoch") for client in made.clients}
    assert said == {"follows": "5", "stale": "3", "pinned": None}
    assert {headers.get("Multiregion-Epoch") for _, headers in made.probe.asked} >= {"5"}


async def test_a_read_that_gets_no_answer_asks_the_other_region_and_a_write_does_not() -> None:
    async def half(attempt: Attempt, role: str) -> Answer:
        if role == "primary":
            raise Silent("reset", definite=False)
        return await good(attempt, role)

    made = Made(half, {"add": 1, "read": 1})
    made.target.told = dict(ACTIVE)
    await made.run(60)
    reads = [each for each in made.of("follows") if each.k == "read"]
    assert {(each.out, each.to, tuple(each.tried)) for each in reads} == {("ok", "secondary", ("primary", "secondary"))}
    assert {(each.out, tuple(each.tried)) for each in made.of("follows") if each.k == "add"} == {("unknown", ())}


async def test_only_what_is_unknown_is_repeated_with_the_same_id_and_no_epoch_is_claimed_for_it() -> None:
    async def first_unknown(attempt: Attempt, role: str) -> Answer:
        if attempt.again is None and attempt.number < 20:
            raise Silent("reset", definite=False)
        return await good(attempt, role)

    made = Made(first_unknown, {"add": 1, "repeat": 1})
    await made.run(80)
    repeats = [each for each in made.operations if each.k == "repeat"]
    unknown = {each.id for each in made.operations if each.out == "unknown"}
    assert repeats
    assert {each.id for each in repeats} <= unknown
    assert {(each.t, each.epoch, each.position) for each in repeats} == {("add", None, (3, 41))}


async def test_what_got_no_answer_is_repeated_within_seconds_or_not_at_all() -> None:
    async def first_unknown(attempt: Attempt, role: str) -> Answer:
        if attempt.again is None and attempt.number < 400:
            raise Silent("reset", definite=False)
        return await good(attempt, role)

    made = Made(first_unknown, {"add": 30, "repeat": 1})
    await made.run(1500)
    gaps = [attempt.number - int(attempt.id.rpartition("-")[2]) for attempt in made.probe.made if attempt.again]
    assert gaps
    assert max(gaps) <= 5 * RATE


async def test_what_has_versions_is_not_repeated() -> None:
    async def silent(attempt: Attempt, role: str) -> Answer:
        raise Silent("reset", definite=False)

    made = Made(silent, {"replace": 1, "repeat": 1})
    await made.run(60)
    assert {(attempt.kind, attempt.again) for attempt in made.probe.made} >= {("replace", None)}
    assert "replace" not in {attempt.again for attempt in made.probe.made}


async def test_an_answer_that_does_not_say_its_position_is_followed_by_asking_for_it() -> None:
    async def quiet(attempt: Attempt, role: str) -> Answer:
        return Answer(200, {}, b"{}")

    made = Made(quiet, {"replace": 1, "read": 1})
    await made.run(30)
    assert {(each.k, each.position, each.epoch) for each in made.operations} == {("replace", (3, 77), None), ("read", None, None)}


async def test_each_new_state_is_recorded_once_for_each_region() -> None:
    made = Made(good, {"add": 1})
    for state in (ACTIVE, ACTIVE, MOVED, ACTIVE):
        made.compass.learn(state, "primary")
    assert [(each.part, each.epoch, each.writer) for each in made.events] == [("primary", 3, "east"), ("primary", 5, "west")]
    assert made.compass.serving == "secondary"


def test_one_operation_in_a_hundred_is_a_stale_tabs() -> None:
    clients = clients_of(8)
    counted = Counter(client_at(clients, chance(1, number)).conduct for number in range(20_000))
    assert 0.007 < counted["stale"] / 20_000 < 0.013
    assert 0.033 < counted["pinned"] / 20_000 < 0.047


def test_kinds_come_as_often_as_their_weight_says() -> None:
    counted = Counter(chosen({"add": 3, "read": 1, "photo": 0}, chance(1, number)) for number in range(8_000))
    assert 0.72 < counted["add"] / 8_000 < 0.78
    assert counted["photo"] == 0


def test_a_position_that_is_none_is_none() -> None:
    assert position_in(Answer(200, {"multiregion-position": "4.17.x.y"}, b"")) == (4, 17)
    assert position_in(Answer(200, {"multiregion-position": "soon"}, b"")) is None
    assert position_in(Answer(200, {}, b"")) is None
