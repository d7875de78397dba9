"""One SQLite file with one writing thread that commits whatever is waiting in one transaction (group commit)."""

import asyncio
import errno
import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from multiregion.embedded.disk import FULL, PRIMARY_CODE, DiskProblem, problem_of
from multiregion.embedded.guarded import About, Connection
from multiregion.embedded.reserve import Reserve
from multiregion.errors import BadDeployment, DiskFailed, DiskFull, MultiregionError, Overloaded
from multiregion.health import WriteMeter

WAITING_MAX = 4096
GROUP_MAX = 256
CHECKED_BYTES_MAX = 64 * 1024 * 1024
UNREADABLE = frozenset({sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ})
"""A page that cannot be read when the file is opened is damage; while it is open, it may be a moment's failure of the disk."""
NOT_WRITABLE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM})
"""A disk that is read-only, or fails, when the file is opened."""
QUIET_SECONDS = 1.0
"""For so long nothing has been written before the disk is tried."""
CANARY = """
CREATE TABLE IF NOT EXISTS canary (one INTEGER PRIMARY KEY CHECK (one = 1), beat INTEGER NOT NULL);
INSERT OR IGNORE INTO canary VALUES (1, 0);
"""
"""One page that is written when nothing else is. It is nobody's data: neither logged nor replicated."""
BEAT = "UPDATE canary SET beat = 1 - beat"


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
    essential: bool = False
    canary: bool = False


Outcome = tuple[asyncio.Future[Any], Any, BaseException | None]


def connect(path: Path, about: About, schema: str = "", kind: type[Connection] = Connection) -> Connection:
    """Open or create a database in WAL mode, durable at each commit. Raises DatabaseDamaged, DiskFull, DiskFailed, BadDeployment."""
    db: Connection | None = None
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0, cached_statements=256, factory=kind)
        db.about = about
        prepare(db, path, schema)
        return db
    except (sqlite3.Error, MultiregionError) as error:
        if db is not None:
            db.close()  # closed later, it would take the journal of a new file at this path away
        if isinstance(error, MultiregionError):
            raise
        raise why_not_opened(error, path, about) from error


def prepare(db: Connection, path: Path, schema: str) -> None:
    db.execute("PRAGMA journal_mode = wal")
    db.execute("PRAGMA synchronous = full")
    db.executescript(schema)
    if path.stat().st_size <= CHECKED_BYTES_MAX:
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)


def why_not_opened(error: sqlite3.Error, path: Path, about: About) -> MultiregionError:
    if problem_of(error) == FULL:
        return DiskFull(f"{path} cannot be opened: the disk is full. Free some space and start again")
    code = getattr(error, "sqlite_errorcode", 0)
    if code & PRIMARY_CODE in NOT_WRITABLE and code not in UNREADABLE:
        return DiskFailed(f"{path} cannot be opened: {error}")
    if isinstance(error, sqlite3.OperationalError) and code not in UNREADABLE:
        return BadDeployment(f"{path} cannot be opened: {error}")
    return about.damaged(error)


