"""Copy a region anew from the other one: its database, damaged or not to be trusted, is set aside and kept.

Keeps nothing in memory: each run reads where things are, so an interrupted one can be run again."""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from multiregion.advice import repair, spoiled, writes_of
from multiregion.clock import Clock
from multiregion.errors import MultiregionError, RepairFailed, StaleEpoch
from multiregion.logs import BEYOND, DISK_LOST, GAP, Loss
from multiregion.orders import Step
from multiregion.predictions import Outlook
from multiregion.replication import Standing
from multiregion.reports import ACCEPTED, Claim, Claims, Report, Reports
from multiregion.states import Role
from multiregion.stores import BEGINNING, START, Change, Key, Mark, Position, StateStore, Write

T = TypeVar("T")
STALL_SECONDS = 60.0
SOURCE_SECONDS = 15.0
PAUSE_SECONDS = 0.1
NO_SOURCE = "so nothing can be copied from it; nothing was changed"
NEITHER = 'If neither can be mended: "Both regions" in docs/runbook.md'


@dataclass(frozen=True, slots=True)
class Damage:
    """What a region says of its database: where its log ends (None: that cannot be read), what is damaged (None: nothing that is known),
    the folder that a database was set aside in last, before this one was begun, and for which claim this one is held."""

    end: Mark | None
    problem: str | None
    set_aside: str | None
    held_for: str | None = None


class Rebuildable(Protocol):
    """A region that can begin again without its database, damaged or not."""

    async def damage(self) -> Damage: ...

    async def kept(self, marks: Sequence[Mark]) -> str | None:
        """The newest folder of a sound database that was set aside here, and whose log has one of these."""
        ...

    async def put_back(self) -> str:
        """Have it begin again with the newest sound database that was set aside here and goes on from what it has by now, and return the
        folder that the present one is kept in. Raises RepairFailed, nothing changed, if there is none, or it is held."""
        ...

    async def hold(self, claim: str) -> None:
        """Have it keep its database for the repair of the other region, whatever it is ordered, durably. Idempotent. Raises RepairFailed
        if it is not whole, or is about to set it aside."""
        ...

    async def release(self, claim: str) -> None:
        """Idempotent."""
        ...

    async def check_source(self, claim: str) -> None:
        """Raises RepairFailed unless the region itself reaches the other one, which holds its database for this claim."""
        ...

    async def set_aside(self, claim: str) -> str:
        """Have it begin again without its database, and return the folder that this is kept in. Idempotent until it has. Raises
        RepairFailed, nothing changed, as `check_source` does, and while its database is held itself."""
        ...


class Source(Protocol):
    """The other region, over the line between the regions."""

    async def damage(self) -> Damage: ...


async def check_source(source: Source, claim: str) -> None:
    try:
        found = await source.damage()
    except MultiregionError as error:
        raise RepairFailed(
            f"the other region does not answer over the line between the regions ({error.detail}), {NO_SOURCE}. Mend the line, and run the"
            " same command again"
        ) from error
    if found.problem is not None or found.held_for != claim:
        raise RepairFailed(f"the other region does not keep its database for this repair, {NO_SOURCE}. Run the same command again")


class RebuildControl(Rebuildable, Protocol):
    """What a rebuild needs of a region, over a network. Every call raises Unreachable when there is no answer in time."""

    async def outlook(self) -> Outlook: ...

    async def standing(self) -> Standing: ...

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]: ...

    async def enter(self, losses: Sequence[Loss]) -> None:
        """Have it take these into its loss ledger, durably. Idempotent."""
        ...

    async def audit(self) -> Sequence[Position]:
        """Read the whole log; returns the entries that are damaged and could not be put back."""
        ...


