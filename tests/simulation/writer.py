"""The stores' writer without its thread: the same jobs and transactions, with pauses in which a process may freeze or die."""

import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from multiregion.embedded.database import Job, S, Writer, settle
from multiregion.embedded.disk import FULL, broken
from multiregion.embedded.reserve import Reserve
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

    def writer(
        self,
        db: sqlite3.Connection,
        begin: Callable[[sqlite3.Connection], S],
        meter: WriteMeter | None = None,
        reserve: Reserve | None = None,
    ) -> "PausingWriter[S]":
        return PausingWriter(db, begin, meter, self)


class PausingWriter(Writer[S]):
    def __init__(self, db: sqlite3.Connection, begin: Callable[[sqlite3.Connection], S], meter: WriteMeter | None, disk: Disk) -> None:
        self._prepare(db, begin, meter, None)
        self._disk = disk
        self._waiting: deque[Job] = deque()
        self._working: VirtualTask | None = None

    async def run(self, work: Callable[[S], T], *, essential: bool = False) -> T:
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
        if not jobs and problem is None:
            self._beat()
        return refused + (await self._transact_slowly(jobs) if jobs else [])

    async def _transact_slowly(self, group: list[Job]) -> list[Any]:
        self._disk.starts()
        outcomes = self._carry_out(group)
        await self._disk.pause("before the commit")
        self._commit()
        self._disk.committed(self._db)
        await self._disk.pause("before the answer")
        return outcomes
