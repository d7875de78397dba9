"""Orders that cross: what one was told stays true until a later one changes it, and whoever is overtaken is told by whom."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from multiregion.config import Settings
from multiregion.controller import BOTH, Controller
from multiregion.errors import Fenced, IllegalMove, MultiregionError, StaleEpoch, SwitchFailed
from multiregion.leases import Leases
from multiregion.orders import Request, Step
from multiregion.predictions import Outlook
from multiregion.states import Role, RoutingState, State, move
from multiregion.stores import Key, Write
from tests.unit.links import FIRST
from tests.unit.manual_clock import ManualClock
from tests.unit.test_controller import World, steps, world

__all__ = ["world"]

ACTIVE, FENCED, FAILOVER = State.ACTIVE, State.FENCED, State.FAILOVER
TO_SECONDARY = Request(FAILOVER, "ada", writable=True)
FENCE = Request(FENCED, "grace", "stop")


async def until(events: AsyncIterator[Step], name: str) -> None:
    """Carry an order out as far as this step."""
    async for step in events:
        if step.name == name:
            return
    raise AssertionError(f"there was no step {name}")


async def refusal(events: AsyncIterator[Step]) -> str:
    """What an order is told that has begun before."""
    with pytest.raises(StaleEpoch) as told:
        await steps(events)
    return told.value.detail


def when_asked(world: World, role: str, question: str, first: Callable[[], Awaitable[Any]]) -> None:
    """Let something happen just before a region answers; once."""
    region = getattr(world, role)
    answer = getattr(region, question)

    async def answering(*what: Any) -> Any:
        setattr(region, question, answer)
        await first()
        return await answer(*what)

    setattr(region, question, answering)


async def test_a_fence_that_finds_a_switch_on_its_way_through_stops_it(world: World) -> None:
    switch = world.controller.switch(TO_SECONDARY)
    await until(switch, "fence")
    assert (await steps(world.controller.set_state(FENCE)))[0] == ("claim", "done")
    assert await refusal(switch) == "grace changed the state to fenced (epoch 3) first"
    assert await world.authority.read() == move(move(FIRST, FENCED), FENCED)
    for region in (world.primary, world.secondary):
        with pytest.raises(Fenced):
            await region.records.commit([], epoch=None, actor="x")


@pytest.mark.parametrize("verb", ["switch", "take_over"])
async def test_who_is_told_that_it_is_so_already_is_not_undone_by_who_began_before(world: World, verb: str) -> None:
    """Every order that finds what it wants, while one that wants something else has begun and decided nothing yet."""
    met = {"set_state": Request(ACTIVE, "grace"), "switch": Request(ACTIVE, "grace"), "take_over": Request(ACTIVE, "grace")}
    for n, (crossing, request) in enumerate(met.items()):
        order = getattr(world.controller, verb)(replace(TO_SECONDARY, accept_loss=True))
        await until(order, "check" if verb == "switch" else "predict")
        taken = await steps(getattr(world.controller, crossing)(request))
        assert taken[0] == ("claim", "done"), crossing
        assert await refusal(order) == f"grace changed the state to active (epoch {n + 2}) first"
        assert (await world.authority.read()).state is ACTIVE
    await world.write("still writing")


async def test_what_an_interrupted_order_left_on_its_way_is_not_what_somebody_wanted(world: World) -> None:
    """The authority died after the fence. Whoever wants to fence decides that; whoever gave the order goes on with it."""
    await until(world.controller.switch(TO_SECONDARY), "fence")
    restarted = Controller(
        world.authority, {Role.PRIMARY: world.primary, Role.SECONDARY: world.secondary}, world.controller._names, ManualClock(), Settings()
    )
    assert (await steps(restarted.set_state(FENCE)))[0] == ("claim", "done")
    assert (await steps(restarted.set_state(FENCE)))[0] == ("decide", "not needed")
    newest, interrupted = await world.authority.history(2)
    assert (newest.actor, newest.reason, newest.facts) == ("grace", "stop", {})
    assert interrupted.facts == {"towards": {"state": "failover", "writable": True}}


async def test_with_nothing_under_way_what_is_so_already_takes_no_epoch(world: World) -> None:
    await steps(world.controller.switch(TO_SECONDARY))
    epoch = (await world.authority.read()).epoch
    for order in (world.controller.switch(TO_SECONDARY), world.controller.take_over(TO_SECONDARY)):
        assert all(name.startswith("admit") for name, _ in await steps(order))
    await steps(world.controller.set_state(FENCE))
    assert (await steps(world.controller.set_state(FENCE)))[0] == ("decide", "not needed")
    assert (await world.authority.read()).epoch == epoch + 1


async def test_an_order_that_only_tells_the_regions_is_in_nobodys_way(world: World) -> None:
    telling = world.controller.set_state(Request(FAILOVER, "ada"))
    await until(telling, "decide")
    await steps(world.controller.set_state(Request(ACTIVE, "grace")))
    assert (await steps(world.controller.set_state(Request(ACTIVE, "eve"))))[0] == ("decide", "not needed")
    telling_again = world.controller.set_state(Request(ACTIVE, "ada"))
    await until(telling_again, "decide")
    await steps(world.controller.set_state(Request(FAILOVER, "grace")))
    assert (await steps(world.controller.set_state(Request(FAILOVER, "eve"))))[0] == ("decide", "not needed")


async def test_two_who_want_the_same_are_not_in_each_others_way(world: World) -> None:
    async def meanwhile() -> None:
        assert (await steps(world.controller.set_state(Request(ACTIVE, "eve"))))[0] == ("decide", "not needed")

    when_asked(world, "secondary", "outlook", meanwhile)
    assert (await steps(world.controller.set_state(Request(ACTIVE, "grace"))))[0] == ("decide", "not needed")


@pytest.mark.parametrize("as_far_as", ["hand over", "admit ap-northeast-1"])
async def test_a_fence_wins_against_a_hand_over_that_comes_between(world: World, as_far_as: str) -> None:
    """The switch began before, and hands over while the fence asks the regions; they may know of it already."""
    switch = world.controller.switch(TO_SECONDARY)
    await until(switch, "verify")
    when_asked(world, "secondary", "outlook", lambda: until(switch, as_far_as))
    assert (await steps(world.controller.set_state(FENCE)))[0] == ("decide", "done")
    assert (await world.authority.read()).state is FENCED
    assert await refusal(switch) == "grace changed the state to fenced (epoch 4) after this order had made it failover (epoch 3)"


async def test_a_fence_does_not_undo_an_order_that_began_after_it(world: World) -> None:
    when_asked(world, "secondary", "outlook", lambda: steps(world.controller.set_state(Request(FAILOVER, "ada"))))
    assert await refusal(world.controller.set_state(FENCE)) == "ada changed the state to failover (epoch 2) first"
    assert (await world.authority.read()).state is FAILOVER


async def test_a_fence_for_one_epoch_is_for_no_other(world: World) -> None:
    switch = world.controller.switch(TO_SECONDARY)
    await until(switch, "verify")
    when_asked(world, "secondary", "outlook", lambda: until(switch, "hand over"))
    assert "ada changed the state to failover" in await refusal(world.controller.set_state(replace(FENCE, epoch=2)))


async def test_to_set_failover_stops_writing_there_as_well(world: World) -> None:
    await steps(world.controller.switch(TO_SECONDARY))
    assert (await steps(world.controller.set_state(Request(FAILOVER, "grace"))))[0] == ("decide", "done")
    state = await world.authority.read()
    assert (state.state, state.writer) == (FAILOVER, None)


async def test_whoever_is_overtaken_while_the_regions_are_asked_is_told_by_whom_and_of_no_backup(world: World) -> None:
    """The region that is asked knows the other's decision already; the authority does too, once it is read again."""
    when_asked(world, "secondary", "outlook", lambda: steps(world.controller.set_state(Request(FAILOVER, "ada"))))
    assert await refusal(world.controller.switch(Request(ACTIVE, "grace"))) == "ada changed the state to failover (epoch 2) first"


