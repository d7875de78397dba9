"""Where the clients of a drill go: those that follow, as the web application does; those that do not; and what the state is seen to be."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from multiregion.clock import Clock
from multiregion.drills.facts import ROLES
from multiregion.drills.history import Client, Event
from multiregion.drills.target import Silent, Target

PAUSE_SECONDS = 0.25
STALE_SHARE, PINNED_SHARE = 0.01, 0.02
"""Of all operations: those of the one stale tab, and those of each client that is pinned to a region."""


def clients_of(count: int) -> list[Client]:
    """One stale tab, one pinned to each region, and the others follow."""
    following = [Client(number, "follows") for number in range(count - 3)]
    return [*following, Client(count - 3, "stale"), Client(count - 2, "pinned", ROLES[0]), Client(count - 1, "pinned", ROLES[1])]


def client_at(clients: list[Client], chance: float) -> Client:
    """Whose turn it is, by a number from 0 to 1."""
    if chance < STALE_SHARE:
        return clients[-3]
    if chance < STALE_SHARE + 2 * PINNED_SHARE:
        return clients[-2] if chance < STALE_SHARE + PINNED_SHARE else clients[-1]
    share = (chance - STALE_SHARE - 2 * PINNED_SHARE) / (1 - STALE_SHARE - 2 * PINNED_SHARE)
    return clients[min(int(share * (len(clients) - 3)), len(clients) - 4)]


class Compass:
    """The newest state that any client has seen. Every state that is new goes to `on_seen`."""

    def __init__(
        self, target: Target, regions: Mapping[str, str], clock: Clock, now: Callable[[], int], on_seen: Callable[[Event], Any]
    ) -> None:
        self._target = target
        self._roles = {name: role for role, name in regions.items()}
        self._clock = clock
        self._now = now
        self._on_seen = on_seen
        self._looking: asyncio.Task[None] | None = None
        self.epoch = 0
        self.began_at_epoch = 0
        self.began_with = self.serving = ROLES[0]
        self.seen: dict[str, dict[str, Any]] = {}
        """Role -> the state that it told last."""

    def begin(self, state: Mapping[str, Any]) -> None:
        """What a tab that is open now knows for ever."""
        self.learn(state)
        self.began_with, self.began_at_epoch = self.serving, self.epoch

    def role_for(self, client: Client) -> str:
        if client.conduct == "pinned":
            return client.role or ROLES[0]
        return self.began_with if client.conduct == "stale" else self.serving

    def headers_for(self, client: Client) -> dict[str, str]:
        """As the web application, clients say under which epoch they decided; a pinned one, a script, says nothing."""
        if client.conduct == "pinned":
            return {}
        return {"Multiregion-Epoch": str(self.began_at_epoch if client.conduct == "stale" else self.epoch)}

    def learn(self, state: Mapping[str, Any], told_by: str | None = None) -> None:
        if told_by and (told_by not in self.seen or self.seen[told_by]["epoch"] < state["epoch"]):
            self.seen[told_by] = dict(state)
            now = self._now()
            self._on_seen(
                Event(event="state", sent=now, done=now, part=told_by, state=state["state"], epoch=state["epoch"], writer=state["writer"])
            )
        if state["epoch"] >= self.epoch:
            self.epoch = state["epoch"]
            serving = ROLES[1] if state["state"] == "failover" else ROLES[0]
            self.serving = self._roles[state["writer"]] if state["writer"] else serving

    def look(self) -> None:
        """Ask both regions in the background, as a browser does that gets no answer."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        await asyncio.gather(*(self._ask(role) for role in ROLES))

    async def _ask(self, role: str) -> None:
        try:
            self.learn(await self._target.state(role), role)
        except Silent:
            return

    async def watch(self) -> None:
        """Follow both regions' streams of the state until cancelled."""
        await asyncio.gather(*(self._follow(role) for role in ROLES))

    async def _follow(self, role: str) -> None:
        while True:
            try:
                async for state in self._target.states(role):
                    self.learn(state, role)
            except Silent:
                pass
            await self._clock.sleep(PAUSE_SECONDS)
