"""The loss ledgers of both regions as one: list what was lost, make it again, or let it go. Every decision is in the history."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from multiregion.chains import linked
from multiregion.errors import Conflict, Damaged, NotFound, Refused, Unavailable, Unreachable
from multiregion.logs import BEYOND, GAP, Loss
from multiregion.states import Role
from multiregion.stores import BEGINNING, Change, Mark, Position, StateStore

PENDING = "pending"
RANK = {PENDING: 0, "discarded": 1, "applied": 2}
KEY_DIGITS = 8
DISPUTED = (
    "the regions' ledgers have different contents for it, and which are right is not known: to apply those of one region, stop the other"
    " one, and apply it again"
)


class LossyRegion(Protocol):
    """What this needs of a region, over a network. Every call raises Unreachable when there is no answer in time."""

    async def losses(self, after: int) -> Sequence[Loss]: ...

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]: ...

    async def settle(self, key: Mark, outcome: str, *, actor: str, applied: Position | None) -> str:
        """Returns the outcome that it has from now on: somebody else may have decided."""
        ...

    async def restore(self, change: Change, expected: Position | None, *, actor: str, force: bool) -> Position: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A loss, and what people call it: `<epoch>.<sequence>`, and the beginning of its chain if that position was given twice;
    `<epoch>.<first>-<last>` for a loss without contents, with a question mark for what is not known. `disputed`: the regions' ledgers
    have different contents for it, and its chain does not say which are right."""

    id: str
    loss: Loss
    disputed: bool = False


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
        found: dict[Mark, list[Loss]] = {}
        silent: list[str] = []
        held: set[Mark] = set()
        for role, region in self._regions.items():
            try:
                async for loss in everything(region):
                    held |= {loss.key} if loss.held else set()
                    found.setdefault(loss.key, []).append(loss)
            except Unavailable:
                silent.append(self._names[role])
        merged, disputed = [], set()
        for key, copies in found.items():
            loss, change = max(copies, key=lambda each: RANK[each.outcome]), await self._contents(copies, found)
            disputed |= {key} if change is None else set()
            merged.append(loss if change is None else replace(loss, change=change))
        lost = [loss for loss in merged if loss.outcome != PENDING or loss.key not in held]
        return [replace(entry, disputed=entry.loss.key in disputed) for entry in named(lost)], silent

    async def _contents(self, copies: Sequence[Loss], ledger: Collection[Mark]) -> Change | None:
        """What was written, by its chain where the ledgers differ: bytes may have changed on a disk. None: unknown."""
        changes = [each.change for each in copies]
        if len({linked("", change) for change in changes}) == 1:
            return changes[0]
        before = changes[0].position.sequence - 1
        chains = {key.chain.removeprefix(GAP) for key in ledger if key.position.sequence == before} | {BEGINNING.chain}
        answers = await asyncio.gather(*(region.marks([before]) for region in self._regions.values()), return_exceptions=True)
        chains |= {mark.chain for answer in answers if not isinstance(answer, BaseException) for mark in answer if mark}
        sound = (change for change in changes if any(linked(chain, change) == change.chain for chain in chains))
        return next(sound, None)

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
            if entry.disputed:
                yield Settled(entry.id, "kept", DISPUTED)
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
            if await self._settle(entry, "discarded", actor, None) == "discarded":
                yield Settled(entry.id, "discarded")
            else:
                yield Settled(entry.id, "kept", "somebody else has applied it meanwhile")

    async def _pending(self, ids: Sequence[str] | None) -> Sequence[Entry]:
        """Raises NotFound for an id that is not in a ledger, Unreachable if a region that may have it cannot be asked."""
        entries, silent = await self.entries()
        unknown = set(ids or ()) - {entry.id for entry in entries}
        if unknown and not silent:
            raise NotFound(f"there is no loss {', '.join(sorted(unknown))}; `multiregion loss list` shows what there is")
        if unknown:
            raise Unreachable(f"{', '.join(sorted(unknown))} may be in the ledger of {', '.join(silent)}, which cannot be asked now")
        return [entry for entry in entries if entry.loss.outcome == PENDING and (ids is None or entry.id in ids)]

    async def _settle(self, entry: Entry, outcome: str, actor: str, applied: Position | None) -> str:
        """In each ledger that has it and answers; the other takes it over from there. Returns the outcome that counts. Raises
        Unreachable if there is none."""
        answers = await asyncio.gather(
            *(region.settle(entry.loss.key, outcome, actor=actor, applied=applied) for region in self._regions.values()),
            return_exceptions=True,
        )
        outcomes = [answer for answer in answers if isinstance(answer, str)]
        if not outcomes:
            raise next(answer for answer in answers if isinstance(answer, BaseException))
        counts = max(outcomes, key=RANK.__getitem__)
        if counts != outcome:
            return counts
        key = entry.loss.change.write.key
        facts: dict[str, Any] = {"loss": entry.id, "record": f"{key.partition}/{key.id}", "region": self._names[entry.loss.region]}
        await self._authority.note("loss", actor=actor, reason=outcome, facts=facts)
        return counts


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
