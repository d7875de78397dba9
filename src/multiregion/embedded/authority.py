"""The authority's state and its history in one SQLite file of its own."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from multiregion.clock import Clock
from multiregion.embedded.database import CANARY, MakeWriter, Writer, connect, connect_with
from multiregion.embedded.disk import FULL
from multiregion.embedded.files import create_tables, in_one_transaction, keep_copy
from multiregion.embedded.guarded import About, Connection, Reading
from multiregion.embedded.ownership import check_owner, own
from multiregion.embedded.reserve import Reserve
from multiregion.errors import BadDeployment, CommitUnknown, Conflict, DiskFailed, DiskFull, RepairFailed, StaleEpoch
from multiregion.health import SLOW_WRITE_SECONDS, WriteHealth, WriteMeter
from multiregion.reports import Claim, Leadership, Report, base_fact, base_of
from multiregion.states import FIRST, UNFOUNDED, Role, RoutingState, State
from multiregion.stores import BEGINNING, Decision, Entry, Mark

AUTHORITY = (
    """
CREATE TABLE IF NOT EXISTS decision (
    number INTEGER PRIMARY KEY, what TEXT NOT NULL,
    epoch INTEGER NOT NULL, state TEXT NOT NULL, leader TEXT NOT NULL, writable INTEGER NOT NULL,
    actor TEXT NOT NULL, at REAL NOT NULL, reason TEXT NOT NULL, facts TEXT NOT NULL, history TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS one_state_an_epoch ON decision (epoch) WHERE what = 'state';
CREATE TABLE IF NOT EXISTS report (role TEXT PRIMARY KEY, body BLOB NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
"""
    + CANARY
)
T = TypeVar("T")
ADVICE = (
    "Move it and its -wal and -shm files away and start it again (`multiregion chaos start authority`), then run `multiregion authority"
    " recover`: it begins a new history from what the regions know"
)
IF_THERE_IS_NONE = f"If there is none: {ADVICE[0].lower()}{ADVICE[1:]}"
FORMAT = 2
"""Kept as the file's `user_version`. Release 1.0 left it 0."""
COLUMNS = "state, epoch, leader, writable, actor, at, reason, what, facts, history"
NEXT_ENTRY = (
    f"SELECT number, {COLUMNS} FROM decision WHERE number < ?1 AND NOT (what = 'loss' AND ?2 = 'loss' AND actor = ?3 AND reason = ?4)"
    " ORDER BY number DESC LIMIT 1"
)
"""The newest decision before number ?1 that is not of its entry."""
NEWEST_STATE = f"SELECT {COLUMNS} FROM decision WHERE what = 'state' ORDER BY epoch DESC LIMIT 1"
FIRST_STATE = f"SELECT {COLUMNS} FROM decision WHERE what = 'state' ORDER BY epoch LIMIT 1"
NEWEST_CLAIM = "SELECT facts FROM decision WHERE what = 'repair' AND json_type(facts, '$.claim') IS NOT NULL ORDER BY number DESC LIMIT 1"
BASES = (
    "SELECT epoch, facts, (SELECT max(epoch) FROM decision AS before WHERE what = 'state' AND before.epoch < decision.epoch) FROM decision"
    " WHERE what = 'state' AND json_extract(facts, '$.base') IS NOT NULL ORDER BY epoch DESC LIMIT 100"
)
"""Each with the epoch that was decided before it."""

LEADS_SINCE = (
    "SELECT coalesce(min(epoch), 0) FROM decision WHERE what = 'state' AND epoch > (SELECT coalesce(max(epoch), 0) FROM decision"
    " WHERE what = 'state' AND leader <> (SELECT leader FROM decision WHERE what = 'state' ORDER BY epoch DESC LIMIT 1))"
)
"""The epoch since which the newest leader has led, in a history of release 1.0, which does not say where its log ended then."""


class AuthoritySession:
    """Nothing is shared between the jobs of a group: the newest line of history is the state."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def save(self) -> None:
        return

    def newest(self) -> Decision | None:
        row = self.db.execute(NEWEST_STATE).fetchone()
        return row and decision_of(row)

    def keep_report(self, row: tuple[Role, bytes, float]) -> None:
        self.db.execute("INSERT OR REPLACE INTO report VALUES (?, ?, ?)", row)

    def add(self, decision: Decision) -> None:
        state = decision.state
        facts = {**decision.facts, "succeeds": state.succeeds} if state.succeeds else dict(decision.facts)
        self.db.execute(
            f"INSERT INTO decision ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(state.state, state.epoch, state.leader, state.writable, decision.actor, decision.at, decision.reason),
                *(decision.what, json.dumps(facts), state.history),
            ),
        )


class SqliteState:
    """`StateStore`, `Entries`, `Reports`, `Claims` and `DrillLines` for one application."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        history: str = "",
        deployment: str = "",
        writer: MakeWriter = Writer,
        reserve: Reserve | None = None,
        slow_seconds: float = SLOW_WRITE_SECONDS,
    ) -> None:
        """`history`: that of a file of the last release, which names none. `deployment`: whose file it has to be. On a full disk decisions
        are stored in the room of `reserve`. A write that takes longer than `slow_seconds` counts against the authority's health."""
        self._clock = clock
        self._db = open_authority(path, history, reserve, deployment)
        self._reading = connect(path, about_authority(path), kind=Reading)
        self._meter = WriteMeter(clock, slow_seconds=slow_seconds)
        self._writer = writer(self._db, AuthoritySession, self._meter, reserve)
        self._started = clock.monotonic()
        self._arrived: dict[Role, float] = {}
        self._heard: dict[Role, Report] = {}
        self._stored: dict[Role, Report] = {}

    def close(self) -> None:
        self._writer.close()
        self._reading.close()
        self._db.close()

    def writing(self) -> WriteHealth:
        """How writing to the authority's disk goes."""
        return self._meter.now()

    async def prove_writing(self) -> None:
        """Try the disk if nothing has been written for a moment; `writing` says what came of it."""
        await self._writer.prove()

    def obstacle(self) -> str | None:
        """Why nothing could be decided now. A full disk still has the room of the reserve, if that was not used up."""
        health = self._meter.now()
        return health.problem if health.refuses and health.problem != FULL.words else None

    async def _decide(self, work: Callable[[AuthoritySession], T]) -> T:
        """Raises DiskFull and DiskFailed, which say that nothing was decided, and CommitUnknown."""
        if self._meter.now().condition == "stuck":  # what waits behind it would wait without an end
            raise DiskFailed(undecided(self._problem()))
        try:
            return await self._writer.run(work, essential=True)
        except CommitUnknown as error:
            raise CommitUnknown(
                f"the authority cannot write its state ({self._problem()}): whether this was decided is unknown. `multiregion state"
                " get` says so once its disk is mended; until then give no other order"
            ) from error
        except (DiskFull, DiskFailed) as error:
            raise type(error)(undecided(self._problem())) from error

    def _problem(self) -> str:
        return self._meter.now().problem or "its disk failed"

    async def begin(self) -> None:
        """Nothing is decided at the start: a deployment is founded, once, by its primary region."""

    async def read(self) -> RoutingState:
        row = self._reading.execute(NEWEST_STATE).fetchone()
        return decision_of(row).state if row else UNFOUNDED

    async def found(self, store: str) -> RoutingState | None:
        def work(session: AuthoritySession) -> RoutingState | None:
            row = session.db.execute(FIRST_STATE).fetchone()
            if row is not None:
                first = decision_of(row)
                return first.state if first.facts.get("founded") == store else None
            state = replace(FIRST, history=self._clock.new_id())
            session.add(
                Decision(state, "multiregion", self._clock.now(), "deployed", facts={"founded": store, "base": base_fact(BEGINNING)})
            )
            return state

        return await self._decide(work)

    async def leadership(self) -> Leadership:
        rows = self._reading.execute(BASES).fetchall()
        if not rows:
            return Leadership(self._reading.execute(LEADS_SINCE).fetchone()[0], BEGINNING)
        _, *earlier = leaderships(rows)
        return Leadership(rows[0][0], base_in(rows[0][1]), tuple(earlier))

    async def report(self, role: Role, report: Report) -> None:
        """What says nothing new is not written again: its time alone is noted. What the disk refuses is known as long as this
        process runs."""
        self._heard[role] = report
        self._arrived[role] = self._clock.monotonic()
        if self._stored.get(role) != report:
            row = (role, msgspec.json.encode(report), self._clock.now())
            await self._writer.run(lambda session: session.keep_report(row))
            self._stored[role] = report

    async def reports(self) -> Mapping[Role, Report]:
        rows = self._reading.execute("SELECT role, body FROM report")
        return {**{Role(role): msgspec.json.decode(body, type=Report) for role, body in rows}, **self._heard}

    def has_heard(self, role: Role) -> bool:
        return role in self._arrived

    def seconds_since(self, role: Role) -> float | None:
        if role in self._arrived:
            return self._clock.monotonic() - self._arrived[role]
        row = self._reading.execute("SELECT at FROM report WHERE role = ?", (role,)).fetchone()
        # From before this process started: by the wall clock, which may have been set meanwhile.
        return None if row is None else max(self._clock.now() - row[0], self._clock.monotonic() - self._started)

    async def replace(
        self, old: RoutingState, new: RoutingState, *, actor: str, reason: str, facts: Mapping[str, Any] | None = None
    ) -> RoutingState:
        def work(session: AuthoritySession) -> RoutingState:
            newest = session.newest()
            if (newest.state if newest else UNFOUNDED) != old:
                raise StaleEpoch(
                    f"{newest.actor} changed the state to {newest.state.state} (epoch {newest.state.epoch}) first"
                    if newest
                    else "the authority has lost its history meanwhile",
                    state=newest and newest.state,
                )
            session.add(Decision(new, actor, self._clock.now(), reason, facts=facts or {}))
            return new

        return await self._decide(work)

    async def note(self, what: str, *, actor: str, reason: str, facts: Mapping[str, Any]) -> None:
        def work(session: AuthoritySession) -> None:
            newest = session.newest()
            session.add(Decision(newest.state if newest else UNFOUNDED, actor, self._clock.now(), reason, what, facts))

        await self._decide(work)

    async def drills(self) -> Sequence[Decision]:
        rows = self._reading.execute(f"SELECT {COLUMNS} FROM decision WHERE what = 'drill' ORDER BY number")
        return [decision_of(row) for row in rows]

    async def note_drill(self, after: int, *, actor: str, reason: str, facts: Mapping[str, Any]) -> None:
        def work(session: AuthoritySession) -> None:
            if session.db.execute("SELECT count(*) FROM decision WHERE what = 'drill'").fetchone()[0] != after:
                raise Conflict("another drill began or ended at this moment; nothing was changed. Run the same command again")
            newest = session.newest()
            session.add(Decision(newest.state if newest else UNFOUNDED, actor, self._clock.now(), reason, "drill", facts))

        await self._decide(work)

    async def claimed(self) -> Claim | None:
        return claim_in(self._reading)

    async def claim(self, old: Claim | None, new: Claim | None, *, actor: str, reason: str) -> None:
        def work(session: AuthoritySession) -> None:
            if claim_in(session.db) != old:
                raise RepairFailed("another repair began or ended first; nothing was changed. Run the same command again")
            facts = {"region": new.role, "claim": new.id} if new else {"claim": ""}
            newest = session.newest()
            session.add(Decision(newest.state if newest else UNFOUNDED, actor, self._clock.now(), reason, "repair", facts))

        await self._decide(work)

    async def history(self, limit: int = 50, *, about: str | None = None) -> Sequence[Decision]:
        rows = self._reading.execute(
            f"SELECT {COLUMNS} FROM decision WHERE ?1 IS NULL OR what = ?1 OR actor = ?1 ORDER BY number DESC LIMIT ?2", (about, limit)
        )
        return [decision_of(row) for row in rows]

    async def entries(self, limit: int) -> Sequence[Entry]:
        found: list[Entry] = []
        row = self._reading.execute(f"SELECT number, {COLUMNS} FROM decision ORDER BY number DESC LIMIT 1").fetchone()
        while row and len(found) < limit:
            number, decision = row[0], decision_of(row[1:])
            row = self._reading.execute(NEXT_ENTRY, (number, decision.what, decision.actor, decision.reason)).fetchone()
            within = (number, row[0] if row else 0)
            count = self._reading.execute("SELECT count(*) FROM decision WHERE number <= ? AND number > ?", within).fetchone()[0]
            found.append(Entry(decision, count))
        return found


def leaderships(rows: Iterable[tuple[int, str, int | None]]) -> Iterator[tuple[int, Mark | None]]:
    """From BASES: since when, and upon which base. Epochs that were skipped are those that this file may have forgotten."""
    for epoch, facts, before in rows:
        yield epoch, base_in(facts)
        if before is not None and before + 1 < epoch:
            yield before + 1, None


def base_in(facts: str) -> Mark:
    return base_of(json.loads(facts)["base"])


def claim_in(db: sqlite3.Connection) -> Claim | None:
    row = db.execute(NEWEST_CLAIM).fetchone()
    facts = json.loads(row[0]) if row else {"claim": ""}
    return Claim(Role(facts["region"]), facts["claim"]) if facts["claim"] else None


def about_authority(path: Path) -> About:
    return About(str(path), ADVICE, f"Put the right file back, then `multiregion chaos start authority`. {IF_THERE_IS_NONE}")


def undecided(problem: str) -> str:
    return (
        f"the authority cannot write its state ({problem}): nothing was decided, and the regions go on as they are. Mend the disk of the"
        " authority, or make room on it, and give the order again"
    )


def open_authority(path: Path, history: str, reserve: Reserve | None, deployment: str = "") -> Connection:
    """Raises BadDeployment for a newer format, ForeignDatabase, DatabaseDamaged."""
    db = connect_with(reserve, path, about := about_authority(path))
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > FORMAT:
        db.close()
        raise BadDeployment(
            f"{path} has format {version}; this release reads formats up to {FORMAT}. Install the newer release that wrote it"
        )
    check_owner(db, path, about, deployment)
    if version < FORMAT and db.execute("SELECT 1 FROM sqlite_master WHERE name = 'decision'").fetchone():
        keep_copy(db, path, FORMAT)
    if version < FORMAT:
        in_one_transaction(db, lambda: take_over(db, history), FORMAT)
    own(db, deployment)
    return db


def take_over(db: sqlite3.Connection, history: str) -> None:
    """Make the tables, or go on with those of release 1.0: its decisions belong to `history`."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'decision'").fetchone():
        db.execute("ALTER TABLE decision ADD COLUMN history TEXT NOT NULL DEFAULT ''")
        db.execute("UPDATE decision SET history = ?", (history,))
    create_tables(db, AUTHORITY)


def decision_of(row: tuple[Any, ...]) -> Decision:
    state, epoch, leader, writable, actor, at, reason, what, text, history = row
    facts = json.loads(text)
    routing = RoutingState(State(state), epoch, Role(leader), bool(writable), history, tuple(facts.get("succeeds", ())))
    return Decision(routing, actor, at, reason, what, facts)
