"""Fenced records with their change log in one SQLite file: the check, the record and the log entry share a transaction."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from multiregion.chains import check_follows
from multiregion.clock import Clock
from multiregion.embedded import entries, expunging, ledger
from multiregion.embedded.database import MakeWriter, Writer, truncate_journal
from multiregion.embedded.guarded import about_region
from multiregion.embedded.migration import open_region
from multiregion.embedded.reads import RegionReads, is_at
from multiregion.embedded.reserve import Reserve
from multiregion.embedded.schema import routing_of, size_of
from multiregion.embedded.session import Durability, RegionSession, Step
from multiregion.errors import Conflict, DiskFailed, DiskFull, Fenced, MultiregionError, NotFound, NotReady, StaleEpoch, Unreachable
from multiregion.health import SLOW_WRITE_SECONDS, WriteHealth, WriteMeter
from multiregion.logs import Explain, Loss
from multiregion.reports import Leadership
from multiregion.states import Role, RoutingState
from multiregion.stores import BEGINNING, START, Change, Head, Key, Mark, Position, Record, Write, required_by

log = logging.getLogger("multiregion.records")

FOUND_MAX = 1024
T = TypeVar("T")


class SqliteRecords(RegionReads):
    """`Records` for one region, named by its role.

    A new file stands for a lost one, unless its deployment is founded upon it: until everything has been copied from the other
    region it must not be written to, or the two logs would part.
    """

    def __init__(
        self,
        path: Path,
        role: Role,
        clock: Clock,
        *,
        guarded: bool = False,
        history: str = "",
        deployment: str = "",
        lease: Callable[[], bool] | None = None,
        durability: Durability | None = None,
        writer: MakeWriter = Writer,
        reserve: Reserve | None = None,
        slow_seconds: float = SLOW_WRITE_SECONDS,
    ) -> None:
        """`guarded`: write nothing before this file was founded, or has everything, and `prove` was called; without it a store that
        stands alone. `history`: that of a file of the last release. `deployment`: whose file it has to be. `lease` says whether this
        region may still write, by a clock that only grows; None: writing needs no lease. `durability` is asked before a write, and
        waited for before it is acknowledged. A write that takes longer than `slow_seconds` counts against the region's health."""
        self._role = role
        self._lease = lease
        self._durability = durability
        is_new = not path.exists()
        self._clock = clock
        self._writing = open_region(path, about := about_region(role), role, clock.new_id(), history, reserve, deployment)
        if is_new and not guarded:
            self._writing.execute("UPDATE region SET whole = 1")
        self._writing.execute("PRAGMA secure_delete = on")
        self._path = path
        self._proved = not guarded
        self._held_because: str | None = None
        try:
            super().__init__(path, about)
        except BaseException:
            self._writing.close()
            raise
        self.store, began_whole = self._reading.execute("SELECT store, whole FROM region").fetchone()
        self.began_whole = bool(began_whole)
        self._meter = WriteMeter(clock, slow_seconds=slow_seconds)
        self._writer = writer(self._writing, RegionSession, self._meter, reserve)
        self._heard: RoutingState | None = None
        self._disputed: RoutingState | None = None
        self._hearsay: RoutingState | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._found: dict[Key, Record | None] = {}
        self._found_at = 0
        self._head: Head | None = None
        self._head_at = 0

    def close(self) -> None:
        self._writer.close()
        self._reading.close()
        self._writing.close()

    async def commit(self, writes: Sequence[Write], *, epoch: int | None, actor: str) -> Position:
        def work(session: RegionSession) -> Position:
            session.routing = self._check_acceptance(session.routing, bool(session.whole), epoch)
            self._check_conditions(session, writes)
            for write in writes:
                position = Position(session.routing.epoch, session.sequence + 1)
                session.write(Change(position, write, actor, self._clock.now(), size_of(write)), own=True)
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
            raise NotReady(self._held_because or "this region does not have all records yet, and copies them from the other region")
        if not self.proved:
            raise NotReady(
                self._held_because or "this region has started, and compares its log with what the other region and the authority know"
            )
        self._check_lease()
        return newest

    def _check_fence(self, routing: RoutingState, epoch: int | None) -> RoutingState:
        """The state to write under. What was heard is in force before its own turn to be stored, so it is stored with the write:
        decided under one epoch and logged under an older one, two regions could write at the same position."""
        heard = self._heard
        if heard is None:
            raise NotReady("this region has started and waits for the authority's word before it accepts writes")
        newest = heard if heard.supersedes(routing) else routing
        if epoch is not None and epoch != newest.epoch:
            raise StaleEpoch(f"decided at epoch {epoch}, but the epoch is {newest.epoch} by now", state=newest)
        if self._disputed == newest:
            raise NotReady(f"two states were decided as epoch {newest.epoch}: nobody writes before `multiregion authority recover`")
        if newest.writer is not self._role:
            raise Fenced(f"the {self._role} region does not accept writes: the application is {newest.state}", state=newest)
        return newest

    def _check_conditions(self, session: RegionSession, writes: Sequence[Write]) -> None:
        for key in required_by(writes):
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
        """What was found is good until the next commit: every request asks for its user, and most for the same few records."""
        # The count is read before the record, so that a commit in between makes what is kept here old, not wrong.
        if self._found_at != (commits := self._writer.commits) or len(self._found) >= FOUND_MAX:
            self._found, self._found_at = {}, commits
        elif key in self._found:
            return self._found[key]
        self._found[key] = found = self._look_up(key)
        return found

    async def admitted(self) -> RoutingState:
        """What was heard is in force, though it may not be stored yet."""
        return self._newest()

    async def admit(self, state: RoutingState) -> RoutingState:
        # What was heard counts even if it cannot be stored: a full disk must not keep a region writing. An authority that knows
        # less than this region, restored from an old backup, confirms nothing.
        if state.is_taken_by(newest := self._newest()):
            # A new history begins with the newest log that anybody has, and so does what follows on a state that was hearsay.
            self._proved = self._proved and newest.history in ("", state.history) and self._hearsay in (None, state)
            self._hearsay = None
            self._heard = state
        self._note_dispute(state)
        return await self._obey(state)

    def _note_dispute(self, state: RoutingState) -> None:
        if state.disputes(newest := self._newest()):
            self._disputed = newest

    @property
    def is_disputed(self) -> bool:
        """Whether something else was decided under the number of the state that this region obeys: it does not write then."""
        return self._disputed == self._newest()

    async def learn(self, state: RoutingState) -> None:
        self._note_dispute(state)
        if self.confirmed and state.supersedes(self._newest()):
            self._heard = state
            self._hearsay = state if state.leader is self._role else None
            await self._obey(state)

    async def _obey(self, state: RoutingState) -> RoutingState:
        def work(session: RegionSession) -> RoutingState:
            if state.supersedes(session.routing):
                session.routing = state
            return session.routing

        try:
            return await self._writer.run(work, essential=True)
        except (DiskFull, DiskFailed) as error:
            # In force all the same: every commit from here on asks what was heard, those before it are over, and a process that
            # starts again accepts none before the authority's word.
            log.warning("%s, epoch %d, is obeyed though it cannot be stored: %s", state.state, state.epoch, error.detail)
            return await self.admitted()

    def _newest(self) -> RoutingState:
        stored = routing_of(self._reading)
        return self._heard if self._heard and self._heard.supersedes(stored) else stored

    async def found(self, state: RoutingState) -> None:
        """The deployment is founded upon this file, which is empty: nothing has to be copied."""

        def work(session: RegionSession) -> None:
            if session.sequence == 0:
                session.whole = 1
            if state.supersedes(session.routing):
                session.routing = state

        await self._writer.run(work)

    async def make_whole(self, other: Head) -> None:
        def work(session: RegionSession) -> None:
            if session.holds(other.mark) and not session.whole:
                session.whole = 1
                # Until it leads under a new epoch, or follows: after a crash in between, too, it counts as having been short.
                session.owed = session.head().mark if session.owed == BEGINNING else session.owed

        await self._writer.run(work)

    @property
    def confirmed(self) -> bool:
        """Whether the authority has been heard since this process started."""
        return self._heard is not None

    async def head(self) -> Head:
        if self._head is None or self._head_at != self._writer.commits:
            self._head_at = self._writer.commits
            row = self._reading.execute("SELECT log_epoch, log_sequence, log_bytes, content, chain FROM region").fetchone()
            epoch, sequence, *rest = row
            self._head = Head(Position(epoch, sequence), *rest)
        return self._head

    async def reaches(self, position: Position, *, history: str = "", chain: str = "") -> bool | None:
        if position == START:
            return True
        head = (await self.head()).position
        if position.sequence <= head.sequence:
            return True if is_at(self._mark_at(position.sequence), position, chain) else None
        # Another history, an epoch that nobody has told this region of, or one that ended here before that change, is another history. And
        # beyond the leader's log there is nothing.
        state = await self.admitted()
        may_come = history in ("", state.history) and head.epoch <= position.epoch <= state.epoch
        return False if may_come and not await self.leads() else None

    async def apply(self, changes: Sequence[Change], *, epoch: int) -> Head:
        def work(session: RegionSession) -> Head:
            if epoch < session.routing.epoch:
                raise StaleEpoch(f"changes sent at epoch {epoch}, but {session.routing.epoch} is known here", state=session.routing)
            fresh = [change for change in changes if change.position.sequence > session.sequence]
            known = [change for change in changes if change.position.sequence <= session.sequence]
            if known and not session.holds(known[-1].mark):
                # This region has led for a moment, while what it follows went on: the logs have parted, and its own is rewound first.
                raise Conflict(f"{known[-1].position} is not in this log, which has another change in its place")
            if fresh and self._is_truth(session):
                raise Fenced("this region leads and takes no changes from the other", state=session.routing)
            check_follows(fresh, session.head().mark)
            for change in fresh:
                session.write(change, own=False)
            return session.head()

        return await self._log(work)

    def _is_truth(self, session: RegionSession) -> bool:
        return bool(session.whole) and self.proved and session.routing.leader is self._role

    def _as_loss(self, explain: Explain) -> Callable[[Step], Loss]:
        at, role = self._clock.now(), self._role
        return lambda step: Loss(step.change, step.replaced, at, role, *explain(step.change.position, step.own))

    async def tail(self, above: Position, *, limit: int, explain: Explain) -> Sequence[Loss]:
        return ledger.tail(self._reading, above, self._as_loss(explain), limit=limit)

    async def rewind(self, to: Position, *, explain: Explain) -> int:
        def work(session: RegionSession) -> int:
            if self._is_truth(session):
                raise Fenced("this region leads: its log is the truth and is not rewound", state=session.routing)
            return ledger.rewind(session, to, self._as_loss(explain))

        undone = await self._writer.run(work, essential=True)
        if self._durability is not None:
            self._durability.rewound(to)
        return undone

    async def expunge(self, passed: Position) -> int:
        """Take secrets out of the log that were replaced at or before `passed`, which both regions have; returns how many, or 0 if
        there are none. A part at a time."""
        gone = await self._writer.run(lambda session: expunging.expunge(session.db, passed))
        if gone:
            truncate_journal(self._path)
        return gone

    async def put_back(self, position: Position, whole: Change | None = None) -> bool:
        return await self._writer.run(lambda session: entries.put_back(session.db, position, whole))

    async def merge(self, losses: Sequence[Loss]) -> None:
        await self._writer.run(lambda session: ledger.merge(session.db, losses), essential=True)

    async def settle(self, key: Mark, outcome: str, *, actor: str, applied: Position | None = None) -> str:
        return await self._writer.run(lambda session: ledger.settle(session, key, outcome, actor=actor, applied=applied), essential=True)

    @property
    def proved(self) -> bool:
        return self._proved and self._hearsay is None

    def prove(self) -> None:
        self._proved = True

    def hold(self, because: str | None) -> None:
        self._held_because = because

    async def leads(self) -> bool:
        return self.proved and self._newest().leader is self._role and await self.is_whole()

    async def owe(self, mark: Mark, leadership: Leadership, *, cause: str) -> None:
        told = leadership, self._role, self._clock.now(), cause
        await self._writer.run(lambda session: ledger.owe(session, mark, *told), essential=True)

    async def settle_debt(self, leadership: Leadership) -> None:
        await self._writer.run(lambda session: ledger.settle_debt(session, leadership))

    async def missing(self, mark: Mark, leadership: Leadership) -> int | None:
        return 0 if await self.holds(mark) else ledger.missing(self._reading, mark, leadership)

    async def write_off(self, mark: Mark, leadership: Leadership, *, cause: str) -> None:
        told = leadership, self._role, self._clock.now(), cause
        await self._writer.run(lambda session: ledger.write_off(session, mark, *told), essential=True)

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
