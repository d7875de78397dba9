"""What each move would do and lose at this moment: found out by the controller itself, in rehearsal, so that no rule stands twice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from multiregion.clock import Clock
from multiregion.config import Settings, label
from multiregion.controller import Controller
from multiregion.errors import MultiregionError, Unreachable
from multiregion.objects import Repaired
from multiregion.orders import Request, Step
from multiregion.predictions import Outlook, RegionControl
from multiregion.states import Role, RoutingState, State, move
from multiregion.stores import Decision, Head, StateStore

PLANNED, AT_ONCE, TAKEOVER, REPAIR = "planned", "at once", "takeover", "repair"
Run = Callable[[Controller, Request], AsyncIterator[Step]]


@dataclass(frozen=True, slots=True)
class Move:
    """Something that can be ordered. `path` and `order` are what the operators' API takes for it."""

    name: str
    kind: str
    path: str
    order: Mapping[str, Any]
    request: Request
    run: Run


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would come of a move. `refused` says why nothing would; `needs_word`, why the operator has to accept a loss for it.

    `prediction` is what a takeover says before it begins, None for a move that loses nothing; `predicted` its figures."""

    move: Move
    becomes: RoutingState
    refused: str | None = None
    needs_word: str | None = None
    prediction: str | None = None
    predicted: Mapping[str, Any] | None = None


class Foreseen(Exception):
    """No error: the rehearsal has got as far as to a decision."""

    def __init__(self, state: RoutingState, facts: Mapping[str, Any]) -> None:
        self.state = state
        self.facts = facts


class Pencil:
    """A StateStore in which nothing is ever decided."""

    def __init__(self, state: RoutingState, authority: StateStore) -> None:
        self._state = state
        self._authority = authority

    async def read(self) -> RoutingState:
        return self._state

    async def replace(
        self, old: RoutingState, new: RoutingState, *, actor: str, reason: str, facts: Mapping[str, Any] | None = None
    ) -> RoutingState:
        raise Foreseen(new, facts or {})

    async def note(self, what: str, *, actor: str, reason: str, facts: Mapping[str, Any]) -> None:
        raise Foreseen(self._state, facts)

    async def history(self, limit: int = 50, *, about: str | None = None) -> Sequence[Decision]:
        return await self._authority.history(limit, about=about)


@dataclass(frozen=True, slots=True)
class Onlooker:
    """A region in a rehearsal: asked once for all moves, told nothing, and as level as it will be once it has drained."""

    outlook_now: Outlook | None
    drained_to: Head | None

    async def outlook(self) -> Outlook:
        if self.outlook_now is None:
            raise Unreachable("no answer")
        return self.outlook_now

    async def head(self) -> Head:
        own = (await self.outlook()).head
        return self.drained_to or own

    async def repair(self) -> Repaired:
        await self.outlook()
        return Repaired()

    async def admit(self, state: RoutingState) -> RoutingState:
        await self.outlook()
        return state


class Rehearsals:
    def __init__(
        self, authority: StateStore, regions: Mapping[Role, RegionControl], names: Mapping[Role, str], clock: Clock, settings: Settings
    ) -> None:
        self._authority = authority
        self._regions = regions
        self._names = names
        self._clock = clock
        self._settings = settings

    async def now(self) -> tuple[RoutingState, Sequence[Rehearsal]]:
        """The state, and every move from it with what it would come to. Nothing is changed."""
        outlooks = await self._outlooks()
        state = await self._authority.read()  # after the regions: else one that has just been told a new state would look ahead of it
        leading = outlooks[state.leader]
        onlookers = {role: Onlooker(outlook, leading.head if leading else None) for role, outlook in outlooks.items()}
        stage = Controller(Pencil(state, self._authority), onlookers, self._names, self._clock, self._settings)
        passing = await stage.orders.unfinished(state) is not None
        found = [await foresee(stage, wish, state) for wish in all_moves(state) if not leads_nowhere(wish, state, passing)]
        return state, [each for each in found if each is not None]

    async def _outlooks(self) -> dict[Role, Outlook | None]:
        roles = tuple(self._regions)
        answers = await asyncio.gather(*(self._regions[role].outlook() for role in roles), return_exceptions=True)
        return {role: answer if isinstance(answer, Outlook) else None for role, answer in zip(roles, answers, strict=True)}


def all_moves(state: RoutingState) -> Iterator[Move]:
    """Everything that could be ordered, whether it would be refused or not."""

    def request(to: State, writable: bool = False) -> Request:
        return Request(to, "rehearsal", writable=writable, epoch=state.epoch)

    for to, writable in ((State.FAILOVER, True), (State.FAILOVER, False), (State.ACTIVE, False)):
        verb = "failback" if to is State.ACTIVE else "failover"
        name = f"{verb}-writable" if writable else verb
        order = {"writable": writable}
        yield Move(name, PLANNED, f"/operator/{verb}", order, request(to, writable), Controller.switch)
        lost = {**order, "regionLost": True}
        yield Move(f"{name}-region-lost", TAKEOVER, f"/operator/{verb}", lost, request(to, writable), Controller.take_over)
    for to in State:
        yield Move(f"set-{to}", AT_ONCE, "/operator/state", {"state": to}, request(to), Controller.set_state)
    yield Move("recover", REPAIR, "/operator/recover", {}, request(state.state, state.writable), Controller.recover)


def leads_nowhere(wish: Move, state: RoutingState, passing: bool) -> bool:
    """Whether nothing would be different, or nobody would be given up as lost. `passing`: the state is a step of an order that goes
    on, so that to want it is a decision of its own."""
    if wish.kind is REPAIR:
        return False
    survivor = target(wish, state).serving
    return (wish.request.is_met_by(state) and not passing) or (
        wish.kind is TAKEOVER and survivor is state.serving and survivor is state.leader
    )


async def foresee(stage: Controller, wish: Move, state: RoutingState) -> Rehearsal | None:
    """None if it would not change anything."""
    try:
        return await rehearse(stage, wish, state)
    except MultiregionError as error:
        if wish.kind is not TAKEOVER:
            return Rehearsal(wish, target(wish, state), refused=error.detail)
        return await with_word(stage, wish, state, error.facts.get("because", error.detail))


async def with_word(stage: Controller, wish: Move, state: RoutingState, why: str) -> Rehearsal:
    """A takeover that is refused without the operator's word may go on with it."""
    accepting = replace(wish, order={**wish.order, "acceptLoss": True}, request=replace(wish.request, accept_loss=True))
    try:
        rehearsal = await rehearse(stage, accepting, state)
    except MultiregionError as error:
        return Rehearsal(wish, target(wish, state), refused=error.detail)
    return replace(rehearsal or Rehearsal(wish, state), needs_word=why)


