"""Automatic takeover: decided by a pure function of what is known, carried out by the controller, never back by itself."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from multiregion.clock import Clock
from multiregion.config import Settings
from multiregion.controller import Controller
from multiregion.errors import MultiregionError
from multiregion.leases import Leases
from multiregion.orders import Request
from multiregion.predictions import Outlook, RegionControl, prediction
from multiregion.states import Role, RoutingState, State
from multiregion.stores import Decision, StateStore

log = logging.getLogger("multiregion.automatic")

ACTOR = "automatic"
LOOK_SECONDS = 0.1
HISTORY_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the decision depends on. `objection` is the leases'; `survivor` is None when the other region
    does not answer, or was not asked."""

    state: RoutingState
    paused: bool
    unacknowledged: bool
    objection: str | None
    survivor: Outlook | None


def reason_to_wait(situation: Situation, settings: Settings) -> str | None:
    """Why there is no takeover now; None: take over. The first reason that applies, in the order of how little it alarms."""
    if situation.state.writer is not Role.PRIMARY:
        return "only a primary that writes is taken over from; going back is never automatic"
    if situation.objection is not None:
        return situation.objection
    if situation.paused:
        return "automatic takeover is paused"
    if situation.unacknowledged:
        return "the last automatic takeover has not been acknowledged (`multiregion automatic acknowledge`)"
    if situation.survivor is None or not situation.survivor.ready:
        return "the secondary region does not answer or is not ready"
    last_known = situation.survivor.last_known
    if last_known is None or last_known.seconds is None:
        return "how far the secondary region is behind is unknown"
    if last_known.changes > settings.loss_changes_max or last_known.seconds > settings.loss_seconds_max:
        return f"the secondary region is too far behind: {prediction(last_known)}"
    return None


def is_paused(history: Sequence[Decision]) -> bool:
    """Whether the newest word about automatic takeover is `paused`."""
    words = [decision.reason for decision in history if decision.what == "automatic" and decision.reason in ("paused", "resumed")]
    return bool(words) and words[0] == "paused"


def is_unacknowledged(history: Sequence[Decision]) -> bool:
    """Whether an automatic takeover is newer than the newest acknowledgement."""
    for decision in history:
        if decision.what == "automatic" and decision.reason == "acknowledged":
            return False
        if decision.what == "state" and decision.actor == ACTOR:
            return True
    return False


def kind(reason: str | None) -> str | None:
    """A reason without its figures, which are other ones at every look."""
    return reason and reason.partition(":")[0]


class Automatic:
    """Looks again and again, and takes over when nothing speaks against it. Keeps nothing in memory but the last reason."""

    def __init__(
        self, authority: StateStore, controller: Controller, secondary: RegionControl, leases: Leases, clock: Clock, settings: Settings
    ) -> None:
        self._authority = authority
        self._controller = controller
        self._secondary = secondary
        self._leases = leases
        self._clock = clock
        self._settings = settings
        self.waits_because: str | None = "it has not looked yet"

    async def run(self) -> None:
        while True:
            await self.look()
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        before = self.waits_because
        reason = reason_to_wait(await self._situation(), self._settings) or await self._take_over()
        if reason is not None and kind(reason) != kind(before):
            log.info("waits: %s", reason)
        self.waits_because = reason

    async def _take_over(self) -> str | None:
        """Returns why it did not finish, if it did not; the next look tries again."""
        request = Request(State.FAILOVER, ACTOR, "the primary region's lease has run out", writable=True, unattended=True)
        self.waits_because = None
        try:
            async for step in self._controller.take_over(request):
                log.warning("takeover: %s: %s", step.name, step.detail)
        except MultiregionError as error:
            return error.detail
        return None

    async def _situation(self) -> Situation:
        history = await self._authority.history(HISTORY_LOOKED_AT, about=ACTOR)
        state = await self._authority.read()
        objection = self._leases.objection()
        survivor = await self._outlook() if objection is None else None
        return Situation(state, is_paused(history), is_unacknowledged(history), objection, survivor)

    async def _outlook(self) -> Outlook | None:
        try:
            return await self._secondary.outlook()
        except MultiregionError:
            return None