class Rebuild:
    def __init__(
        self,
        authority: StateStore,
        reports: Reports,
        claims: Claims,
        regions: Mapping[Role, RebuildControl],
        names: Mapping[Role, str],
        clock: Clock,
    ) -> None:
        self._authority = authority
        self._reports = reports
        self._claims = claims
        self._regions = regions
        self._names = names
        self._clock = clock
        self._own: set[str] = set()
        """The claims of the repairs that this process carries out."""

    async def run(self, role: Role, *, accept_loss: bool, actor: str, epoch: int | None = None) -> AsyncIterator[Step]:
        """Raises StaleEpoch if `epoch` is given and is not the present one; RepairFailed, nothing changed, while another repair is under
        way, if the other region cannot give everything, or if this one may have writes that the other has not, unless `accept_loss`; and,
        later, if copying stands still."""
        await self._refuse_stale(epoch)
        name, began = self._names[role], self._clock.monotonic()
        claim, may_lack = await self._begin(role, actor), False
        try:
            damage, only_here, found = await self._check(role, accept_loss=accept_loss)
            await self._hold_source(claim)
            yield Step("check", "done", self._clock.monotonic() - began, found)
            if only_here != 0:
                await self._enter_loss(role, damage.end)
            if accept_loss:
                await self._give_up(role, damage.end, actor)
            may_lack = True  # the order may arrive whatever becomes of its answer
            try:
                kept = await self._asked(role, self._regions[role].set_aside(claim.id))
            except RepairFailed:
                may_lack = False
                raise
            except MultiregionError as error:
                raise RepairFailed(f"{name} did not confirm the order ({error.detail}); run the same command again") from error
            await self._authority.note("repair", actor=actor, reason=f"{name} copied anew", facts={"region": role, "kept": kept})
            yield Step("set aside", "done", 0.0, f"the database of {name} is kept in {kept}")
            began = self._clock.monotonic()
            head = await self._copied(role, kept)
            may_lack = False
            yield Step("copy", "done", self._clock.monotonic() - began, f"{name} is at change {head.sequence}")
        finally:
            if not may_lack:
                await self._end(claim, actor)
            self._own.discard(claim.id)

    async def _begin(self, role: Role, actor: str, *, tries: int = 2) -> Claim:
        """Decided here for the whole deployment. A claim that an earlier process left is over once its region is whole. Of two repairs at
        the same moment the later one finds the claim of the other."""
        found = await self._claims.claimed()
        if found is not None and (found.id in self._own or not (found.role is role or await self._is_whole(found.role))):
            name, source = self._names[found.role], self._names[found.role.other]
            never = "" if await self._is_whole(found.role.other) else await self._put_back_helps(found.role)
            raise RepairFailed(
                f"{name} is being copied anew from {source}, one region at a time; nothing was changed."
                + (never or f" `multiregion status` shows when {name} is whole")
            )
        claim = Claim(role, self._clock.new_id())
        self._own.add(claim.id)
        try:
            await self._claims.claim(found, claim, actor=actor, reason=f"{self._names[role]} is to be copied anew")
        except MultiregionError as error:
            self._own.discard(claim.id)
            if tries > 1 and isinstance(error, RepairFailed):
                return await self._begin(role, actor, tries=tries - 1)
            raise
        return claim

    async def _is_whole(self, role: Role) -> bool:
        with suppress(MultiregionError):
            return (await self._regions[role].damage()).problem is None and (await self._regions[role].outlook()).ready
        return False

    async def _put_back_helps(self, role: Role) -> str:
        """What to do where a region's source is not whole itself, while its own database is set aside; nothing if it is not."""
        with suppress(MultiregionError):
            if (await self._regions[role].damage()).set_aside is not None:
                name = self._names[role]
                return f" {self._names[role.other]} is not whole, so give {name} its own database back: `{repair(name)} --put-back`"
        return ""

    async def _hold_source(self, claim: Claim) -> None:
        """The source keeps its database, and the region reaches it. What the region itself was held for is over: its source is whole,
        and carries out no order that may still be on its way."""
        role, source = claim.role, claim.role.other
        try:
            await self._regions[source].hold(claim.id)
            if (held_for := (await self._regions[role].damage()).held_for) is not None:
                await self._regions[role].release(held_for)
        except MultiregionError as error:
            raise RepairFailed(f"{self._names[source]} does not keep its database for it: {error.detail}, {NO_SOURCE}") from error
        await self._asked(role, self._regions[role].check_source(claim.id))

    async def _asked(self, role: Role, question: Awaitable[T]) -> T:
        try:
            return await question
        except RepairFailed as error:
            raise RepairFailed(f"{self._names[role]}: {error.detail}") from error

    async def _end(self, claim: Claim, actor: str) -> None:
        """What cannot be told now is found out by the next repair."""
        with suppress(MultiregionError):
            await self._regions[claim.role.other].release(claim.id)
        with suppress(MultiregionError):
            await self._claims.claim(claim, None, actor=actor, reason=f"{self._names[claim.role]}: the repair has ended")

    async def put_back(self, role: Role, *, actor: str, epoch: int | None = None) -> AsyncIterator[Step]:
        """A database that was set aside takes its place again; the region then starts as with any other: it proves what it has, follows,
        or rewinds. What it replaces is a beginning of it, and is kept. Raises StaleEpoch as `run` does, and RepairFailed."""
        await self._refuse_stale(epoch)
        name, began = self._names[role], self._clock.monotonic()
        try:
            kept = await self._asked(role, self._regions[role].put_back())
        except RepairFailed:
            raise
        except MultiregionError as error:
            raise RepairFailed(f"{name} did not confirm the order ({error.detail}); run the same command again") from error
        await self._authority.note("repair", actor=actor, reason=f"{name}: put back", facts={"region": role, "kept": kept})
        while await self._begun_again(role, kept) is None:
            if self._clock.monotonic() - began > STALL_SECONDS:
                raise RepairFailed(f"{name} does not answer after {STALL_SECONDS:g} s; `multiregion status` says why")
            await self._clock.sleep(PAUSE_SECONDS)
        yield Step("put back", "done", self._clock.monotonic() - began, f"what {name} had instead is kept in {kept}")

    async def _refuse_stale(self, epoch: int | None) -> None:
        state = await self._authority.read()
        if epoch not in (None, state.epoch):
            raise StaleEpoch(f"ordered at epoch {epoch}, but the epoch is {state.epoch} by now; nothing was changed", state=state)

    async def _give_up(self, role: Role, end: Mark | None, actor: str) -> None:
        """The authority is told how far this region had got, where that is known; and a leader may go on without it, once it has what
        the other region has."""
        report = (await self._reports.reports()).get(role)
        if report is not None and end is not None and end.position > report.end.position:
            await self._reports.report(role, msgspec.structs.replace(report, end=end))
        if (await self._authority.read()).leader is role:
            await self._authority.note(
                ACCEPTED, actor=actor, reason=f"{self._names[role]} copied anew", facts={"role": role, "beside": True}
            )

    async def _enter_loss(self, role: Role, end: Mark | None) -> None:
        """One entry of the other region's ledger for all that only this one has, before its file is set aside. It ends at its last report,
        or where its log is known to end; if the other region has all that, what came later is lost, and nobody knows how much."""
        report = (await self._reports.reports()).get(role)
        try:
            loss = await self._loss(role, end, report)
            await self._regions[role.other].enter([loss])
        except MultiregionError as error:
            raise RepairFailed(
                f"{self._names[role.other]} did not take what is given up into its loss ledger ({error.detail}); nothing was changed"
            ) from error

    async def _loss(self, role: Role, end: Mark | None, report: Report | None) -> Loss:
        there = (await self._regions[role.other].standing()).end
        known = max([each for each in (end, report.end if report else None) if each], key=lambda mark: mark.position, default=there)
        at, writes = self._clock.now(), 0
        if known != there and not await self._holds(role.other, known):
            chain, writes = f"{GAP}{known.chain}", await self._counted(there, known)
        else:
            leads = (await self._authority.read()).leader is role
            known, chain = there if leads else known, f"{BEYOND}{report.store if report else known.chain}"
        reason = f"{DISK_LOST}: the database of {self._names[role]} was copied anew, and no region has what only that one had"
        return Loss(Change(known.position, Write(Key("", ""), None), "", at, 0, chain), None, at, role, DISK_LOST, reason, writes=writes)

    async def _counted(self, there: Mark, lost: Mark) -> int:
        """How many writes lead from where the other log ends to `lost`; 0: unknown."""
        shared = (await self._reports.leadership()).shared(there, lost)
        return max(0, lost.position.sequence - shared.sequence) if shared == there.position else 0

    async def _check(self, role: Role, *, accept_loss: bool) -> tuple[Damage, int | None, str]:
        name, other = self._names[role], self._names[role.other]
        await self._source(role.other)
        try:
            damage = await self._regions[role].damage()
        except MultiregionError as error:
            raise RepairFailed(
                f"{name} does not answer ({error.detail}); its process must run to take the order, and does so with a damaged database too."
                f" Start it (on one machine: `multiregion chaos start {role}`) and run the same command again"
            ) from error
        only_here = await self._only_here(role, damage)
        found = f"{name}: {damage.problem or 'no damage is known'}; {other} has everything else"
        if only_here == 0:
            return damage, 0, found.replace("everything else", "everything")
        words = writes_of(only_here)
        if not accept_loss:
            raise RepairFailed(f"{name} {await self._what_it_may_have(role, damage, words)}")
        return damage, only_here, f"{found}; given up: {words}, one entry of `multiregion loss list`"

    async def _what_it_may_have(self, role: Role, damage: Damage, words: str) -> str:
        """Why it is not copied anew, and what can be done. A log that cannot be read is not waited for."""
        other, report = self._names[role.other], (await self._reports.reports()).get(role)
        given_up = f"`{repair(self._names[role])} --accept-loss`"
        if damage.end is not None:
            return (
                f"may have {words} that {other} does not have, and they would be lost. Nothing was changed; wait until {other} has them"
                f" (`multiregion state set fenced` keeps new ones from being made), or give them up: {given_up}"
            )
        known = "The authority was told nothing of its log"
        if report is not None:
            has = "has that" if await self._holds(role.other, report.end) else "has not got so far"
            known = f"It told the authority last that its log ends at change {report.end.position.sequence}; {other} {has}"
        return (
            f"cannot read its log, so nobody knows what else it has. {known}. What came later is lost. Nothing was changed, and the same"
            f" command does no more. To give that up and go on: {given_up}"
        )

    async def _source(self, role: Role) -> None:
        """The region to copy from must have everything itself."""
        name = self._names[role]
        try:
            outlook, damage = await self._regions[role].outlook(), await self._regions[role].damage()
            began = self._clock.monotonic()
            # A region that has just begun to lead first compares its log with the other one, which does not answer.
            while not outlook.ready and damage.problem is None and self._clock.monotonic() - began < SOURCE_SECONDS:
                await self._clock.sleep(PAUSE_SECONDS)
                outlook, damage = await self._regions[role].outlook(), await self._regions[role].damage()
        except MultiregionError as error:
            raise RepairFailed(f"{name} does not answer ({error.detail}), {NO_SOURCE}. {NEITHER}") from error
        if damage.problem is not None or not outlook.ready:
            why = damage.problem or "`multiregion status` says why"
            helps = await self._put_back_helps(role.other) or f" {NEITHER}"
            raise RepairFailed(f"{name} is not whole itself, {NO_SOURCE}. {why}.{helps}")
        if places := await self._regions[role].audit():
            raise RepairFailed(f"{name}: {spoiled(places)}. Nothing was changed")

    async def _only_here(self, role: Role, damage: Damage) -> int | None:
        """How many writes the other region does not have; None if that is not known."""
        if damage.end is None:
            return None if await self._may_have_own(role) else 0
        own = damage.end
        if await self._holds(role.other, own):
            return 0
        there = (await self._regions[role.other].standing()).end.position
        # In one epoch one region writes, so of two logs that end in the same one the longer has what the other lacks.
        is_ahead = there.epoch == own.position.epoch and there.sequence < own.position.sequence
        return own.position.sequence - there.sequence if is_ahead else None

    async def _may_have_own(self, role: Role) -> bool:
        """A region that follows has what it has from the other one, once it has told the authority so under this leader."""
        state, report = await self._authority.read(), (await self._reports.reports()).get(role)
        if state.leader is role or report is None or report.history not in (state.history, *state.succeeds):
            return True
        has_followed = report.epoch >= (await self._reports.leadership()).since
        return not has_followed or not await self._holds(role.other, report.end)

    async def _holds(self, role: Role, mark: Mark) -> bool:
        return mark == BEGINNING or (await self._regions[role].marks([mark.position.sequence]))[0] == mark

    async def _copied(self, role: Role, kept: str) -> Position:
        """Wait until the region has begun again and is whole. Raises RepairFailed when it has come no further for STALL_SECONDS."""
        reached, moved_at = START, self._clock.monotonic()
        while True:
            outlook = await self._begun_again(role, kept)
            if outlook is not None and outlook.ready:
                return outlook.head.position
            if outlook is not None and outlook.head.position > reached:
                reached, moved_at = outlook.head.position, self._clock.monotonic()
            if self._clock.monotonic() - moved_at > STALL_SECONDS:
                raise RepairFailed(
                    f"{self._names[role]} has come no further than change {reached.sequence} for {STALL_SECONDS:g} s; its old"
                    f" database is in {kept}. It goes on by itself when both regions and the authority answer: `multiregion status`"
                )
            await self._clock.sleep(PAUSE_SECONDS)

    async def _begun_again(self, role: Role, kept: str) -> Outlook | None:
        try:
            newest = (await self._regions[role].damage()).set_aside
            outlook = await self._regions[role].outlook() if newest == kept else None
        except MultiregionError:
            return None
        if newest is not None and newest > kept:
            raise RepairFailed(f"{self._names[role]} has begun again with another database meanwhile, and does not need this one any more")
        return outlook
