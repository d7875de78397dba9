"""One repair at a time: what holds the source's database, and how a database that was set aside is put back."""

import asyncio
from dataclasses import dataclass

import pytest

from multiregion.embedded.authority import SqliteState
from multiregion.errors import RepairFailed, StaleEpoch
from multiregion.rebuild import PAUSE_SECONDS, SOURCE_SECONDS, STALL_SECONDS, Damage, Rebuild, check_source
from multiregion.reports import ACCEPTED, Claim
from multiregion.states import Role
from multiregion.stores import BEGINNING
from tests.unit.test_rebuild import KEPT, NAMES, World, at, refused, world

__all__ = ["world"]


def whole(world: World) -> None:
    world.secondary.problem, world.secondary.end = None, at(40)


async def not_begun(world: World, role: Role) -> None:
    with pytest.raises(RepairFailed, match=r"is being copied anew from .*, one region at a time; nothing was changed"):
        await world.repair(role)


async def test_while_a_region_is_repaired_neither_can_be(world: World) -> None:
    whole(world)
    for role in Role:
        world.primary.meanwhile = lambda role=role: not_begun(world, role)
        world.secondary.set_aside_to, world.secondary.old_answers = None, 2
        await world.repair()
        assert world.primary.set_aside_to is None and world.primary.meanwhile is None


async def test_of_two_repairs_at_the_same_moment_one_is_refused(world: World) -> None:
    whole(world)
    done = await asyncio.gather(*(world.repair(role) for role in Role), return_exceptions=True)
    assert sum(isinstance(each, RepairFailed) for each in done) == 1
    assert sum(region.set_aside_to is not None for region in (world.primary, world.secondary)) == 1


async def test_one_that_read_the_claims_before_another_began_is_refused(world: World) -> None:
    await world.authority.claim(None, first := Claim(Role.PRIMARY, "first"), actor="eve", reason="")
    with pytest.raises(RepairFailed, match="another repair began or ended first"):
        await world.authority.claim(None, Claim(Role.SECONDARY, "second"), actor="ada", reason="")
    assert await world.authority.claimed() == first


async def test_a_repair_is_known_after_a_restart_of_the_authority_until_its_region_is_whole(world: World) -> None:
    whole(world)
    world.secondary.copies, world.secondary.ready = 0, False
    with pytest.raises(RepairFailed, match="no further"):
        await world.repair()
    world.restart_authority()
    assert world.primary.held_for is not None
    await not_begun(world, Role.PRIMARY)
    world.secondary.end, world.secondary.goal, world.secondary.ready, world.secondary.set_aside_to = at(40), 40, True, None
    await world.repair(Role.PRIMARY)
    assert world.primary.set_aside_to == KEPT, "what it was held for is over"


async def test_a_command_that_ended_with_its_authority_does_not_keep_the_next_from_beginning(world: World) -> None:
    whole(world)
    await world.authority.claim(None, Claim(Role.SECONDARY, "of an earlier process"), actor="eve", reason="")
    await world.primary.hold("of an earlier process")
    await world.repair(Role.PRIMARY)
    assert world.primary.set_aside_to == KEPT and await world.authority.claimed() is None


async def test_what_was_refused_is_claimed_and_held_no_more(world: World) -> None:
    world.primary.ready = False
    await refused(world, "not whole")
    world.primary.ready, world.secondary.cut = True, True
    await refused(world, "does not answer over the line")
    assert await world.authority.claimed() is None and world.primary.held_for is None


async def test_what_a_region_itself_refuses_is_claimed_no_more(world: World) -> None:
    world.secondary.refuses = True
    await refused(world, "ap-northeast-1: it holds its own")
    assert await world.authority.claimed() is None and world.primary.held_for is None


async def test_an_order_that_was_not_confirmed_may_have_arrived_so_the_source_stays_held(world: World) -> None:
    world.secondary.confirms = False
    await refused(world, "ap-northeast-1 did not confirm the order .*; run the same command again")
    assert world.primary.held_for is not None and await world.authority.claimed() is not None
    world.secondary.confirms = True
    await world.repair()
    assert world.primary.held_for is None


