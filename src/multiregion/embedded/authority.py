"""The authority's state and its history in one SQLite file of its own."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from multiregion.clock import Clock
from multiregion.embedded.database import MakeWriter, Writer, connect
from multiregion.errors import StaleEpoch
from multiregion.states import FIRST, Role, RoutingState, State
from multiregion.stores import Decision

AUTHORITY = """
CREATE TABLE IF NOT EXISTS decision (
    number INTEGER PRIMARY KEY, what TEXT NOT NULL,
    epoch INTEGER NOT NULL, state TEXT NOT NULL, leader TEXT NOT NULL, writable INTEGER NOT NULL,
    actor TEXT NOT NULL, at REAL NOT NULL, reason TEXT NOT NULL, facts TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_state_an_epoch ON decision (epoch) WHERE what = 'state';
"""
COLUMNS = "state, epoch, leader, writable, actor, at, reason, what, facts"
NEWEST_STATE = f"SELECT {COLUMNS} FROM decision WHERE what = 'state' ORDER BY epoch DESC LIMIT 1"


class AuthoritySession:
    """Nothing is shared between the jobs of a group: the newest line of history is the state."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def save(self) -> None:
        return

    def newest(self) -> Decision | None:
        row = self.db.execute(NEWEST_STATE).fetchone()
        return row and decision_of(row)

    def add(self, decision: Decision) -> None:
        state = decision.state
        self.db.execute(
            f"INSERT INTO decision ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(state.state, state.epoch, state.leader, state.writable, decision.actor, decision.at, decision.reason),
                *(decision.what, json.dumps(dict(decision.facts))),
            ),
        )


class SqliteState:
    """`StateStore` for one application."""

    def __init__(self, path: Path, clock: Clock, *, writer: MakeWriter = Writer) -> None:
        self._clock = clock
        self._db = connect(path, AUTHORITY)
        self._reading = connect(path, AUTHORITY)
        self._writer = writer(self._db, AuthoritySession)

    def close(self) -> None:
        self._writer.close()
        self._reading.close()
        self._db.close()

    async def begin(self) -> None:
        """Decide the first state, unless something has been decided before."""

        def work(session: AuthoritySession) -> None:
            if session.newest() is None:
                session.add(Decision(FIRST, "multiregion", self._clock.now(), "deployed"))

        await self._writer.run(work)

    async def read(self) -> RoutingState:
        return decision_of(self._reading.execute(NEWEST_STATE).fetchone()).state

    async def replace(
        self, old: RoutingState, new: RoutingState, *, actor: str, reason: str, facts: Mapping[str, Any] | None = None
    ) -> RoutingState:
        def work(session: AuthoritySession) -> RoutingState:
            newest = session.newest()
            if newest is None or newest.state != old:
                raise StaleEpoch(
                    f"{newest.actor} changed the state to {newest.state.state} (epoch {newest.state.epoch}) first"
                    if newest
                    else "no state",
                    state=newest and newest.state,
                )
            session.add(Decision(new, actor, self._clock.now(), reason, facts=facts or {}))
            return new

        return await self._writer.run(work)

    async def note(self, what: str, *, actor: str, reason: str, facts: Mapping[str, Any]) -> None:
        def work(session: AuthoritySession) -> None:
            newest = session.newest()
            assert newest is not None
            session.add(Decision(newest.state, actor, self._clock.now(), reason, what, facts))

        await self._writer.run(work)

    async def history(self, limit: int = 50, *, about: str | None = None) -> Sequence[Decision]:
        rows = self._reading.execute(
            f"SELECT {COLUMNS} FROM decision WHERE ?1 IS NULL OR what = ?1 OR actor = ?1 ORDER BY number DESC LIMIT ?2", (about, limit)
        )
        return [decision_of(row) for row in rows]


def decision_of(row: tuple[Any, ...]) -> Decision:
    state, epoch, leader, writable, actor, at, reason, what, facts = row
    return Decision(RoutingState(State(state), epoch, Role(leader), bool(writable)), actor, at, reason, what, json.loads(facts))