async def rehearse(stage: Controller, wish: Move, state: RoutingState) -> Rehearsal | None:
    """Up to the first decision. Raises what the controller raises before it."""
    prediction: str | None = None
    try:
        async for step in wish.run(stage, wish.request):
            if step.name == "predict":
                prediction = step.detail
    except Foreseen as foreseen:
        becomes = target(wish, state) if wish.kind is PLANNED else foreseen.state
        return Rehearsal(wish, becomes, prediction=prediction, predicted=foreseen.facts.get("predictedLoss"))
    return None


def target(wish: Move, state: RoutingState) -> RoutingState:
    """The state that it comes to in the end, if nothing speaks against it."""
    return move(state, wish.request.to, writable=wish.request.writable, drained=True)


def described(rehearsal: Rehearsal, state: RoutingState, names: Mapping[Role, str], settings: Settings) -> list[str]:
    """What the move does, in sentences for whoever has to decide."""
    after, called = rehearsal.becomes, {role: label(name) for role, name in names.items()}
    return [
        *beginning(rehearsal.move.kind, state, after, called, settings),
        f"Everybody {'stays on' if after.serving is state.serving else 'is served from'} {called[after.serving]}.",
        f"Writing goes to {called[after.writer]}." if after.writer else "Nobody can write; everything stays viewable.",
    ]


def beginning(kind: str, state: RoutingState, after: RoutingState, called: Mapping[Role, str], settings: Settings) -> Iterator[str]:
    """What happens before the new state is in force."""
    survivor = after.serving
    if kind is PLANNED:
        other = called[state.leader.other]
        yield f"Writing stops everywhere until {other} has every change, for {settings.drain_seconds:g} s at most; then both are compared."
    if kind is TAKEOVER and after.writer:
        yield f"{called[survivor.other]} is given up as lost. When it returns, what it had not sent is undone there and listed as lost."
    if kind is TAKEOVER and not after.writer:
        yield f"{called[survivor.other]} is not asked. When it returns, what it had not sent arrives by itself."
    if kind is AT_ONCE:
        yield "At once: nothing is waited for, and nothing is compared."
    if kind is REPAIR:
        yield "The authority takes over the newest state that a region obeys: it knows an older one."
