"""Operators, several at once, each with their own idea of what should be done now."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from random import Random
from typing import TypeVar

from multiregion.errors import MultiregionError
from multiregion.orders import Request
from multiregion.states import Role, State
from tests.simulation.authorities import SimulatedAuthority
from tests.simulation.journal import Journal
from tests.simulation.network import Network
from tests.simulation.pasts import AUTHORITY
from tests.simulation.truth import Truth

T = TypeVar("T")
THINKS_SECONDS = (1.5, 3.0, 8.0)
THINKS_SECONDS_AUTOMATIC = (3.0, 10.0, 30.0)
PATIENCE_SECONDS = 20.0
CROSSES_SECONDS_MAX = 0.2
FAILOVER, ACTIVE, FENCED = State.FAILOVER, State.ACTIVE, State.FENCED


class Operator:
    def __init__(self, name: str, network: Network, random: Random, truth: Truth, journal: Journal, *, automatic: bool) -> None:
        self._name, self._network, self._random, self._journal = name, network, random, journal
        self._truth = truth
        self._orders = count(1)
        self._thinks_seconds = random.choice(THINKS_SECONDS_AUTOMATIC if automatic else THINKS_SECONDS)
        self._wishes: list[tuple[int, Callable[[], Awaitable[object]]]] = [
            (8, lambda: self.order("switch", FAILOVER, writable=True)),
            (3, lambda: self.order("switch", FAILOVER)),
            (8, lambda: self.order("switch", ACTIVE)),
            (6, lambda: self.order("switchover", FAILOVER)),
            (2, lambda: self.order("set_state", FENCED)),
            (2, lambda: self.order("set_state", ACTIVE)),
            (2, lambda: self.order("set_state", FAILOVER)),
            (10, self.take_over),
            (4, self.there_and_back_in_haste),
            (2, lambda: self.order("recover", ACTIVE)),
            (1, lambda: self.order("recover", ACTIVE, region_lost=True)),
            (2, self.accept_history),
            (8, self.cross),
            (3, self.apply),
            (1, self.discard),
            (1, self.verify),
            (1, self.mend),
            *([(6, self.say)] if automatic else []),
        ]

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._random.expovariate(1 / self._thinks_seconds))
            ((_, wish),) = self._random.choices(self._wishes, [weight for weight, _ in self._wishes])
            await self.attempt(wish)

    async def attempt(self, wish: Callable[[], Awaitable[T]]) -> T | None:
        try:
            return await wish()
        except MultiregionError as error:
            self._journal.note(f"order.{error.code}", self._name, error.detail)
            if "old backup" in error.detail:
                self._journal.count("authority outdated")
            return None

    async def ask(self, work: Callable[[SimulatedAuthority], Awaitable[T]]) -> T:
        return await self._network.call(self._name, AUTHORITY, work, seconds=PATIENCE_SECONDS, repeatable=False)

    async def order(self, verb: str, to: State, *, writable: bool = False, accept_loss: bool = False, region_lost: bool = False) -> bool:
        """Whether every region has confirmed the state in the end."""
        request = Request(to, f"{self._name}.{next(self._orders)}", "", writable, accept_loss, region_lost=region_lost)
        if region_lost:
            self._truth.past.words += 1
        self._journal.note(f"order {verb}", self._name, f"{to}{' writable' * writable}{' accept-loss' * accept_loss}")
        steps = await self.ask(lambda authority: authority.carry_out(verb, request))
        confirmed = all(step.outcome != "not confirmed" for step in steps)
        self._journal.note(f"{verb} finished", self._name, "" if confirmed else "not confirmed everywhere")
        return confirmed

    async def accept_history(self) -> None:
        """Only of a region that waits for it."""
        for role in Role:
            if await self._network.call(self._name, role, lambda region: region.waits_for_word()):
                self._truth.past.words += 1
                await self.ask(lambda authority, role=role: authority.accept_history(role, self._name))  # type: ignore[misc]
                self._journal.note("history accepted", self._name, f"of the {role} region")

    async def cross(self) -> None:
        """A switch, and in the middle of it, for a colleague who does not know of it, what may be so already for a moment."""
        to = self._random.choice([FAILOVER, FAILOVER, ACTIVE])
        switch = lambda: self.order("switch", to, writable=to is FAILOVER)  # noqa: E731
        crossing = lambda: self.order("set_state", self._random.choice([FENCED, FENCED, ACTIVE, FAILOVER]))  # noqa: E731
        first = asyncio.ensure_future(self.attempt(switch))
        for _ in range(self._random.choice([1, 1, 2])):
            await asyncio.sleep(self._random.uniform(0, CROSSES_SECONDS_MAX))
            await self.attempt(crossing)
        await first

    async def take_over(self) -> None:
        state = await self.ask(lambda authority: authority.read())
        to = ACTIVE if state.state is FAILOVER else FAILOVER
        await self.order("take_over", to, writable=to is FAILOVER and self._random.random() < 0.8, accept_loss=self._random.random() < 0.5)

    async def there_and_back_in_haste(self) -> None:
        """Before the regions' streams have noticed that anything has changed, and with what was written between."""
        await self.order("switchover", FAILOVER)
        state = await self.ask(lambda authority: authority.read())
        to = ACTIVE if state.state is FAILOVER else FAILOVER
        await self.order("take_over", to, writable=to is FAILOVER, accept_loss=True)

    async def apply(self) -> None:
        await self.ask(lambda authority: authority.apply(None, f"{self._name}-applies"))

    async def discard(self) -> None:
        pending = await self.ask(lambda authority: authority.pending())
        if pending:
            await self.ask(lambda authority: authority.discard([self._random.choice(pending)], self._name))

    async def say(self) -> None:
        word = self._random.choice(["pause", "resume", "resume", *["acknowledge"] * 6])
        await self.ask(lambda authority: authority.say(word, self._name))
        self._journal.note(f"automatic {word}", self._name)

    async def mend(self) -> None:
        """What is told to be damaged or missing."""
        for role in Role:
            await self.attempt(lambda role=role: self._network.call(self._name, role, lambda region: region.set_aside_if_damaged()))  # type: ignore[misc]
        await self.ask(lambda authority: authority.verify(repair=True))

    async def verify(self) -> None:
        verdict = await self.ask(lambda authority: authority.verify())
        self._journal.note("verified", self._name, "equal" if verdict.equal else "different at the moment")
