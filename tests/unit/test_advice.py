"""A region dies, in every state, and every order is given: what is refused names a command, which is given as it stands and goes on."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from multiregion import advice
from multiregion.errors import DatabaseDamaged, IllegalMove, SwitchFailed, Unreachable
from multiregion.health import WriteHealth, refuse_unable
from multiregion.objects import Repaired
from multiregion.orders import Request, Step
from multiregion.states import Role, RoutingState, State
from multiregion.stores import Digest, Head
from tests.unit.links import FIRST
from tests.unit.test_controller import World, steps, world

__all__ = ["world"]

NAMES = {Role.PRIMARY: "us-east-1", Role.SECONDARY: "ap-northeast-1"}
PLANNED = ["failover", "failover --writable", "failback", "switchover"]
AT_ONCE = ["state set active", "state set fenced", "state set failover"]
TAKEOVERS = ["failover --region-lost", "failover --writable --region-lost", "failback --region-lost"]
BEFORE = [
    [],
    ["state set fenced"],
    ["state set failover"],
    ["failover --writable"],
    ["failover --writable", "state set fenced"],
    ["failover --writable", "state set failover"],
]


def given(world: World, words: str) -> AsyncIterator[Step]:
    """The order that a command gives, as `multiregion` reads its words."""
    name, *rest = words.split()
    assert set(rest) <= {"--writable", "--region-lost", "--accept-loss", "set", *State}, words
    lost, accepts = "--region-lost" in rest, "--accept-loss" in rest
    if name == "state":
        return world.controller.set_state(Request(State(rest[1]), "ada"))
    if name == "switchover":
        return world.controller.switchover(Request(State.FAILOVER, "ada"))
    to = {"failover": State.FAILOVER, "failback": State.ACTIVE}[name]
    request = Request(to, "ada", writable="--writable" in rest, accept_loss=accepts)
    return world.controller.take_over(request) if lost else world.controller.switch(request)


def named(said: str) -> list[str]:
    return re.findall(r"`multiregion ([^`]+)`", said)


async def refusal(world: World, words: str) -> str:
    """ "" if the order is carried out."""
    try:
        await steps(given(world, words))
    except (SwitchFailed, IllegalMove) as refused:
        return refused.detail
    return ""


async def brought_to(world: World, before: list[str]) -> None:
    for words in before:
        await steps(given(world, words))
        state = await world.authority.read()
        led = {Role.PRIMARY: world.primary, Role.SECONDARY: world.secondary}
        led[state.leader].follows, led[state.leader.other].follows = None, led[state.leader].records


@pytest.mark.parametrize("dead", Role)
@pytest.mark.parametrize("before", BEFORE, ids=" then ".join)
@pytest.mark.parametrize("order", [*PLANNED, *AT_ONCE, *TAKEOVERS])
async def test_every_refusal_names_what_goes_on_without_the_region_that_is_dead(
    world: World, before: list[str], order: str, dead: Role
) -> None:
    await brought_to(world, before)
    getattr(world, dead).down = True
    said = await refusal(world, order)
    state = await world.authority.read()
    if not said or state.writer is dead.other:
        return
    last = [words for words in named(said) if f"When it answers, `multiregion {words}`" not in said]
    assert last, said
    for words in last:
        await steps(given(world, words))
        state = await world.authority.read()
        assert state.serving is dead.other and (state.writer is dead.other or words.startswith("state set")), (said, words)
    await steps(given(world, last[0]))
    assert (await world.authority.read()).writer is dead.other, said


async def test_an_application_that_was_fenced_before_its_region_died_goes_on(world: World) -> None:
    await brought_to(world, ["state set fenced"])
    world.primary.down = True
    said = await refusal(world, "failover --writable")
    assert said == (
        "us-east-1 has not confirmed the fenced state, which is decided (epoch 2): no answer. When it answers, run the same command again."
        " If us-east-1 is lost: `multiregion failover --writable --region-lost`; to read in ap-northeast-1 and write nowhere:"
        " `multiregion state set failover`"
    )


@pytest.mark.parametrize("before", BEFORE, ids=" then ".join)
@pytest.mark.parametrize("order", [*PLANNED, *TAKEOVERS])
async def test_where_both_are_dead_nobody_is_sent_to_give_one_up(world: World, before: list[str], order: str) -> None:
    await brought_to(world, before)
    world.primary.down = world.secondary.down = True
    said = await refusal(world, order)
    assert not said or ("--region-lost" not in said and "start" in said.lower()), said


async def test_an_order_that_cannot_be_obeyed_at_once_names_whole_commands(world: World) -> None:
    await brought_to(world, ["failover --writable"])
    assert (await refusal(world, "state set active")).endswith("drained. `multiregion failback` does that first, and loses nothing")
    world.primary.down = True
    said = await refusal(world, "state set active")
    assert "and us-east-1 does not answer. When it answers, `multiregion failback` does that first" in said
    assert said.endswith("ap-northeast-1 goes on")
    world.secondary.down = True
    assert "neither region answers. Start one, ap-northeast-1 if you can" in await refusal(world, "state set active")
    world.primary.down = False
    said = await refusal(world, "state set active")
    assert "If ap-northeast-1 is lost: `multiregion failback --region-lost`" in said
    await steps(given(world, "failback --region-lost"))
    assert (await world.authority.read()).writer is Role.PRIMARY


@pytest.mark.parametrize(("dead", "words"), [(Role.SECONDARY, "state set active"), (Role.PRIMARY, "failover --writable --region-lost")])
async def test_a_region_that_dies_after_the_fence_is_told_from_a_slow_line(world: World, dead: Role, words: str) -> None:
    """The leader has confirmed the fence, and the rest of its log is gone with it; or the other one never gets there."""

    async def silent() -> Head:
        raise Unreachable("no answer")

    await world.write("p")
    await brought_to(world, ["state set fenced"])
    getattr(world, dead).head = silent
    said = await refusal(world, "failover --writable")
    assert said.startswith(f"{NAMES[dead]} does not answer, so the regions are not level") and named(said)[0] == words
    getattr(world, dead.other).head = silent
    assert "neither region answers. Start one, us-east-1 if you can" in await refusal(world, "failover --writable")


async def test_a_damaged_region_is_repaired_or_gone_on_without(world: World) -> None:
    async def damaged(state: RoutingState) -> RoutingState:
        raise DatabaseDamaged("the database of the primary region is damaged (x). To copy it anew: multiregion repair primary")

    await brought_to(world, ["state set fenced"])
    world.primary.admit = damaged  # type: ignore[method-assign]
    said = await refusal(world, "failover --writable")
    assert "multiregion repair primary. After that, run the same command again. If us-east-1 is lost:" in said
    assert named(said)[0] == "failover --writable --region-lost"


async def test_more_than_the_limit_is_accepted_by_the_command_that_is_named(world: World) -> None:
    world.primary.down, world.secondary.last_known = True, None
    said = await refusal(world, "failover --writable --region-lost")
    assert named(said) == ["failover --writable --region-lost --accept-loss"]
    await steps(given(world, named(said)[0]))
    assert (await world.authority.read()).writer is Role.SECONDARY


async def test_a_region_that_answers_is_left_by_the_command_that_is_named(world: World) -> None:
    said = await refusal(world, "failover --region-lost")
    assert named(said) == ["failover", "failover --region-lost --accept-loss"]


@pytest.mark.parametrize(
    ("fenced", "words"), [(Role.PRIMARY, "failover --writable --region-lost"), (Role.SECONDARY, "failback --region-lost")]
)
async def test_a_region_whose_disk_does_not_answer_is_given_up_by_a_whole_command(world: World, fenced: Role, words: str) -> None:
    stuck = replace(await world.primary.outlook(), writing=WriteHealth("stuck", "the disk does not answer", 20.0, 0.0))
    with pytest.raises(SwitchFailed) as refused:
        refuse_unable(None, fenced, {fenced: stuck}, NAMES)
    assert named(refused.value.detail) == [words]


async def test_objects_that_only_a_dead_region_has_keep_nobody_from_going_on(world: World) -> None:
    await brought_to(world, ["state set failover"])
    world.secondary.down = True
    world.primary.repairs = Repaired(failed={Digest("a" * 64): "the other region does not answer"})
    said = await refusal(world, "failback")
    assert named(said)[:2] == ["verify --repair", "state set active"]


async def test_a_word_to_a_region_that_does_not_answer_says_which_and_what_goes_on(world: World) -> None:
    world.primary.down = True
    with pytest.raises(SwitchFailed, match="us-east-1 does not answer, so it takes no word") as refused:
        await steps(world.controller.accept_history(Request(State.ACTIVE, "ada", region=Role.PRIMARY)))
    assert named(refused.value.detail)[0] == "failover --writable --region-lost"


def test_what_goes_on_by_itself_needs_no_command() -> None:
    assert advice.without(Role.SECONDARY, FIRST, NAMES) == "us-east-1 goes on"
