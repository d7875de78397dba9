"""Two real regions in one process, the line between them, which breaks wherever a test wants, and a founded deployment."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

from multiregion import states
from multiregion.clock import SystemClock
from multiregion.embedded.authority import SqliteState
from multiregion.embedded.objects import FileObjects
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import Unreachable
from multiregion.logs import Loss
from multiregion.region import LoggedRegion
from multiregion.replication import Frame, Standing, frames, offered, standing_of
from multiregion.reports import base_fact
from multiregion.states import UNFOUNDED, Role
from multiregion.stores import BEGINNING, Digest, Mark, Position

HEARTBEAT_SECONDS = 0.02
LEDGER_PAGE = 2
FIRST = replace(states.FIRST, history="first history")


class Link:
    """The other region, called directly; `breaks_after` frames the link breaks, and objects come only while `brings` is set."""

    def __init__(self, source: LoggedRegion) -> None:
        self.source = source
        self.up = True
        self.breaks_after: int | None = None
        self.asked_for: list[Digest] = []
        self.fetched: list[Digest] = []
        self.brings = asyncio.Event()
        self.brings.set()

    def _reach(self) -> None:
        if not self.up:
            raise Unreachable("the link broke")

    async def follow(self, after: Mark, *, changes: bool) -> AsyncIterator[Frame]:
        sent = 0
        records = self.source.records
        async for frame in frames(records, after, SystemClock(), heartbeat_seconds=HEARTBEAT_SECONDS, changes=changes):
            self._reach()
            if sent == self.breaks_after:
                raise Unreachable("the link broke")
            yield frame
            sent += 1

    async def standing(self) -> Standing:
        self._reach()
        return await standing_of(self.source.records)

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        self._reach()
        return await self.source.records.marks(sequences)

    async def losses(self, after: int) -> Sequence[Loss]:
        self._reach()
        return await self.source.records.losses(after=after, limit=LEDGER_PAGE)

    async def enter(self, losses: Sequence[Loss]) -> None:
        self._reach()
        await self.source.records.merge(losses)

    async def acknowledge(self, position: Position) -> None:
        self._reach()

    async def fetch(self, digest: Digest) -> AsyncIterator[bytes]:
        self.asked_for.append(digest)
        await self.brings.wait()
        self._reach()
        found = await offered(self.source, digest)
        self.fetched.append(digest)
        yield found.path.read_bytes()


def region(folder: Path, role: Role, *, guarded: bool = False) -> LoggedRegion:
    """`guarded`: as a deployment opens it, which has to be founded or copied, and proved."""
    folder.mkdir(exist_ok=True)
    clock = SystemClock()
    records = SqliteRecords(folder / "region.db", role, clock, guarded=guarded)
    return LoggedRegion(role, role.value, records, FileObjects(folder / "objects", clock))


async def founded(authority: SqliteState, store: str = "store") -> None:
    """Upon the file with this id, at FIRST."""
    facts = {"founded": store, "base": base_fact(BEGINNING)}
    await authority.replace(UNFOUNDED, FIRST, actor="multiregion", reason="deployed", facts=facts)
