"""Automatic mode: decided by pure functions of what is known, carried out by the controller, never back by itself."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from multiregion.clock import Clock
from multiregion.config import Settings
from multiregion.controller import Controller
from multiregion.errors import Conflict, MultiregionError
from multiregion.health import WELL, WriteHealth
from multiregion.leases import HOLDS, Leases
from multiregion.orders import Request, Step
from multiregion.predictions import Outlook, RegionControl, prediction
from multiregion.states import Role, RoutingState, State
from multiregion.stores import Decision, StateStore

log = logging.getLogger("multiregion.automatic")

ACTOR = "automatic"
ACKNOWLEDGED = "acknowledged"
LOOK_SECONDS = 0.1
RETRY_SECONDS = 1.0
FORGOTTEN = (
    "the secondary region lacks changes that it had (its storage is an older copy, or a new one); it copies them from the primary region"
)
HISTORY_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the decision depends on. `objection` is the leases'; `told` is what the writer said of its disk when it asked
    for its lease; `writer` and `survivor` are None when that region does not answer, or was not asked. `begun`: the state is a fence
    of automatic mode's own, which it has not got beyond. `obstacle`: why the authority could store no decision now."""

    state: RoutingState
    paused: bool
    unacknowledged: bool
    objection: str | None
    survivor: Outlook | None
    writer: Outlook | None = None
    told: WriteHealth = WELL
    begun: bool = False
    obstacle: str | None = None

    def wants_move(self, settings: Settings) -> bool:
        """Whether the primary cannot write, for so long that writing is moved, or that was begun."""
        writes = self.state.writer is Role.PRIMARY
        return self.begun or (writes and self.told.seconds >= settings.unhealthy_seconds)


class Wait(NamedTuple):
    """Why nothing is done now. `words` may have figures, which are other ones at every look; `code` says whether it is the same reason."""

    code: str
    words: str


def reason_to_wait(situation: Situation, settings: Settings) -> Wait | None:
    """Why there is no takeover now; None: take over. The first reason that applies, in the order of how little it alarms."""
    if situation.state.writer is not Role.PRIMARY and not situation.begun:
        return Wait("not_from_here", "only a primary that writes is taken over from; going back is never automatic")
    if situation.objection is not None:
        return Wait("leased" if situation.objection == HOLDS else "degraded", situation.objection)
    if held := held_down(situation) or unfit(situation.survivor):
        return held
    assert situation.survivor is not None
    if situation.survivor.forgotten:
        return Wait("survivor_forgot", FORGOTTEN)
    last_known = situation.survivor.last_known
    if last_known is None or last_known.seconds is None:
        return Wait("lag_unknown", "how far the secondary region is behind is unknown")
    if last_known.changes > settings.loss_changes_max or last_known.seconds > settings.loss_seconds_max:
        return Wait("too_far_behind", f"the secondary region is too far behind: {prediction(last_known)}")
    return None


def reason_to_stay(situation: Situation) -> Wait | None:
    """Why a primary that cannot write is not moved away from by a planned switch now; None: switch."""
    if held := held_down(situation) or unfit(situation.survivor):
        return held
    if situation.writer is None:
        return Wait(
            "writer_silent", "the primary region cannot write, and does not answer: it is taken over from when its lease has run out"
        )
    if situation.writer.writing.problem is None and not situation.begun:
        return Wait("writes_again", "the primary region can write again")
    if situation.writer.writing.condition == "stuck":
        return Wait("writer_stuck", "the primary region's disk does not answer, so it could not confirm a fence")
    assert situation.survivor is not None
    if situation.writer.head.position != situation.survivor.head.position:
        return Wait("not_level", "the primary region cannot write, but the secondary does not have all that it wrote")
    return None


def held_down(situation: Situation) -> Wait | None:
    """What people decided, and whether anything can be. A move that was begun before is not held down by its own first step."""
    if situation.paused:
        return Wait("paused", "automatic takeover is paused")
    if situation.unacknowledged and not situation.begun:
        return Wait("unacknowledged", "the last automatic takeover has not been acknowledged (`multiregion automatic acknowledge`)")
    if situation.obstacle is not None:
        return Wait("authority_cannot_write", f"the authority cannot write its state: {situation.obstacle}")
    return None