def truncate_journal(path: Path) -> None:
    """Leave nothing in the write-ahead file that is no longer in the database; not while others are at it: there is a next time."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0.1)) as db, suppress(sqlite3.OperationalError):
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def connect_with(reserve: Reserve | None, path: Path, about: About) -> Connection:
    """As `connect`, on a full disk in the room that was kept for it."""
    if reserve is None:
        return connect(path, about)
    try:
        db = connect(path, about)
    except DiskFull:
        if not reserve.give_up():
            raise
        return connect(path, about)
    if not reserve.kept:
        with suppress(OSError):  # the canary tries it again
            reserve.renew()
    return db


class Writer(Generic[S]):
    """The one thread that writes to a database.

    A job either raises a MultiregionError before it has written anything, or writes and returns. Any other error takes
    the whole group back, and each job is then tried alone, so that one cannot fail another. `commits` counts the transactions.

    `meter` is told what came of each. On a full disk an essential job gets the room of `reserve`; until that is kept again,
    there is no room for any other.
    """

    commits = 0

    def __init__(
        self,
        db: Connection,
        begin: Callable[[sqlite3.Connection], S],
        meter: WriteMeter | None = None,
        reserve: Reserve | None = None,
    ) -> None:
        self._prepare(db, begin, meter, reserve)
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def _prepare(self, db: Connection, begin: Callable[[sqlite3.Connection], S], meter: WriteMeter | None, reserve: Reserve | None) -> None:
        self._db = db
        self._begin = begin
        self._meter = meter
        self._reserve = reserve
        self._files = files_of(db)
        self._committing = False
        self._changes_before = 0

    async def run(self, work: Callable[[S], T], *, essential: bool = False) -> T:
        """Run `work` in a transaction and return its result once that is durable. Raises Overloaded if too many wait, DiskFull,
        DiskFailed, DatabaseDamaged, and CommitUnknown if it cannot be said whether it is durable."""
        if not essential:
            self.check()
        if self._jobs.qsize() >= WAITING_MAX:
            raise Overloaded(f"more than {WAITING_MAX} writes are waiting; try again in a moment")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._jobs.put(Job(work, done, loop, essential))
        return await done

    def check(self) -> None:
        """Raises what a job that is not essential would be refused with at once: DatabaseDamaged, DiskFailed, DiskFull."""
        if (damage := self._db.about.damage) is not None:
            raise damage
        if self._meter is not None and (health := self._meter.now()).condition == "stuck":
            raise DiskProblem(str(health.problem), full=False).error()
        if self._reserve is not None and not self._reserve.kept:
            raise FULL.error()

    async def prove(self) -> None:
        """Try the disk, if nothing else has been written for QUIET_SECONDS; the meter is told how that went."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._jobs.put(Job(lambda session: None, done, loop, canary=True))
        await done

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            group, more = self._next_group()
            if group:
                deliver(group[0].loop, self._answer(group))
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

    def _answer(self, group: Sequence[Job]) -> list[Outcome]:
        """A canary after everything else, and only if nothing of that was written."""
        jobs = [job for job in group if not job.canary]
        outcomes = self._admit_and_attempt(jobs) if jobs else []
        canaries: list[Outcome] = [(job.done, None, None) for job in group if job.canary]
        if canaries and self._is_quiet():
            self._beat()
        return outcomes + canaries

    def _is_quiet(self) -> bool:
        assert self._meter is not None
        quiet = self._meter.quiet_seconds()
        return quiet is None or quiet >= QUIET_SECONDS

    def _admit_and_attempt(self, jobs: Sequence[Job]) -> list[Outcome]:
        """While the reserve is given up there is room for nothing but what is essential."""
        if self._reserve is None or self._reserve.kept:
            return self._attempt(jobs)
        refused: list[Outcome] = [(job.done, None, FULL.error()) for job in jobs if not job.essential]
        essential = [job for job in jobs if job.essential]
        return refused + (self._attempt(essential) if essential else [])

    def _attempt(self, group: Sequence[Job]) -> list[Outcome]:
        try:
            return self._transact(group)
        except Exception as error:  # noqa: BLE001  whatever a job raises goes to who asked for it
            problem = self._take_back(error)
            if problem == FULL and self._gives_up_reserve(group):
                return self._attempt(group)
            refusal = self._refusal(error, problem)
            # After a commit that may have succeeded, to try again would be to write twice.
            may_be_stored = isinstance(refusal, MultiregionError) and not refusal.definite
            if len(group) > 1 and not may_be_stored:
                return [outcome for job in group for outcome in self._admit_and_attempt([job])]
            return [(job.done, None, refusal) for job in group]

    def _refusal(self, error: Exception, problem: DiskProblem | None) -> Exception:
        damage = self._db.damage_of(error)
        if damage is not None and not self._committing:
            return damage
        return problem.error(committing=self._committing) if problem else error

    def _gives_up_reserve(self, group: Sequence[Job]) -> bool:
        return self._reserve is not None and all(job.essential for job in group) and self._reserve.give_up()

    def _take_back(self, error: Exception) -> DiskProblem | None:
        """Undo the transaction; returns what its failure says of the disk."""
        problem = problem_of(error)
        if self._meter is not None:
            self._meter.failed(problem.words) if problem else self._meter.wrote_nothing()
        if self._db.in_transaction:
            with suppress(sqlite3.Error):  # the next BEGIN says what is wrong; this thread must live to hear it
                self._db.execute("ROLLBACK")
        return problem

    def _beat(self) -> None:
        """Write to the disk, and see that there is room for more than that."""
        try:
            self._start()
            if self._db.about.damage is not None and self._meter is not None:
                self._meter.failed("the database is damaged")
                return
            if self._reserve is not None:
                self._reserve.renew()
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(BEAT)
            self._end()
        except (sqlite3.Error, OSError) as error:
            self._take_back(error)

    def _transact(self, group: Sequence[Job]) -> list[Outcome]:
        outcomes = self._carry_out(group)
        self._commit()
        return outcomes

    def _start(self) -> None:
        self._committing = False
        self._changes_before = self._db.total_changes
        if self._meter is not None:
            self._meter.began()
        check_in_place(self._files)

    def _commit(self) -> None:
        self._end()
        self.commits += 1

    def _end(self) -> None:
        self._committing = True
        self._db.execute("COMMIT")
        if self._meter is None:
            return
        # What is written into the room of the reserve is no sign that there is room.
        has_room = self._reserve is None or self._reserve.kept
        self._meter.succeeded() if has_room and self._db.total_changes != self._changes_before else self._meter.wrote_nothing()

    def _carry_out(self, group: Sequence[Job]) -> list[Outcome]:
        """Everything of a transaction but its COMMIT."""
        self._start()
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


def files_of(db: sqlite3.Connection) -> dict[Path, int]:
    """The files that are written to, with their inodes."""
    path = db.execute("PRAGMA database_list").fetchone()[2]
    return {file: file.stat().st_ino for file in (Path(path), Path(f"{path}-wal")) if file.exists()}


def check_in_place(files: Mapping[Path, int]) -> None:
    """What is written to a file that was moved or removed is gone with the process. Raises OSError."""
    for file, inode in files.items():
        try:
            same = file.stat().st_ino == inode
        except FileNotFoundError:
            same = False
        if not same:
            raise OSError(errno.ESTALE, f"{file.name} was moved or removed under the running process: put it back where it was")


class MakeWriter(Protocol):
    """How a store gets its writer; a simulation gives one that writes without a thread."""

    def __call__(
        self,
        db: Connection,
        begin: Callable[[sqlite3.Connection], S],
        meter: WriteMeter | None = None,
        reserve: Reserve | None = None,
    ) -> Writer[S]: ...


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
