"""Compare two regions record by record and object by object."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from multiregion.clock import Clock
from multiregion.verdicts import Difference, Verdict

LAG_SECONDS_MAX = 10.0
LAG_PAUSE_SECONDS = 0.25

Name = tuple[str, str, int, int, bool, str]
"""partition, id, epoch, sequence, whether deleted, fingerprint."""


class Inventory(Protocol):
    """What one region holds, page by page. Every call raises Unreachable when there is no answer in time."""

    async def names(self, after: tuple[str, str]) -> Sequence[Name]: ...

    async def needed(self, after: str, *, deep: bool) -> Sequence[tuple[str, int | None, bool]]: ...

    async def sequence(self) -> int: ...


class Verification:
    """`deep` reads every object's bytes again; otherwise presence and size are compared."""

    def __init__(self, primary: Inventory, secondary: Inventory, names: tuple[str, str], clock: Clock, *, deep: bool) -> None:
        self._sides = (primary, secondary)
        self._names = names
        self._clock = clock
        self._deep = deep

    async def run(self) -> AsyncIterator[Verdict]:
        """The verdict as it grows; the last one is final. What differs only because a change is on its way is looked at again."""
        verdict = Verdict()
        async for _ in self._records(verdict):
            yield verdict
        if verdict.differences and await self._has_moved_on():
            verdict.differences.clear()
            verdict.records, verdict.complete = 0, True
            async for _ in self._records(verdict):
                yield verdict
        for side, name in zip(self._sides, self._names, strict=True):
            async for _ in self._objects(side, name, verdict):
                yield verdict
        yield verdict

    async def _has_moved_on(self) -> bool:
        """Wait until both logs have passed where the longer one ended; False if they do not within LAG_SECONDS_MAX."""
        ends = [await side.sequence() for side in self._sides]
        until = self._clock.monotonic() + LAG_SECONDS_MAX
        while min([await side.sequence() for side in self._sides]) < max(ends):
            if self._clock.monotonic() > until:
                return False
            await self._clock.sleep(LAG_PAUSE_SECONDS)
        return True

    async def _records(self, verdict: Verdict) -> AsyncIterator[None]:
        streams = [Cursor(side) for side in self._sides]
        while verdict.complete:
            a, b = [await stream.peek() for stream in streams]
            if a is None and b is None:
                return
            key = min(name[:2] for name in (a, b) if name is not None)
            here = [name if name is not None and name[:2] == key else None for name in (a, b)]
            if here[0] != here[1]:
                verdict.add(Difference("record", "/".join(key), self._describe(*here)))
            for stream, name in zip(streams, here, strict=True):
                if name is not None:
                    stream.advance()
            verdict.records += 1
            if verdict.records % 1_000 == 0:
                yield

    def _describe(self, a: Name | None, b: Name | None) -> str:
        if a is None or b is None:
            return f"missing in {self._names[0] if a is None else self._names[1]}"
        if a[4] != b[4]:
            return f"deleted in {self._names[0] if a[4] else self._names[1]} only"
        return f"{self._names[0]} has change {a[3]} of epoch {a[2]}, {self._names[1]} has change {b[3]} of epoch {b[2]}"

    async def _objects(self, side: Inventory, name: str, verdict: Verdict) -> AsyncIterator[None]:
        after = ""
        while verdict.complete and (page := await side.needed(after, deep=self._deep)):
            for digest, size, intact in page:
                verdict.objects += 1
                verdict.bytes += size or 0
                if size is None or not intact:
                    verdict.add(Difference("object", digest, f"{'missing' if size is None else 'damaged'} in {name}"))
            after = page[-1][0]
            yield


class Cursor:
    """One region's names, one at a time, fetched by the page."""

    def __init__(self, side: Inventory) -> None:
        self._side = side
        self._page: list[Name] = []
        self._next = 0
        self._after: tuple[str, str] | None = ("", "")

    async def peek(self) -> Name | None:
        if self._next == len(self._page) and self._after is not None:
            self._page, self._next = list(await self._side.names(self._after)), 0
            self._after = self._page[-1][:2] if self._page else None
        return self._page[self._next] if self._next < len(self._page) else None

    def advance(self) -> None:
        self._next += 1
