"""Change the state of the application: at once, as a planned switch that loses nothing, or as a takeover when a region is lost.

Keeps nothing in memory: each call reads where things are and goes on from there, so an interrupted one can be run again.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from multiregion.clock import Clock
from multiregion.config import Settings
from multiregion.errors import MultiregionError, StaleEpoch, SwitchFailed
from multiregion.health import WELL, WriteHealth, refuse_unable
from multiregion.leases import Leases
from multiregion.replication import LastKnown
from multiregion.states import Role, RoutingState, State, move
from multiregion.stores import Head, StateStore

DRAIN_PAUSE_SECONDS = 0.01
BOTH = (Role.PRIMARY, Role.SECONDARY)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a region knows of itself and of how far behind the other it is."""

    head: Head
    admitted: RoutingState
    ready: bool
    last_known: LastKnown | None
    writing: WriteHealth = WELL


class RegionControl(Protocol):
    """What the controller needs of a region, over a network. Every call raises Unreachable when there is no answer in time."""

    async def admit(self, state: RoutingState) -> RoutingState: ...

    async def head(self) -> Head: ...

    async def outlook(self) -> Outlook: ...


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did, or why not: `outcome` is `done`, `not needed` or `not confirmed`."""

    name: str
    outcome: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants the state to be, who, and why. `accept_loss`: go on even if more than the limit would be lost.
    `epoch`: only if this is still the epoch; None: whatever it is by now. `unattended`: on no operator's word, so only
    if the writer's lease has run out."""

    to: State
    actor: str
    reason: str = ""
    writable: bool = False
    accept_loss: bool = False
    epoch: int | None = None
    unattended: bool = False

    def is_met_by(self, state: RoutingState) -> bool:
        return state.state is self.to and state.writable is self.writable


