"""Copy the other region's changes: in order, in batches, objects before the records that name them, each once in effect."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from multiregion.audit import checked
from multiregion.chains import shared_mark
from multiregion.clock import Clock
from multiregion.errors import (
    Conflict,
    Damaged,
    DatabaseDamaged,
    DiskFailed,
    DiskFull,
    ForeignDatabase,
    LogSpoiled,
    MultiregionError,
    NotFound,
    NotReady,
    StaleEpoch,
    Unavailable,
    Unneeded,
)
from multiregion.lag_history import NOTHING_KNOWN, LagMeter, LastKnown
from multiregion.logs import Explain, LoggedRecords, Loss, explanation
from multiregion.objects import Found, LocalObjects
from multiregion.region import LoggedRegion
from multiregion.states import UNFOUNDED, RoutingState
from multiregion.stores import BEGINNING, START, Change, Digest, Exposure, Head, Lag, Mark, Position, needs_of

log = logging.getLogger("multiregion.replication")

BATCH_CHANGES_MAX = 500
BATCH_BYTES_MAX = 1024 * 1024
BATCHES_WAITING_MAX = 16
LEDGER_PAGE = 500
FETCHES_MAX = 4
PAUSE_SECONDS_MIN = 0.1
PAUSE_SECONDS_MAX = 1.0
COMPARES = "compares its log with the other region's"


@dataclass(frozen=True, slots=True)
class Frame:
    """What a region tells the other: its next changes (none: a heartbeat), where its log ends, and the state it obeys."""

    changes: Sequence[Change]
    head: Head
    state: RoutingState
    exposure: Exposure = NOTHING_KNOWN


@dataclass(frozen=True, slots=True)
class Standing:
    """The id of a region's file, where its log ends, the state it obeys, whether its log is the truth (it leads, and was proved to
    have everything), whether it is whole, and how far its log had got once (BEGINNING: it lacks nothing of that)."""

    store: str
    end: Mark
    state: RoutingState
    leads: bool
    whole: bool
    owed: Mark = BEGINNING


class Peer(Protocol):
    """The other region, over a link that may break at any byte."""

    def follow(self, after: Mark, *, changes: bool) -> AsyncIterator[Frame]:
        """Its changes after `after`, then each as it is made, with heartbeats between, until the link breaks; without
        `changes` heartbeats only. Raises Unreachable when it breaks, Conflict if `after` is not in its log."""
        ...

    def fetch(self, digest: Digest) -> AsyncIterator[bytes]:
        """An object's bytes in pieces. Raises Unreachable, NotFound, Damaged; Unneeded if it does not have them, sound, and none of
        its records needs them any more."""
        ...

    async def standing(self) -> Standing:
        """Raises Unreachable."""
        ...

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        """What is at these sequences of its log, None beyond its end. Raises Unreachable."""
        ...

    async def losses(self, after: int) -> Sequence[Loss]:
        """A page of its loss ledger: what was made or changed after revision `after`. Raises Unreachable."""
        ...

    async def enter(self, losses: Sequence[Loss]) -> None:
        """Have these in its loss ledger, durably. Idempotent. Raises Unreachable, DiskFull."""
        ...

    async def acknowledge(self, position: Position) -> None:
        """Tell the other region how far this one has got. Raises Unreachable."""
        ...


async def standing_of(records: LoggedRecords) -> Standing:
    end = (await records.head()).mark
    return Standing(records.store, end, await records.admitted(), await records.leads(), await records.is_whole(), await records.owed())


async def frames(
    records: LoggedRecords,
    after: Mark,
    clock: Clock,
    *,
    heartbeat_seconds: float,
    changes: bool,
    exposure: Callable[[], Exposure] = lambda: NOTHING_KNOWN,
) -> AsyncIterator[Frame]:
    """The source's side of `Peer.follow`."""

    async def frame(batch: Sequence[Change] = ()) -> Frame:
        return Frame(batch, await records.head(), await records.admitted(), exposure())

    yield await frame()
    while not changes:
        await clock.sleep(heartbeat_seconds)
        yield await frame()
    while True:
        for batch in batches(records.changes(after.position, limit=BATCH_CHANGES_MAX, chain=after.chain)):
            sent = await checked(records, batch, after)
            after = batch[-1].mark
            yield await frame(sent)
        if not await records.changed(after.position, timeout_seconds=heartbeat_seconds):
            yield await frame()


async def offered(region: LoggedRegion, digest: Digest) -> Found:
    """The source's side of `Peer.fetch`: the object, sound. Fetched from nowhere: who asks is where it would come from."""
    try:
        return await region.objects.file(digest, mend=False)
    except (NotFound, Damaged) as error:
        if await region.records.is_needed(digest):
            raise
        raise Unneeded(f"object {digest} is not here, sound, and nothing here needs it") from error


