"""When a region may be copied anew: what is asked before, what is refused with nothing changed, and how the end of it is known."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from multiregion.embedded.authority import SqliteState
from multiregion.errors import RepairFailed, StaleEpoch, Unreachable
from multiregion.orders import Step
from multiregion.predictions import Outlook
from multiregion.rebuild import STALL_SECONDS, Damage, Rebuild, check_source
from multiregion.registry import known_of
from multiregion.replication import Standing
from multiregion.reports import ACCEPTED, Claim, Report, base_fact
from multiregion.states import Role, State, move
from multiregion.stores import BEGINNING, Head, Mark, Position
from tests.unit.links import FIRST, founded
from tests.unit.manual_clock import ManualClock

KEPT = "set-aside-1"
NAMES = {Role.PRIMARY: "us-east-1", Role.SECONDARY: "ap-northeast-1"}


def at(sequence: int, *, epoch: int = 1, chain: str = "same") -> Mark:
    return Mark(Position(epoch, sequence), chain)


@dataclass
class Region:
    """What a region says; after it was told to begin again it grows by `copies` changes each time it is asked, up to `goal`. Its log
    has every mark of `FIRST`'s epoch up to its end."""

    end: Mark | None
    problem: str | None = None
    ready: bool = True
    up: bool = True
    set_aside_to: str | None = None
    copies: int = 10
    goal: int = 40
    old_answers: int = 2
    spoiled: tuple[Position, ...] = ()
    cut: bool = False
    other: "Region | None" = None
    held_for: str | None = None
    replaced_by: str | None = None
    confirms: bool = True
    refuses: bool = False
    meanwhile: Callable[[], Awaitable[object]] | None = None
    """What happens before it has answered how its log is."""

    async def outlook(self) -> Outlook:
        self._reach()
        if self.set_aside_to is not None and self.old_answers:
            return Outlook(Head(at(99).position, 0, "", "same"), FIRST, True, None)  # still the old process
        if self.set_aside_to is not None and self.end is not None:
            self.end = at(min(self.goal, self.end.position.sequence + self.copies))
            self.ready = self.end.position.sequence == self.goal
        end = self.end or BEGINNING
        return Outlook(Head(end.position, 0, "", end.chain), FIRST, self.ready, None)

    async def standing(self) -> Standing:
        self._reach()
        return Standing("store", self.end or BEGINNING, FIRST, leads=True, whole=True)

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        self._reach()
        end = (self.end or BEGINNING).position.sequence
        return [at(sequence) if sequence <= end else None for sequence in sequences]

    async def damage(self) -> Damage:
        self._reach()
        if self.set_aside_to is not None and self.old_answers:
            self.old_answers -= 1  # the old process has not ended yet
            return Damage(self.end, self.problem, None, self.held_for)
        return Damage(self.end, self.problem, self.replaced_by or self.set_aside_to, self.held_for)

    async def audit(self) -> Sequence[Position]:
        self._reach()
        if meanwhile := self.meanwhile:
            self.meanwhile = None
            await meanwhile()
        return self.spoiled

    async def kept(self, marks: Sequence[Mark]) -> str | None:
        return None

    async def put_back(self) -> str:
        self._reach()
        if self.end == at(40):
            raise RepairFailed("no database was set aside here")
        self.set_aside_to, self.end = KEPT, at(40)
        return KEPT

    async def hold(self, claim: str) -> None:
        self._reach()
        if self.set_aside_to is not None or not self.ready:
            raise RepairFailed("this region is not whole itself")
        self.held_for = claim

    async def release(self, claim: str) -> None:
        self._reach()
        self.held_for = None if self.held_for == claim else self.held_for

    async def check_source(self, claim: str) -> None:
        self._reach()
        assert self.other is not None
        await check_source(OverTheLine(self.other, self), claim)

    async def set_aside(self, claim: str) -> str:
        await self.check_source(claim)
        if self.refuses or self.held_for is not None:
            raise RepairFailed("it holds its own")
        if not self.confirms:
            raise Unreachable("no answer")
        self.set_aside_to, self.end = KEPT, BEGINNING
        return KEPT

    def _reach(self) -> None:
        if not self.up:
            raise Unreachable("no answer")


@dataclass
class OverTheLine:
    far: Region
    near: Region

    async def damage(self) -> Damage:
        if self.near.cut or self.far.cut:
            raise Unreachable("no answer")
        return await self.far.damage()


@dataclass
class World:
    authority: SqliteState
    primary: Region
    secondary: Region
    rebuild: Rebuild
    clock: ManualClock

    async def repair(self, role: Role = Role.SECONDARY, *, accept_loss: bool = False, epoch: int | None = None) -> list[Step]:
        return [step async for step in self.rebuild.run(role, accept_loss=accept_loss, actor="ada", epoch=epoch)]

    def restart_authority(self) -> None:
        regions = {Role.PRIMARY: self.primary, Role.SECONDARY: self.secondary}
        self.rebuild = Rebuild(self.authority, self.authority, self.authority, regions, NAMES, self.clock)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = ManualClock()
    authority = SqliteState(tmp_path / "authority.db", clock)
    await founded(authority)
    primary, secondary = Region(at(40)), Region(at(30), problem="damaged")
    primary.other, secondary.other = secondary, primary
    regions = {Role.PRIMARY: primary, Role.SECONDARY: secondary}
    yield World(authority, primary, secondary, Rebuild(authority, authority, authority, regions, NAMES, clock), clock)
    authority.close()