async def test_what_stops_an_order_is_not_told_of_a_state_that_another_has_changed(world: World) -> None:
    """It would say `stays fenced` and how to go back, and the application has been elsewhere for long."""
    await world.write("p")
    world.secondary.follows = None
    switch = world.controller.switch(Request(FAILOVER, "ada"))
    await until(switch, "fence")
    await steps(world.controller.set_state(Request(ACTIVE, "grace")))
    assert await refusal(switch) == "grace changed the state to active (epoch 3) after this order had made it fenced (epoch 2)"


async def test_whoever_drains_hears_at_once_that_another_has_changed_the_state(world: World) -> None:
    """With the line cut, a drain goes on for as long as it may."""
    await world.write("p")
    world.secondary.follows = None
    clock = ManualClock()
    regions = {Role.PRIMARY: world.primary, Role.SECONDARY: world.secondary}
    controller = Controller(world.authority, regions, {role: role.value for role in BOTH}, clock, Settings())
    switch = controller.switch(TO_SECONDARY)
    await until(switch, "fence")
    looks = 0

    async def meanwhile() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            await steps(controller.set_state(Request(ACTIVE, "grace")))
        else:
            when_asked(world, "secondary", "head", meanwhile)

    when_asked(world, "secondary", "head", meanwhile)
    began = clock.monotonic()
    assert await refusal(switch) == "grace changed the state to active (epoch 3) after this order had made it fenced (epoch 2)"
    assert looks == 3 and clock.monotonic() - began < 1.0 < Settings().drain_seconds
    await world.write("writing goes on")