@dataclass(frozen=True, slots=True)
class Prospect:
    """What automatic mode does next, as far as can be known before it is tried: either why it waits, or under which conditions it moves
    writing to the secondary at once."""

    waits_because: str | None
    moves: str | None = None


def prospect(situation: Situation, settings: Settings) -> Prospect:
    if situation.wants_move(settings):
        stays = reason_to_stay(situation)
        if stays is None:
            return Prospect(None, switch_conditions(situation))
        if situation.objection:
            return Prospect(stays.words)
    waits = reason_to_wait(situation, settings)
    return Prospect(waits.words) if waits else Prospect(None, takeover_conditions(situation))


def switch_conditions(situation: Situation) -> str:
    why = f"the primary region cannot write: {situation.told.problem}" if situation.told.problem else "a move that was begun goes on"
    return f"{why}; the secondary region has all that it wrote, so nothing is lost"


def takeover_conditions(situation: Situation) -> str:
    known = situation.survivor.last_known if situation.survivor else None
    return f"the primary region's lease has run out, and the secondary region is ready; what may be lost: {prediction(known)}"


def unfit(survivor: Outlook | None) -> Wait | None:
    if survivor is None or not survivor.ready:
        return Wait("survivor_not_ready", "the secondary region does not answer or is not ready")
    if survivor.writing.problem is not None:
        return Wait("survivor_cannot_write", f"the secondary region cannot write either: {survivor.writing.problem}")
    return None


def is_paused(history: Sequence[Decision]) -> bool:
    """Whether the newest word about automatic takeover is `paused`."""
    words = [decision.reason for decision in history if decision.what == "automatic" and decision.reason in ("paused", "resumed")]
    return bool(words) and words[0] == "paused"


def last_takeover(history: Sequence[Decision]) -> Decision | None:
    """What automatic mode decided last."""
    return next((decision for decision in history if decision.what == "state" and decision.actor == ACTOR), None)


def unacknowledged(history: Sequence[Decision]) -> Decision | None:
    """The last automatic takeover, if nobody has said yet that they know of it. Such a word names the takeover's epoch; one without, of
    an earlier release, means what was decided before it."""
    taken, known_epoch = last_takeover(history), 0
    for decision in history:
        if decision is taken:
            return taken if taken.state.epoch > known_epoch else None
        if decision.what == "automatic" and decision.reason == ACKNOWLEDGED:
            if "epoch" not in decision.facts:
                return None
            known_epoch = max(known_epoch, decision.facts["epoch"])
    return None


async def acknowledge(authority: StateStore, epoch: int, *, actor: str) -> None:
    """Somebody knows of the last automatic takeover. Idempotent. Raises Conflict if `epoch` is not that takeover's: there has been
    another one, of which they may not know."""
    history = await authority.history(HISTORY_LOOKED_AT, about=ACTOR)
    taken = last_takeover(history)
    if taken is None:
        raise Conflict("there has been no automatic takeover", field="epoch")
    if taken.state.epoch != epoch:
        raise Conflict(
            f"the last automatic takeover is the one of epoch {taken.state.epoch}, not {epoch}; look at it with `multiregion automatic"
            " status`, and acknowledge that one",
            field="epoch",
        )
    if unacknowledged(history) is not None:
        await authority.note("automatic", actor=actor, reason=ACKNOWLEDGED, facts={"epoch": epoch})


def is_begun(state: RoutingState, history: Sequence[Decision]) -> bool:
    """Whether the state is a fence that automatic mode decided on its way to the secondary."""
    own = (decision.state for decision in history if decision.what == "state" and decision.actor == ACTOR)
    return state.state is State.FENCED and state in own


