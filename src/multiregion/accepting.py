"""An operator's word that a region goes on with the history that it has: whether it needs that, and what is given up with it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from multiregion import advice
from multiregion.clock import Clock
from multiregion.errors import MultiregionError, SwitchFailed, Unreachable
from multiregion.orders import Step
from multiregion.predictions import Outlook, RegionControl
from multiregion.registry import known_of
from multiregion.replication import Standing
from multiregion.reports import Leadership, Reports, must_hold
from multiregion.states import Role
from multiregion.stores import BEGINNING, Mark, StateStore

ACCEPT_SECONDS, ACCEPT_PAUSE_SECONDS = 20.0, 0.1


class Folder(Protocol):
    """What a region says of the folder that its database is in."""

    @property
    def set_aside(self) -> str | None: ...


class LogControl(Protocol):
    """What the authority asks of a region's log, itself. Every call raises Unreachable when there is no answer in time."""

    async def standing(self) -> Standing: ...

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]: ...

    async def kept(self, marks: Sequence[Mark]) -> str | None: ...

    async def damage(self) -> Folder: ...


class Histories:
    def __init__(
        self,
        authority: StateStore,
        reports: Reports,
        regions: Mapping[Role, LogControl],
        names: Mapping[Role, str],
        loss_changes_max: int,
    ) -> None:
        self._authority = authority
        self._reports = reports
        self._regions = regions
        self._names = names
        self._loss_changes_max = loss_changes_max

    async def predict(self, role: Role, *, accept_loss: bool) -> Step:
        """What is given up, nothing changed yet. Raises SwitchFailed if the other region answers the authority and has what this one lacks,
        whatever is accepted; and if more than the limit, or nobody knows how much, or what a set-aside database has would be given up,
        unless `accept_loss`."""
        name, other = self._names[role], self._names[role.other]
        known = await known_of(self._authority, self._reports, role)
        own = await self._regions[role].standing()
        lacking = await self._not_in(role, must_hold(known, own.owed))
        writes = count(own.end, lacking, known.leadership)
        has = await self._has(role.other, own.end, lacking)
        if has:
            raise SwitchFailed(advice.not_to_give_up(name, other, writes))
        given_up = advice.gives_up(name, other, writes, answers=has is not None)
        if lacking and (kept := await self._kept(lacking)) is not None:
            given_up += f". But {advice.kept(kept, advice.put_back(kept))}"
            if not accept_loss:
                raise SwitchFailed(f"{given_up}. Nothing was changed; --accept-loss goes on without it all the same")
        if not accept_loss and (writes is None or writes > self._loss_changes_max):
            raise SwitchFailed(
                f"More would be given up than the limit of {self._loss_changes_max} changes allows: {given_up}. Nothing was changed;"
                " --accept-loss goes on all the same"
            )
        return Step("predict", "done", 0.0, given_up if lacking else f"{name} lacks nothing that the authority knows of")

    async def refuse_nothing(self, known: Mapping[Role, Outlook]) -> None:
        """Raises SwitchFailed if no region that answers has anything, while a database was set aside: with the authority's memory of it
        gone, nobody would miss what that one has."""
        if any(outlook.head.mark != BEGINNING for outlook in known.values()):
            return
        for role in known:
            with suppress(Unreachable):
                if (kept := (await self._regions[role].damage()).set_aside) is not None:
                    raise SwitchFailed(advice.nothing_but_set_aside(self._names[role], kept))

    async def _kept(self, lacking: Sequence[Mark]) -> Role | None:
        """In which region's folder lies what would be given up, as far as they answer."""
        for role in Role:
            with suppress(MultiregionError):
                if await self._regions[role].kept(lacking) is not None:
                    return role
        return None

    async def _not_in(self, role: Role, marks: Sequence[Mark]) -> list[Mark]:
        found = await self._regions[role].marks([mark.position.sequence for mark in marks])
        return [mark for mark, there in zip(marks, found, strict=True) if mark not in (BEGINNING, there)]

    async def _has(self, other: Role, end: Mark, lacking: Sequence[Mark]) -> bool | None:
        """Whether the region there has something that the one whose log ends at `end` lacks, and could copy; None: it does not answer."""
        try:
            standing = await self._regions[other].standing()
            if len(await self._not_in(other, lacking)) < len(lacking):
                return True
            continues = not await self._not_in(other, [end])
            return continues and bool(await self._not_in(other.other, [standing.end]))
        except MultiregionError:
            return None


async def until_ready(region: RegionControl, name: str, clock: Clock) -> Outlook:
    """Wait until a region leads whose history was accepted. Raises SwitchFailed."""
    began = clock.monotonic()
    while not (outlook := await region.outlook()).ready:
        if clock.monotonic() - began > ACCEPT_SECONDS:
            raise SwitchFailed(f"{name} does not lead after {ACCEPT_SECONDS:g} s; `multiregion status` says why")
        await clock.sleep(ACCEPT_PAUSE_SECONDS)
    return outlook


def count(end: Mark, lacking: Sequence[Mark], leadership: Leadership) -> int | None:
    """How many writes a log that ends at `end` lacks; None: it cannot be counted."""
    counts = []
    for mark in lacking:
        shared = leadership.shared(end, mark)
        if shared is None:
            return None
        counts.append(mark.position.sequence - shared.sequence)
    return max(counts, default=0)