class Controller:
    def __init__(
        self,
        authority: StateStore,
        regions: Mapping[Role, RegionControl],
        names: Mapping[Role, str],
        clock: Clock,
        settings: Settings,
        leases: Leases | None = None,
    ) -> None:
        """`leases`: those that this authority grants in automatic mode; without them a writer writes until it is told otherwise."""
        self._authority = authority
        self._regions = regions
        self._names = names
        self._clock = clock
        self._settings = settings
        self._leases = leases

    async def set_state(self, request: Request) -> AsyncIterator[Step]:
        """The guide's change of state: decide, then tell both regions. Raises IllegalMove, StaleEpoch."""
        state = await self._current(request)
        if state.state is request.to:
            yield Step("decide", "not needed", 0.0, f"the state is {state.state} already")
        else:
            step, state = await self._decide(state, move(state, request.to), request)
            yield step
        async for step in self._tell(state):
            yield step

    async def switchover(self, request: Request) -> AsyncIterator[Step]:
        """The writer to the region that does not serve now, losing nothing; `request.to` and `writable` are found out."""
        to = State.FAILOVER if (await self._authority.read()).serving is Role.PRIMARY else State.ACTIVE
        wish = Request(to, request.actor, request.reason, writable=to is State.FAILOVER, epoch=request.epoch)
        async for step in self.switch(wish):
            yield step

    async def switch(self, request: Request) -> AsyncIterator[Step]:
        """A planned failover or failback: fence, drain, verify that both sides are equal, hand over.

        Raises SwitchFailed, with what to do, if a step does not succeed; the application then stays as the steps before left
        it, and the same request goes on from there. Raises StaleEpoch if somebody else changed the state meanwhile.
        """
        state, outlooks = await self._survey(request)
        if not request.is_met_by(state):
            target = move(state, request.to, writable=request.writable, drained=True)
            refuse_unable(target.writer, state.leader if target.serving is not state.leader else None, outlooks, self._names)
            if state.state is not State.FENCED:
                async for step in self._check(needed=target.serving is not state.leader):
                    yield step
                step, state = await self._decide(state, move(state, State.FENCED), request, name="fence")
                yield step
            async for step in self._drain(state, target):
                yield step
            target = move(state, request.to, writable=request.writable, drained=True)
            step, state = await self._decide(state, target, request, name="hand over")
            yield step
        async for step in self._tell(state):
            yield step

    async def take_over(self, request: Request) -> AsyncIterator[Step]:
        """An unplanned failover or failback: the region that serves now is lost. Loses what was not replicated, says before how
        much that may be, and keeps the survivor's position, the watermark, with the new epoch.

        Raises SwitchFailed if the survivor does not answer, if the lost region does, or if more than the limit may be lost,
        unless `request.accept_loss`.
        """
        state, outlooks = await self._survey(request)
        if not request.is_met_by(state):
            target = move(state, request.to, writable=request.writable, region_lost=True)
            survivor = target.serving
            outlook = self._survivor(survivor, outlooks[survivor])
            refuse_unable(target.writer, None, outlooks, self._names)
            loses = state.leader is not survivor
            yield Step("predict", "done", 0.0, prediction(outlook.last_known) if loses else "nothing: this region wrote last")
            if not request.accept_loss:
                if outlooks[survivor.other] is not None and not self._has_given_up(request, outlooks[survivor.other], outlook):
                    raise SwitchFailed(self._not_lost(survivor.other))
                self._refuse_loss(outlook.last_known if loses else LastKnown(0, 0, 0.0))
            outlook = await self._last_look(survivor)
            # From here to the decision nothing may fail that closes the leases of this epoch: its writer would get no other.
            if request.unattended:
                self._refuse_while_leased(state)
            if self._may_hold_lease(state, survivor.other):
                step, state = await self._decide(state, move(state, State.FENCED), request, name="fence")
                yield step
                yield await self._outlast_lease(state, survivor.other)
                outlook = await self._last_look(survivor)
            target = move(state, request.to, writable=request.writable, region_lost=True)
            step, state = await self._decide(state, target, request, name="take over", facts=facts_of(outlook, request, loses))
            yield step
        async for step in self._tell(state, required=state.serving):
            yield step

    def _refuse_while_leased(self, state: RoutingState) -> None:
        """The writer may have renewed its lease since this was begun, and with it what it says of its durability."""
        if self._leases is None:
            raise SwitchFailed("this deployment grants no leases, so nobody takes over on no operator's word; nothing was changed")
        if objection := self._leases.objection():
            raise SwitchFailed(f"{objection}; nothing was changed")

    def _may_hold_lease(self, state: RoutingState, lost: Role) -> bool:
        """If not, it gets none at this epoch any more. A fence that a run before this one decided, but did not outlast, counts too."""
        wrote = state.writer is lost or (state.writer is None and state.leader is lost)
        return self._leases is not None and wrote and not self._leases.close(state.epoch)

    async def _outlast_lease(self, fenced: RoutingState, lost: Role) -> Step:
        """While the lost region may hold a lease nobody else may write: wait until it confirms the fence, or the lease is over."""
        assert self._leases is not None
        began = self._clock.monotonic()
        try:
            await self._regions[lost].admit(fenced)
            outcome = "the region confirmed the fence"
        except MultiregionError:
            while not self._leases.have_run_out():
                await self._clock.sleep(max(0.0, self._leases.seconds_left()) + DRAIN_PAUSE_SECONDS)
            outcome = "the lost region's lease has run out"
        return Step("lease", "done", self._clock.monotonic() - began, outcome)

    async def recover(self, request: Request) -> AsyncIterator[Step]:
        """The authority was restored from an old backup: take over the newest state that any region has admitted."""
        state = await self._authority.read()
        known = [outlook.admitted for outlook in (await self._outlooks()).values() if outlook is not None]
        newest = max([state, *known], key=lambda each: each.epoch)
        if newest.epoch == state.epoch:
            yield Step("recover", "not needed", 0.0, f"no region that answers knows more than epoch {state.epoch}")
        else:
            step, state = await self._decide(state, newest, request, name="recover")
            yield step
        async for step in self._tell(state):
            yield step

    async def _current(self, request: Request) -> RoutingState:
        state, _ = await self._survey(request)
        return state

    async def _survey(self, request: Request) -> tuple[RoutingState, dict[Role, Outlook | None]]:
        """The authority's state, and what the regions say, None for one that is silent. Raises StaleEpoch if `request` was decided
        under another epoch, SwitchFailed if a region has admitted a later state: epochs never go back."""
        state = await self._authority.read()
        if request.epoch not in (None, state.epoch):
            (newest,) = await self._authority.history(1, about="state")
            raise StaleEpoch(f"{newest.actor} changed the state to {state.state} (epoch {state.epoch}) first", state=state)
        outlooks = await self._outlooks()
        ahead = [outlook.admitted.epoch for outlook in outlooks.values() if outlook is not None]
        if max([0, *ahead]) > state.epoch:
            raise SwitchFailed(
                f"a region obeys epoch {max(ahead)}, but the authority knows only epoch {state.epoch}: it was restored from an old"
                " backup. `multiregion authority recover` takes the highest known"
            )
        return state, outlooks

    def _survivor(self, survivor: Role, outlook: Outlook | None) -> Outlook:
        if outlook is None:
            raise SwitchFailed(f"{self._names[survivor]} does not answer either; nothing was changed")
        if not outlook.ready:
            raise SwitchFailed(f"{self._names[survivor]} is not ready to serve; nothing was changed. `multiregion status` says why")
        return outlook

    async def _last_look(self, survivor: Role) -> Outlook:
        """The survivor at the moment of the decision. Since it was asked first, the lost region's silence and its lease have been
        waited for: what the survivor has received meanwhile is not lost."""
        try:
            outlook = await self._regions[survivor].outlook()
        except MultiregionError as error:
            raise SwitchFailed(f"{self._names[survivor]} does not answer any more ({error.detail}); run the same command again") from error
        return self._survivor(survivor, outlook)

    def _not_lost(self, region: Role) -> str:
        return (
            f"{self._names[region]} answers, so it is not lost: without --region-lost the switch loses nothing."
            " With --accept-loss it is taken from it all the same"
        )

    def _has_given_up(self, request: Request, writer: Outlook | None, survivor: Outlook) -> bool:
        """Whether a writer that answers says itself that it cannot write any more, while the survivor has all that it wrote."""
        if writer is None or not request.unattended or writer.writing.seconds < self._settings.unhealthy_seconds:
            return False
        return level(writer.head, survivor.head)

    def _refuse_loss(self, last_known: LastKnown | None) -> None:
        settings = self._settings
        if last_known is None or last_known.seconds is None:
            raise SwitchFailed(f"What would be lost is {prediction(last_known)}. Nothing was changed; --accept-loss goes on all the same")
        if last_known.changes > settings.loss_changes_max or last_known.seconds > settings.loss_seconds_max:
            raise SwitchFailed(
                f"More may be lost than the limit of {settings.loss_changes_max} changes or {settings.loss_seconds_max:g} s allows:"
                f" {prediction(last_known)}. Nothing was changed; --accept-loss goes on all the same"
            )

    async def _check(self, *, needed: bool) -> AsyncIterator[Step]:
        """Both regions must answer before anything is fenced, so that a switch that cannot succeed does no harm."""
        began = self._clock.monotonic()
        silent = [role for role, head in (await self._heads()).items() if head is None]
        if silent and needed:
            raise SwitchFailed(
                f"{self._list(silent)} does not answer, so a planned switch would not finish; nothing was changed. If it is lost, add"
                " --region-lost; to point the application at the other region read-only: `multiregion state set failover`"
            )
        found = f"{self._list(silent)} does not answer" if silent else "both regions answer"
        yield Step("check", "done", self._clock.monotonic() - began, found)

    async def _drain(self, fenced: RoutingState, target: RoutingState) -> AsyncIterator[Step]:
        """The fence is in force once the leader has admitted it; then its log must reach the other side to the last change."""
        leader, other = fenced.leader, fenced.leader.other
        async for step in self._tell(fenced, required=None if target.serving is leader else leader):
            yield step
        began = self._clock.monotonic()
        heads = await self._heads()
        if target.serving is leader and None in heads.values():
            yield Step("drain", "not needed", 0.0, f"{self._names[leader]} wrote last")
            return
        while not level(heads[leader], heads[other]):
            if self._clock.monotonic() - began > self._settings.drain_seconds:
                raise SwitchFailed(self._not_drained(leader))
            await self._clock.sleep(DRAIN_PAUSE_SECONDS)
            heads = await self._heads()
        head = heads[leader]
        assert head is not None
        yield Step("drain", "done", self._clock.monotonic() - began, f"both regions are at change {head.position.sequence}")
        if head != heads[other]:
            raise SwitchFailed("both logs end at the same change, but the contents differ; `multiregion verify` lists where")
        yield Step("verify", "done", 0.0, f"equal: {head.content[:12]}")

    def _not_drained(self, leader: Role) -> str:
        back = "state set active" if leader is Role.PRIMARY else "failover --writable"
        return (
            f"{self._names[leader.other]} has not caught up with {self._names[leader]} within {self._settings.drain_seconds:g} s;"
            f" the application stays fenced. Run the same command again to go on waiting, or `multiregion {back}` to go back"
        )

    async def _decide(
        self,
        old: RoutingState,
        new: RoutingState,
        request: Request,
        *,
        name: str = "decide",
        facts: Mapping[str, Any] | None = None,
    ) -> tuple[Step, RoutingState]:
        began = self._clock.monotonic()
        state = await self._authority.replace(old, new, actor=request.actor, reason=request.reason, facts=facts)
        return Step(name, "done", self._clock.monotonic() - began, f"{old.state} → {new.state}, epoch {new.epoch}"), state

    async def _tell(self, state: RoutingState, *, required: Role | None = None) -> AsyncIterator[Step]:
        """Have both regions admit `state` now. One that does not answer learns it when it is back, and is reported."""
        began = self._clock.monotonic()
        answers = await asyncio.gather(*(self._regions[role].admit(state) for role in BOTH), return_exceptions=True)
        for role, answer in zip(BOTH, answers, strict=True):
            seconds = self._clock.monotonic() - began
            if isinstance(answer, RoutingState):
                yield Step(f"admit {self._names[role]}", "done", seconds, f"{answer.state}, epoch {answer.epoch}")
                continue
            if not isinstance(answer, MultiregionError):
                raise answer
            if role is required:
                raise SwitchFailed(
                    f"{self._names[role]} has not confirmed the {state.state} state ({answer.detail}); run the same command again"
                )
            yield Step(f"admit {self._names[role]}", "not confirmed", seconds, f"{answer.detail}; it will learn the state when it is back")

    async def _heads(self) -> dict[Role, Head | None]:
        answers = await asyncio.gather(*(self._regions[role].head() for role in BOTH), return_exceptions=True)
        return {role: answer if isinstance(answer, Head) else None for role, answer in zip(BOTH, answers, strict=True)}

    async def _outlooks(self) -> dict[Role, Outlook | None]:
        answers = await asyncio.gather(*(self._regions[role].outlook() for role in BOTH), return_exceptions=True)
        return {role: answer if isinstance(answer, Outlook) else None for role, answer in zip(BOTH, answers, strict=True)}

    def _list(self, roles: list[Role]) -> str:
        return " and ".join(self._names[role] for role in roles)


