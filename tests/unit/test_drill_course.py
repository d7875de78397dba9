"""The course of a drill: when nothing may be injected, that everything is undone, how runs are numbered, and what the ledger's rows say."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from multiregion.clock import SystemClock
from multiregion.drills import runs
from multiregion.drills.collect import ledger, marks
from multiregion.drills.compass import Compass, clients_of
from multiregion.drills.course import Course, Stage, Stopped
from multiregion.drills.faults import Deed, Undo, UndoFile
from multiregion.drills.history import Header, Operation, Writer, read
from multiregion.drills.junit import junit
from multiregion.drills.plan import Decision, Drill, Plan
from multiregion.drills.plan import Workload as Load
from multiregion.drills.preflight import reasons
from multiregion.drills.recording import Recording
from multiregion.drills.workload import Workload
from multiregion.embedded.authority import SqliteState
from multiregion.errors import Conflict, NotFound, SwitchFailed
from multiregion.probes import Answer, Attempt
from tests.unit.test_drill_workload import ACTIVE, MOVED, REGIONS, Regions, Scripted, Yielding, good, refused

SIDE: dict[str, Any] = {
    "answers": True, "ready": True, "reasons": [], "replicating": True, "epoch": 3, "content": "same", "degradedSince": None,
    "lag": {"seconds": 0.1, "changes": 0, "bytes": 0}, "writing": {"problem": None},
}  # fmt: skip
WELL: dict[str, Any] = {
    **ACTIVE,
    "status": {"primary": SIDE, "secondary": SIDE},
    "authority": {"writing": {"problem": None}},
    "automatic": {"mode": "manual", "paused": False, "unacknowledged": False},
}
NOTHING_LOST: dict[str, Any] = {"losses": [], "notAnswering": []}


class Authority:
    """Obeys, and remembers what it was told."""

    def __init__(self) -> None:
        self.ordered: list[str] = []
        self.fails = ""
        self.state: dict[str, Any] = dict(ACTIVE)
        self.last = {"actor": "ada", "reason": ""}
        self.losses: list[dict[str, Any]] = []
        self.settled: list[str] = []

    async def get(self, path: str) -> dict[str, Any]:
        if path == "status":
            return {
                **WELL,
                **self.state,
                "lastChange": self.last,
                "status": {role: {**SIDE, "epoch": self.state["epoch"]} for role in REGIONS},
            }
        return {"losses": {**NOTHING_LOST, "losses": self.losses}, "state": self.state}[path]

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        return {}

    async def order(self, path: str, **body: Any) -> AsyncIterator[dict[str, Any]]:
        self.ordered.append(path)
        if path == self.fails:
            raise SwitchFailed("no")
        self.state = dict(MOVED) if path == "failover" else {**ACTIVE, "epoch": 7}
        self.last = {"actor": "ada", "reason": body["reason"]}
        told: dict[str, Any] = {"outcome": "done", "seconds": 0.1, "epoch": 5}
        yield {"step": {**told, "name": "take over", "detail": "active → failover, epoch 5", "region": None}}
        yield {"step": {**told, "name": "admit west", "detail": "failover, epoch 5", "region": "west"}}

    async def all(self, path: str, **body: Any) -> list[dict[str, Any]]:
        if path.startswith("losses/"):
            self.settled += body["ids"]
            return []
        return [event async for event in self.order(path, **body)]

    async def history(self) -> list[dict[str, Any]]:
        return [{"facts": {"predictedLoss": {"changes": 4, "seconds": 0.5}}}]


class Parts:
    def __init__(self) -> None:
        self.did: list[Deed] = []
        self.fails = ""

    async def do(self, deed: Deed) -> None:
        if deed.what == self.fails:
            raise NotFound("cannot")
        self.did.append(deed)

    def impossible(self, deed: Deed) -> str | None:
        return None


class Rehearsal:
    """A course of the shortest length, with its time pushed on."""

    def __init__(self, folder: Path, answer: Any = good, scenario: str = "crash") -> None:
        self.clock, self.authority, self.parts, self.said = Yielding(), Authority(), Parts(), list[dict[str, Any]]()
        self.undo = UndoFile(folder)
        self.undo.begin(Undo(1, "bundle", "active"))
        self.recording = Recording(self.clock, self.said.append)
        header = Header(
            run=1, scenario=scenario, plan="", nonce="", seed=1, rate=20, started="", offsets={}, regions=REGIONS, clients=clients_of(4)
        )
        self.file = folder / "history.jsonl"
        self.writer = Writer(self.file, header)
        self.recording.to(self.writer)
        plan = Plan(Drill(scenario), workload=Load(rate=20, clients=4, duration="15s"))
        target = Regions()
        compass = Compass(target, REGIONS, self.clock, self.recording.now, self.recording.line)
        compass.begin(ACTIVE)
        self.workload = Workload(
            Scripted(answer), target, compass, clients_of(4), REGIONS, rate=20, seed=1, mix={"add": 1}, clock=self.clock,
            now=self.recording.now, record=self.recording.operation,
        )  # fmt: skip
        self.course = Course(
            Stage(plan, self.workload, compass, self.authority, self.parts, self.undo, self.recording, self.clock, REGIONS, False, 1)
        )

    def events(self, name: str) -> list[str | None]:
        self.writer.close()
        return [event.what for event in read(self.file).events if event.event == name]


async def test_a_crash_goes_through_every_phase_in_order(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    await rehearsal.course.run()
    await rehearsal.course.calm()
    assert rehearsal.events("phase") == [
        "baseline", "fault", "outage", "takeover", "after", "return", "settle", "failback", "home", "calm",
    ]  # fmt: skip
    assert rehearsal.parts.did == [Deed("kill", "primary"), Deed("start", "primary")]
    assert rehearsal.authority.ordered == ["failover", "failback"]
    assert [rehearsal.events(name) for name in ("fault", "undo", "decided", "level")] == [["kill"], ["start"], ["take over"] * 2, [None]]
    predicted = next(event for event in read(rehearsal.file).events if event.event == "prediction")
    assert predicted.detail == {"writes": 4, "seconds": 0.5}


async def test_nothing_is_injected_while_operations_fail(tmp_path: Path) -> None:
    async def fails(attempt: Attempt, role: str) -> Answer:
        return refused() if attempt.number % 20 == 0 else await good(attempt, role)

    rehearsal = Rehearsal(tmp_path, fails)
    with pytest.raises(Stopped, match="nothing was injected"):
        await rehearsal.course.run()
    assert (rehearsal.parts.did, rehearsal.authority.ordered) == ([], [])


async def test_nothing_is_injected_by_a_driver_that_is_late(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    rehearsal.workload.counts.late += [60_000] * 500
    with pytest.raises(Stopped, match="60 ms late"):
        await rehearsal.course.run()
    assert rehearsal.parts.did == []


async def test_a_takeover_that_fails_leaves_the_undo_registered_and_back_undoes_it(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    rehearsal.authority.fails = "failover"
    with pytest.raises(SwitchFailed):
        await rehearsal.course.run()
    left = rehearsal.undo.read()
    assert left is not None and left.deeds == [Deed("start", "primary")]
    await rehearsal.course.back()
    assert rehearsal.parts.did == [Deed("kill", "primary"), Deed("start", "primary")]


async def test_what_cannot_be_undone_is_said_with_what_to_do(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    rehearsal.parts.fails = "start"
    with pytest.raises(SwitchFailed, match=r"start primary: cannot.*multiregion drill abort"):
        await rehearsal.course.run()


async def test_what_an_operator_has_ordered_meanwhile_is_left_so(tmp_path: Path) -> None:
    """The same user, perhaps: it is another order all the same."""
    rehearsal = Rehearsal(tmp_path)
    rehearsal.authority.state = {**MOVED, "state": "fenced", "epoch": 9}
    rehearsal.authority.last = {"actor": "ada", "reason": "the disk smells"}
    with pytest.raises(
        SwitchFailed, match=r"ada changed the state to fenced \(epoch 9\) during the drill, because: the disk smells. It is left so"
    ):
        await rehearsal.course.failback()
    assert rehearsal.authority.ordered == []
    for actor, reason in (("automatic", "the lease has run out"), ("multiregion", "goes on"), ("ada", "drill: crash")):
        rehearsal.authority.state, rehearsal.authority.last = dict(MOVED), {"actor": actor, "reason": reason}
        await rehearsal.course.failback()
    assert rehearsal.authority.ordered == ["failback"] * 3


async def test_without_a_takeover_nothing_is_ordered(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, scenario="return")
    await rehearsal.course.run()
    assert rehearsal.authority.ordered == []
    assert rehearsal.parts.did == [Deed("kill", "secondary"), Deed("start", "secondary")]


async def test_what_others_have_lost_is_theirs_to_decide_about(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    rehearsal.authority.losses = [
        loss("1.1", "comments/drill-1-t0-0/drill-1-0-3", "pending"),
        loss("1.2", "comments/holiday/beautiful", "pending"),
        loss("1.3", "deletions/drill-1-0-9", "pending"),
        loss("1.4", "comments/drill-11-t0-0/drill-11-0-3", "pending"),
        loss("1.5", "users/drill-1-r0", "applied"),
        loss("1.6-9", "comments/x", "pending"),
    ]
    await rehearsal.course.settle()
    assert rehearsal.authority.settled == ["1.1", "1.3", "1.6-9"]


# Whether it may start


def but(path: str, value: Any) -> dict[str, Any]:
    """WELL with one thing changed."""
    first, *rest = path.split(".")

    def changed(document: Mapping[str, Any], name: str, more: list[str]) -> dict[str, Any]:
        return {**document, name: changed(document[name], more[0], more[1:]) if more else value}

    return changed(WELL, first, rest)


REFUSALS = [
    (but("state", "fenced"), "the state is fenced"),
    (but("status.primary.answers", False), "the primary region does not answer"),
    (but("status.secondary.ready", False), "the secondary region is not ready"),
    (but("status.secondary.lag.seconds", None), "how far the secondary region is behind is not known"),
    (but("status.primary.degradedSince", "noon"), "acknowledges without the other one since noon"),
    (but("status.primary.writing.problem", "the disk is full"), "the disk of the primary region: the disk is full"),
    (but("authority.writing.problem", "slow"), "the authority's disk: slow"),
    (but("automatic", {"mode": "automatic", "paused": True, "unacknowledged": False}), "automatic takeover is paused"),
    (but("automatic", {"mode": "automatic", "paused": False, "unacknowledged": True}), "is not acknowledged"),
]


@pytest.mark.parametrize(("status", "words"), REFUSALS)
def test_each_reason_not_to_start_is_said(status: dict[str, Any], words: str) -> None:
    (found,) = reasons(Plan(Drill("crash")), status, NOTHING_LOST, [], None, False)
    assert words in found


def test_every_reason_is_listed_at_once() -> None:
    losses = {"losses": [{"outcome": "pending"}, {"outcome": "discarded"}], "notAnswering": ["west"]}
    plan = Plan(Drill("crash"), decision=Decision(by="automatic"))
    found = reasons(plan, but("state", "failover"), losses, ["the wire does not run"], "drill 4", True)
    assert len(found) == 7
    assert any("1 entry of the loss ledger" in reason for reason in found)


def test_a_deployment_that_is_well_is_drilled() -> None:
    assert reasons(Plan(Drill("crash")), WELL, NOTHING_LOST, [], None, False) == []


# Numbers


class Lines:
    """The authority's own store, as the operators' API shows it."""

    def __init__(self, store: SqliteState) -> None:
        self._store = store

    async def drills(self) -> list[Mapping[str, Any]]:
        return [{"actor": each.actor, "at": str(each.at), "facts": each.facts} for each in await self._store.drills()]

    async def note_drill(self, after: int, *, actor: str, reason: str, facts: Mapping[str, Any]) -> None:
        await self._store.note_drill(after, actor=actor, reason=reason, facts=facts)


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Lines]:
    store = SqliteState(tmp_path / "authority.db", SystemClock())
    yield Lines(store)
    store.close()


async def begun(lines: Lines) -> int:
    return await runs.begin(lines, actor="ada", scenario="crash", plan="digest", nonce="n")


async def test_runs_are_numbered_without_gaps_whatever_became_of_them(lines: Lines) -> None:
    for verdict in ("pass", runs.ABORTED, "inconclusive"):
        await runs.end(lines, await begun(lines), actor="ada", verdict=verdict, seal="" if verdict == runs.ABORTED else f"of {verdict}")
    found = runs.runs_in(await lines.drills())
    assert [(run.number, run.outcome) for run in found] == [(1, "pass"), (2, "aborted"), (3, "inconclusive")]
    assert runs.seal_before(await lines.drills(), 3) == "of pass"


async def test_a_second_drill_does_not_begin(lines: Lines) -> None:
    assert await begun(lines) == 1
    with pytest.raises(Conflict, match=r"drill 1 .crash, by ada. is under way"):
        await begun(lines)


async def test_of_two_that_begin_at_once_one_does(lines: Lines) -> None:
    seen = len(await lines.drills())
    await begun(lines)
    with pytest.raises(Conflict, match="another drill began"):
        await lines.note_drill(seen, actor="eve", reason="late", facts={"run": 1, "word": runs.BEGUN, "scenario": "crash"})


async def test_a_run_ends_once(lines: Lines) -> None:
    await runs.end(lines, await begun(lines), actor="ada", verdict="pass", seal="s")
    with pytest.raises(Conflict, match="is not under way"):
        await runs.end(lines, 1, actor="ada", verdict="pass", seal="s")


# The ledger


@pytest.mark.parametrize(
    ("id", "first", "last"),
    [
        ("1.205", (1, 205), (1, 205)),
        ("1.205.0a1b2c3d", (1, 205), (1, 205)),
        ("1.201-205", (1, 201), (1, 205)),
        ("1.?-205", (1, 0), (1, 205)),
        ("1.206-?", (1, 206), None),
    ],
)
def test_an_entry_accounts_for_the_positions_in_its_id(id: str, first: tuple[int, int], last: tuple[int, int] | None) -> None:
    assert marks(id) == (first, last)


class Named(Scripted):
    def lost(self, record: str, what: str) -> tuple[str, str] | None:
        kind, _, id = record.partition("/")
        return {"users": ("replace", id), "comments": ("add", id)}.get(kind)


def loss(id: str, record: str, outcome: str = "discarded") -> dict[str, Any]:
    return {
        "id": id, "region": "primary", "record": record, "what": "", "writes": 1, "bytes": 9, "cause": "takeover", "outcome": outcome,
        "decidedBy": "ada",
    }  # fmt: skip


def change(value: int, out: Any, position: tuple[int, int] | None) -> Operation:
    return Operation(
        c=0, k="replace", id=f"w{value}", due=0, sent=0, told=1, to="primary", out=out, key="u", value=value, position=position
    )


Changes = list[Operation]
VERSIONS: list[tuple[str, Changes, list[str], dict[str, int | None]]] = [
    ("the newest is lost", [change(1, "ok", (1, 10)), change(2, "ok", (1, 20))], ["1.19"], {"1.19": 2}),
    ("both are", [change(1, "ok", (1, 10)), change(2, "ok", (1, 20))], ["1.9", "1.18"], {"1.9": 1, "1.18": 2}),
    ("one of unknown outcome", [change(1, "ok", (1, 10)), change(2, "unknown", None)], ["1.15"], {"1.15": 2}),
    (
        "an unknown one between two",
        [change(1, "ok", (1, 10)), change(2, "unknown", None), change(3, "ok", (1, 30))],
        ["1.15", "1.28"],
        {"1.15": 2, "1.28": 3},
    ),
    ("the unknown one never came", [change(1, "unknown", None), change(2, "ok", (1, 30))], ["1.28"], {"1.28": 2}),
    ("nobody asked for it", [change(1, "ok", (1, 10))], ["1.50"], {"1.50": None}),
]


@pytest.mark.parametrize(("operations", "ids", "versions"), [case[1:] for case in VERSIONS], ids=[case[0] for case in VERSIONS])
def test_the_positions_say_which_version_was_lost(operations: Changes, ids: list[str], versions: dict[str, int | None]) -> None:
    found = ledger([loss(id, "users/u") for id in ids], set(), Named(good), REGIONS, {}, operations)
    assert {entry.id: entry.value for entry in found} == versions


def test_what_was_lost_before_and_what_nobody_asked_for_is_not_this_runs() -> None:
    losses = [loss("1.1", "comments/a"), loss("1.2", "comments/b"), loss("1.3", "notes/c"), loss("1.5-9", "comments/")]
    found = ledger(losses, {"1.1"}, Named(good), REGIONS, {"1.2": "noon"}, [])
    assert [(entry.id, entry.k, entry.item, entry.region, entry.at) for entry in found] == [
        ("1.2", "add", "b", "east", "noon"), ("1.5-9", None, None, "east", None),
    ]  # fmt: skip


# For pipelines


def test_junit_shows_what_is_broken_missed_skipped_and_in_doubt() -> None:
    def rule(name: str, outcome: str) -> dict[str, Any]:
        return {"rule": name, "promise": "it holds", "outcome": outcome, "witnesses": [{"text": "x <is> gone"}], "text": "why not"}

    derived = {
        "verdict": "inconclusive", "rules": [rule("C1", "kept"), rule("C2", "broken"), rule("C3", "not judged")], "doubts": ["starved"],
        "objectives": [{"objective": "rto_write", "met": False, "measured": 9, "limit": 5}],
    }  # fmt: skip
    suite = ElementTree.fromstring(junit("drill 7", derived, 1.0))  # noqa: S314  (ours)
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped", "errors")} == {
        "tests": "5", "failures": "2", "skipped": "1", "errors": "1",
    }  # fmt: skip
    found: Callable[[str], Any] = suite.find
    assert found("testcase/failure").get("message") == "x <is> gone"
