"""Fetch objects that are missing or damaged here from the other region: for a reader, for the scrub, and on an operator's word."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from multiregion.clock import Clock
from multiregion.errors import Damaged, DiskFailed, DiskFull, InvalidInput, MultiregionError, NotFound, Overloaded, Unavailable
from multiregion.objects import Condition, LocalObjects, Repaired
from multiregion.stores import Digest

log = logging.getLogger("multiregion.repair")

FETCHES_MAX = 4
UNDER_WAY_MAX = 256
FETCH_SECONDS_MAX = 600.0
READER_SECONDS_MAX = 10.0
RETRY_SECONDS = 2.0
KNOWN_MAX = 10_000
PAGE = 1_000


class Needing(Protocol):
    """What repairs ask of a region's records. A pending loss needs its objects as a visible record does."""

    async def is_needed(self, digest: Digest) -> bool: ...

    async def needed(self, after: str, *, limit: int) -> Sequence[Digest]: ...


class Source(Protocol):
    """The other region, over a link that may break at any byte."""

    def fetch(self, digest: Digest) -> AsyncIterator[bytes]:
        """As `Peer.fetch`."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an object could not be repaired when that was last tried, by a clock that only grows."""

    error: MultiregionError
    at: float


class Repairs:
    """Each object is fetched once at a time, however many wait for it, and FETCHES_MAX at once. `known` are those that are missing or
    damaged here as far as anybody has noticed; of more than KNOWN_MAX the oldest are forgotten until they are found again."""

    def __init__(self, records: Needing, objects: LocalObjects, peer: Source, clock: Clock) -> None:
        self._records = records
        self._objects = objects
        self._peer = peer
        self._clock = clock
        self._places = asyncio.Semaphore(FETCHES_MAX)
        self._under_way: dict[Digest, asyncio.Task[None]] = {}
        self.known: dict[Digest, Failure] = {}
        self.repaired = 0

    async def for_reader(self, digest: Digest, condition: Condition) -> None:
        """Put an object here again while somebody waits for it. Nothing is fetched that no record needs any more.

        Raises NotFound, Damaged if no region has it; Unavailable if that cannot be said, or takes longer than a reader should wait;
        Overloaded, DiskFull.
        """
        failure = self.known.get(digest)
        if failure is not None and self._clock.monotonic() - failure.at < RETRY_SECONDS:
            raise failure.error
        if not await self._records.is_needed(digest):
            self.known.pop(digest, None)
            return
        task = self._task(digest, condition)
        done, _ = await asyncio.wait([task], timeout=READER_SECONDS_MAX)
        if not done:
            raise Unavailable(f"object {digest} is being fetched from the other region; try again in a moment", retry_after_seconds=5)
        task.result()

    async def run(self, digests: Sequence[Digest], *, deep: bool = False) -> Repaired:
        """Look at these objects, reading them through if `deep`, and repair what is missing or damaged."""
        result = Repaired()

        async def one(digest: Digest, condition: Condition) -> None:
            try:
                await asyncio.shield(self._task(digest, condition))
                result.objects.append(digest)
            except (NotFound, Damaged) as error:
                result.lost[digest] = reason_of(error, digest, condition)
            except MultiregionError as error:
                result.failed[digest] = reason_of(error, digest, condition)

        found = await self.examine(digests, deep=deep)
        needed = set(await self._needed_of([digest for digest, _ in found]))
        bad = [each for each in found if each[0] in needed]
        for start in range(0, len(bad), UNDER_WAY_MAX // 2):
            await asyncio.gather(*(one(*each) for each in bad[start : start + UNDER_WAY_MAX // 2]))
        return result

    async def review(self) -> None:
        """Forget what is no longer bad, whoever put it right, and what nothing needs any more. Fetches nothing."""
        await self.examine(await self._still_needed(), deep=True)

    def note_sound(self, digest: Digest) -> None:
        """Whoever has just read an object through, and found it whole, says so."""
        self.known.pop(digest, None)

    async def run_all(self) -> Repaired:
        """Repair what is known to be damaged, and what is missing of everything that is needed."""
        result = Repaired()
        for digests, deep in ((await self._still_needed(), True), (await self.missing(), False)):
            found = await self.run(digests, deep=deep)
            result.objects += found.objects
            result.failed |= found.failed
            result.lost |= found.lost
        return result

    async def missing(self) -> list[Digest]:
        """The needed objects that are not here, by presence alone."""
        found: list[Digest] = []
        after = ""
        while page := await self._records.needed(after, limit=PAGE):
            found += await asyncio.to_thread(self._absent, page)
            after = page[-1]
        return found

    def _absent(self, digests: Sequence[Digest]) -> list[Digest]:
        return [digest for digest in digests if self._objects.path(digest) is None]

    async def examine(self, digests: Sequence[Digest], *, deep: bool) -> list[tuple[Digest, Condition]]:
        """Those that are not sound. What is sound is known to be bad no more."""
        bad: list[tuple[Digest, Condition]] = []
        for digest in digests:
            found = await self._objects.look(digest, deep=deep)
            if found.condition is not Condition.SOUND:
                bad.append((digest, found.condition))
            elif deep:
                self.note_sound(digest)
        return bad

    async def _still_needed(self) -> list[Digest]:
        return await self._needed_of(list(self.known))

    async def _needed_of(self, digests: Sequence[Digest]) -> list[Digest]:
        """Those that something needs; of the others it is forgotten that they are bad."""
        needed = [digest for digest in digests if await self._records.is_needed(digest)]
        for digest in set(digests) - set(needed):
            self.known.pop(digest, None)
        return needed

    def _task(self, digest: Digest, condition: Condition) -> "asyncio.Task[None]":
        task = self._under_way.get(digest)
        if task is None:
            if len(self._under_way) >= UNDER_WAY_MAX:
                raise Overloaded(f"more than {UNDER_WAY_MAX} objects are being fetched from the other region; try again in a moment")
            task = self._under_way[digest] = asyncio.ensure_future(self._mend(digest, condition))
            task.add_done_callback(lambda done: self._note(digest, done))
        return task

    def _note(self, digest: Digest, done: "asyncio.Task[None]") -> None:
        del self._under_way[digest]
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or (error is not None and not isinstance(error, MultiregionError)):
            return
        known = self.known.pop(digest, None)
        if error is None:
            self.repaired += 1
            log.warning("object %s was missing or damaged, and was fetched from the other region", digest)
            return
        if known is None:
            log.warning("%s", error)
        self.known[digest] = Failure(error, self._clock.monotonic())
        if len(self.known) > KNOWN_MAX:
            del self.known[next(iter(self.known))]

    async def _mend(self, digest: Digest, condition: Condition) -> None:
        here = found_here(digest, condition)
        async with self._places:
            try:
                async with asyncio.timeout(FETCH_SECONDS_MAX):
                    await self._objects.receive(digest, self._peer.fetch(digest))
            except NotFound as error:
                kind = NotFound if condition is Condition.MISSING else Damaged
                raise kind(f"{here}, and the other region does not have it") from error
            except Damaged as error:
                raise Damaged(f"{here}, and damaged in the other region") from error
            except InvalidInput as error:
                raise Unavailable(f"{here}, and what the other region sent was not it") from error
            except DiskFull as error:
                raise DiskFull(f"{here}, and cannot be stored: {error.detail}") from error
            except DiskFailed as error:
                raise DiskFailed(f"{here}: {error.detail}") from error
            except (Unavailable, TimeoutError) as error:
                raise Unavailable(f"{here}, and the other region does not answer; try again when it does") from error


def found_here(digest: Digest, condition: Condition) -> str:
    return f"object {digest} is {condition} here"


def reason_of(error: MultiregionError, digest: Digest, condition: Condition) -> str:
    """Why it was not repaired, for whoever knows already which object is meant and what is wrong with it."""
    return error.detail.removeprefix(f"{found_here(digest, condition)}, and ")
