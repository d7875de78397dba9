"""The stores' writer without its thread: the same jobs and transactions, with pauses in which a process may freeze or die."""

import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from multiregion.embedded.database import Job, S, Writer, settle
from multiregion.embedded.disk import FULL, broken
from multiregion.embedded.guarded import Connection
from multiregion.embedded.reserve import Reserve
from multiregion.errors import MultiregionError
from multiregion.health import WriteMeter
from tests.simulation.loop import VirtualLoop, VirtualTask

T = TypeVar("T")
BEFORE_AN_OBJECT = "before an object"


class Disk:
    """A region's or the authority's disk: whether it is full or fails, and what happens between the steps of a transaction."""

    def __init__(self, loop: VirtualLoop, pause: Callable[[str], Awaitable[None]], committed: Callable[[sqlite3.Connection], None]) -> None:
        self.loop = loop
        self.pause = pause
        self.committed = committed
        self.starts: Callable[[], None] = lambda: None
        self.full = False
        self.failing = False
        self.damaged = False
        """Whether a page of the database was written over since it was opened."""
        self.die: Callable[[], None] = lambda: None

    def writer(
        self,
        db: Connection,
        begin: Callable[[sqlite3.Connection], S],
        meter: WriteMeter | None = None,
        reserve: Reserve | None = None,
    ) -> "PausingWriter[S]":
        return PausingWriter(db, begin, meter, self)


class PausingWriter(Writer[S]):
    def __init__(self, db: Connection, begin: Callable[[sqlite3.Connection], S], meter: WriteMeter | None, disk: Disk) -> None:
        self._prepare(db, begin, meter, None)
        self._disk = disk
        self._waiting: deque[Job] = deque()
        self._working: VirtualTask | None = None

    async def run(self, work: Callable[[S], T], *, essential: bool = False) -> T:
        if not essential and (damage := self._db.about.damage) is not None:
            raise damage
        result: T = await self._done(work, essential=essential)
        return result

    async def prove(self) -> None:
        if self._is_quiet():
            await self._done(lambda session: None, canary=True)

    def _done(self, work: Callable[[S], Any], **how: bool) -> Awaitable[Any]:
        done = self._disk.loop.create_future()
        self._waiting.append(Job(work, done, self._disk.loop, **how))
        if self._working is None or self._working.done():
            self._working = self._disk.loop.create_task(self._work())
        return done

    def close(self) -> None:
        """There is no thread to stop; what was begun is taken back with the connection."""

    async def _work(self) -> None:
        while self._waiting:
            await self._disk.pause("before the transaction")
            group = list(self._waiting)
            self._waiting.clear()
            settle(await self._answer_slowly(group))

    async def _answer_slowly(self, group: list[Job]) -> list[Any]:
        problem = broken("it is failing") if self._disk.failing else FULL if self._disk.full else None
        if problem is not None and self._meter is not None:
            self._meter.began()
            self._meter.failed(problem.words)
        # What is essential is written into the reserve.
        jobs = [job for job in group if not job.canary and (problem is None or (problem.full and job.essential))]
        refused = [(job.done, None, None if job.canary or problem is None else problem.error()) for job in group if job not in jobs]
        outcomes = refused + (await self._transact_slowly(jobs) if jobs else [])
        if problem is None and any(job.canary for job in group) and self._is_quiet():
            self._beat()
        return outcomes

    async def _transact_slowly(self, group: list[Job]) -> list[Any]:
        self._disk.starts()
        try:
            outcomes = self._carry_out(group)
            await self._disk.pause("before the commit")
            self._commit()
        except sqlite3.Error as error:
            refusal = self._refusal(error, self._take_back(error))
            may_be_stored = isinstance(refusal, MultiregionError) and not refusal.definite
            if len(group) > 1 and not may_be_stored:
                return [outcome for job in group for outcome in await self._transact_slowly([job])]
            return [(job.done, None, refusal) for job in group]
        self._observe()
        await self._disk.pause("before the answer")
        return outcomes

    def _observe(self) -> None:
        try:
            self._disk.committed(self._db)
        except sqlite3.DatabaseError:
            if not self._disk.damaged:
                raise
            self._disk.die()  # what was committed cannot be seen, so nobody else may have seen it either
