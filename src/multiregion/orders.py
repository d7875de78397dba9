"""Orders to change the state: what is asked for, what comes of each step, and which of several at the same moment holds.

An order reads the state when it begins, and each of its decisions replaces the state that it knows. So an order that began
earlier never undoes a later one: its next decision is refused, and it is told whose order was in its way.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Protocol, TypeVar

from multiregion.errors import IllegalMove, StaleEpoch, SwitchFailed
from multiregion.states import Role, RoutingState, State
from multiregion.stores import StateStore


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did, or why not: `outcome` is `done`, `not needed` or `not confirmed`. `state`: what it decided, or found to be
    so already; None for a step that decides nothing. `region`: the one that was told a state."""

    name: str
    outcome: str
    seconds: float
    detail: str = ""
    state: RoutingState | None = field(default=None, compare=False)
    region: str | None = field(default=None, compare=False)

    def document(self) -> dict[str, Any]:
        """As operators are told of it; `epoch`: of the state that was decided."""
        epoch = self.state.epoch if self.state else None
        told = {"name": self.name, "outcome": self.outcome, "seconds": self.seconds, "detail": self.detail}
        return {**told, "region": self.region, "epoch": epoch}


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants the state to be, who, and why. `accept_loss`: go on even if more than the limit would be lost.
    `region_lost`: the operator's word that a region that does not answer is lost; `region`: which one is meant, where it can be
    either, or whose log counts. `epoch`: only if this is still the epoch; None: whatever it is by now. `unattended`: on no operator's
    word, so only if the writer's lease has run out. `number`: counts the orders that have begun; 0 before that."""

    to: State
    actor: str
    reason: str = ""
    writable: bool = False
    accept_loss: bool = False
    epoch: int | None = None
    unattended: bool = False
    region_lost: bool = False
    region: Role | None = None
    number: int = 0

    def is_met_by(self, state: RoutingState) -> bool:
        return state.state is self.to and state.writable is self.writable

    def towards(self) -> Mapping[str, Any]:
        """What the history keeps of a decision that is a step on the way to what is asked for."""
        return {"towards": {"state": self.to, "writable": self.writable}}


@dataclass(slots=True)
class UnderWay:
    """An order that has begun. `wants`: None until it is known; `known`: the state that it read, or decided, last."""

    actor: str
    wants: tuple[State, bool] | None = None
    known: RoutingState | None = None
    has_decided: bool = False
    may_decide: bool = True


class Orders:
    """The orders that this process carries out now. What an earlier process left half done is in the history of the state."""

    def __init__(self, authority: StateStore) -> None:
        self._authority = authority
        self._begun = 0
        self._under_way: dict[int, UnderWay] = {}
        self._decided_last = 0

    @contextmanager
    def begun(self, request: Request) -> Iterator[Request]:
        """The same request with its number."""
        self._begun += 1
        number = self._begun
        self._under_way[number] = UnderWay(request.actor)
        try:
            yield replace(request, number=number)
        finally:
            del self._under_way[number]

    def reads(self, request: Request, state: RoutingState) -> None:
        """An order's decisions start from `state`."""
        order = self._under_way[request.number]
        order.wants, order.known = (request.to, request.writable), state

    def decides(self, request: Request, state: RoutingState) -> None:
        """An order has decided `state`; the last time, if that is what it wants."""
        order = self._under_way[request.number]
        order.known, order.has_decided = state, True
        order.may_decide = order.wants is None or not request.is_met_by(state)
        self._decided_last = request.number

    def ends_decided(self, request: Request) -> None:
        """What an order wants is so already."""
        self._under_way[request.number].may_decide = False

    def crossed_by(self, request: Request) -> str | None:
        """Who has begun something else that may still change the state; None: nobody."""
        own = self._under_way[request.number]
        others = (order for order in self._under_way.values() if order is not own and order.may_decide and order.wants != own.wants)
        return next((order.actor for order in others), None)

    def prevails(self, request: Request) -> bool:
        """Whether an order to fence is decided again when the state has changed under it. It names no writer, and whoever stops
        all writing means the orders that began before as well; one that began later is another operator's answer to it."""
        return request.to is State.FENCED and request.epoch is None and self._decided_last < request.number

    async def refuse_if_overtaken(self, request: Request) -> None:
        """Raises StaleEpoch, with who it was, if the state is no longer what this order knows."""
        order = self._under_way[request.number]
        known = order.known
        if known is None or known == await self._authority.read():
            return
        decisions = await self._authority.history(1, about="state")
        if not decisions:
            raise SwitchFailed("the authority has lost its history in the middle of this order; `multiregion status` says what to do")
        newest, state = decisions[0], decisions[0].state
        when = f"after this order had made it {known.state} (epoch {known.epoch})" if order.has_decided else "first"
        raise StaleEpoch(f"{newest.actor} changed the state to {state.state} (epoch {state.epoch}) {when}", state=state)

    async def unfinished(self, state: RoutingState) -> Mapping[str, Any] | None:
        """Where the order wants to get that decided `state` as a step on its way; None: that was what somebody wanted."""
        for newest in await self._authority.history(1, about="state"):
            if newest.state == state:
                return newest.facts.get("towards")
        return None


class HasOrders(Protocol):
    orders: Orders


C = TypeVar("C", bound=HasOrders)
Verb = Callable[[C, Request], AsyncIterator[Step]]


def order(verb: Verb[C]) -> Verb[C]:
    """Make a verb an order: it is known while it is carried out; and neither its end nor what stops it is told of a state that has
    changed since. A verb that another one uses is a part of that order."""

    @wraps(verb)
    async def carried_out(self: C, request: Request) -> AsyncIterator[Step]:
        if request.number:
            async with aclosing(verb(self, request)) as steps:  # type: ignore[type-var]
                async for step in steps:
                    yield step
            return
        with self.orders.begun(request) as begun:
            try:
                async with aclosing(verb(self, begun)) as steps:  # type: ignore[type-var]
                    async for step in steps:
                        yield step
            except (SwitchFailed, IllegalMove):
                await self.orders.refuse_if_overtaken(begun)
                raise
            await self.orders.refuse_if_overtaken(begun)

    return carried_out
