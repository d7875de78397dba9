"""Compare two regions record by record and object by object, and have objects that are missing or damaged repaired."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from multiregion.clock import Clock
from multiregion.objects import NeededBy, Repaired
from multiregion.stores import Digest, Position
from multiregion.verdicts import Difference, Verdict

LAG_SECONDS_MAX = 10.0
LAG_PAUSE_SECONDS = 0.25
ARRIVAL_SECONDS_MAX = 5.0
ARRIVAL_PAUSE_SECONDS = 0.5

Name = tuple[str, str, int, int, bool, str]
"""partition, id, epoch, sequence, whether deleted, fingerprint."""


class Inventory(Protocol):
    """What one region holds, page by page. Every call raises Unreachable when there is no answer in time."""

    async def names(self, after: tuple[str, str]) -> Sequence[Name]: ...

    async def needed(self, after: str, *, deep: bool) -> Sequence[tuple[str, int | None, bool]]: ...

    async def repair(self, digests: Sequence[Digest]) -> Repaired:
        """Fetch these objects, if they are missing or damaged there, from the other region."""
        ...

    async def needed_by(self, digests: Sequence[Digest]) -> Mapping[Digest, NeededBy]:
        """What needs these objects there; nothing of those of which it cannot be said."""
        ...

    async def sequence(self) -> int: ...

    async def audit(self) -> Sequence[Position]:
        """Read the whole log; returns the entries that are damaged and could not be put back."""
        ...


class Verification:
    """`deep` reads every object's bytes again; otherwise presence is compared. `repair` reads them too, and what it could put right
    counts as equal."""

    def __init__(
        self, primary: Inventory, secondary: Inventory, names: tuple[str, str], clock: Clock, *, deep: bool, repair: bool = False
    ) -> None:
        self._sides = (primary, secondary)
        self._names = names
        self._clock = clock
        self._deep = deep or repair
        self._repair = repair
        self._waits_until: float | None = None

    async def run(self) -> AsyncIterator[Verdict]:
        """The verdict as it grows; the last one is final. What differs only because a change is on its way is looked at again."""
        verdict = Verdict()
        await self._logs(verdict)
        async for _ in self._records(verdict):
            yield verdict
        if verdict.differences and await self._has_moved_on():
            verdict.differences = [each for each in verdict.differences if each.kind == "log"]
            verdict.records, verdict.complete = 0, True
            async for _ in self._records(verdict):
                yield verdict
        for side, name in zip(self._sides, self._names, strict=True):
            async for _ in self._objects(side, name, verdict):
                yield verdict
        yield verdict

    async def _logs(self, verdict: Verdict) -> None:
        for side, name in zip(self._sides, self._names, strict=True):
            for position in await side.audit() if self._deep else ():
                entry = f"change {position.sequence} of epoch {position.epoch}"
                verdict.add(Difference("log", entry, f"damaged in {name}, and whole nowhere: nothing can be copied from there beyond it"))

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
        if a[2:4] == b[2:4]:
            return f"change {a[3]} of epoch {a[2]} has different contents; `multiregion repair REGION` copies the wrong one anew"
        return f"{self._names[0]} has change {a[3]} of epoch {a[2]}, {self._names[1]} has change {b[3]} of epoch {b[2]}"

    async def _objects(self, side: Inventory, name: str, verdict: Verdict) -> AsyncIterator[None]:
        after = ""
        while verdict.complete and (page := await self._needed(side, after)):
            bad: list[Difference] = []
            for digest, size, intact in page:
                verdict.objects += 1
                verdict.bytes += size or 0
                if size is None or not intact:
                    bad.append(Difference("object", digest, f"{'missing' if size is None else 'damaged'} in {name}"))
            await self._settle(side, bad, verdict)
            after = page[-1][0]
            yield

    async def _needed(self, side: Inventory, after: str) -> Sequence[tuple[str, int | None, bool]]:
        """One page, looked at again while something in it is missing: the object of a lost write follows its entry in the ledger."""
        page = await side.needed(after, deep=self._deep)
        while not self._repair and any(size is None for _, size, _ in page) and self._may_wait():
            await self._clock.sleep(ARRIVAL_PAUSE_SECONDS)
            page = await side.needed(after, deep=self._deep)
        return page

    def _may_wait(self) -> bool:
        """For ARRIVAL_SECONDS_MAX in all, however much is missing."""
        if self._waits_until is None:
            self._waits_until = self._clock.monotonic() + ARRIVAL_SECONDS_MAX
        return self._clock.monotonic() < self._waits_until

    async def _settle(self, side: Inventory, bad: Sequence[Difference], verdict: Verdict) -> None:
        """Repair what can be, and count the rest as different, with the reason, and what needs it."""
        done = await side.repair([Digest(each.name) for each in bad]) if bad and self._repair else Repaired()
        left = [Digest(each.name) for each in bad if each.name not in done.objects]
        needed_by = await side.needed_by(left) if left else {}
        for each in bad:
            if each.name in done.objects:
                verdict.note_repaired(each)
            elif why := (done.failed | done.lost).get(Digest(each.name)):
                problem = f"{each.problem}, not repaired: {why}"
                verdict.add(Difference(each.kind, each.name, problem, needed_by.get(Digest(each.name))))
            elif not self._repair:  # else it was put right, or deleted, between the look and the repair
                verdict.add(replace(each, needed_by=needed_by.get(Digest(each.name))))


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