async def refused(world: World, words: str, role: Role = Role.SECONDARY) -> None:
    with pytest.raises(RepairFailed, match=words):
        await world.repair(role)
    assert world.primary.set_aside_to is None and world.secondary.set_aside_to is None


async def test_it_is_done_when_the_region_has_begun_again_and_is_whole(world: World) -> None:
    steps = await world.repair()
    assert [(step.name, step.outcome) for step in steps] == [("check", "done"), ("set aside", "done"), ("copy", "done")]
    assert steps[2].detail == "ap-northeast-1 is at change 40"
    assert world.secondary.end == at(40) and KEPT in steps[1].detail and "damaged" in steps[0].detail
    ended, kept, begun = await world.authority.history(3, about="repair")
    assert (kept.actor, kept.facts) == ("ada", {"region": "secondary", "kept": KEPT})
    assert begun.facts["region"] == "secondary" and ended.facts == {"claim": ""}
    assert world.primary.held_for is None and await world.authority.claimed() is None


async def test_what_is_not_whole_itself_is_no_source(world: World) -> None:
    world.primary.ready = False
    await refused(world, "us-east-1 is not whole itself")
    world.primary.ready, world.primary.problem = True, "the database of the primary region is damaged"
    await refused(world, 'us-east-1 is not whole itself.*primary region is damaged.*"Both regions" in docs/runbook.md')
    world.primary.problem, world.primary.up = None, False
    await refused(world, 'us-east-1 does not answer.*"Both regions" in docs/runbook.md')


async def test_a_region_that_does_not_run_is_started_first(world: World) -> None:
    world.secondary.up = False
    await refused(world, "multiregion chaos start secondary")


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (at(41), "1 write "),
        (at(50), "10 writes"),
        (at(50, epoch=2), "an unknown number of writes"),
        (at(30, chain="another"), "an unknown number of writes"),
    ],
)
async def test_writes_that_only_this_region_has_are_given_up_only_on_the_operators_word(world: World, end: Mark, words: str) -> None:
    world.secondary.end = end
    await refused(world, f"may have {words}.*--accept-loss")
    assert words.strip() in (await world.repair(accept_loss=True))[0].detail


async def reported(world: World, end: Mark, *, epoch: int = FIRST.epoch, role: Role = Role.SECONDARY) -> None:
    await world.authority.report(role, Report("store", FIRST.history, epoch, end, 0, whole=True))


async def test_what_is_given_up_is_known_to_the_authority_before_the_region_begins_again(world: World) -> None:
    await reported(world, at(42), role=Role.PRIMARY)
    world.primary.end, world.primary.goal, world.secondary.problem, world.secondary.end = at(45), 40, None, at(40)
    await world.repair(Role.PRIMARY, accept_loss=True)
    known = await known_of(world.authority, world.authority, Role.PRIMARY)
    assert known.ends[Role.PRIMARY] == at(45) and known.given_up and not known.accepted
    await reported(world, at(42), role=Role.PRIMARY)
    assert not (await known_of(world.authority, world.authority, Role.SECONDARY)).given_up


async def test_what_a_leader_has_whose_log_cannot_be_read_is_unknown(world: World) -> None:
    world.primary.end, world.primary.problem = None, "damaged"
    world.secondary.problem = None
    await reported(world, at(20), role=Role.PRIMARY)
    await refused(world, "change 20; ap-northeast-1 has that. What came later is lost. To go on: --accept-loss", Role.PRIMARY)
    await reported(world, at(45), role=Role.PRIMARY)
    await refused(world, "its log ends at change 45; ap-northeast-1 has not got so far", Role.PRIMARY)


async def test_one_that_follows_has_nothing_of_its_own_once_it_has_said_so(world: World) -> None:
    world.secondary.end = None
    await refused(world, "cannot read its log, so nobody knows what else it has. The authority was told nothing")
    await reported(world, at(20, chain="another"))
    await refused(world, "us-east-1 has not got so far")
    await reported(world, at(20))
    assert (await world.repair())[-1].name == "copy"


async def test_one_that_was_taken_over_from_and_has_not_followed_since_may_have_its_own(world: World) -> None:
    await reported(world, at(20))
    state = await world.authority.read()
    taken = move(state, State.FAILOVER, writable=True, region_lost=True)
    await world.authority.replace(state, taken, actor="ada", reason="", facts={"base": base_fact(at(20))})
    back = move(taken, State.ACTIVE, region_lost=True)
    await world.authority.replace(taken, back, actor="ada", reason="", facts={"base": base_fact(at(30))})
    world.secondary.end = None
    await refused(world, "cannot read its log")
    await reported(world, at(20), epoch=back.epoch)
    assert (await world.repair())[-1].name == "copy"


async def test_a_source_whose_log_is_damaged_is_found_before_anything_is_set_aside(world: World) -> None:
    world.primary.spoiled = (Position(1, 12), Position(1, 15))
    await refused(world, "us-east-1: change 12 of epoch 1 and 1 more in its log is damaged, and no region has it whole")


async def test_an_order_of_another_epoch_changes_nothing(world: World) -> None:
    with pytest.raises(StaleEpoch):
        await world.repair(epoch=7)
    assert world.secondary.set_aside_to is None


async def test_copying_that_stands_still_is_told(world: World) -> None:
    world.secondary.copies, began = 0, world.clock.elapsed
    with pytest.raises(RepairFailed, match=f"no further than change 0 for {STALL_SECONDS:g} s"):
        await world.repair()
    assert world.clock.elapsed - began < 2 * STALL_SECONDS


# One repair at a time, and never both files


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
