"""Everything that a region holds, read whole: to compare two regions, and to prove that one has all that the other has."""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from multiregion.dynamodb.items import OWN, SEQUENCE_MODULUS, Item, fingerprint, key_of, needs_of, position_of
from multiregion.dynamodb.objects import S3Objects, name_of
from multiregion.dynamodb.session import Engines
from multiregion.errors import NotFound, NotReady, Overloaded
from multiregion.states import RoutingState
from multiregion.stores import Digest, Head, Key, Position

SEGMENTS = 4
ENTRIES_MAX = 1_000_000
HEAD_SECONDS = 2.0
CONTENT_MODULUS = 2**256


@dataclass(frozen=True, slots=True)
class Entry:
    """One record or tombstone, without its value."""

    key: Key
    version: Position
    deleted: bool
    mark: int
    size: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What was found: entries in order of key, the objects that visible records need in order of digest, and how many of those
    are not there."""

    entries: Sequence[Entry]
    needed: Sequence[Digest]
    missing: int = 0

    def head(self, epoch: int) -> Head:
        """There is no log, so the position stands for the content: it is the same where all records, tombstones and objects are."""
        content = (sum(entry.mark for entry in self.entries) + self.missing) % CONTENT_MODULUS
        return Head(Position(epoch, content % SEQUENCE_MODULUS), sum(entry.size for entry in self.entries), f"{content:x}")


class Inventory:
    """Reads the whole table, and costs as much as that. Bounded by ENTRIES_MAX; `multiregion aws verify` knows no such limit."""

    def __init__(self, engines: Engines, objects: S3Objects, *, entries_max: int = ENTRIES_MAX) -> None:
        self._engines = engines
        self._segment_max = entries_max // SEGMENTS
        self._objects = objects
        self._shown = Taken([], [])
        self._taking: asyncio.Task[Taken] | None = None
        self._epoch = -1

    async def head(self, state: RoutingState) -> Head:
        """While somebody writes, only the epoch counts. While nobody does, the content, as read since that state was admitted.
        Raises NotReady while that takes; who asks again later gets it."""
        if state.writer is not None:
            return Head(Position(state.epoch, 0), 0, "")
        if self._taking is None or self._epoch != state.epoch:
            self._drop()
            self._taking, self._epoch = asyncio.create_task(self._take_all()), state.epoch
        taking = self._taking
        await asyncio.wait({taking}, timeout=HEAD_SECONDS)
        if not taking.done():
            raise NotReady("the region's table is being read; ask again in a moment")
        if self._taking is taking:
            self._taking = None
        return taking.result().head(state.epoch)

    def _drop(self) -> None:
        if self._taking is not None:
            self._taking.cancel()

    async def names(self, after: Key, *, limit: int) -> Sequence[tuple[Key, Position, bool, int]]:
        """Every record and tombstone after `after`, as it was when the first page was asked for."""
        if after == Key("", ""):
            self._shown = await self._take()
        begin = bisect_right(self._shown.entries, after, key=lambda entry: entry.key)
        return [(entry.key, entry.version, entry.deleted, entry.mark) for entry in self._shown.entries[begin : begin + limit]]

    async def needed(self, after: str, *, limit: int) -> Sequence[Digest]:
        begin = bisect_right(self._shown.needed, after)
        return self._shown.needed[begin : begin + limit]

    async def examine(self, digest: Digest, *, deep: bool) -> tuple[str, int | None, bool]:
        """An object's digest, its size in bytes (None: it is missing), and, if `deep`, whether its bytes are intact."""
        try:
            found = await self._engines.call(self._engines.s3.head_object, Bucket=self._engines.config.bucket, Key=name_of(digest))
            return digest, int(found["ContentLength"]), not deep or await self._is_intact(digest)
        except NotFound:
            return digest, None, False

    async def _is_intact(self, digest: Digest) -> bool:
        hash = sha256()
        async for piece in self._objects.open(digest):
            hash.update(piece)
        return hash.hexdigest() == digest

    async def _take_all(self) -> Taken:
        taken = await self._take()
        there = {digest async for digest, _ in self._objects.digests()}
        return replace(taken, missing=sum(digest not in there for digest in taken.needed))

    async def _take(self) -> Taken:
        found = await asyncio.gather(*(self._segment(number) for number in range(SEGMENTS)))
        needed = sorted({digest for _, digests in found for digest in digests})
        return Taken(sorted((entry for entries, _ in found for entry in entries), key=lambda entry: entry.key), needed)

    async def _segment(self, number: int) -> tuple[list[Entry], set[Digest]]:
        entries: list[Entry] = []
        needed: set[Digest] = set()
        asked: dict[str, Any] = {"TableName": self._engines.config.table, "ConsistentRead": True}
        asked |= {"Segment": number, "TotalSegments": SEGMENTS}
        while True:
            page = await self._engines.call(self._engines.dynamodb.scan, **asked)
            for item in page["Items"]:
                if not item["partition"]["S"].startswith(OWN):
                    entries.append(entry_of(item))
                    needed.update(needs_of(item))
            if len(entries) > self._segment_max:
                raise Overloaded(f"the table holds more than {SEGMENTS * self._segment_max:,} records, too many to be compared here")
            if not page.get("LastEvaluatedKey"):
                return entries, needed
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def entry_of(item: Item) -> Entry:
    value = item.get("value")
    return Entry(key_of(item), position_of(item), value is None, fingerprint(item), len(value["B"]) if value else 0)
