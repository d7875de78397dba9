"""Find entries of a log that have changed on the disk, and put them back from the records or from the other region.

Such an entry breaks the chain: whoever copies the log stops there. As long as nobody copies it nobody would notice.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from multiregion.chains import linked
from multiregion.clock import Clock
from multiregion.errors import Damaged, MultiregionError
from multiregion.logs import LoggedRecords
from multiregion.stores import BEGINNING, Change, Mark, Position

log = logging.getLogger("multiregion.audit")

PAGE = 500
PAUSE_SECONDS = 0.05
ROUND_SECONDS = 6 * 3600.0
REVIEW_SECONDS = 5.0
FETCH_SECONDS = 10.0


class Carrier(Protocol):
    @property
    def changes(self) -> Sequence[Change]: ...


class OtherLog(Protocol):
    """The other region's log, over a network."""

    def follow(self, after: Mark, *, changes: bool) -> AsyncIterator[Carrier]: ...


class Audit:
    """Of one region's log. `spoiled`: entries that no region has whole, as far as the last round found and they still are."""

    def __init__(self, records: LoggedRecords, peer: OtherLog, clock: Clock) -> None:
        self._records = records
        self._peer = peer
        self._clock = clock
        self.spoiled: Sequence[Position] = ()

    async def keep(self) -> None:
        """One round, paced, and a long pause."""
        await self.run(pause_seconds=PAUSE_SECONDS)
        await self._clock.sleep(ROUND_SECONDS)

    async def watch_spoiled(self) -> None:
        await self._clock.sleep(REVIEW_SECONDS)
        await self.mend()

    async def mend(self) -> None:
        """Try again with what is known to be spoiled: the other region may answer by now, or it has been copied anew, or undone."""
        known = self.spoiled
        left = [position for position in known if await self._is_spoiled(position) and not await self._put_back(position, again=True)]
        if self.spoiled is known:  # else a round has ended meanwhile
            self.spoiled = left

    async def _is_spoiled(self, position: Position) -> bool:
        _, bad = await self._records.spoiled(position.sequence - 1, limit=1)
        return position in bad

    async def run(self, *, pause_seconds: float = 0.0) -> Sequence[Position]:
        """Read the whole log; returns what is spoiled and could not be put back."""
        left: list[Position] = []
        after = 0
        while True:
            last, bad = await self._records.spoiled(after, limit=PAGE)
            left += [position for position in bad if not await self._put_back(position)]
            if last == after:
                break
            after = last
            await self._clock.sleep(pause_seconds)
        self.spoiled = left
        return left

    async def _put_back(self, position: Position, *, again: bool = False) -> bool:
        try:
            done = await self._records.put_back(position) or await self._records.put_back(position, await self._fetched(position))
        except (MultiregionError, TimeoutError) as error:
            log.log(logging.DEBUG if again else logging.WARNING, "change %s of the log is spoiled: %s", position, error)
            return False
        if done:
            log.warning("change %s of the log was spoiled, and was put back", position)
        return done

    async def _fetched(self, position: Position) -> Change:
        """As the other region has it. Raises Damaged if it has another one."""
        before = BEGINNING
        if position.sequence > 1:
            (found,) = await self._records.marks([position.sequence - 1])
            before = found or BEGINNING
        async with asyncio.timeout(FETCH_SECONDS):
            async for frame in self._peer.follow(before, changes=True):
                for change in frame.changes:
                    return change
        raise Damaged(f"the other region does not have change {position}")


async def checked(records: LoggedRecords, batch: Sequence[Change], after: Mark) -> Sequence[Change]:
    """`batch`, which follows `after` in this log, with every entry put back that can be."""
    before, is_whole = after.chain, True
    for change in batch:
        if linked(before, change) != change.chain:
            is_whole = not await records.put_back(change.position) and is_whole
        before = change.chain
    return batch if is_whole else records.changes(after.position, limit=len(batch), chain=after.chain)
