"""Automatic mode as a decision: every single thing that speaks against a takeover or a switch is enough to wait."""

from dataclasses import replace

import pytest

from multiregion.api.authority import AutomaticAPI
from multiregion.api.guards import Guards
from multiregion.automatic import (
    ACTOR,
    Automatic,
    Prospect,
    Situation,
    Wait,
    acknowledge,
    is_begun,
    is_paused,
    prospect,
    reason_to_stay,
    reason_to_wait,
    unacknowledged,
)
from multiregion.callers import Caller
from multiregion.config import Settings
from multiregion.controller import BOTH, Controller
from multiregion.errors import Conflict, NotReady, Unauthorized
from multiregion.health import WELL, WriteHealth
from multiregion.lag_history import LastKnown
from multiregion.leases import Leases
from multiregion.predictions import Outlook
from multiregion.states import Role, RoutingState, State, move
from multiregion.stores import START, Decision, Head, Position
from tests.identity_world import DEPLOYMENT
from tests.unit.links import FIRST
from tests.unit.manual_clock import ManualClock
from tests.unit.test_controller import World, world
from tests.unit.test_orders import when_asked

__all__ = ["world"]

SETTINGS = Settings(loss_changes_max=100, loss_seconds_max=60.0, unhealthy_seconds=10.0)


async def nobody(id_token: str) -> Caller:
    raise Unauthorized("nobody")


FENCED = move(FIRST, State.FENCED)
TAKEN = move(FIRST, State.FAILOVER, writable=True, region_lost=True)


FULL = WriteHealth("failing", "the disk is full", 10.0, 0.0)
STUCK = WriteHealth("stuck", "the disk does not answer", 10.0, 0.0)


def words(wait: Wait | None) -> str:
    return wait.words if wait else ""


def outlook(
    changes: int = 0, seconds: float | None = 1.0, *, ready: bool = True, known: bool = True, writing: WriteHealth = WELL, at: int = 0
) -> Outlook:
    head = Head(Position(1, at) if at else START, 0, "0")
    return Outlook(head, FIRST, ready, LastKnown(changes, 0, seconds) if known else None, writing)


LOST = Situation(FIRST, paused=False, unacknowledged=False, objection=None, survivor=outlook())


def test_a_secondary_that_lacks_what_it_had_waits_for_the_primary_or_an_operator() -> None:
    old = replace(outlook(), forgotten=True)
    assert "its storage is an older copy" in words(reason_to_wait(replace(LOST, survivor=old), SETTINGS))


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
        (replace(LOST, obstacle="the disk fails"), "the authority cannot write its state: the disk fails"),
        (replace(LOST, survivor=None), "does not answer"),
        (replace(LOST, survivor=outlook(ready=False)), "not ready"),
        (replace(LOST, survivor=outlook(writing=FULL)), "cannot write either: the disk is full"),
        (replace(LOST, survivor=outlook(known=False)), "unknown"),
        (replace(LOST, survivor=outlook(seconds=None)), "unknown"),
        (replace(LOST, survivor=outlook(changes=101)), "too far behind"),
        (replace(LOST, survivor=outlook(seconds=60.1)), "too far behind"),
    ],
)
def test_each_reason_alone_is_enough_to_wait(situation: Situation, why: str) -> None:
    assert why in words(reason_to_wait(situation, SETTINGS))


def said(word: str, state: RoutingState = FIRST) -> Decision:
    return Decision(state, "ada", 0.0, word, "automatic")


def known(taken: RoutingState) -> Decision:
    return replace(said("acknowledged"), facts={"epoch": taken.epoch})


def decided(state: RoutingState, actor: str = ACTOR) -> Decision:
    return Decision(state, actor, 0.0, "")


def test_it_is_paused_from_the_word_until_it_is_resumed() -> None:
    assert not is_paused([])
    assert is_paused([said("paused")])
    assert is_paused([said("acknowledged"), said("paused"), said("resumed")])
    assert not is_paused([said("resumed"), said("paused")])
    assert not is_paused([Decision(FIRST, "ada", 0.0, "paused")]), "a change of state with that reason is no such word"


