"""One SQLite file with one writing thread that commits whatever is waiting in one transaction (group commit)."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from multiregion.errors import BadDeployment, DiskFull, MultiregionError, Overloaded

WAITING_MAX = 4096
GROUP_MAX = 256
CHECKED_BYTES_MAX = 64 * 1024 * 1024


class Session(Protocol):
    """What the jobs of one group share; made after BEGIN, saved before COMMIT, thrown away on ROLLBACK."""

    def save(self) -> None: ...


S = TypeVar("S", bound=Session)
T = TypeVar("T")


@dataclass(slots=True)
class Job:
    work: Callable[[Any], Any]
    done: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


Outcome = tuple[asyncio.Future[Any], Any, BaseException | None]


def connect(path: Path, schema: str = "") -> sqlite3.Connection:
    """Open or create a database in WAL mode, durable at each commit. Raises BadDeployment if the file is damaged."""
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0, cached_statements=256)
        db.execute("PRAGMA journal_mode = wal")
        db.execute("PRAGMA synchronous = full")
        db.executescript(schema)
        if path.stat().st_size <= CHECKED_BYTES_MAX:
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(found)
    except sqlite3.OperationalError as error:
        raise failure(error) or BadDeployment(f"{path} cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise BadDeployment(
            f"{path} is damaged ({error}). Move it and its -wal and -shm files away and start again: a region without"
            " its file copies everything from the other region"
        ) from error
    return db


def truncate_journal(path: Path) -> None:
    """Leave nothing in the write-ahead file that is no longer in the database; not while others are at it: there is a next time."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0.1)) as db, suppress(sqlite3.OperationalError):
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def failure(error: sqlite3.Error) -> MultiregionError | None:
    """The error of ours that a database's error stands for, if it is one that people can mend."""
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return DiskFull("the disk is full: nothing was written; reading goes on. Free some space and try again")
    return None


class Writer(Generic[S]):
    """The one thread that writes to a database.

    A job either raises a MultiregionError before it has written anything, or writes and returns. Any other error takes
    the whole group back, and each job is then tried alone, so that one cannot fail another. `commits` counts the transactions.
    """

    commits = 0

    def __init__(self, db: sqlite3.Connection, begin: Callable[[sqlite3.Connection], S]) -> None:
        self._db = db
        self._begin = begin
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[S], T]) -> T:
        """Run `work` in a transaction and return its result once that is durable. Raises Overloaded if too many wait."""
        if self._jobs.qsize() >= WAITING_MAX:
            raise Overloaded(f"more than {WAITING_MAX} writes are waiting; try again in a moment")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._jobs.put(Job(work, done, loop))
        return await done

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            group, more = self._next_group()
            if group:
                deliver(group[0].loop, self._attempt(group))
            if not more:
                return

    def _next_group(self) -> tuple[list[Job], bool]:
        group: list[Job] = []
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            if len(group) == GROUP_MAX:
                return group, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _attempt(self, group: Sequence[Job]) -> list[Outcome]:
        try:
            return self._transact(group)
        except Exception as error:  # noqa: BLE001  whatever a job raises goes to who asked for it
            if self._db.in_transaction:
                with suppress(sqlite3.Error):  # the next BEGIN says what is wrong; this thread must live to hear it
                    self._db.execute("ROLLBACK")
            if len(group) > 1:
                return [outcome for job in group for outcome in self._attempt([job])]
            shown = failure(error) if isinstance(error, sqlite3.Error) else None
            return [(group[0].done, None, shown or error)]

    def _transact(self, group: Sequence[Job]) -> list[Outcome]:
        outcomes = self._carry_out(group)
        self._commit()
        return outcomes

    def _commit(self) -> None:
        self._db.execute("COMMIT")
        self.commits += 1

    def _carry_out(self, group: Sequence[Job]) -> list[Outcome]:
        """Everything of a transaction but its COMMIT."""
        self._db.execute("BEGIN IMMEDIATE")
        session = self._begin(self._db)
        outcomes: list[Outcome] = []
        for job in group:
            try:
                outcomes.append((job.done, job.work(session), None))
            except MultiregionError as refusal:
                outcomes.append((job.done, None, refusal))
        session.save()
        return outcomes


MakeWriter = Callable[[sqlite3.Connection, Callable[[sqlite3.Connection], S]], Writer[S]]
"""How a store gets its writer; a simulation gives one that writes without a thread."""


def deliver(loop: asyncio.AbstractEventLoop, outcomes: Sequence[Outcome]) -> None:
    try:
        loop.call_soon_threadsafe(settle, outcomes)
    except RuntimeError:  # the loop is closed: nobody waits for the answer any more
        return


def settle(outcomes: Sequence[Outcome]) -> None:
    for done, result, error in outcomes:
        if done.done():
            continue
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)
