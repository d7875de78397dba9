"""An unplanned takeover over two real stores, a real authority and its leases: what it refuses, waits for, writes down, and recovers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from multiregion.clock import SystemClock
from multiregion.config import Settings
from multiregion.controller import BOTH, Controller
from multiregion.embedded.authority import SqliteState
from multiregion.errors import NotReady, StaleEpoch, SwitchFailed, Unreachable
from multiregion.health import WriteHealth
from multiregion.lag_history import LastKnown
from multiregion.leases import Leases
from multiregion.orders import Request
from multiregion.predictions import Outlook
from multiregion.reports import Leadership
from multiregion.states import UNFOUNDED, Role, RoutingState, State, move
from multiregion.stores import BEGINNING
from tests.unit.links import FIRST
from tests.unit.manual_clock import ManualClock
from tests.unit.test_controller import World, steps, world

__all__ = ["world"]

SETTINGS = Settings(loss_changes_max=10, loss_seconds_max=5.0)
LEASE_SECONDS = 3.0
TAKE = Request(State.FAILOVER, "eve", writable=True)
ACCEPT = replace(TAKE, accept_loss=True)
UNATTENDED = replace(TAKE, unattended=True)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def lost(world: World) -> World:
    """The primary is gone, and the secondary was level with it half a second ago."""
    for n in range(3):
        await world.write(f"p{n}")
    await world.secondary.head()
    world.primary.down = True
    world.secondary.follows = None
    return world


def controller(world: World, clock: ManualClock, leases: Leases | None = None) -> Controller:
    regions = {Role.PRIMARY: world.primary, Role.SECONDARY: world.secondary}
    return Controller(world.authority, regions, {role: role.value for role in BOTH}, clock, SETTINGS, leases)


async def facts(world: World) -> Any:
    return (await world.authority.history(1))[0].facts


async def test_a_takeover_predicts_names_the_survivor_and_tells_it(lost: World, clock: ManualClock) -> None:
    taken = await steps(controller(lost, clock).take_over(TAKE))
    assert [name for name, _ in taken] == ["predict", "take over", "admit primary", "admit secondary"]
    state = await lost.authority.read()
    assert (state.writer, state.epoch) == (Role.SECONDARY, 2) and await lost.secondary.records.admitted() == state
    end = (await lost.secondary.head()).mark
    assert await facts(lost) == {
        "watermark": {"epoch": 1, "sequence": 3},
        "base": {"epoch": 1, "sequence": 3, "chain": end.chain},
        "predictedLoss": {"changes": 0, "bytes": 0, "seconds": 0.5, "credentials": [], "uploadsInFlight": None},
        "acceptedLoss": False,
    }


async def test_asked_for_again_it_only_tells_again(lost: World, clock: ManualClock) -> None:
    await steps(controller(lost, clock).take_over(TAKE))
    assert [name for name, _ in await steps(controller(lost, clock).take_over(TAKE))] == ["admit primary", "admit secondary"]
    assert (await lost.authority.read()).epoch == 2


async def test_what_the_survivor_receives_while_it_is_decided_is_not_called_lost(lost: World, clock: ManualClock) -> None:
    events = controller(lost, clock).take_over(TAKE)
    assert (await anext(events)).name == "predict"
    lost.primary.down = False
    for n in range(5):
        await lost.write(f"late{n}")
    await lost.secondary.records.apply(lost.primary.records.changes((await lost.secondary.head()).position, limit=9), epoch=1)
    lost.primary.down = True
    await steps(events)
    assert (await facts(lost))["watermark"] == {"epoch": 1, "sequence": 8}


async def test_a_survivor_that_is_silent_when_it_is_decided_is_not_named(lost: World, clock: ManualClock) -> None:
    events = controller(lost, clock).take_over(TAKE)
    await anext(events)
    lost.secondary.down = True
    with pytest.raises(SwitchFailed, match="secondary does not answer any more"):
        await anext(events)
    assert await lost.authority.read() == FIRST


async def test_a_region_that_answers_is_not_lost_unless_the_loss_is_accepted(lost: World, clock: ManualClock) -> None:
    lost.primary.down = False
    with pytest.raises(SwitchFailed, match="primary answers, so it is not lost"):
        await steps(controller(lost, clock).take_over(TAKE))
    assert await lost.authority.read() == FIRST
    await steps(controller(lost, clock).take_over(ACCEPT))
    assert (await lost.authority.read()).writer is Role.SECONDARY and (await facts(lost))["acceptedLoss"] is True


UNKNOWN: list[LastKnown | None] = [None, LastKnown(0, 0, None)]
TOO_MUCH: list[LastKnown | None] = [LastKnown(11, 0, 0.5), LastKnown(0, 0, 5.1)]


@pytest.mark.parametrize("known", UNKNOWN + TOO_MUCH)
async def test_more_than_the_limit_and_what_is_unknown_need_the_operators_word(
    lost: World, clock: ManualClock, known: LastKnown | None
) -> None:
    lost.secondary.last_known = known
    with pytest.raises(SwitchFailed, match="unknown" if known in UNKNOWN else "limit of 10 changes or 5 s"):
        await steps(controller(lost, clock).take_over(TAKE))
    assert await lost.authority.read() == FIRST
    await steps(controller(lost, clock).take_over(ACCEPT))
    assert (await lost.authority.read()).writer is Role.SECONDARY


async def test_whoever_wrote_last_loses_nothing_by_coming_back(lost: World, clock: ManualClock) -> None:
    """The secondary is lost in turn: what is unknown of it does not matter to the region that wrote last."""
    await lost.authority.replace(FIRST, move(FIRST, State.FAILOVER), actor="ada", reason="")
    lost.primary.down, lost.secondary.down, lost.primary.last_known = False, True, None
    await steps(controller(lost, clock).take_over(Request(State.ACTIVE, "eve")))
    assert (await facts(lost))["predictedLoss"] is None
    assert (await lost.authority.read()).writer is Role.PRIMARY


@pytest.mark.parametrize("how", ["silent", "not ready"])
async def test_a_survivor_that_cannot_serve_is_not_named(lost: World, clock: ManualClock, how: str) -> None:
    healthy = lost.secondary.outlook

    async def not_ready() -> Outlook:
        return replace(await healthy(), ready=False)

    lost.secondary.down = how == "silent"
    lost.secondary.outlook = not_ready  # type: ignore[method-assign]
    with pytest.raises(SwitchFailed, match="does not answer either" if how == "silent" else "is not ready to serve"):
        await steps(controller(lost, clock).take_over(ACCEPT))
    assert await lost.authority.read() == FIRST


async def test_a_survivor_that_does_not_confirm_is_no_success(lost: World, clock: ManualClock) -> None:
    async def no_answer(state: RoutingState) -> RoutingState:
        raise Unreachable("no answer")

    lost.secondary.admit = no_answer  # type: ignore[method-assign]
    with pytest.raises(SwitchFailed, match="secondary has not confirmed the failover state"):
        await steps(controller(lost, clock).take_over(TAKE))


async def test_an_order_decided_under_another_epoch_is_refused(lost: World, clock: ManualClock) -> None:
    with pytest.raises(StaleEpoch):
        await steps(controller(lost, clock).take_over(replace(TAKE, epoch=7)))
    assert await lost.authority.read() == FIRST


# Writers that cannot write

UNABLE = WriteHealth("stuck", "the disk does not answer", 10.0, 0.0)


async def test_a_survivor_that_cannot_write_is_not_made_the_writer(lost: World, clock: ManualClock) -> None:
    lost.secondary.writing = UNABLE
    with pytest.raises(SwitchFailed, match="secondary cannot write"):
        await steps(controller(lost, clock).take_over(ACCEPT))
    assert await lost.authority.read() == FIRST
    await steps(controller(lost, clock).take_over(replace(ACCEPT, writable=False)))
    assert (await lost.authority.read()).state is State.FAILOVER, "nobody is to write there"


async def test_a_writer_that_answers_but_cannot_write_is_taken_over_from_once_its_lease_is_over(lost: World, clock: ManualClock) -> None:
    lost.primary.down, lost.primary.writing = False, UNABLE
    leases = Leases(clock, LEASE_SECONDS)
    with pytest.raises(SwitchFailed, match="holds its lease"):
        await steps(controller(lost, clock, leases).take_over(UNATTENDED))
    clock.elapsed += 2 * LEASE_SECONDS
    await steps(controller(lost, clock, leases).take_over(UNATTENDED))
    assert (await lost.authority.read()).writer is Role.SECONDARY


@pytest.mark.parametrize("why", ["not for so long", "has written more", "an operator asks"])
async def test_unless_nothing_is_lost_by_it_a_writer_that_answers_is_not_taken_over_from(lost: World, clock: ManualClock, why: str) -> None:
    lost.primary.down, lost.primary.writing = False, replace(UNABLE, seconds=9.9 if why == "not for so long" else 10.0)
    if why == "has written more":
        await lost.write("more")
    clock.elapsed += 2 * LEASE_SECONDS
    request = TAKE if why == "an operator asks" else UNATTENDED
    with pytest.raises(SwitchFailed, match="primary answers, so it is not lost"):
        await steps(controller(lost, clock, Leases(clock, LEASE_SECONDS)).take_over(request))
    assert await lost.authority.read() == FIRST


# Leases


async def test_while_the_lost_region_may_hold_a_lease_nobody_else_is_named(lost: World, clock: ManualClock) -> None:
    leases = Leases(clock, LEASE_SECONDS)
    leases.renew(FIRST, Role.PRIMARY, 1, degraded=False)
    granted_at = clock.elapsed
    events = controller(lost, clock, leases).take_over(ACCEPT)
    taken = [step.name async for step in events]
    assert taken[:4] == ["predict", "fence", "lease", "take over"]
    assert clock.elapsed > granted_at + LEASE_SECONDS
    assert [line.state.state for line in await lost.authority.history(2)] == [State.FAILOVER, State.FENCED]


async def test_a_lost_region_that_confirms_the_fence_is_not_waited_for(lost: World, clock: ManualClock) -> None:
    leases = Leases(clock, LEASE_SECONDS)
    leases.renew(FIRST, Role.PRIMARY, 1, degraded=False)
    lost.primary.down, before = False, clock.elapsed
    await steps(controller(lost, clock, leases).take_over(ACCEPT))
    assert clock.elapsed == before and (await lost.authority.read()).writer is Role.SECONDARY


async def test_a_fence_that_was_decided_before_and_not_outlasted_is_outlasted(lost: World, clock: ManualClock) -> None:
    """The controller died between the fence and the end of the lease; the lost region has not heard of the fence."""
    leases = Leases(clock, LEASE_SECONDS)
    leases.renew(FIRST, Role.PRIMARY, 1, degraded=False)
    granted_at = clock.elapsed
    await lost.authority.replace(FIRST, move(FIRST, State.FENCED), actor="eve", reason="")
    await steps(controller(lost, clock, leases).take_over(ACCEPT))
    assert clock.elapsed > granted_at + LEASE_SECONDS


async def test_on_no_operators_word_a_held_lease_a_renewed_one_and_degraded_writes_are_respected(lost: World, clock: ManualClock) -> None:
    leases = Leases(clock, LEASE_SECONDS)
    for degraded, why in ((False, "holds its lease"), (True, "acknowledged writes")):
        leases.renew(FIRST, Role.PRIMARY, 1, degraded=degraded)
        clock.elapsed += 2 * LEASE_SECONDS if degraded else 0.0
        with pytest.raises(SwitchFailed, match=why):
            await steps(controller(lost, clock, leases).take_over(UNATTENDED))
    with pytest.raises(SwitchFailed, match="grants no leases"):
        await steps(controller(lost, clock).take_over(UNATTENDED))
    assert await lost.authority.read() == FIRST


async def test_on_no_operators_word_the_lease_that_has_run_out_stays_so(lost: World, clock: ManualClock) -> None:
    leases = Leases(clock, LEASE_SECONDS)
    clock.elapsed += 2 * LEASE_SECONDS
    await steps(controller(lost, clock, leases).take_over(UNATTENDED))
    assert (await lost.authority.read()).writer is Role.SECONDARY
    with pytest.raises(NotReady):
        leases.renew(FIRST, Role.PRIMARY, 1, degraded=False)


async def test_a_takeover_that_does_not_come_about_leaves_the_writer_its_lease(lost: World, clock: ManualClock) -> None:
    leases = Leases(clock, LEASE_SECONDS)
    clock.elapsed += 2 * LEASE_SECONDS
    events = controller(lost, clock, leases).take_over(UNATTENDED)
    await anext(events)
    lost.secondary.down = True
    with pytest.raises(SwitchFailed):
        await anext(events)
    assert leases.renew(FIRST, Role.PRIMARY, 1, degraded=False) == LEASE_SECONDS


# An authority from an old backup


async def ahead(world: World) -> RoutingState:
    """A region obeys a state that the authority does not know."""
    state = move(move(FIRST, State.FENCED), State.ACTIVE)
    world.primary.down = False
    await world.primary.admit(state)
    return state


async def test_an_authority_that_knows_less_than_a_region_decides_nothing(lost: World, clock: ManualClock) -> None:
    await ahead(lost)
    for order in (controller(lost, clock).take_over(ACCEPT), controller(lost, clock).set_state(Request(State.FENCED, "eve"))):
        with pytest.raises(
            SwitchFailed, match=r"obeys epoch 3 .active., which the authority, at epoch 1, has not decided.*authority recover"
        ):
            await steps(order)
    assert await lost.authority.read() == FIRST


RECOVER = Request(State.ACTIVE, "eve")
REGION_LOST = replace(RECOVER, region_lost=True)


async def test_recovering_begins_a_new_history_fenced_beyond_what_any_region_knows(lost: World, clock: ManualClock) -> None:
    newest = await ahead(lost)
    taken = await steps(controller(lost, clock).recover(RECOVER))
    state = await lost.authority.read()
    assert taken[0] == ("recover", "done")
    assert (state.state, state.epoch, state.leader) == (State.FENCED, newest.epoch + 10, Role.PRIMARY)
    assert state.history not in ("", FIRST.history) and state.succeeds == (FIRST.history,)
    assert await lost.primary.records.admitted() == await lost.secondary.records.admitted() == state
    end = (await lost.primary.records.head()).mark
    assert await lost.authority.leadership() == Leadership(state.epoch, end, ((2, None), (1, BEGINNING)))


async def test_recovering_needs_both_regions_or_the_operators_word(lost: World, clock: ManualClock) -> None:
    with pytest.raises(SwitchFailed, match=r"primary does not answer. It may know of later decisions.*--region-lost"):
        await steps(controller(lost, clock).recover(RECOVER))
    lost.secondary.down = True
    with pytest.raises(SwitchFailed, match="neither region answers"):
        await steps(controller(lost, clock).recover(REGION_LOST))
    assert await lost.authority.read() == FIRST


async def test_the_log_counts_that_the_operator_names(lost: World, clock: ManualClock) -> None:
    """The files of a region were replaced by those of a copy of the deployment, which has seen more epochs."""
    await ahead(lost)
    await lost.write("of the copy")
    await steps(controller(lost, clock).recover(replace(RECOVER, region=Role.SECONDARY)))
    state = await lost.authority.read()
    assert state.leader is Role.SECONDARY
    assert (
        (await lost.authority.leadership()).base == (await lost.secondary.records.head()).mark != (await lost.primary.records.head()).mark
    )
    lost.secondary.down = True
    with pytest.raises(SwitchFailed, match="secondary does not answer, so nobody knows its log"):
        await steps(controller(lost, clock).recover(replace(REGION_LOST, region=Role.SECONDARY)))


async def test_what_a_lost_region_has_decided_meanwhile_is_at_no_epoch_of_the_new_history(lost: World, clock: ManualClock) -> None:
    """The authority is from an old backup, and the region that knew more is lost: its epochs count for nothing."""
    leading = move(FIRST, State.FAILOVER, writable=True, region_lost=True)
    lost.primary.down = False
    await lost.primary.admit(move(leading, State.FENCED))
    lost.primary.down = True
    await lost.secondary.admit(leading)
    await steps(controller(lost, clock).recover(REGION_LOST))
    state = await lost.authority.read()
    assert (state.epoch, state.leader) == (leading.epoch + 10, Role.SECONDARY)
    assert state.supersedes(await lost.primary.records.admitted())
    assert not (await lost.primary.records.admitted()).supersedes(state)


async def test_an_authority_without_history_decides_nothing_until_it_is_recovered(lost: World, clock: ManualClock, tmp_path: Path) -> None:
    lost.primary.down = False
    lost.authority = SqliteState(tmp_path / "empty.db", SystemClock())
    with pytest.raises(SwitchFailed, match=r"has lost its history, so it decides nothing.*authority recover"):
        await steps(controller(lost, clock).set_state(Request(State.FENCED, "eve")))
    assert await lost.authority.read() == UNFOUNDED
    await steps(controller(lost, clock).recover(RECOVER))
    assert (await lost.authority.read()).epoch == FIRST.epoch + 10
    lost.authority.close()


async def test_whoever_stored_no_history_but_the_first_obeys_the_third(lost: World, clock: ManualClock, tmp_path: Path) -> None:
    """The authority has lost its folder twice. What a full disk kept a region from storing meanwhile is forgotten at its restart."""
    lost.primary.down = False
    for time in ("once", "twice"):
        lost.authority = SqliteState(tmp_path / time, SystemClock())
        await steps(controller(lost, clock).recover(RECOVER))
    state = await lost.authority.read()
    lost.authority.close()
    assert FIRST.history in state.succeeds and state.supersedes(FIRST)


async def test_recovering_what_is_not_behind_changes_nothing(lost: World, clock: ManualClock) -> None:
    lost.primary.down = False
    taken = await steps(controller(lost, clock).recover(RECOVER))
    assert taken[0] == ("recover", "not needed") and await lost.authority.read() == FIRST
    assert len(await lost.authority.history()) == 1
