"""When a region may be copied anew: what is asked before, what is refused with nothing changed, and how the end of it is known."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from multiregion.embedded.authority import SqliteState
from multiregion.errors import DiskFull, RepairFailed, StaleEpoch, Unreachable
from multiregion.logs import DISK_LOST, Loss
from multiregion.losses import named
from multiregion.orders import Step
from multiregion.predictions import Outlook
from multiregion.rebuild import STALL_SECONDS, Damage, Rebuild, check_source
from multiregion.registry import known_of
from multiregion.replication import Standing
from multiregion.reports import Report, base_fact
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
    compares: int = 0
    """How often it answers before it is ready."""
    spoiled: tuple[Position, ...] = ()
    ledger: list[Loss] = field(default_factory=list)
    takes: bool = True
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
        end, self.compares = self.end or BEGINNING, max(0, self.compares - 1)
        return Outlook(Head(end.position, 0, "", end.chain), FIRST, self.ready and not self.compares, None)

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

    async def enter(self, losses: Sequence[Loss]) -> None:
        self._reach()
        if not self.takes:
            raise DiskFull("the disk is full")
        self.ledger += [loss for loss in losses if loss.key not in [each.key for each in self.ledger]]

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
    await refused(world, "change 20; ap-northeast-1 has that. What came later is lost", Role.PRIMARY)
    await reported(world, at(45), role=Role.PRIMARY)
    await refused(world, "its log ends at change 45; ap-northeast-1 has not got so far", Role.PRIMARY)


def told(losses: list[Loss]) -> list[tuple[str, Role, str, int | None]]:
    return [(entry.id, entry.loss.region, entry.loss.cause, entry.loss.writes) for entry in named(losses)]


async def test_the_command_that_goes_on_is_named_and_not_the_one_that_is_refused(world: World) -> None:
    world.primary.end, world.primary.problem, world.secondary.problem = None, "damaged", None
    await refused(
        world, r"the same command does no more\..*To give that up and go on: `multiregion repair us-east-1 --accept-loss`", Role.PRIMARY
    )
    world.secondary.end, world.primary.end = at(30), at(40)
    await refused(world, r"or give them up: `multiregion repair us-east-1 --accept-loss`", Role.PRIMARY)


async def test_what_nobody_can_count_is_in_the_ledger_before_the_file_is_set_aside(world: World) -> None:
    """The writer's log cannot be read, and all that it told of is in the other region: what it wrote after that is lost."""
    world.primary.end, world.primary.problem, world.secondary.problem = None, "damaged", None
    await reported(world, at(20), role=Role.PRIMARY)
    world.secondary.takes, world.primary.goal = False, 30
    with pytest.raises(
        RepairFailed, match=r"ap-northeast-1 did not take what is given up into its loss ledger.*disk is full.*nothing was changed"
    ):
        await world.repair(Role.PRIMARY, accept_loss=True)
    assert world.primary.set_aside_to is None and await world.authority.claimed() is None
    world.secondary.takes = True
    (check, *_) = await world.repair(Role.PRIMARY, accept_loss=True)
    assert told(world.secondary.ledger) == [("1.31-?", Role.PRIMARY, DISK_LOST, 0)] and "`multiregion loss list`" in check.detail
    world.primary.end, world.primary.set_aside_to, world.primary.old_answers = None, None, 2
    await world.repair(Role.PRIMARY, accept_loss=True)
    assert len(world.secondary.ledger) == 1, "the same file is given up once"


async def test_what_was_told_of_is_counted_in_the_entry(world: World) -> None:
    world.primary.end, world.primary.problem, world.secondary.problem = None, "damaged", None
    await reported(world, at(33), role=Role.PRIMARY)
    await world.repair(Role.PRIMARY, accept_loss=True)
    assert told(world.secondary.ledger) == [("1.31-33", Role.PRIMARY, DISK_LOST, 3)]


async def test_an_authority_that_was_told_nothing_still_has_it_in_the_ledger(world: World) -> None:
    world.primary.end, world.secondary.problem = at(45), None
    await world.repair(Role.PRIMARY, accept_loss=True)
    assert told(world.secondary.ledger) == [("1.31-45", Role.PRIMARY, DISK_LOST, 15)]


async def test_where_nothing_is_missing_nothing_is_in_the_ledger(world: World) -> None:
    await world.repair(accept_loss=True)
    assert world.primary.ledger == []


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
    await refused(world, "us-east-1: change 12 of epoch 1 and 1 more in its log is damaged, and no region that answered has it whole")


async def test_an_order_of_another_epoch_changes_nothing(world: World) -> None:
    with pytest.raises(StaleEpoch):
        await world.repair(epoch=7)
    assert world.secondary.set_aside_to is None


async def test_copying_that_stands_still_is_told(world: World) -> None:
    world.secondary.copies, began = 0, world.clock.elapsed
    with pytest.raises(RepairFailed, match=f"no further than change 0 for {STALL_SECONDS:g} s"):
        await world.repair()
    assert world.clock.elapsed - began < 2 * STALL_SECONDS