@pytest.mark.parametrize("accept_loss", [False, True])
async def test_a_region_that_does_not_reach_its_source_itself_keeps_its_database(world: World, accept_loss: bool) -> None:
    whole(world)
    world.secondary.cut = True
    before = await world.authority.history(about=ACCEPTED)
    with pytest.raises(RepairFailed, match=r"us-east-1: the other region does not answer over the line.*nothing was changed"):
        await world.repair(Role.PRIMARY, accept_loss=accept_loss)
    assert world.primary.set_aside_to is None and await world.authority.history(about=ACCEPTED) == before


async def test_a_source_that_keeps_its_database_for_another_repair_is_none(world: World) -> None:
    for found in (Damage(at(40), None, None), Damage(at(40), None, None, "another"), Damage(at(40), "damaged", None, "this")):
        with pytest.raises(RepairFailed, match="does not keep its database for this repair"):
            await check_source(Says(found), "this")
    await check_source(Says(Damage(at(40), None, None, "this")), "this")


@dataclass
class Says:
    found: Damage

    async def damage(self) -> Damage:
        return self.found


async def test_who_waits_for_a_copy_is_told_that_another_database_took_its_place(world: World) -> None:
    whole(world)
    began, world.secondary.replaced_by = world.clock.elapsed, f"{KEPT}-and-later"
    with pytest.raises(RepairFailed, match="has begun again with another database meanwhile"):
        await world.repair()
    assert world.clock.elapsed - began < STALL_SECONDS


async def test_a_database_is_put_back_and_what_it_replaces_is_kept(world: World) -> None:
    world.secondary.problem, world.secondary.end = None, BEGINNING
    (step,) = [step async for step in world.rebuild.put_back(Role.SECONDARY, actor="ada")]
    assert (step.name, step.detail) == ("put back", f"what ap-northeast-1 had instead is kept in {KEPT}")
    (newest,) = await world.authority.history(1)
    assert (newest.what, newest.actor, newest.facts) == ("repair", "ada", {"region": "secondary", "kept": KEPT})
    for epoch, error, words in ((None, RepairFailed, "ap-northeast-1: no database"), (7, StaleEpoch, "ordered at epoch 7")):
        world.secondary.end = at(40)
        with pytest.raises(error, match=words):
            _ = [step async for step in world.rebuild.put_back(Role.SECONDARY, actor="ada", epoch=epoch)]


@dataclass
class ReadBefore:
    """The authority's claims as one order reads them: the first time as they were before another repair began."""

    authority: SqliteState
    is_first: bool = True

    async def claimed(self) -> Claim | None:
        if self.is_first:
            self.is_first = False
            return None
        return await self.authority.claimed()

    async def claim(self, old: Claim | None, new: Claim | None, *, actor: str, reason: str) -> None:
        await self.authority.claim(old, new, actor=actor, reason=reason)


async def test_the_later_of_two_repairs_at_the_same_moment_is_told_of_the_other(world: World) -> None:
    whole(world)
    await world.authority.claim(None, Claim(Role.PRIMARY, "first"), actor="eve", reason="")
    world.primary.ready = False
    regions = {Role.PRIMARY: world.primary, Role.SECONDARY: world.secondary}
    rebuild = Rebuild(world.authority, world.authority, ReadBefore(world.authority), regions, NAMES, world.clock)
    with pytest.raises(RepairFailed, match=r"us-east-1 is being copied anew from ap-northeast-1, one region at a time"):
        await anext(rebuild.run(Role.SECONDARY, accept_loss=False, actor="ada"))
    assert world.secondary.set_aside_to is None


async def test_a_source_that_has_just_begun_to_lead_is_waited_for(world: World) -> None:
    whole(world)
    world.primary.compares = int(SOURCE_SECONDS / PAUSE_SECONDS / 2)
    await world.repair()
    assert world.secondary.set_aside_to == KEPT and world.primary.compares == 0


@pytest.mark.parametrize("role", Role)
async def test_where_the_source_is_damaged_the_database_that_was_set_aside_is_named(world: World, role: Role) -> None:
    """Neither region can be copied from the other, and one of them has all of it beside."""
    world.secondary.set_aside_to, world.secondary.old_answers, world.secondary.end, world.secondary.ready = KEPT, 0, None, False
    world.primary.problem, world.primary.ready = "damaged", False
    await world.authority.claim(None, Claim(Role.SECONDARY, "first"), actor="eve", reason="")
    put_back = r"us-east-1 is not whole, so give ap-northeast-1 its own database back: `multiregion repair ap-northeast-1 --put-back`"
    with pytest.raises(RepairFailed, match=put_back):
        await world.repair(role, accept_loss=True)
