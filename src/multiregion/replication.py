"""Copy the other region's changes: in order, in batches, objects before the records that name them, each once in effect."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from multiregion.clock import Clock
from multiregion.errors import Conflict, DiskFailed, DiskFull, MultiregionError, NotReady, StaleEpoch, Unavailable
from multiregion.region import LoggedRegion
from multiregion.states import RoutingState
from multiregion.stores import (
    START,
    UNKNOWN_LAG,
    Change,
    CredentialChange,
    Digest,
    Exposure,
    Head,
    Lag,
    LoggedRecords,
    Objects,
    Position,
    needs_of,
)

log = logging.getLogger("multiregion.replication")

BATCH_CHANGES_MAX = 500
BATCH_BYTES_MAX = 1024 * 1024
BATCHES_WAITING_MAX = 16
FETCHES_MAX = 4
PAUSE_SECONDS_MIN = 0.1
PAUSE_SECONDS_MAX = 1.0
NOTHING_KNOWN = Exposure()


@dataclass(frozen=True, slots=True)
class Frame:
    """What a region tells the other: its next changes (none: a heartbeat), where its log ends, and the state it obeys."""

    changes: Sequence[Change]
    head: Head
    state: RoutingState
    exposure: Exposure = NOTHING_KNOWN


@dataclass(frozen=True, slots=True)
class Ends:
    """Where each epoch ends in a region's log, the state it obeys, and whether it is whole: what it takes to find where two
    logs part, and whether that means anything."""

    positions: Sequence[Position]
    state: RoutingState
    whole: bool


class Peer(Protocol):
    """The other region, over a link that may break at any byte."""

    def follow(self, after: Position, *, changes: bool) -> AsyncIterator[Frame]:
        """Its changes after `after`, then each as it is made, with heartbeats between, until the link breaks; without
        `changes` heartbeats only. Raises Unreachable when it breaks, Conflict if `after` is not in its log."""
        ...

    def fetch(self, digest: Digest) -> AsyncIterator[bytes]:
        """An object's bytes in pieces. Raises Unreachable, NotFound."""
        ...

    async def ends(self) -> Ends:
        """Raises Unreachable."""
        ...

    async def acknowledge(self, position: Position) -> None:
        """Tell the other region how far this one has got. Raises Unreachable."""
        ...


