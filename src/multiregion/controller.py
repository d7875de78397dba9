"""Change the state of the application: at once, or as a planned switch that loses nothing.

Keeps nothing in memory: each call reads where things are and goes on from there, so an interrupted one can be run again.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from multiregion.clock import Clock
from multiregion.errors import MultiregionError, SwitchFailed
from multiregion.states import Role, RoutingState, State, move
from multiregion.stores import Head, StateStore

DRAIN_PAUSE_SECONDS = 0.01
BOTH = (Role.PRIMARY, Role.SECONDARY)


class RegionControl(Protocol):
    """What the controller needs of a region, over a network. Every call raises Unreachable when there is no answer in time."""

    async def admit(self, state: RoutingState) -> RoutingState: ...

    async def head(self) -> Head: ...


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did, or why not: `outcome` is `done`, `not needed` or `not confirmed`."""

    name: str
    outcome: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants the state to be, who, and why."""

    to: State
    actor: str
    reason: str = ""
    writable: bool = False


class Controller:
    def __init__(
        self, authority: StateStore, regions: Mapping[Role, RegionControl], names: Mapping[Role, str], clock: Clock, *, drain_seconds: float
    ) -> None:
        self._authority = authority
        self._regions = regions
        self._names = names
        self._clock = clock
        self._drain_seconds = drain_seconds

    async def set_state(self, request: Request) -> AsyncIterator[Step]:
        """The guide's change of state: decide, then tell both regions. Raises IllegalMove, StaleEpoch."""
        state = await self._authority.read()
        if state.state is request.to:
            yield Step("decide", "not needed", 0.0, f"the state is {state.state} already")
        else:
            step, state = await self._decide(state, move(state, request.to), request)
            yield step
        async for step in self._tell(state):
            yield step

    async def switch(self, request: Request) -> AsyncIterator[Step]:
        """A planned failover or failback: fence, drain, verify that both sides are equal, hand over.

        Raises SwitchFailed, with what to do, if a step does not succeed; the application then stays as the steps before left
        it, and the same request goes on from there. Raises StaleEpoch if somebody else changed the state meanwhile.
        """
        state = await self._authority.read()
        if state.state is not request.to or state.writable is not request.writable:
            target = move(state, request.to, writable=request.writable, drained=True)
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

    async def _check(self, *, needed: bool) -> AsyncIterator[Step]:
        """Both regions must answer before anything is fenced, so that a switch that cannot succeed does no harm."""
        began = self._clock.monotonic()
        silent = [role for role, head in (await self._heads()).items() if head is None]
        if silent and needed:
            raise SwitchFailed(
                f"{self._list(silent)} does not answer, so a planned switch would not finish; nothing was changed."
                " To point the application at the other region now, read-only: `multiregion state set failover`"
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
        while (heads := await self._heads()) and not level(heads[leader], heads[other]):
            if self._clock.monotonic() - began > self._drain_seconds:
                raise SwitchFailed(
                    f"{self._names[other]} has not caught up with {self._names[leader]} within {self._drain_seconds:g} s;"
                    " the application stays fenced. Run the same command again to go on waiting, or"
                    f" `multiregion state set {State.ACTIVE if leader is Role.PRIMARY else State.FAILOVER}` to go back"
                )
            await self._clock.sleep(DRAIN_PAUSE_SECONDS)
        head = heads[leader]
        assert head is not None
        yield Step("drain", "done", self._clock.monotonic() - began, f"both regions are at change {head.position.sequence}")
        if head != heads[other]:
            raise SwitchFailed("both logs end at the same change, but the contents differ; `multiregion verify` lists where")
        yield Step("verify", "done", 0.0, f"equal: {head.content[:12]}")

    async def _decide(self, old: RoutingState, new: RoutingState, request: Request, *, name: str = "decide") -> tuple[Step, RoutingState]:
        began = self._clock.monotonic()
        state = await self._authority.replace(old, new, actor=request.actor, reason=request.reason)
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
                    f"{self._names[role]} has not confirmed that it stopped writing ({answer.detail}); run the same command again"
                )
            yield Step(f"admit {self._names[role]}", "not confirmed", seconds, f"{answer.detail}; it will learn the state when it is back")

    async def _heads(self) -> dict[Role, Head | None]:
        answers = await asyncio.gather(*(self._regions[role].head() for role in BOTH), return_exceptions=True)
        return {role: answer if isinstance(answer, Head) else None for role, answer in zip(BOTH, answers, strict=True)}

    def _list(self, roles: list[Role]) -> str:
        return " and ".join(self._names[role] for role in roles)


def level(leader: Head | None, other: Head | None) -> bool:
    """Whether the other region's log ends where the leader's does; an unknown head is level with nothing."""
    return leader is not None and other is not None and leader.position == other.position