def test_a_takeover_of_its_own_holds_it_down_until_it_is_acknowledged() -> None:
    assert unacknowledged([]) is None
    assert unacknowledged([decided(TAKEN, actor="ada")]) is None
    assert unacknowledged([decided(TAKEN)]) == decided(TAKEN)
    assert unacknowledged([decided(TAKEN), known(TAKEN)]) is not None, "the one before it was meant"
    assert unacknowledged([said("resumed"), decided(FIRST, actor="ada"), decided(TAKEN)]) is not None
    assert unacknowledged([known(TAKEN), decided(TAKEN)]) is None


def test_an_acknowledgement_means_the_takeover_that_it_names() -> None:
    again = replace(TAKEN, epoch=TAKEN.epoch + 2)
    assert unacknowledged([known(TAKEN), decided(again), decided(TAKEN)]) == decided(again), "decided a moment before the word was stored"
    assert unacknowledged([known(TAKEN), known(again), decided(again)]) is None
    assert unacknowledged([said("acknowledged"), decided(TAKEN)]) is None, "of an earlier release, which named none"


async def test_another_takeover_than_the_last_one_cannot_be_acknowledged(world: World) -> None:
    with pytest.raises(Conflict, match="there has been no automatic takeover"):
        await acknowledge(world.authority, 1, actor="ada")
    taken = await world.authority.replace(FIRST, TAKEN, actor=ACTOR, reason="")
    with pytest.raises(Conflict, match=f"is the one of epoch {taken.epoch}, not {taken.epoch - 1}"):
        await acknowledge(world.authority, taken.epoch - 1, actor="ada")
    for _ in range(2):
        await acknowledge(world.authority, taken.epoch, actor="ada")
    (word,) = await world.authority.history(about="automatic", limit=1)
    assert (word.actor, word.reason, word.facts) == ("ada", "acknowledged", {"epoch": taken.epoch})
    assert len(await world.authority.history(about="ada")) == 1, "said twice it is known once"


def test_what_comes_next_is_why_it_waits_or_under_which_conditions_it_moves() -> None:
    assert prospect(replace(LOST, paused=True), SETTINGS) == Prospect("automatic takeover is paused")
    moves = prospect(LOST, SETTINGS).moves or ""
    assert "lease has run out" in moves and "nothing that is known of, and whatever was written in the last 1.0 s" in moves
    assert "cannot write: the disk is full; the secondary region has all" in (prospect(UNABLE, SETTINGS).moves or "")
    stuck = replace(UNABLE, writer=outlook(writing=STUCK))
    assert "could not confirm" in (prospect(stuck, SETTINGS).waits_because or "")
    assert "lease has run out" in (prospect(replace(stuck, objection=None), SETTINGS).moves or "")


async def test_the_answer_to_an_acknowledgement_is_what_is_true_after_it(world: World) -> None:
    leases = Leases(clock := ManualClock(), 3.0)
    mode = automatic(world, clock, leases)
    api = AutomaticAPI(world.authority, mode, Guards(DEPLOYMENT, nobody))
    taken = await world.authority.replace(FIRST, TAKEN, actor=ACTOR, reason="the lease has run out")
    await mode.look()
    before = await api.document()
    assert before["takeover"]["epoch"] == taken.epoch and before["takeover"]["reason"] == "the lease has run out"
    assert before["movesNow"] is None, "the secondary writes"
    await acknowledge(world.authority, taken.epoch, actor="ada")
    after = await api.document(anew=True)
    assert (after["takeover"], after["unacknowledged"]) == (None, False) and "never automatic" in after["waitsBecause"]


