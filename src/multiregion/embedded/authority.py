"""The authority's state and its history in one SQLite file of its own."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from multiregion.clock import Clock
from multiregion.embedded.database import Writer, connect
from multiregion.errors import StaleEpoch
from multiregion.states import FIRST, Role, RoutingState, State
from multiregion.stores import Decision

AUTHORITY = """
CREATE TABLE IF NOT EXISTS decision (
    epoch INTEGER PRIMARY KEY, state TEXT NOT NULL, leader TEXT NOT NULL, writable INTEGER NOT NULL,
    actor TEXT NOT NULL, at REAL NOT NULL, reason TEXT NOT NULL
);
"""
COLUMNS = "state, epoch, leader, writable, actor, at, reason"


class AuthoritySession:
    """Nothing is shared between the jobs of a group: the newest line of history is the state."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def save(self) -> None:
        return

    def newest(self) -> Decision | None:
        row = self.db.execute(f"SELECT {COLUMNS} FROM decision ORDER BY epoch DESC LIMIT 1").fetchone()
        return row and decision_of(row)

    def add(self, decision: Decision) -> None:
        state = decision.state
        self.db.execute(
            "INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?, ?)",
            (state.epoch, state.state, state.leader, state.writable, decision.actor, decision.at, decision.reason),
        )


class SqliteState:
    """`StateStore` for one application."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._db = connect(path, AUTHORITY)
        self._reading = connect(path, AUTHORITY)
        self._writer = Writer(self._db, AuthoritySession)

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
        return decision_of(self._reading.execute(f"SELECT {COLUMNS} FROM decision ORDER BY epoch DESC LIMIT 1").fetchone()).state

    async def replace(self, old: RoutingState, new: RoutingState, *, actor: str, reason: str) -> RoutingState:
        def work(session: AuthoritySession) -> RoutingState:
            newest = session.newest()
            if newest is None or newest.state != old:
                raise StaleEpoch(
                    f"{newest.actor} changed the state to {newest.state.state} (epoch {newest.state.epoch}) first"
                    if newest
                    else "no state",
                    state=newest and newest.state,
                )
            session.add(Decision(new, actor, self._clock.now(), reason))
            return new

        return await self._writer.run(work)

    async def history(self, limit: int = 50) -> Sequence[Decision]:
        rows = self._reading.execute(f"SELECT {COLUMNS} FROM decision ORDER BY epoch DESC LIMIT ?", (limit,))
        return [decision_of(row) for row in rows]


def decision_of(row: tuple[Any, ...]) -> Decision:
    state, epoch, leader, writable, actor, at, reason = row
    return Decision(RoutingState(State(state), epoch, Role(leader), bool(writable)), actor, at, reason)
