"""Fenced records with their change log in one SQLite file: the check, the record and the log entry share a transaction."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

from multiregion.clock import Clock
from multiregion.embedded import ledger
from multiregion.embedded.database import MakeWriter, Reading, Writer, connect, connect_with
from multiregion.embedded.reserve import Reserve
from multiregion.embedded.schema import (
    CHANGE_COLUMNS,
    CREDENTIALS,
    EPOCH_ENDS,
    RECORD_COLUMNS,
    REGION,
    change_of,
    fingerprint,
    record_of,
    routing_of,
    size_of,
)
from multiregion.embedded.session import RegionSession
from multiregion.errors import (
    Conflict,
    DiskFailed,
    DiskFull,
    Fenced,
    MultiregionError,
    NotFound,
    NotReady,
    StaleEpoch,
    Unreachable,
)
from multiregion.health import SLOW_WRITE_SECONDS, WriteHealth, WriteMeter
from multiregion.states import Role, RoutingState
from multiregion.stores import START, Change, Digest, Head, Key, Loss, Position, Record, Write, cursor, read_cursor

log = logging.getLogger("multiregion.records")

FOUND_MAX = 1024
T = TypeVar("T")


class Durability(Protocol):
    """When a write may be acknowledged; see `multiregion.durability`."""

    def check(self) -> None: ...

    async def confirm(self, position: Position) -> None: ...

    def rewound(self, to: Position) -> None: ...


class SqliteRecords:
    """`Records` for one region, named by its role.

    A file made at the founding of its deployment is whole though it is empty. One made later stands for a lost one: until
    everything has been copied from the other region it must not be written to, or the two logs would part.
    """

    def __init__(
        self,
        path: Path,
        role: Role,
        clock: Clock,
        *,
        founding: bool = True,
        lease: Callable[[], bool] | None = None,
        durability: Durability | None = None,
        writer: MakeWriter = Writer,
        reserve: Reserve | None = None,
        slow_seconds: float = SLOW_WRITE_SECONDS,
    ) -> None:
        """`lease` says whether this region may still write, by a clock that only grows; None: writing needs no lease.
        `durability` is asked before a write, and waited for before it is acknowledged. A write that takes longer than
        `slow_seconds` counts against the region's health."""
        self._role = role
        self._lease = lease
        self._durability = durability
        is_new = not path.exists()
        self._clock = clock
        self._writing = connect_with(reserve, path, REGION)
        if is_new and founding:
            self._writing.execute("UPDATE region SET whole = 1")
        self._reading = connect(path, REGION, Reading)
        self._reading.execute("PRAGMA query_only = on")
        self._meter = WriteMeter(clock, slow_seconds=slow_seconds)
        self._writer = writer(self._writing, RegionSession, self._meter, reserve)
        self._heard: RoutingState | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._found: dict[Key, Record | None] = {}
        self._found_at = 0
        self._head: Head | None = None
        self._head_at = 0

    def close(self) -> None:
        self._writer.close()
        self._reading.close()
        self._writing.close()

    async def commit(self, writes: Sequence[Write], *, epoch: int | None, actor: str, requires: Sequence[Key] = ()) -> Position:
        def work(session: RegionSession) -> Position:
            session.routing = self._check_acceptance(session.routing, bool(session.whole), epoch)
            self._check_conditions(session, writes, requires)
            for write in writes:
                position = Position(session.routing.epoch, session.sequence + 1)
                session.write(Change(position, write, actor, self._clock.now(), size_of(write)))
            return session.position

        if self._durability is not None:
            self._durability.check()
        try:
            position = await self._log(work)
        except Conflict:
            # The write may be there already and be asked for again: that answer, too, waits for the other region.
            await self._durable((await self.head()).position)
            raise
        await self._durable(position)
        if not self._may_write():
            # Frozen between the check and the end of the commit: another region may write by now, so this may yet be rewound.
            raise Unreachable("the lease ran out while this was being written; whether it lasts will be known when the region is back")
        return position

    async def confirm(self, position: Position) -> None:
        # What a region that follows has, it has from the other one.
        if (await self.admitted()).leader is self._role:
            await self._durable(position)

    def writing(self) -> WriteHealth:
        """How writing to this region's disk goes."""
        return self._meter.now()

    async def prove_writing(self) -> None:
        """Try the disk if nothing has been written for a moment; `writing` says what came of it."""
        await self._writer.prove()

    async def refusal(self) -> MultiregionError | None:
        """Why a commit would be refused now, found out by the checks of a commit; None: it would be accepted."""
        try:
            if self._durability is not None:
                self._durability.check()
            self._writer.check()
            self._check_acceptance(routing_of(self._reading), await self.is_whole(), None)
        except MultiregionError as error:
            return error
        health = self.writing()
        return DiskFailed(health.sentence()) if health.refuses else None

    async def _durable(self, position: Position) -> None:
        if self._durability is not None:
            await self._durability.confirm(position)

    def _may_write(self) -> bool:
        return self._lease is None or self._lease()

    def _check_lease(self) -> None:
        if not self._may_write():
            raise NotReady("this region holds no lease from the authority, so it does not accept writes")

    def _check_acceptance(self, routing: RoutingState, whole: bool, epoch: int | None) -> RoutingState:
        """The state to write under, if this region accepts writes at all."""
        newest = self._check_fence(routing, epoch)
        if not whole:
            raise NotReady("this region has lost its records and is copying everything from the other region")
        self._check_lease()
        return newest

    def _check_fence(self, routing: RoutingState, epoch: int | None) -> RoutingState:
        """The state to write under. What was heard is in force before its own turn to be stored, so it is stored with the write:
        decided under one epoch and logged under an older one, two regions could write at the same position."""
        heard = self._heard
        if heard is None:
            raise NotReady("this region has started and waits for the authority's word before it accepts writes")
        newest = max(routing, heard, key=lambda state: state.epoch)
        if epoch is not None and epoch != newest.epoch:
            raise StaleEpoch(f"decided at epoch {epoch}, but the epoch is {newest.epoch} by now", state=newest)
        if newest.writer is not self._role:
            raise Fenced(f"the {self._role} region does not accept writes: the application is {newest.state}", state=newest)
        return newest

    def _check_conditions(self, session: RegionSession, writes: Sequence[Write], requires: Sequence[Key]) -> None:
        for key in requires:
            found = session.stored(key)
            if found is None or found.value is None:
                raise NotFound(f"{key.partition}/{key.id} does not exist")
        for write in writes:
            found = session.stored(write.key)
            if write.absent and found is not None:
                raise Conflict(f"{write.key.partition}/{write.key.id} exists already, or was deleted")
            if write.version is not None and (found is None or found.version != write.version):
                raise Conflict(f"{write.key.partition}/{write.key.id} was changed by somebody else meanwhile")

    async def _log(self, work: Callable[[RegionSession], T]) -> T:
        result = await self._writer.run(work)
        waiting, self._waiting = self._waiting, set()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)
        return result

    async def get(self, key: Key) -> Record | None:
        """What was found is good until the next commit: every request asks for its user, and most for the same few photos."""
        # The count is read before the record, so that a commit in between makes what is kept here old, not wrong.
        if self._found_at != (commits := self._writer.commits) or len(self._found) >= FOUND_MAX:
            self._found, self._found_at = {}, commits
        elif key in self._found:
            return self._found[key]
        self._found[key] = found = self._look_up(key)
        return found

    def _look_up(self, key: Key) -> Record | None:
        row = self._reading.execute(
            f"SELECT {RECORD_COLUMNS} FROM record WHERE partition = ? AND id = ? AND value IS NOT NULL", (key.partition, key.id)
        ).fetchone()
        return row and record_of(row)

    async def version(self, key: Key) -> Position | None:
        row = self._reading.execute("SELECT epoch, sequence FROM record WHERE partition = ? AND id = ?", (key.partition, key.id)).fetchone()
        return row and Position(*row)

    async def query(
        self, partition: str, *, after: str = "", limit: int = 50, newest_first: bool = False
    ) -> tuple[Sequence[Record], str | None]:
        where, arguments = "partition = ? AND value IS NOT NULL", [partition]
        if after:
            where += f" AND (sort, id) {'<' if newest_first else '>'} (?, ?)"
            arguments += read_cursor(after)
        direction = "DESC" if newest_first else "ASC"
        rows = self._reading.execute(
            f"SELECT {RECORD_COLUMNS} FROM record WHERE {where} ORDER BY sort {direction}, id {direction} LIMIT ?",
            (*arguments, limit + 1),
        ).fetchall()
        records = [record_of(row) for row in rows[:limit]]
        return records, cursor(records[-1]) if len(rows) > limit else None

    async def count(self, partition: str) -> int:
        found = self._reading.execute("SELECT count(*) FROM record WHERE partition = ? AND value IS NOT NULL", (partition,))
        return int(found.fetchone()[0])

    async def names(self, after: Key, *, limit: int) -> Sequence[tuple[Key, Position, bool, int]]:
        """Every record and tombstone after `after`: its key, version, whether it is deleted, and a fingerprint of it."""
        rows = self._reading.execute(
            f"SELECT {RECORD_COLUMNS} FROM record WHERE (partition, id) > (?, ?) ORDER BY partition, id LIMIT ?",
            (after.partition, after.id, limit),
        )
        found = [record_of(row) for row in rows]
        return [(r.key, r.version, r.value is None, fingerprint(r.key, r.value, r.order, r.version)) for r in found]

    async def needed(self, after: str, *, limit: int) -> Sequence[Digest]:
        """The objects that visible records point to, in order of digest."""
        rows = self._reading.execute("SELECT DISTINCT digest FROM need WHERE digest > ? ORDER BY digest LIMIT ?", (after, limit))
        return [Digest(digest) for (digest,) in rows]

    async def is_needed(self, digest: Digest) -> bool:
        """Whether any visible record points to this object, or a lost write that nobody has decided about."""
        needed = "SELECT 1 FROM need WHERE digest = ?1 UNION ALL SELECT 1 FROM loss WHERE outcome = 'pending' AND instr(needs, ?1) LIMIT 1"
        return self._reading.execute(needed, (digest,)).fetchone() is not None

    async def admitted(self) -> RoutingState:
        stored, heard = routing_of(self._reading), self._heard
        return heard if heard is not None and heard.epoch > stored.epoch else stored

    async def admit(self, state: RoutingState) -> RoutingState:
        # What was heard counts even if it cannot be stored: a full disk must not keep a region writing. An authority that knows
        # less than this region, restored from an old backup, confirms nothing.
        if state.epoch >= (await self.admitted()).epoch:
            self._heard = state

        def work(session: RegionSession) -> RoutingState:
            if state.epoch > session.routing.epoch:
                session.routing = state
            return session.routing

        try:
            return await self._writer.run(work, essential=True)
        except (DiskFull, DiskFailed) as error:
            # In force all the same: every commit from here on asks what was heard, those before it are over, and a process that
            # starts again accepts none before the authority's word.
            log.warning("%s, epoch %d, is obeyed though it cannot be stored: %s", state.state, state.epoch, error.detail)
            return await self.admitted()

    async def is_whole(self) -> bool:
        return bool(self._reading.execute("SELECT whole FROM region").fetchone()[0])

    async def make_whole(self, other: Head) -> None:
        def work(session: RegionSession) -> None:
            if session.position >= other.position:
                session.whole = 1

        await self._writer.run(work)

    @property
    def confirmed(self) -> bool:
        """Whether the authority has been heard since this process started."""
        return self._heard is not None

    async def head(self) -> Head:
        if self._head is None or self._head_at != self._writer.commits:
            self._head_at = self._writer.commits
            epoch, sequence, *rest = self._reading.execute("SELECT log_epoch, log_sequence, log_bytes, content FROM region").fetchone()
            self._head = Head(Position(epoch, sequence), *rest)
        return self._head

    def changes(self, after: Position, *, limit: int) -> Sequence[Change]:
        if after != START and self._epoch_at(after.sequence) != after.epoch:
            raise Conflict(f"change {after.sequence} of epoch {after.epoch} is not in this region's log")
        rows = self._reading.execute(
            f"SELECT {CHANGE_COLUMNS} FROM change WHERE sequence > ? ORDER BY sequence LIMIT ?", (after.sequence, limit)
        )
        return [change_of(row) for row in rows]

    def credential_changes(self, *, limit: int) -> Sequence[tuple[Change, bytes | None]]:
        """The newest changes of who may sign in, newest first, each with the value that it replaced."""
        rows = self._reading.execute(
            f"SELECT {CHANGE_COLUMNS}, previous_value FROM change WHERE {CREDENTIALS} ORDER BY sequence DESC LIMIT ?", (limit,)
        )
        return [(change_of(row[:10]), row[10]) for row in rows]

    def _epoch_at(self, sequence: int) -> int | None:
        row = self._reading.execute("SELECT epoch FROM change WHERE sequence = ?", (sequence,)).fetchone()
        return row and int(row[0])

    async def epoch_ends(self) -> Sequence[Position]:
        return [Position(*row) for row in self._reading.execute(EPOCH_ENDS)]

    async def reaches(self, position: Position) -> bool | None:
        if position == START:
            return True
        head = (await self.head()).position
        if position.sequence <= head.sequence:
            return True if self._epoch_at(position.sequence) == position.epoch else None
        # An epoch that nobody has told this region of, or one that ended here before that change, is another history. And
        # beyond the leader's log there is nothing.
        state = await self.admitted()
        is_truth = state.leader is self._role and await self.is_whole()
        return False if head.epoch <= position.epoch <= state.epoch and not is_truth else None

    async def apply(self, changes: Sequence[Change], *, epoch: int) -> Head:
        def work(session: RegionSession) -> Head:
            if epoch < session.routing.epoch:
                raise StaleEpoch(f"changes sent at epoch {epoch}, but {session.routing.epoch} is known here", state=session.routing)
            fresh = [change for change in changes if change.position.sequence > session.sequence]
            known = [change for change in changes if change.position.sequence <= session.sequence]
            if known and not session.holds(known[-1].position):
                # This region has led for a moment, while what it follows went on: the logs have parted, and its own is rewound first.
                raise Conflict(f"{known[-1].position} is not in this log, which has another change in its place")
            if fresh and session.whole and session.routing.leader is self._role:
                raise Fenced("this region leads and takes no changes from the other", state=session.routing)
            for expected, change in enumerate(fresh, session.sequence + 1):
                if change.position.sequence != expected or change.position.epoch < session.epoch:
                    raise Conflict(f"expected change {expected} of epoch {session.epoch} or later, got {change.position}")
            for change in fresh:
                session.write(change)
            return session.head()

        return await self._log(work)

    async def rewind(self, to: Position, *, reason: str) -> int:
        def work(session: RegionSession) -> int:
            if session.routing.leader is self._role:
                raise Fenced("this region leads: its log is the truth and is not rewound", state=session.routing)
            return ledger.rewind(session, to, at=self._clock.now(), reason=reason)

        undone = await self._writer.run(work, essential=True)
        if self._durability is not None:
            self._durability.rewound(to)
        return undone

    async def losses(self, *, after: int = 0, limit: int = 100) -> Sequence[Loss]:
        return ledger.losses(self._reading, after=after, limit=limit)

    async def pending_losses(self) -> int:
        return int(self._reading.execute("SELECT count(*) FROM loss WHERE outcome = 'pending'").fetchone()[0])

    async def settle(self, number: int, outcome: str, *, actor: str, applied: Position | None = None) -> None:
        await self._writer.run(lambda session: ledger.settle(session, number, outcome, actor=actor, applied=applied), essential=True)

    async def changed(self, after: Position, *, timeout_seconds: float) -> bool:
        # Registered before looking, so that a commit between the look and the wait is not missed.
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            if (await self.head()).position > after:
                return True
            with suppress(TimeoutError):
                await asyncio.wait_for(waiter, timeout_seconds)
            return (await self.head()).position > after
        finally:
            self._waiting.discard(waiter)
