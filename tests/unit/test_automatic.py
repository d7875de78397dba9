"""Automatic takeover as a decision: every single thing that speaks against it is enough to wait."""

from dataclasses import replace

import pytest

from multiregion.automatic import ACTOR, Automatic, Situation, is_paused, is_unacknowledged, reason_to_wait
from multiregion.config import Settings
from multiregion.controller import Controller
from multiregion.lag import LastKnown
from multiregion.leases import Leases
from multiregion.predictions import Outlook
from multiregion.states import FIRST, Role, RoutingState, State, move
from multiregion.stores import START, Decision, Head
from tests.unit.manual_clock import ManualClock
from tests.unit.test_controller import World, world
from tests.unit.test_orders import when_asked

__all__ = ["world"]

SETTINGS = Settings(loss_changes_max=100, loss_seconds_max=60.0)
FENCED = move(FIRST, State.FENCED)
TAKEN = move(FIRST, State.FAILOVER, writable=True, region_lost=True)


def outlook(changes: int = 0, seconds: float | None = 1.0, *, ready: bool = True, known: bool = True) -> Outlook:
    return Outlook(Head(START, 0, "0"), FIRST, ready, LastKnown(changes, 0, seconds) if known else None)


LOST = Situation(FIRST, paused=False, unacknowledged=False, objection=None, survivor=outlook())


def test_when_nothing_speaks_against_it_it_is_done() -> None:
    assert reason_to_wait(LOST, SETTINGS) is None
    assert reason_to_wait(replace(LOST, survivor=outlook(100, 60.0)), SETTINGS) is None


@pytest.mark.parametrize(
    ("situation", "why"),
    [
        (replace(LOST, state=FENCED), "never automatic"),
        (replace(LOST, state=TAKEN), "never automatic"),
        (replace(LOST, state=move(FENCED, State.FAILOVER)), "never automatic"),
        (replace(LOST, objection="the writer holds its lease"), "holds its lease"),
        (replace(LOST, paused=True), "paused"),
        (replace(LOST, unacknowledged=True), "automatic acknowledge"),
        (replace(LOST, survivor=None), "does not answer"),
        (replace(LOST, survivor=outlook(ready=False)), "not ready"),
        (replace(LOST, survivor=outlook(known=False)), "unknown"),
        (replace(LOST, survivor=outlook(seconds=None)), "unknown"),
        (replace(LOST, survivor=outlook(changes=101)), "too far behind"),
        (replace(LOST, survivor=outlook(seconds=60.1)), "too far behind"),
    ],
)
def test_each_reason_alone_is_enough_to_wait(situation: Situation, why: str) -> None:
    assert why in (reason_to_wait(situation, SETTINGS) or "")


def said(word: str, state: RoutingState = FIRST) -> Decision:
    return Decision(state, "ada", 0.0, word, "automatic")


def decided(state: RoutingState, actor: str = ACTOR) -> Decision:
    return Decision(state, actor, 0.0, "")


def test_it_is_paused_from_the_word_until_it_is_resumed() -> None:
    assert not is_paused([])
    assert is_paused([said("paused")])
    assert is_paused([said("acknowledged"), said("paused"), said("resumed")])
    assert not is_paused([said("resumed"), said("paused")])
    assert not is_paused([Decision(FIRST, "ada", 0.0, "paused")]), "a change of state with that reason is no such word"


def test_a_takeover_of_its_own_holds_it_down_until_it_is_acknowledged() -> None:
    assert not is_unacknowledged([])
    assert not is_unacknowledged([decided(TAKEN, actor="ada")])
    assert is_unacknowledged([decided(TAKEN)])
    assert is_unacknowledged([decided(TAKEN), said("acknowledged")]), "the one before it was meant"
    assert is_unacknowledged([said("resumed"), decided(FIRST, actor="ada"), decided(TAKEN)])
    assert not is_unacknowledged([said("acknowledged"), decided(TAKEN)])


async def test_while_it_takes_over_it_says_so(world: World) -> None:
    """Whoever pauses it then is told that this takeover goes on."""
    clock = ManualClock()
    leases = Leases(clock, 3.0)
    regions = {Role.PRIMARY: world.primary, Role.SECONDARY: world.secondary}
    controller = Controller(world.authority, regions, {role: role.value for role in Role}, clock, Settings(), leases)
    automatic = Automatic(world.authority, controller, world.secondary, leases, clock, Settings())
    world.primary.down, clock.elapsed = True, clock.elapsed + 10
    seen: list[str | None] = []

    async def look_on() -> None:
        seen.append(automatic.waits_because)
        when_asked(world, "secondary", "outlook", look_on)

    when_asked(world, "secondary", "outlook", look_on)
    await automatic.look()
    assert seen[0] == "it has not looked yet" and len(seen) > 1 and set(seen[1:]) == {None}
    assert (await world.authority.read()).writer is Role.SECONDARY
