"""Copy the other region's changes: in order, in batches, objects before the records that name them, each once in effect."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from multiregion.clock import Clock
from multiregion.errors import Conflict, DiskFull, Fenced, MultiregionError, Unavailable
from multiregion.region import Region
from multiregion.stores import UNKNOWN_LAG, Change, Digest, Head, Lag, Position, Records, needs_of

log = logging.getLogger("multiregion.replication")

BATCH_CHANGES_MAX = 500
BATCH_BYTES_MAX = 1024 * 1024
BATCHES_WAITING_MAX = 16
FETCHES_MAX = 4
PAUSE_SECONDS_MIN = 0.1
PAUSE_SECONDS_MAX = 1.0


@dataclass(frozen=True, slots=True)
class Frame:
    """What a region tells the other: its next changes (none: a heartbeat), and where its log ends."""

    changes: Sequence[Change]
    head: Head


class Peer(Protocol):
    """The other region, over a link that may break at any byte."""

    def follow(self, after: Position, *, changes: bool) -> AsyncIterator[Frame]:
        """Its changes after `after`, then each as it is made, with heartbeats between, until the link breaks; without
        `changes` heartbeats only. Raises Unreachable when it breaks, Conflict if `after` is not in its log."""
        ...

    def fetch(self, digest: Digest) -> AsyncIterator[bytes]:
        """An object's bytes in pieces. Raises Unreachable, NotFound."""
        ...


async def frames(records: Records, after: Position, clock: Clock, *, heartbeat_seconds: float, changes: bool) -> AsyncIterator[Frame]:
    """The source's side of `Peer.follow`."""
    yield Frame([], await records.head())
    while not changes:
        await clock.sleep(heartbeat_seconds)
        yield Frame([], await records.head())
    while True:
        for batch in batches(records.changes(after, limit=BATCH_CHANGES_MAX)):
            after = batch[-1].position
            yield Frame(batch, await records.head())
        if not await records.changed(after, timeout_seconds=heartbeat_seconds):
            yield Frame([], await records.head())


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


class Replicator:
    """Keeps one region up with the other, for ever, through every break; `status` says how far behind it is."""

    def __init__(self, region: Region, peer: Peer, clock: Clock, *, heartbeat_seconds: float) -> None:
        self._region = region
        self._peer = peer
        self._clock = clock
        self._stale_seconds = 1.0 + 4 * heartbeat_seconds
        self._heard: Head | None = None
        self._heard_at = 0.0
        self._applied: Head | None = None
        self._level_at: float | None = None
        self.problem: str | None = "has not heard from the other region yet"

    def status(self) -> Lag:
        if self._heard is None or self._applied is None:
            return UNKNOWN_LAG
        now = self._clock.monotonic()
        if self.problem is not None or now - self._heard_at > self._stale_seconds:
            return Lag(self._seconds_behind(now), None, None)
        changes = max(0, self._heard.position.sequence - self._applied.position.sequence)
        size = max(0, self._heard.bytes - self._applied.bytes)
        return Lag(0.0 if changes == 0 else self._seconds_behind(now), changes, size)

    def _seconds_behind(self, now: float) -> float | None:
        return None if self._level_at is None else now - self._level_at

    async def run(self) -> None:
        """Follow the other region until cancelled; after a break wait a little, longer each time, and resume."""
        pause = PAUSE_SECONDS_MIN
        while True:
            heard_before = self._heard_at
            try:
                await self.follow()
            except MultiregionError as error:
                self._note(error)
            pause = PAUSE_SECONDS_MIN if self._heard_at > heard_before else min(2 * pause, PAUSE_SECONDS_MAX)
            await self._clock.sleep(pause)

    def _note(self, error: MultiregionError) -> None:
        reasons = {
            DiskFull: "the disk is full",
            Conflict: "the logs of the two regions have parted",
            Fenced: "the other region has changes that this writer does not know",
        }
        problem = reasons.get(type(error), "the other region does not answer" if isinstance(error, Unavailable) else error.detail)
        if problem != self.problem:
            log.warning("replication waits: %s (%s)", problem, error.detail)
        self.problem = problem

    async def follow(self) -> None:
        """One connection's worth: read ahead and apply side by side until either of them fails."""
        self._applied = await self._region.records.head()
        waiting: asyncio.Queue[Frame] = asyncio.Queue(BATCHES_WAITING_MAX)
        tasks = [asyncio.ensure_future(self._read(self._applied.position, waiting)), asyncio.ensure_future(self._apply(waiting))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, after: Position, waiting: "asyncio.Queue[Frame]") -> None:
        """Ends when this region begins or ceases to be the writer: a writer would only get its own changes back."""
        wants_changes = await self._wants_changes()
        async for frame in self._peer.follow(after, changes=wants_changes):
            self._hear(frame.head)
            if frame.changes:
                await waiting.put(frame)
            await self._become_whole()
            if wants_changes is not await self._wants_changes():
                return

    async def _wants_changes(self) -> bool:
        records = self._region.records
        return (await records.admitted()).writer is not self._region.role or not await records.is_whole()

    async def _become_whole(self) -> None:
        if self._is_level() and not await self._region.records.is_whole():
            assert self._heard is not None
            await self._region.records.make_whole(self._heard)

    def _hear(self, head: Head) -> None:
        if self.problem is not None:
            log.info("replication goes on")
        self._heard, self._heard_at, self.problem = head, self._clock.monotonic(), None
        self._note_level()

    def _note_level(self) -> None:
        if self._is_level():
            self._level_at = self._heard_at

    def _is_level(self) -> bool:
        return bool(self._heard and self._applied and self._applied.position >= self._heard.position)

    async def _apply(self, waiting: "asyncio.Queue[Frame]") -> None:
        while True:
            frame = await waiting.get()
            await self._bring_objects(frame.changes)
            self._applied = await self._region.records.apply(frame.changes)
            self._note_level()

    async def _bring_objects(self, changes: Sequence[Change]) -> None:
        missing = [digest for digest in needs_of(changes) if not await self._region.objects.has(digest)]
        places = asyncio.Semaphore(FETCHES_MAX)
        try:
            async with asyncio.TaskGroup() as tasks:
                for digest in missing:
                    tasks.create_task(self._bring(digest, places))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures

    async def _bring(self, digest: Digest, places: asyncio.Semaphore) -> None:
        async with places:
            await self._region.objects.receive(digest, self._peer.fetch(digest))
