"""What is offered while others decide: the truth of this moment, and no alarm about what is only on its way."""

from multiregion.clock import SystemClock
from multiregion.config import Settings
from multiregion.orders import Request
from multiregion.rehearsal import Rehearsal, Rehearsals
from multiregion.states import Role, State
from tests.unit.test_controller import World, steps, world
from tests.unit.test_orders import FENCE, TO_SECONDARY, until, when_asked

__all__ = ["world"]

NAMES = {Role.PRIMARY: "us-east-1", Role.SECONDARY: "ap-northeast-1"}


async def offered(world: World) -> dict[str, Rehearsal]:
    regions = {Role.PRIMARY: world.primary, Role.SECONDARY: world.secondary}
    _, found = await Rehearsals(world.authority, regions, NAMES, SystemClock(), Settings()).now()
    return {rehearsal.move.name: rehearsal for rehearsal in found}


async def test_a_decision_while_the_regions_are_asked_is_no_old_backup(world: World) -> None:
    when_asked(world, "secondary", "outlook", lambda: steps(world.controller.set_state(Request(State.FAILOVER, "ada"))))
    found = await offered(world)
    assert "recover" not in found and not any("old backup" in (rehearsal.refused or "") for rehearsal in found.values())
    assert found["set-fenced"].becomes.epoch == 3


async def test_to_fence_is_offered_while_an_order_goes_through_the_fenced_state(world: World) -> None:
    await until(world.controller.switch(TO_SECONDARY), "fence")
    fence = (await offered(world))["set-fenced"]
    assert fence.refused is None and (fence.becomes.state, fence.becomes.epoch) == (State.FENCED, 3)
    await steps(world.controller.set_state(FENCE))
    assert "set-fenced" not in await offered(world), "it is what somebody wanted"