async def frames(
    records: LoggedRecords,
    after: Position,
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
        for batch in batches(records.changes(after, limit=BATCH_CHANGES_MAX)):
            after = batch[-1].position
            yield await frame(batch)
        if not await records.changed(after, timeout_seconds=heartbeat_seconds):
            yield await frame()


def shared_position(ours: Sequence[Position], theirs: Sequence[Position]) -> Position:
    """The last position that two logs have in common. One region writes in an epoch, so equal positions hold equal changes."""
    ends = {end.epoch: end for end in theirs}
    return max((min(end, ends[end.epoch]) for end in ours if end.epoch in ends), default=START)


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


@dataclass(frozen=True, slots=True)
class LastKnown:
    """How far behind a region was when it last heard from the other: in changes and bytes; and for how long it may have been
    missing changes by now, in seconds (None: it was never level since it started). Of the changes, `credentials` are those of
    who may sign in; `photos_in_flight` were on their way into the other region (None: not known)."""

    changes: int
    bytes: int
    seconds: float | None
    credentials: tuple[CredentialChange, ...] = ()
    photos_in_flight: int | None = None


class LagMeter:
    """Measures a lag from what is heard (where the other log ends) and applied (where this one does), by a clock that only grows."""

    def __init__(self, clock: Clock, *, stale_seconds: float) -> None:
        self._clock = clock
        self._stale_seconds = stale_seconds
        self._heard: Head | None = None
        self._exposure = NOTHING_KNOWN
        self._applied: Head | None = None
        self._level_at: float | None = None
        self.heard_at = 0.0

    def hear(self, head: Head, exposure: Exposure = NOTHING_KNOWN) -> None:
        self._heard, self._exposure, self.heard_at = head, exposure, self._clock.monotonic()
        self._note_level()

    def applied(self, head: Head) -> None:
        self._applied = head
        self._note_level()

    def level_with(self) -> Head | None:
        """The other log's end, if this one has got there."""
        if self._heard and self._applied and self._applied.position >= self._heard.position:
            return self._heard
        return None

    def now(self, *, broken: bool) -> Lag:
        """The lag; changes and bytes are unknown when the link is broken or silent."""
        known = self.last_known()
        if known is None:
            return UNKNOWN_LAG
        if broken or self._clock.monotonic() - self.heard_at > self._stale_seconds:
            return Lag(known.seconds, None, None)
        return Lag(0.0 if known.changes == 0 else known.seconds, known.changes, known.bytes)

    def last_known(self) -> LastKnown | None:
        if self._heard is None or self._applied is None:
            return None
        changes = max(0, self._heard.position.sequence - self._applied.position.sequence)
        seconds = None if self._level_at is None else self._clock.monotonic() - self._level_at
        missing = tuple(each for each in self._exposure.credentials if each.position > self._applied.position)
        size = max(0, self._heard.bytes - self._applied.bytes)
        return LastKnown(changes, size, seconds, missing, self._exposure.photos_in_flight)

    def _note_level(self) -> None:
        if self.level_with():
            self._level_at = self.heard_at


class Replicator:
    """Keeps one region up with the other, for ever, through every break; `status` says how far behind it is.

    Only the leader's log is followed: a region that leads listens to the other's heartbeats alone. A region that does not
    lead, and whose log goes another way than the leader's, is rewound to where they part.
    """

    def __init__(self, region: LoggedRegion, peer: Peer, clock: Clock, *, heartbeat_seconds: float, acknowledges: bool = False) -> None:
        self._region = region
        self._peer = peer
        self._clock = clock
        self._acknowledges = acknowledges
        self._advanced = asyncio.Event()
        self._lag = LagMeter(clock, stale_seconds=1.0 + 4 * heartbeat_seconds)
        self.problem: str | None = "has not heard from the other region yet"

    def status(self) -> Lag:
        return self._lag.now(broken=self.problem is not None)

    @property
    def last_known(self) -> LastKnown | None:
        """How far behind this region was when it last heard from the other, and how long ago that is."""
        return self._lag.last_known()

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
        }
        problem = reasons.get(type(error), "the other region does not answer" if isinstance(error, Unavailable) else error.detail)
        if problem != self.problem:
            log.warning("replication waits: %s (%s)", problem, error.detail)
        self.problem = problem

    async def follow(self) -> None:
        """One connection's worth: read ahead and apply side by side until either of them ends or fails."""
        if await self._wants_changes():
            await self._rejoin()
        head = await self._region.records.head()
        self._lag.applied(head)
        waiting: asyncio.Queue[Frame] = asyncio.Queue(BATCHES_WAITING_MAX)
        works = [self._read(head.position, waiting), self._apply(waiting)]
        if self._acknowledges and await self._wants_changes():
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
        """Go back to where this log and the leader's part, if they do; what is undone goes into the loss ledger."""
        records = self._region.records
        theirs = await self._peer.ends()
        await self._learn(theirs.state)
        state = await records.admitted()
        if state.leader is self._region.role or theirs.state != state:
            return
        if not theirs.whole:
            raise NotReady("the leading region has lost its records and is copying this one's")
        shared = shared_position(await records.epoch_ends(), theirs.positions)
        if (await records.head()).position > shared:
            reason = f"not replicated when the {state.leader} region took over after change {shared.sequence} of epoch {shared.epoch}"
            undone = await records.rewind(shared, reason=reason)
            log.warning("rewound %d changes to %s: see `multiregion loss list`", undone, shared)

    async def _learn(self, state: RoutingState) -> None:
        """A later state counts from whomever it is heard; but only the authority can confirm one to a region that has just started."""
        records = self._region.records
        if records.confirmed and state.epoch > (await records.admitted()).epoch:
            await records.admit(state)

    async def _read(self, after: Position, waiting: "asyncio.Queue[Frame]") -> None:
        """Ends when this region begins or ceases to lead."""
        wants_changes = await self._wants_changes()
        async for frame in self._peer.follow(after, changes=wants_changes):
            if self.problem is not None:
                log.info("replication goes on")
            self.problem = None
            if not wants_changes:
                self._lag.applied(await self._region.records.head())
            self._lag.hear(frame.head, frame.exposure)
            await self._learn(frame.state)
            if frame.changes:
                await waiting.put(frame)
            await self._become_whole()
            if wants_changes is not await self._wants_changes():
                return

    async def _wants_changes(self) -> bool:
        records = self._region.records
        return (await records.admitted()).leader is not self._region.role or not await records.is_whole()

    async def _become_whole(self) -> None:
        if (other := self._lag.level_with()) and not await self._region.records.is_whole():
            await self._region.records.make_whole(other)

    async def _apply(self, waiting: "asyncio.Queue[Frame]") -> None:
        while True:
            frame = await waiting.get()
            await self._bring_objects(frame.changes)
            head = await self._region.records.apply(frame.changes, epoch=frame.state.epoch)
            self._lag.applied(head)
            self._advanced.set()

    async def _acknowledge(self) -> None:
        """Beside applying, and only the newest position each time, so that a slow link does not slow replication down."""
        while True:
            await self._advanced.wait()
            self._advanced.clear()
            await self._peer.acknowledge((await self._region.records.head()).position)

    async def _bring_objects(self, changes: Sequence[Change]) -> None:
        await bring(needs_of(changes), self._region.objects, self._peer)


async def bring(digests: Sequence[Digest], objects: Objects, peer: Peer) -> None:
    """Fetch the objects that are not here, a few at a time. Raises what fetching and keeping the first that fails raises."""
    places = asyncio.Semaphore(FETCHES_MAX)

    async def one(digest: Digest) -> None:
        async with places:
            await objects.receive(digest, peer.fetch(digest))

    missing = [digest for digest in digests if not await objects.has(digest)]
    try:
        async with asyncio.TaskGroup() as tasks:
            for digest in missing:
                tasks.create_task(one(digest))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