async def test_an_illegal_move_is_not_told_of_a_state_that_another_has_changed(world: World) -> None:
    await steps(world.controller.switch(TO_SECONDARY))
    with pytest.raises(IllegalMove):
        await steps(world.controller.set_state(Request(ACTIVE, "grace")))
    switch = world.controller.switch(Request(ACTIVE, "ada"))
    await until(switch, "verify")
    when_asked(world, "primary", "outlook", lambda: until(switch, "hand over"))
    assert await refusal(world.controller.set_state(Request(ACTIVE, "grace"))) == "ada changed the state to active (epoch 5) first"


async def test_an_order_that_is_overtaken_while_it_tells_the_regions_does_not_end_well(world: World) -> None:
    telling = world.controller.set_state(FENCE)
    await until(telling, "decide")
    await steps(world.controller.set_state(Request(ACTIVE, "ada")))
    assert await refusal(telling) == "ada changed the state to active (epoch 3) after this order had made it fenced (epoch 2)"


async def test_a_takeover_that_waits_for_a_lease_is_stopped_by_a_fence(world: World) -> None:
    clock = ManualClock()
    leases = Leases(clock, 3.0)
    leases.renew(FIRST, Role.PRIMARY, 1, degraded=False)
    regions = {Role.PRIMARY: world.primary, Role.SECONDARY: world.secondary}
    controller = Controller(world.authority, regions, {role: role.value for role in BOTH}, clock, Settings(), leases)
    world.primary.down = True
    takeover = controller.take_over(TO_SECONDARY)
    await until(takeover, "lease")
    with pytest.raises(SwitchFailed, match="has not confirmed"):
        await steps(controller.set_state(FENCE))
    assert await refusal(takeover) == "grace changed the state to fenced (epoch 3) first"
    assert (await world.authority.history(2))[1].facts == TO_SECONDARY.towards()


@pytest.mark.parametrize("begins", [ACTIVE, FAILOVER, "writable failover"])
async def test_a_switchover_that_was_interrupted_goes_on_to_where_it_was_going(world: World, begins: str) -> None:
    if begins == FAILOVER:
        await steps(world.controller.switch(replace(TO_SECONDARY, writable=False)))
    if begins == "writable failover":
        await steps(world.controller.switch(TO_SECONDARY))
        world.secondary.follows, world.primary.follows = None, world.secondary.records
    await until(world.controller.switchover(Request(FAILOVER, "ada")), "fence")
    await steps(world.controller.switchover(Request(FAILOVER, "ada")))
    assert (await world.authority.read()).writer is (Role.SECONDARY if begins == ACTIVE else Role.PRIMARY)


async def test_a_switchover_of_a_fenced_application_moves_the_writing_from_whoever_wrote_last(world: World) -> None:
    await steps(world.controller.switch(TO_SECONDARY))
    world.secondary.follows, world.primary.follows = None, world.secondary.records
    await steps(world.controller.set_state(FENCE))
    await steps(world.controller.switchover(Request(FAILOVER, "ada")))
    assert (await world.authority.read()).writer is Role.PRIMARY


# What sends an operator to a drastic command


async def advice(events: AsyncIterator[Step]) -> str:
    with pytest.raises(SwitchFailed) as told:
        await steps(events)
    return told.value.detail


async def test_the_region_that_is_lost_is_given_up_as_the_message_says(world: World) -> None:
    await world.write("p")
    await world.secondary.head()
    world.primary.down, world.secondary.follows = True, None
    said = await advice(world.controller.switch(TO_SECONDARY))
    assert "us-east-1 does not answer" in said and "`multiregion failover --writable --region-lost`" in said
    assert "to read in ap-northeast-1 and write nowhere: `multiregion state set failover`" in said
    await steps(world.controller.set_state(Request(FAILOVER, "ada")))
    assert (await world.authority.read()).serving is Role.SECONDARY
    said = await advice(world.controller.switch(TO_SECONDARY))
    assert said.endswith("`multiregion failover --writable --region-lost`"), "it is read there already"
    await steps(world.controller.take_over(TO_SECONDARY))
    assert (await world.authority.read()).writer is Role.SECONDARY