def batches(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Split where the bytes pass the limit, so that no frame is large; a single large change goes alone."""
    batch: list[Change] = []
    size = 0
    for change in changes:
        if batch and size + change.size > BATCH_BYTES_MAX:
            yield batch
            batch, size = [], 0
        batch.append(change)
        size += change.size
    if batch:
        yield batch


def parts(losses: Sequence[Loss]) -> Iterator[Sequence[Loss]]:
    """Split as changes are, so that no message is large."""
    first = 0
    for batch in batches([loss.change for loss in losses]):
        yield losses[first : first + len(batch)]
        first += len(batch)


class Replicator:
    """Keeps one region up with the other, for ever, through every break; `status` says how far behind it is.

    Only the leader's log is followed: a region that leads listens to the other's heartbeats alone. A region that does not
    lead, and whose log goes another way than the leader's, is rewound to where they part.
    """

    def __init__(
        self,
        region: LoggedRegion,
        peer: Peer,
        clock: Clock,
        *,
        heartbeat_seconds: float,
        acknowledges: bool = False,
        catches_up: Callable[[], bool] = lambda: False,
    ) -> None:
        """`catches_up`: whether this region, which is the leader, has been found to lack something that the other one has."""
        self._catches_up = catches_up
        self._region = region
        self._peer = peer
        self._clock = clock
        self._acknowledges = acknowledges
        self._advanced = asyncio.Event()
        self._lag = LagMeter(clock, stale_seconds=1.0 + 4 * heartbeat_seconds)
        self.problem: str | None = "has not heard from the other region yet"
        self._level_at = START
        self._following = False
        self.parted: Mark | None = None
        """While this region leads: where the other one's log ends, if it has something that this one's has not."""

    def status(self) -> Lag:
        return self._lag.now(broken=self.problem is not None)

    def turns(self, state: RoutingState) -> bool:
        """Whether this region follows by `state`, and goes on to: what it heard as the leader says nothing of its own log."""
        return state.leader is not self._region.role and not self._following

    @property
    def last_known(self) -> LastKnown | None:
        """How far behind this region was when it last heard from the other, and how long ago that is."""
        return self._lag.last_known()

    async def passed(self) -> Position:
        """How far both regions have the log, durably, for all that this one knows: a follower's is all in the leader's, and a leader
        has heard how far the follower is."""
        own = (await self._region.records.head()).position
        if not await self._region.records.leads():
            return min(own, self._level_at)
        heard = self._lag.heard
        return min(own, heard.position) if heard is not None and self.parted is None else START

    async def run(self) -> None:
        """Follow the other region until cancelled; after a break wait a little, longer each time, and resume."""
        pause = PAUSE_SECONDS_MIN
        while True:
            heard_before = self._lag.heard_at
            try:
                await self.follow()
            except MultiregionError as error:
                self._note(error)
            heard = self._lag.heard_at != heard_before
            pause = PAUSE_SECONDS_MIN if heard else min(2 * pause, PAUSE_SECONDS_MAX)
            await self._clock.sleep(pause)

    def _note(self, error: MultiregionError) -> None:
        reasons = {
            DiskFull: "the disk is full",
            DiskFailed: "the disk cannot be written",
            Conflict: "the logs of the two regions have parted",
            StaleEpoch: "the other region obeys an older state",
            DatabaseDamaged: error.detail,
            ForeignDatabase: error.detail,
            LogSpoiled: error.detail,
            Damaged: f"{error.detail}: repair it there, or delete what needs it (`multiregion verify --deep` names it)",
        }
        is_silence = isinstance(error, Unavailable) and not isinstance(error, NotReady)
        problem = reasons.get(type(error), "the other region does not answer" if is_silence else error.detail)
        if problem != self.problem:
            log.warning("replication waits: %s (%s)", problem, error.detail)
        self.problem = problem

    async def follow(self) -> None:
        """One connection's worth: read ahead and apply side by side until either of them ends or fails."""
        self._level_at = START
        self._following = await self._follows()
        if self._following:
            self.problem = self.problem or COMPARES
            await self._rejoin()
        head = await self._region.records.head()
        self._lag.applied(head)
        waiting: asyncio.Queue[Frame] = asyncio.Queue(BATCHES_WAITING_MAX)
        works = [self._read(head.mark, waiting), self._apply(waiting)]
        if self._acknowledges and await self._follows():
            self._advanced.set()
            works.append(self._acknowledge())
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _rejoin(self) -> None:
        """Go back to where this log and the leader's part, if they do. What is undone goes into the other region's loss ledger
        first, then, with the rewind, into this one's: whichever file is lost, the list of what it lost is not."""
        records = self._region.records
        theirs = await self._peer.standing()
        await records.learn(theirs.state)
        if not theirs.whole:
            copies = "does not have all records yet, and copies this one's"
            raise NotReady(f"the other region {copies if theirs.state.epoch != UNFOUNDED.epoch else 'has been told no state yet'}")
        state = await records.admitted()
        if theirs.state != state:
            return
        own = (await records.head()).mark
        if (await self._peer.marks([own.position.sequence]))[0] == own or own == BEGINNING:
            return
        if not (theirs.leads or self._catches_up()):
            raise NotReady("the leading region compares its log with this one's and has not begun to lead")
        shared = await shared_mark(min(own.position.sequence, theirs.end.position.sequence), records.marks, self._peer.marks)
        explain = await self._explanation(shared, theirs)
        await self._enter_elsewhere(shared.position, explain)
        undone = await records.rewind(shared.position, explain=explain)
        log.warning("rewound %d changes to %s: see `multiregion loss list`", undone, shared.position)

    async def _explanation(self, shared: Mark, theirs: Standing) -> Explain:
        (beyond,) = await self._peer.marks([shared.position.sequence + 1])
        return explanation(shared.position, beyond.position if beyond else None, theirs.owed.position, theirs.state.leader)

    async def _enter_elsewhere(self, above: Position, explain: Explain) -> None:
        while losses := await self._region.records.tail(above, limit=LEDGER_PAGE, explain=explain):
            for part in parts(losses):
                await self._peer.enter(part)
            above = losses[-1].change.position

    async def _read(self, after: Mark, waiting: "asyncio.Queue[Frame]") -> None:
        """Ends when this region begins or ceases to follow."""
        wants_changes = await self._follows()
        async for frame in self._peer.follow(after, changes=wants_changes):
            if self.problem is not None:
                log.info("replication goes on")
            self.problem = None
            if not wants_changes:
                self._lag.applied(await self._region.records.head())
            self.parted = None if wants_changes or await self._region.records.holds(frame.head.mark) else frame.head.mark
            self._lag.hear(frame.head, frame.exposure)
            await self._region.records.learn(frame.state)
            if frame.changes:
                await waiting.put(frame)
            self._level_at = level.position if wants_changes and (level := self._lag.level_with()) else self._level_at
            await self._become_whole()
            if wants_changes is not await self._follows():
                return

    async def _follows(self) -> bool:
        records = self._region.records
        return (await records.admitted()).leader is not self._region.role or not await records.is_whole() or self._catches_up()

    async def _become_whole(self) -> None:
        if (other := self._lag.level_with()) and not await self._region.records.is_whole():
            await self._region.records.make_whole(other)

    async def _apply(self, waiting: "asyncio.Queue[Frame]") -> None:
        while True:
            frame = await waiting.get()
            await self._bring_objects(frame.changes)
            await self._check_history(frame.state)
            head = await self._region.records.apply(frame.changes, epoch=frame.state.epoch)
            self._lag.applied(head)
            await self._become_whole()
            self._advanced.set()

    async def _check_history(self, state: RoutingState) -> None:
        """Epochs are compared within one history only."""
        admitted = await self._region.records.admitted()
        if state.history != admitted.history:
            raise StaleEpoch("the other region obeys a state of another history", state=admitted)

    async def _acknowledge(self) -> None:
        """Beside applying, and only the newest position each time, so that a slow link does not slow replication down."""
        while True:
            await self._advanced.wait()
            self._advanced.clear()
            await self._peer.acknowledge((await self._region.records.head()).position)

    async def _bring_objects(self, changes: Sequence[Change]) -> None:
        if changes and await bring(needs_of(changes), self._region.objects, self._peer, skip_unneeded=True):
            (there,) = await self._peer.marks([changes[-1].position.sequence])
            if there != changes[-1].mark:  # its file is another one now, which needs nothing because it has nothing
                raise Conflict(f"the other region no longer has {changes[-1].position}, and its objects do not come")


async def bring(digests: Sequence[Digest], objects: LocalObjects, peer: Peer, *, skip_unneeded: bool = False) -> set[Digest]:
    """Fetch the objects that are not here, a few at a time, until all are; none is discarded before the records that name them are
    there. `skip_unneeded`: whoever follows a log meets records that were deleted later, and goes on without their objects, which
    are returned. Raises what fetching and keeping the first that fails raises."""
    skipped: set[Digest] = set()
    while missing := [digest for digest in digests if digest not in skipped and not await objects.claim(digest)]:
        skipped |= await fetch(missing, objects, peer, skip_unneeded=skip_unneeded)
    return skipped


async def fetch(missing: Sequence[Digest], objects: LocalObjects, peer: Peer, *, skip_unneeded: bool) -> set[Digest]:
    """Returns those that were skipped."""
    places = asyncio.Semaphore(FETCHES_MAX)
    skipped: set[Digest] = set()

    async def one(digest: Digest) -> None:
        async with places:
            try:
                await objects.receive(digest, peer.fetch(digest))
            except Unneeded:
                if not skip_unneeded:
                    raise
                skipped.add(digest)

    try:
        async with asyncio.TaskGroup() as tasks:
            for digest in missing:
                tasks.create_task(one(digest))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return skipped