async def test_that_an_acknowledgement_lets_writing_move_again_at_once_is_said_before_and_after_it(world: World) -> None:
    leases = Leases(clock := ManualClock(), 3.0)
    mode = automatic(world, clock, leases)
    api = AutomaticAPI(world.authority, mode, Guards(DEPLOYMENT, nobody))
    taken = await world.authority.replace(FIRST, TAKEN, actor=ACTOR, reason="")
    home = move(move(taken, State.FENCED), State.ACTIVE, drained=True)
    await world.authority.replace(taken, home, actor="ada", reason="")
    world.primary.down, clock.elapsed = True, clock.elapsed + 10
    await mode.look()
    before = await api.document()
    assert "has not been acknowledged" in before["waitsBecause"] and "lease has run out" in before["movesNow"]
    await acknowledge(world.authority, taken.epoch, actor="ada")
    after = await api.document(anew=True)
    assert after["waitsBecause"] is None and after["movesNow"] == before["movesNow"]
    await world.authority.note("automatic", actor="ada", reason="paused", facts={})
    paused = await api.document(anew=True)
    assert (paused["waitsBecause"], paused["movesNow"]) == ("automatic takeover is paused", None)


async def test_while_it_takes_over_it_says_so(world: World) -> None:
    """Whoever pauses it then is told that this takeover goes on."""
    clock = ManualClock()
    leases = Leases(clock, 3.0)
    regions = {Role.PRIMARY: world.primary, Role.SECONDARY: world.secondary}
    controller = Controller(world.authority, regions, {role: role.value for role in Role}, clock, Settings(), leases)
    automatic = Automatic(world.authority, controller, regions, leases, clock, Settings())
    world.primary.down, clock.elapsed = True, clock.elapsed + 10
    seen: list[str | None] = []

    async def look_on() -> None:
        seen.append(automatic.waits_because)
        when_asked(world, "secondary", "outlook", look_on)

    when_asked(world, "secondary", "outlook", look_on)
    await automatic.look()
    assert seen[0] == "it has not looked yet" and len(seen) > 1 and set(seen[1:]) == {None}


# A primary that answers and cannot write

BEGUN = Situation(FENCED, paused=False, unacknowledged=True, objection=None, survivor=outlook(), begun=True)
UNABLE = Situation(
    FIRST, paused=False, unacknowledged=False, objection="holds", survivor=outlook(), writer=outlook(writing=FULL), told=FULL
)


def test_writing_is_moved_once_the_primary_has_not_been_able_to_write_for_so_long() -> None:
    assert UNABLE.wants_move(SETTINGS) and reason_to_stay(UNABLE) is None
    assert not replace(UNABLE, told=replace(FULL, seconds=9.9)).wants_move(SETTINGS)
    assert not replace(UNABLE, state=TAKEN).wants_move(SETTINGS), "going back is not automatic"
    assert not replace(UNABLE, state=FENCED).wants_move(SETTINGS)


@pytest.mark.parametrize(
    ("situation", "why"),
    [
        (replace(UNABLE, paused=True), "paused"),
        (replace(UNABLE, unacknowledged=True), "automatic acknowledge"),
        (replace(UNABLE, obstacle="the disk fails"), "the authority cannot write its state: the disk fails"),
        (replace(UNABLE, survivor=None), "does not answer"),
        (replace(UNABLE, survivor=outlook(ready=False)), "not ready"),
        (replace(UNABLE, survivor=outlook(writing=FULL)), "cannot write either"),
        (replace(UNABLE, writer=None), "does not answer: it is taken over from"),
        (replace(UNABLE, writer=outlook(writing=STUCK)), "could not confirm a fence"),
        (replace(UNABLE, writer=outlook()), "can write again"),
        (replace(UNABLE, writer=outlook(writing=FULL, at=1)), "does not have all"),
    ],
)
def test_each_reason_alone_is_enough_to_stay(situation: Situation, why: str) -> None:
    assert why in words(reason_to_stay(situation))


def test_what_was_begun_is_finished_whoever_can_write_by_now() -> None:
    ready = replace(BEGUN, writer=outlook())
    assert ready.wants_move(SETTINGS) and reason_to_stay(ready) is None and reason_to_wait(ready, SETTINGS) is None
    assert "paused" in words(reason_to_stay(replace(ready, paused=True)))