async def test_the_secondary_that_is_lost_is_given_up_as_the_message_says(world: World) -> None:
    await steps(world.controller.switch(TO_SECONDARY))
    world.secondary.down = True
    said = await advice(world.controller.switch(Request(ACTIVE, "ada")))
    assert (
        "`multiregion failback --region-lost`" in said and "to read in us-east-1 and write nowhere: `multiregion state set fenced`" in said
    )
    await steps(world.controller.set_state(FENCE))
    assert (await world.authority.read()).serving is Role.PRIMARY
    await steps(world.controller.take_over(Request(ACTIVE, "ada")))
    assert (await world.authority.read()).writer is Role.PRIMARY


@pytest.mark.parametrize("down", [("secondary",), ("primary", "secondary")])
async def test_nobody_is_sent_to_give_up_a_region_where_that_would_not_help(world: World, down: tuple[str, ...]) -> None:
    for role in down:
        getattr(world, role).down = True
    said = await advice(world.controller.switch(TO_SECONDARY))
    assert re.search(r"nothing was changed. Start (it|them), then run the same command again$", said) and "--region-lost" not in said
    with pytest.raises(MultiregionError):
        await steps(world.controller.take_over(replace(TO_SECONDARY, accept_loss=True)))
    for role in down:
        getattr(world, role).down = False
    await steps(world.controller.switch(TO_SECONDARY))
    assert (await world.authority.read()).writer is Role.SECONDARY


async def test_a_region_that_answers_when_it_is_asked_again_is_not_called_lost(world: World) -> None:
    """As after its restart: the connection from before breaks, and the next one stands."""
    when_asked(world, "primary", "head", broken)
    await steps(world.controller.switch(TO_SECONDARY))
    assert (await world.authority.read()).writer is Role.SECONDARY


async def broken() -> None:
    from multiregion.errors import Unreachable

    raise Unreachable("the connection was closed")


@pytest.mark.parametrize("leader", ["primary", "secondary"])
async def test_a_switch_that_does_not_drain_can_be_left_the_way_it_says(world: World, leader: str) -> None:
    back, there = Request(ACTIVE, "ada"), TO_SECONDARY
    if leader == "secondary":
        await steps(world.controller.switch(there))
        back, there = there, back
    world.secondary.follows = world.primary.follows = None
    await getattr(world, leader).records.commit([Write(Key("photos", "p"), b"{}")], epoch=None, actor="ada")
    said = await advice(world.controller.switch(there))
    assert ("`multiregion state set active` to go back" if leader == "primary" else "`multiregion failover --writable` to go back") in said
    verb = world.controller.set_state if leader == "primary" else world.controller.switch
    await steps(verb(back))
    assert (await world.authority.read()).writer is Role(leader)


async def test_an_authority_is_called_outdated_only_while_it_is(world: World) -> None:
    ahead: RoutingState = move(move(FIRST, FENCED), ACTIVE)
    await world.secondary.admit(ahead)
    said = await advice(world.controller.set_state(FENCE))
    assert "obeys epoch 3 (active), which the authority, at epoch 1, has not decided" in said and "`multiregion authority recover`" in said
    await steps(world.controller.recover(Request(ACTIVE, "ada")))
    await steps(world.controller.set_state(FENCE))
    assert (await world.authority.read()).state is FENCED


async def test_a_region_that_answers_needs_no_word_that_it_is_lost(world: World) -> None:
    said = await advice(world.controller.take_over(TO_SECONDARY))
    assert "without --region-lost the switch loses nothing" in said and "With --accept-loss" in said
    await steps(world.controller.switch(TO_SECONDARY))
    assert await world.secondary.records.head() == await world.primary.records.head()
    assert isinstance(await world.secondary.outlook(), Outlook)


async def test_an_order_tells_the_state_that_it_decided_whatever_comes_after_it(world: World) -> None:
    """To read it again when all is done could find a later one."""
    told = [step async for step in world.controller.switch(TO_SECONDARY)]
    decided = await world.authority.read()
    await steps(world.controller.set_state(FENCE))
    assert [step.state for step in told if step.state and step.region is None][-1] == decided
    (already, *_) = [step async for step in world.controller.set_state(FENCE)]
    assert already.outcome == "not needed" and already.state == await world.authority.read()
