"""The stores' writer without its thread: the same jobs and transactions, with pauses in which a process may freeze or die."""

import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from multiregion.embedded.database import Job, S, Writer, settle
from multiregion.errors import DiskFull
from tests.simulation.loop import VirtualLoop, VirtualTask

T = TypeVar("T")
BEFORE_AN_OBJECT = "before an object"


class Disk:
    """A region's or the authority's disk: whether it is full, and what happens between the steps of a transaction."""

    def __init__(self, loop: VirtualLoop, pause: Callable[[str], Awaitable[None]], committed: Callable[[sqlite3.Connection], None]) -> None:
        self.loop = loop
        self.pause = pause
        self.committed = committed
        self.starts: Callable[[], None] = lambda: None
        self.full = False

    def writer(self, db: sqlite3.Connection, begin: Callable[[sqlite3.Connection], S]) -> "PausingWriter[S]":
        return PausingWriter(db, begin, self)


class PausingWriter(Writer[S]):
    def __init__(self, db: sqlite3.Connection, begin: Callable[[sqlite3.Connection], S], disk: Disk) -> None:
        self._db = db
        self._begin = begin
        self._disk = disk
        self._waiting: deque[Job] = deque()
        self._working: VirtualTask | None = None

    async def run(self, work: Callable[[S], T]) -> T:
        done = self._disk.loop.create_future()
        self._waiting.append(Job(work, done, self._disk.loop))
        if self._working is None or self._working.done():
            self._working = self._disk.loop.create_task(self._work())
        result: T = await done
        return result

    def close(self) -> None:
        """There is no thread to stop; what was begun is taken back with the connection."""

    async def _work(self) -> None:
        while self._waiting:
            await self._disk.pause("before the transaction")
            group = list(self._waiting)
            self._waiting.clear()
            if self._disk.full:
                settle([(job.done, None, DiskFull("the disk is full")) for job in group])
                continue
            settle(await self._transact_slowly(group))

    async def _transact_slowly(self, group: list[Job]) -> list[Any]:
        self._disk.starts()
        outcomes = self._carry_out(group)
        await self._disk.pause("before the commit")
        self._commit()
        self._disk.committed(self._db)
        await self._disk.pause("before the answer")
        return outcomes