def test_only_a_fence_of_its_own_is_a_beginning() -> None:
    assert is_begun(FENCED, [decided(FENCED)])
    assert not is_begun(FENCED, [decided(FENCED, actor="ada")])
    assert not is_begun(move(TAKEN, State.FENCED), [decided(TAKEN), decided(FENCED)]), "somebody else fenced later"
    assert not is_begun(TAKEN, [decided(TAKEN), decided(FENCED)])


def automatic(world: World, clock: ManualClock, leases: Leases) -> Automatic:
    regions = {Role.PRIMARY: world.primary, Role.SECONDARY: world.secondary}
    controller = Controller(world.authority, regions, {role: role.value for role in BOTH}, clock, SETTINGS, leases)
    return Automatic(world.authority, controller, regions, leases, clock, SETTINGS)


def says(world: World, leases: Leases, writing: WriteHealth) -> None:
    world.primary.writing = writing
    leases.renew(FIRST, Role.PRIMARY, 1, degraded=False, writing=writing)


async def test_it_switches_and_names_the_reason(world: World) -> None:
    leases = Leases(clock := ManualClock(), 3.0)
    says(world, leases, FULL)
    mode = automatic(world, clock, leases)
    await mode.look()
    switched, fenced = await world.authority.history(2, about="state")
    assert (switched.state.state, fenced.state.state, switched.actor) == (State.FAILOVER, State.FENCED, ACTOR)
    assert switched.reason == "the primary region cannot write: the disk is full" and set(switched.facts) == {"base"}
    await mode.look()
    assert mode.waits_because is not None and "never automatic" in mode.waits_because


async def test_a_primary_that_cannot_be_switched_away_from_gets_no_lease_and_is_taken_over_from(world: World) -> None:
    leases = Leases(clock := ManualClock(), 3.0)
    says(world, leases, STUCK)
    mode = automatic(world, clock, leases)
    await mode.look()
    assert await world.authority.read() == FIRST and "could not confirm" in (mode.waits_because or "")
    with pytest.raises(NotReady, match="gets no lease"):
        says(world, leases, STUCK)
    clock.elapsed += 4.0
    await mode.look()
    (taken,) = await world.authority.history(1, about="state")
    assert (taken.state.writer, taken.actor) == (Role.SECONDARY, ACTOR) and "watermark" in taken.facts


async def test_a_reason_is_logged_once_though_its_figures_change(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "multiregion.automatic")
    leases = Leases(clock := ManualClock(), 3.0)
    mode = automatic(world, clock, leases)
    seen = []
    for changes in (200, 300):
        world.secondary.last_known = LastKnown(changes, 0, 1.0)
        clock.elapsed += 4.0
        await mode.look()
        seen.append(mode.waits_because)
    assert seen[0] != seen[1] and all(each and "too far behind" in each for each in seen)
    world.secondary.last_known = LastKnown(0, 0, None)
    await mode.look()
    assert [record.getMessage() for record in caplog.records] == [f"waits: {seen[0]}", f"waits: {mode.waits_because}"]


@pytest.mark.parametrize("nobody_else", ["cannot write either", "paused"])
async def test_it_keeps_its_lease_while_nobody_would_write_in_its_place(world: World, nobody_else: str) -> None:
    leases = Leases(clock := ManualClock(), 3.0)
    says(world, leases, FULL)
    if nobody_else == "paused":
        await world.authority.note("automatic", actor="ada", reason="paused", facts={})
    else:
        world.secondary.writing = FULL
    mode = automatic(world, clock, leases)
    await mode.look()
    assert nobody_else in (mode.waits_because or "") and await world.authority.read() == FIRST
    says(world, leases, FULL)
    assert leases.objection() == "the writer holds its lease"


async def test_a_switch_that_was_begun_is_finished_by_the_next_process(world: World) -> None:
    await world.authority.replace(FIRST, FENCED, actor=ACTOR, reason="")
    leases = Leases(clock := ManualClock(), 3.0)
    await automatic(world, clock, leases).look()
    assert (await world.authority.read()).writer is Role.SECONDARY
