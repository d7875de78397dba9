"""The loss ledgers of both regions as one: list what was lost, make it again, or let it go. Every decision is in the history."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from multiregion.errors import Conflict, Damaged, NotFound, Refused, Unavailable, Unreachable
from multiregion.logs import BEYOND, Loss
from multiregion.states import Role
from multiregion.stores import Change, Mark, Position, StateStore

PENDING = "pending"
RANK = {PENDING: 0, "discarded": 1, "applied": 2}
KEY_DIGITS = 8


class LossyRegion(Protocol):
    """What this needs of a region, over a network. Every call raises Unreachable when there is no answer in time."""

    async def losses(self, after: int) -> Sequence[Loss]: ...

    async def settle(self, key: Mark, outcome: str, *, actor: str, applied: Position | None) -> None: ...

    async def restore(self, change: Change, expected: Position | None, *, actor: str, force: bool) -> Position: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A loss, and what people call it: `<epoch>.<sequence>`, and the beginning of its chain if that position was given twice;
    `<epoch>.<first>-<last>` for a loss without contents, with a question mark for what is not known."""

    id: str
    loss: Loss


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one entry: `applied`, `discarded`, or `kept` with the reason why it could not be applied."""

    id: str
    outcome: str
    detail: str = ""


class LossLedger:
    def __init__(self, regions: Mapping[Role, LossyRegion], names: Mapping[Role, str], authority: StateStore) -> None:
        self._regions = regions
        self._names = names
        self._authority = authority

    async def entries(self) -> tuple[Sequence[Entry], Sequence[str]]:
        """Every loss, in the order the writes were made, and the regions that could not say. What is still in a region's log is not
        lost, or not yet."""
        found: dict[Mark, Loss] = {}
        silent: list[str] = []
        held: set[Mark] = set()
        for role, region in self._regions.items():
            try:
                async for loss in everything(region):
                    held |= {loss.key} if loss.held else set()
                    if loss.key not in found or RANK[loss.outcome] > RANK[found[loss.key].outcome]:
                        found[loss.key] = loss
            except Unavailable:
                silent.append(self._names[role])
        return named([loss for loss in found.values() if loss.outcome != PENDING or loss.key not in held]), silent

    async def apply(self, ids: Sequence[str] | None, *, actor: str, force: bool) -> AsyncIterator[Settled]:
        """Make lost writes again at the current epoch, in their order; all that are pending for `ids` None. One that would
        overwrite something newer is kept, unless `force`; so is one that requires a record, or needs an object, that is not there.
        Raises Refused if nobody may write now."""
        writer = (await self._authority.read()).writer
        if writer is None:
            raise Refused("nothing can be written in this state, so no lost write can be applied", state=await self._authority.read())
        again = {entry.loss.change.position: entry.loss.applied for entry in (await self.entries())[0] if entry.loss.applied}
        for entry in await self._pending(ids):
            if entry.loss.writes is not None:
                yield Settled(
                    entry.id, "kept", "nobody has the contents of these writes any more; `multiregion loss discard` closes the entry"
                )
                continue
            if entry.loss.change.digest is not None:
                yield Settled(entry.id, "kept", "its contents were a secret that had been replaced since, and are gone; discard it")
                continue
            expected = entry.loss.replaced
            try:
                position = await self._regions[writer].restore(
                    entry.loss.change, again.get(expected, expected) if expected else None, actor=actor, force=force
                )
            except (Conflict, Damaged, NotFound) as obstacle:
                yield Settled(entry.id, "kept", obstacle.detail)
                continue
            again[entry.loss.change.position] = position
            await self._settle(entry, "applied", actor, position)
            yield Settled(entry.id, "applied")

    async def discard(self, ids: Sequence[str] | None, *, actor: str) -> AsyncIterator[Settled]:
        for entry in await self._pending(ids):
            await self._settle(entry, "discarded", actor, None)
            yield Settled(entry.id, "discarded")

    async def _pending(self, ids: Sequence[str] | None) -> Sequence[Entry]:
        """Raises NotFound for an id that is not in a ledger, Unreachable if a region that may have it cannot be asked."""
        entries, silent = await self.entries()
        unknown = set(ids or ()) - {entry.id for entry in entries}
        if unknown and not silent:
            raise NotFound(f"there is no loss {', '.join(sorted(unknown))}; `multiregion loss list` shows what there is")
        if unknown:
            raise Unreachable(f"{', '.join(sorted(unknown))} may be in the ledger of {', '.join(silent)}, which cannot be asked now")
        return [entry for entry in entries if entry.loss.outcome == PENDING and (ids is None or entry.id in ids)]

    async def _settle(self, entry: Entry, outcome: str, actor: str, applied: Position | None) -> None:
        """In each ledger that has it and answers; the other takes it over from there. Raises Unreachable if there is none."""
        answers = await asyncio.gather(
            *(region.settle(entry.loss.key, outcome, actor=actor, applied=applied) for region in self._regions.values()),
            return_exceptions=True,
        )
        failures = [answer for answer in answers if answer is not None]
        if len(failures) == len(answers):
            raise failures[0]
        key = entry.loss.change.write.key
        facts: dict[str, Any] = {"loss": entry.id, "record": f"{key.partition}/{key.id}", "region": self._names[entry.loss.region]}
        await self._authority.note("loss", actor=actor, reason=outcome, facts=facts)


def named(losses: Collection[Loss]) -> Sequence[Entry]:
    """In the order the writes were made."""
    times = Counter(loss.change.position for loss in losses if loss.writes is None)
    in_order = sorted(losses, key=lambda loss: (loss.change.position, loss.change.chain))
    return [Entry(name_of(loss, unique=times[loss.change.position] <= 1), loss) for loss in in_order]


def name_of(loss: Loss, *, unique: bool) -> str:
    position = loss.change.position
    if loss.change.chain.startswith(BEYOND):
        return f"{position.epoch}.{position.sequence + 1}-?"
    if loss.writes is not None:
        return f"{position.epoch}.{position.sequence - loss.writes + 1 if loss.writes else '?'}-{position.sequence}"
    return f"{position.epoch}.{position.sequence}" + ("" if unique else f".{loss.change.chain[:KEY_DIGITS]}")


async def everything(region: LossyRegion) -> AsyncIterator[Loss]:
    after = 0
    while page := await region.losses(after):
        for loss in page:
            yield loss
        after = page[-1].revision