def level(leader: Head | None, other: Head | None) -> bool:
    """Whether the other region's log ends where the leader's does; an unknown head is level with nothing."""
    return leader is not None and other is not None and leader.position == other.position


def prediction(last_known: LastKnown | None) -> str:
    """What a takeover may lose, in words; what is unknown is said to be."""
    if last_known is None:
        return "unknown: the surviving region has not heard from the other since it started"
    known = counted(last_known)
    if last_known.seconds is None:
        return f"{known}, and an unknown number more{uploads(last_known)}"
    return f"{known}, and whatever was written in the last {last_known.seconds:.1f} s{uploads(last_known)}"


def counted(last_known: LastKnown) -> str:
    if not last_known.changes:
        return "nothing that is known of"
    one = last_known.changes == 1
    known = f"{last_known.changes:,} {'change' if one else 'changes'} ({last_known.bytes:,} bytes) that {'is' if one else 'are'} known of"
    return known + named(last_known)


def named(last_known: LastKnown) -> str:
    """Who may sign in is not one change among others."""
    words = [f"{each.what} of {each.user}" for each in last_known.credentials]
    return f", among them {', '.join(words)}" if words else ""


def uploads(last_known: LastKnown) -> str:
    """No record speaks of them yet, so they are in no count of changes."""
    count = last_known.photos_in_flight
    return f"; photos that were on their way in, and have to be uploaded again: {count:,}" if count else ""


def facts_of(outlook: Outlook, request: Request, loses: bool) -> dict[str, Any]:
    """What the history keeps of a takeover: the watermark, and what was predicted and accepted."""
    position = outlook.head.position
    return {
        "watermark": {"epoch": position.epoch, "sequence": position.sequence},
        "predictedLoss": missing(outlook.last_known) if loses else None,
        "acceptedLoss": request.accept_loss,
    }


def missing(last_known: LastKnown | None) -> dict[str, Any] | None:
    """What a region does not have of the other, as far as it has heard; None if it has heard nothing."""
    if last_known is None:
        return None
    return {
        "changes": last_known.changes,
        "bytes": last_known.bytes,
        "seconds": last_known.seconds,
        "credentials": [{"what": each.what, "user": each.user} for each in last_known.credentials],
        "photosInFlight": last_known.photos_in_flight,
    }
