"""Change the state of the application: at once, as a planned switch that loses nothing, or as a takeover when a region is lost.

Keeps nothing in memory: each call reads where things are and goes on from there, so an interrupted one can be run again.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from multiregion import advice
from multiregion.accepting import Histories, until_ready
from multiregion.clock import Clock
from multiregion.config import Settings
from multiregion.errors import IllegalMove, MultiregionError, StaleEpoch, SwitchFailed
from multiregion.health import refuse_unable
from multiregion.leases import Leases
from multiregion.orders import Orders, Request, Step, order
from multiregion.predictions import Outlook, RegionControl, facts_of, prediction, refuse_losing, refuse_present
from multiregion.preparation import repair_both, silent_in
from multiregion.reports import ACCEPTED, base_fact
from multiregion.states import UNFOUNDED, Role, RoutingState, State, move
from multiregion.stores import Head, StateStore, level

DRAIN_PAUSE_SECONDS = 0.01
FENCES_MAX = 10
EPOCHS_SKIPPED = 10
BOTH = (Role.PRIMARY, Role.SECONDARY)


class Controller:
    def __init__(
        self,
        authority: StateStore,
        regions: Mapping[Role, RegionControl],
        names: Mapping[Role, str],
        clock: Clock,
        settings: Settings,
        leases: Leases | None = None,
        histories: Histories | None = None,
    ) -> None:
        """`leases`: those that this authority grants in automatic mode; without them a writer writes until it is told otherwise.
        `histories`: None where engines keep the data."""
        self._authority = authority
        self._regions = regions
        self._names = names
        self._clock = clock
        self._settings = settings
        self._leases = leases
        self._histories = histories
        self.orders = Orders(authority)

    @order
    async def set_state(self, request: Request) -> AsyncIterator[Step]:
        """The guide's change of state: decide, then tell both regions. Raises IllegalMove, StaleEpoch. To fence wins against every
        order that began before it."""
        step, state = await self._decide_at_once(request)
        yield step
        async for step in self._conclude(state):
            yield step

    async def _decide_at_once(self, request: Request, *, tries: int = FENCES_MAX) -> tuple[Step, RoutingState]:
        try:
            state, outlooks = await self._survey(request)
            if request.is_met_by(state):
                return await self._hold(state, request)
            return await self._decide(state, self._at_once(state, request.to, outlooks), request)
        except StaleEpoch:
            if tries == 1 or not self.orders.prevails(request):
                raise
        return await self._decide_at_once(request, tries=tries - 1)

    def _at_once(self, state: RoutingState, to: State, outlooks: Mapping[Role, Outlook | None]) -> RoutingState:
        try:
            return move(state, to)
        except IllegalMove as error:
            raise IllegalMove(advice.not_movable(error.detail, state, outlooks, self._names)) from error

    @order
    async def switchover(self, request: Request) -> AsyncIterator[Step]:
        """The writer to the region that does not serve now, losing nothing; `request.to` and `writable` are found out."""
        to = await self._other_way(await self._authority.read())
        async for step in self.switch(replace(request, to=to, writable=to is State.FAILOVER)):
            yield step

    async def _other_way(self, state: RoutingState) -> State:
        """Where a switchover goes. One that was interrupted after its fence goes on to where it was going."""
        if state.state is State.FENCED and (towards := await self.orders.unfinished(state)):
            return State(towards["state"])
        left = state.leader if state.state is State.FENCED else state.serving
        return State.FAILOVER if left is Role.PRIMARY else State.ACTIVE

    @order
    async def switch(self, request: Request) -> AsyncIterator[Step]:
        """A planned failover or failback: repair objects, fence, drain, verify that both sides are equal, hand over.

        Raises SwitchFailed, with what to do, if a step does not succeed; the application then stays as the steps before left
        it, and the same request goes on from there. Raises StaleEpoch if somebody else changed the state meanwhile.
        """
        state, outlooks = await self._survey(request)
        if request.is_met_by(state):
            step, state = await self._hold(state, request)
            if step.outcome == "done":
                yield step
        else:
            target = move(state, request.to, writable=request.writable, drained=True)
            refuse_unable(target.writer, state.leader if target.serving is not state.leader else None, outlooks, self._names)
            if state.state is not State.FENCED:
                async for step in self._check(state, target):
                    yield step
                yield await repair_both(self._regions, self._names, state, target.serving, self._clock)
                step, state = await self._decide(state, move(state, State.FENCED), request, name="fence", facts=request.towards())
                yield step
            async for step in self._drain(state, target, request):
                yield step
            target = move(state, request.to, writable=request.writable, drained=True)
            step, state = await self._decide(state, target, request, name="hand over", facts=await self._base_of(state, target))
            yield step
        async for step in self._conclude(state):
            yield step

    @order
    async def take_over(self, request: Request) -> AsyncIterator[Step]:
        """An unplanned failover or failback: the region that serves now is lost. Loses what was not replicated, says before how
        much that may be, and keeps the survivor's position, the watermark, with the new epoch.

        Raises SwitchFailed if the survivor is silent; without `request.accept_loss` also if the lost one answers, or too much may be lost.
        """
        state, outlooks = await self._survey(request)
        if request.is_met_by(state):
            step, state = await self._hold(state, request)
            if step.outcome == "done":
                yield step
        else:
            target = move(state, request.to, writable=request.writable, region_lost=True)
            survivor, order = target.serving, advice.verb(request.to, writable=request.writable)
            outlook = self._survivor(state, survivor, outlooks)
            refuse_unable(target.writer, None, outlooks, self._names)
            loses = state.leader is not survivor
            yield Step("predict", "done", 0.0, prediction(outlook.last_known) if loses else "nothing: this region wrote last")
            if not request.accept_loss:
                if outlooks[survivor.other] is not None and not self._has_given_up(request, outlooks[survivor.other], outlook):
                    refuse_present(survivor.other, self._names, order)
                if loses:
                    refuse_losing(outlook, self._names[survivor], self._settings, advice.all_the_same(order))
            outlook = await self._last_look(survivor)
            # From here to the decision nothing may fail that closes the leases of this epoch: its writer would get no other.
            if request.unattended:
                self._refuse_while_leased(state)
            if self._may_hold_lease(state, survivor.other):
                step, state = await self._decide(state, move(state, State.FENCED), request, name="fence", facts=request.towards())
                yield step
                yield await self._outlast_lease(state, survivor.other)
                outlook = await self._last_look(survivor)
            target = move(state, request.to, writable=request.writable, region_lost=True)
            step, state = await self._decide(
                state, target, request, name="take over", facts=facts_of(outlook, loses=loses, accepted=request.accept_loss)
            )
            yield step
        async for step in self._conclude(state):
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

    async def _base_of(self, state: RoutingState, target: RoutingState) -> Mapping[str, Any] | None:
        """Where the log of a new leader ends: nothing can be added to it while the application is fenced."""
        if target.leader is state.leader:
            return None
        asked = await self._asked()
        if not isinstance(head := asked[target.leader], Head):
            raise SwitchFailed(advice.not_drained(state, 0.0, self._names, silent_in(asked)))
        return {"base": base_fact(head.mark)}

    @order
    async def recover(self, request: Request) -> AsyncIterator[Step]:
        """The authority has lost its history, or was restored from an old backup: begin a new history, fenced, from the newest
        state that the regions have admitted. Needs both, because the newest may be known to one of them alone; or the operator's
        word that one is lost (`request.region_lost`). `request.region`: whose log counts; None: the newest. Raises SwitchFailed."""
        state = await self._authority.read()
        outlooks = await self._outlooks()
        known = {role: outlook for role, outlook in outlooks.items() if outlook is not None}
        silent = [role for role in BOTH if role not in known]
        await self._check_recoverable(silent, request)
        if self._histories is not None and not request.accept_loss:
            await self._histories.refuse_nothing(known)
        newest = max([state, *(outlook.admitted for outlook in known.values())], key=lambda each: each.epoch)
        if state.history and all(state.is_taken_by(outlook.admitted) for outlook in known.values()):
            yield Step("recover", "not needed", 0.0, f"no region that answers knows more than epoch {state.epoch}", state)
        else:
            step, state = await self._begin_history(state, newest, known, request)
            yield step
        async for step in self._tell(state):
            yield step

    @order
    async def accept_history(self, request: Request) -> AsyncIterator[Step]:
        """The operator's word that the region which waits to lead goes on with what it has. Raises as `Histories.predict` does, too."""
        role = request.region
        assert role is not None
        if (state := (await self._survey(request))[0]).leader is not role:
            raise SwitchFailed(f"{self._names[role]} does not lead at epoch {state.epoch}, so there is nothing to accept")
        if (await self._heard(state, role)).ready:
            yield Step("accept", "not needed", 0.0, f"{self._names[role]} leads already")
            return
        began = self._clock.monotonic()
        if self._histories is not None:
            yield await self._histories.predict(role, accept_loss=request.accept_loss)
        await self._authority.note(ACCEPTED, actor=request.actor, reason=request.reason, facts={"role": role})
        yield Step("accept", "done", self._clock.monotonic() - began, f"{self._names[role]} goes on with the history that it has")
        outlook = await until_ready(self._regions[role], self._names[role], self._clock)
        self.orders.reads(request, await self._authority.read())
        yield Step("lead", "done", self._clock.monotonic() - began, f"{self._names[role]} leads, epoch {outlook.admitted.epoch}")

    async def _heard(self, state: RoutingState, role: Role) -> Outlook:
        try:
            return await self._regions[role].outlook()
        except MultiregionError as error:
            raise SwitchFailed(advice.not_asked(role, state, self._names, error)) from error

    async def _check_recoverable(self, silent: list[Role], request: Request) -> None:
        if len(silent) == len(BOTH):
            raise SwitchFailed("neither region answers, so nobody knows what was decided last; nothing was changed. Start a region first")
        if request.region in silent:
            raise SwitchFailed(
                f"{self._names[request.region]} does not answer, so nobody knows its log; nothing was changed. Start it first"
            )
        if silent and not request.region_lost:
            raise SwitchFailed(advice.not_recoverable(silent, await self._silent(), self._names))

    async def _begin_history(
        self, state: RoutingState, newest: RoutingState, known: Mapping[Role, Outlook], request: Request
    ) -> tuple[Step, RoutingState]:
        """EPOCHS_SKIPPED epochs on, so that what a silent region decided meanwhile is at no epoch of the new history, which succeeds all
        that anybody has heard of. Whoever leads has to hold the newest log: the leader's own file may be lost, or an older copy."""
        leader = request.region or (newest.leader if newest.leader in known else newest.leader.other)
        heard = [state, newest, *(outlook.admitted for outlook in known.values())]
        succeeds = tuple(sorted({history for each in heard for history in (each.history, *each.succeeds)} - {""}))
        fenced = RoutingState(State.FENCED, newest.epoch + EPOCHS_SKIPPED, leader, history=self._clock.new_id(), succeeds=succeeds)
        log = max((known[role].head.mark for role in ([request.region] if request.region else known)), key=lambda mark: mark.position)
        facts = {"base": base_fact(log), "succeeds": succeeds}
        return await self._decide(state, fenced, request, name="recover", facts=facts)

    async def _survey(self, request: Request) -> tuple[RoutingState, dict[Role, Outlook | None]]:
        """The authority's state, and what the regions say, None for one that is silent. Raises StaleEpoch if `request` was decided
        under another epoch, SwitchFailed if a region has admitted a later state: epochs never go back."""
        state = await self._authority.read()
        if request.epoch not in (None, state.epoch):
            who = next((each.actor for each in await self._authority.history(1, about="state")), "somebody")
            raise StaleEpoch(f"{who} changed the state to {state.state} (epoch {state.epoch}) first", state=state)
        self.orders.reads(request, state)
        outlooks = await self._outlooks()
        if state.epoch == UNFOUNDED.epoch:
            raise SwitchFailed(advice.no_history([each.admitted for each in outlooks.values() if each is not None]))
        others = [each.admitted for each in outlooks.values() if each is not None and not state.is_taken_by(each.admitted)]
        if others:
            # The region may have been told of another order's decision while it was asked: then that is why it knows more.
            await self.orders.refuse_if_overtaken(request)
            raise SwitchFailed(advice.outdated(others[0], state))
        return state, outlooks

    def _survivor(self, state: RoutingState, survivor: Role, outlooks: Mapping[Role, Outlook | None]) -> Outlook:
        outlook = outlooks[survivor]
        if outlook is None:
            raise SwitchFailed(advice.no_survivor(survivor, state, self._names, other_answers=outlooks[survivor.other] is not None))
        return self._ready(survivor, outlook)

    def _ready(self, survivor: Role, outlook: Outlook) -> Outlook:
        if not outlook.ready:
            raise SwitchFailed(advice.not_fit(survivor, self._names))
        return outlook

    async def _last_look(self, survivor: Role) -> Outlook:
        """The survivor at the moment of the decision. Since it was asked first, the lost region's silence and its lease have been
        waited for: what the survivor has received meanwhile is not lost."""
        try:
            outlook = await self._regions[survivor].outlook()
        except MultiregionError as error:
            raise SwitchFailed(advice.not_any_more(survivor, self._names, error)) from error
        return self._ready(survivor, outlook)

    def _has_given_up(self, request: Request, writer: Outlook | None, survivor: Outlook) -> bool:
        """Whether a writer that answers says itself that it cannot write any more, while the survivor has all that it wrote."""
        if writer is None or not request.unattended or writer.writing.seconds < self._settings.unhealthy_seconds:
            return False
        return level(writer.head, survivor.head)

    async def _check(self, state: RoutingState, target: RoutingState) -> AsyncIterator[Step]:
        """Both regions must answer before anything is fenced, so that a switch that cannot succeed does no harm."""
        began = self._clock.monotonic()
        silent = await self._silent()
        # A connection from before a region was restarted breaks once; no reason to call it lost.
        if silent and target.serving is not state.leader and (silent := await self._silent()):
            raise SwitchFailed(advice.not_answering(silent, state, self._names))
        found = "; ".join(advice.why_silent(role, error, self._names) for role, error in silent.items()) or "both regions answer"
        yield Step("check", "done", self._clock.monotonic() - began, found)

    async def _drain(self, fenced: RoutingState, target: RoutingState, request: Request) -> AsyncIterator[Step]:
        """The fence is in force once the leader has admitted it; then its log must reach the other side to the last change. Raises
        StaleEpoch as soon as another order has decided something else."""
        leader, other = fenced.leader, fenced.leader.other
        async for step in self._tell(fenced, required=None if target.serving is leader else leader):
            yield step
        began = self._clock.monotonic()
        heads = await self._heads()
        if target.serving is leader and not level(heads[leader], heads[other]):
            yield Step("drain", "not needed", 0.0, f"{self._names[leader]} wrote last")
            return
        while not (is_level := level(heads[leader], heads[other])) or not await self._is_ready(leader):
            if self._clock.monotonic() - began > self._settings.drain_seconds:
                told = fenced, self._settings.drain_seconds, self._names
                raise SwitchFailed(advice.not_ready(*told) if is_level else advice.not_drained(*told, await self._silent()))
            await self._clock.sleep(DRAIN_PAUSE_SECONDS)
            await self.orders.refuse_if_overtaken(request)
            heads = await self._heads()
        head = heads[leader]
        assert head is not None
        yield Step("drain", "done", self._clock.monotonic() - began, f"both regions are at change {head.position.sequence}")
        if head != heads[other]:
            raise SwitchFailed("both logs end at the same change, but the contents differ; `multiregion verify` lists where")
        yield Step("verify", "done", 0.0, f"equal: {head.content[:12]}")

    async def _hold(self, state: RoutingState, request: Request) -> tuple[Step, RoutingState]:
        """What is asked for is so already. If another order may still change that, decide it anew, under an epoch of its own: the
        other order's next decision is then refused, and this one holds."""
        other = self.orders.crossed_by(request)
        if other is None and not await self.orders.unfinished(state):
            await self.orders.refuse_if_overtaken(request)
            self.orders.ends_decided(request)
            return Step("decide", "not needed", 0.0, f"the state is {state.state} already", state), state
        again = move(state, state.state, writable=state.writable)
        step, state = await self._decide(state, again, request, name="claim")
        whose = f"the order of {other} that is under way" if other else "the order that stopped here on its way"
        return replace(step, detail=f"{state.state} already; decided anew, epoch {state.epoch}, so that {whose} does not change it"), state

    async def _decide(
        self, old: RoutingState, new: RoutingState, request: Request, *, name: str = "decide", facts: Mapping[str, Any] | None = None
    ) -> tuple[Step, RoutingState]:
        began = self._clock.monotonic()
        state = await self._authority.replace(old, new, actor=request.actor, reason=request.reason, facts=facts)
        self.orders.decides(request, state)
        return Step(name, "done", self._clock.monotonic() - began, f"{old.state} → {new.state}, epoch {new.epoch}", state), state

    async def _conclude(self, state: RoutingState) -> AsyncIterator[Step]:
        """An order has done what it was asked to only when the region that serves now obeys."""
        async for step in self._tell(state, required=state.serving):
            yield step

    async def _tell(self, state: RoutingState, *, required: Role | None = None) -> AsyncIterator[Step]:
        """Have both regions admit `state` now. One that does not answer learns it when it is back, and is reported."""
        began = self._clock.monotonic()
        answers = await asyncio.gather(*(self._regions[role].admit(state) for role in BOTH), return_exceptions=True)
        for role, answer in zip(BOTH, answers, strict=True):
            name, seconds = self._names[role], self._clock.monotonic() - began
            if isinstance(answer, RoutingState):
                yield Step(f"admit {name}", "done", seconds, f"{answer.state}, epoch {answer.epoch}", answer, name)
                continue
            if not isinstance(answer, MultiregionError):
                raise answer
            yield Step(f"admit {name}", "not confirmed", seconds, f"{answer.detail}; {advice.LATER}", region=name)
        if required is not None and required in (silent := silent_in(dict(zip(BOTH, answers, strict=True)))):
            raise SwitchFailed(advice.not_confirmed(required, state, self._names, silent))

    async def _silent(self) -> dict[Role, BaseException]:
        return silent_in(await self._asked())

    async def _heads(self) -> dict[Role, Head | None]:
        return {role: answer if isinstance(answer, Head) else None for role, answer in (await self._asked()).items()}

    async def _asked(self) -> dict[Role, Head | BaseException]:
        return dict(zip(BOTH, await asyncio.gather(*(self._regions[role].head() for role in BOTH), return_exceptions=True), strict=True))

    async def _is_ready(self, role: Role) -> bool:
        return (outlook := (await self._outlooks())[role]) is not None and outlook.ready

    async def _outlooks(self) -> dict[Role, Outlook | None]:
        answers = await asyncio.gather(*(self._regions[role].outlook() for role in BOTH), return_exceptions=True)
        return {role: answer if isinstance(answer, Outlook) else None for role, answer in zip(BOTH, answers, strict=True)}