class Automatic:
    """Looks again and again, and moves writing to the secondary when nothing speaks against it: by a planned switch from a primary
    that answers and cannot write, else by a takeover. Keeps nothing in memory but the last reason."""

    def __init__(
        self,
        authority: StateStore,
        controller: Controller,
        regions: Mapping[Role, RegionControl],
        leases: Leases,
        clock: Clock,
        settings: Settings,
        obstacle: Callable[[], str | None] | None = None,
    ) -> None:
        """`obstacle` answers why the authority could store no decision now."""
        self._authority = authority
        self._controller = controller
        self._regions = regions
        self._leases = leases
        self._clock = clock
        self._settings = settings
        self._obstacle = obstacle
        self._waits: Wait | None = Wait("not_looked", "it has not looked yet")

    @property
    def waits_because(self) -> str | None:
        return self._waits and self._waits.words

    async def run(self) -> None:
        while True:
            await self.look()
            await self._clock.sleep(LOOK_SECONDS)

    async def prospect(self, *, acknowledged: bool = False) -> Prospect:
        """What comes next, looked at now; with `acknowledged`, what would if the last takeover were."""
        situation = await self._situation()
        return prospect(replace(situation, unacknowledged=situation.unacknowledged and not acknowledged), self._settings)

    async def look(self) -> None:
        before = self._waits
        situation = await self._situation()
        wants_move = situation.wants_move(self._settings)
        reason = (reason_to_stay(situation) or await self._switch(situation)) if wants_move else None
        self._withhold(situation, withheld=reason is not None)
        # A switch that was tried has changed the situation; the next look sees how.
        if not wants_move or (reason is not None and situation.objection is None):
            reason = reason_to_wait(situation, self._settings) or await self._take_over(situation)
        if reason is not None and (before is None or reason.code != before.code):
            log.info("waits: %s", reason.words)
        self._waits = reason
        if wants_move and reason is not None:
            await self._clock.sleep(RETRY_SECONDS)

    def _withhold(self, situation: Situation, *, withheld: bool) -> None:
        """A primary that cannot write, and cannot be moved away from, gets no lease, so that it can be taken over from. But it keeps
        its lease as long as nobody could write in its place."""
        nobody_else = held_down(situation) or unfit(situation.survivor)
        self._leases.withheld_epoch = situation.state.epoch if withheld and not nobody_else else None

    async def _switch(self, situation: Situation) -> Wait | None:
        """Returns why it did not finish, if it did not; the next look tries again."""
        why = f"the primary region cannot write: {situation.told.problem}" if situation.told.problem else "goes on with what was begun"
        request = Request(State.FAILOVER, ACTOR, why, writable=True, epoch=situation.state.epoch)
        return await self._carried_out(self._controller.switch(request), "switch")

    async def _take_over(self, situation: Situation) -> Wait | None:
        request = Request(State.FAILOVER, ACTOR, "the primary region's lease has run out", writable=True, unattended=True)
        self._waits = None
        return await self._carried_out(self._controller.take_over(request), "takeover")

    async def _carried_out(self, steps: AsyncIterator[Step], what: str) -> Wait | None:
        try:
            async for step in steps:
                log.warning("%s: %s: %s", what, step.name, step.detail)
        except MultiregionError as error:
            return Wait(error.code, error.detail)
        return None

    async def _situation(self) -> Situation:
        history = await self._authority.history(HISTORY_LOOKED_AT, about=ACTOR)
        state = await self._authority.read()
        objection, told = self._leases.objection(), self._leases.told(state.epoch)
        obstacle = self._obstacle() if self._obstacle else None
        people = is_paused(history), unacknowledged(history) is not None
        alone = Situation(state, *people, objection, None, None, told, is_begun(state, history), obstacle)
        if alone.wants_move(self._settings):
            writer, survivor = await asyncio.gather(self._outlook(Role.PRIMARY), self._outlook(Role.SECONDARY))
            return replace(alone, writer=writer, survivor=survivor)
        # A silent primary is not asked: that would be waited for.
        return replace(alone, survivor=await self._outlook(Role.SECONDARY)) if objection is None else alone

    async def _outlook(self, role: Role) -> Outlook | None:
        try:
            return await self._regions[role].outlook()
        except MultiregionError:
            return None
