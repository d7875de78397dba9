"""Planned switches over two real stores and a real authority; calls to regions can be made to fail."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from multiregion.clock import SystemClock
from multiregion.config import Settings
from multiregion.controller import Controller
from multiregion.embedded.authority import SqliteState
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import Fenced, IllegalMove, SwitchFailed, Unreachable
from multiregion.health import WELL, WriteHealth
from multiregion.lag_history import LastKnown
from multiregion.objects import Repaired
from multiregion.orders import Request, Step
from multiregion.predictions import Outlook
from multiregion.states import Role, RoutingState, State, move
from multiregion.stores import Digest, Head, Key, Write
from tests.unit.links import FIRST, founded


class RegionOverThere:
    """A region behind a network: `down` makes every call fail."""

    def __init__(self, records: SqliteRecords) -> None:
        self.records = records
        self.down = False
        self.repairs: Repaired | None = Repaired()
        self.follows: SqliteRecords | None = None
        self.last_known: LastKnown | None = LastKnown(0, 0, 0.5)
        self.writing = WELL
        self.not_ready_for = 0

    async def admit(self, state: RoutingState) -> RoutingState:
        self._reach()
        return await self.records.admit(state)

    async def head(self) -> Head:
        self._reach()
        if self.follows is not None and not self.down:
            epoch = (await self.records.admitted()).epoch
            await self.records.apply(self.follows.changes((await self.records.head()).position, limit=5), epoch=epoch)
        return await self.records.head()

    async def outlook(self) -> Outlook:
        self._reach()
        self.not_ready_for = max(0, self.not_ready_for - 1)
        ready = self.not_ready_for == 0
        return Outlook(await self.records.head(), await self.records.admitted(), ready, self.last_known, self.writing)

    async def repair(self) -> Repaired:
        self._reach()
        if self.repairs is None:
            raise Unreachable("no answer")
        return self.repairs

    def _reach(self) -> None:
        if self.down:
            raise Unreachable("no answer")


@dataclass
class World:
    authority: SqliteState
    primary: RegionOverThere
    secondary: RegionOverThere
    controller: Controller

    async def write(self, name: str) -> None:
        await self.primary.records.commit([Write(Key("photos", name), b"{}")], epoch=None, actor="ada")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = SystemClock()
    authority = SqliteState(tmp_path / "authority.db", clock)
    await founded(authority)
    primary, secondary = (RegionOverThere(SqliteRecords(tmp_path / f"{role}.db", role, clock)) for role in Role)
    for region in (primary, secondary):
        await region.admit(FIRST)
    names = {Role.PRIMARY: "us-east-1", Role.SECONDARY: "ap-northeast-1"}
    controller = Controller(authority, {Role.PRIMARY: primary, Role.SECONDARY: secondary}, names, clock, Settings(drain_seconds=0.3))
    secondary.follows = primary.records
    yield World(authority, primary, secondary, controller)
    for region in (primary, secondary):
        region.records.close()
    authority.close()


def wish(to: State) -> Request:
    return Request(to, "ada", "test")


async def steps(events: AsyncIterator[Step]) -> list[tuple[str, str]]:
    return [(step.name, step.outcome) async for step in events]


async def test_a_planned_failover_takes_every_step_and_loses_nothing(world: World) -> None:
    for n in range(25):
        await world.write(f"p{n}")
    taken = await steps(world.controller.switch(wish(State.FAILOVER)))
    assert [name for name, _ in taken if not name.startswith("admit")] == ["check", "repair", "fence", "drain", "verify", "hand over"]
    state = await world.authority.read()
    assert (state.state, state.epoch, state.writer) == (State.FAILOVER, 3, None)
    assert await world.primary.records.head() == await world.secondary.records.head()
    assert await world.primary.records.admitted() == await world.secondary.records.admitted() == state


async def test_a_leader_that_may_lack_something_hands_over_only_when_it_is_ready(world: World) -> None:
    world.primary.not_ready_for = 1_000_000
    with pytest.raises(SwitchFailed, match="us-east-1 led and is not ready"):
        await steps(world.controller.switch(wish(State.FAILOVER)))
    assert (await world.authority.read()).state is State.FENCED
    world.primary.not_ready_for = 4
    assert ("hand over", "done") in await steps(world.controller.switch(wish(State.FAILOVER)))


async def test_failback_lets_the_primary_write_again(world: World) -> None:
    await steps(world.controller.switch(wish(State.FAILOVER)))
    with pytest.raises(Fenced):
        await world.write("no")
    await steps(world.controller.switch(wish(State.ACTIVE)))
    await world.write("yes")
    assert (await world.authority.read()).epoch == 5


async def test_a_switch_that_cannot_finish_changes_nothing(world: World) -> None:
    world.secondary.down = True
    with pytest.raises(SwitchFailed, match=r"ap-northeast-1 does not answer.*nothing was changed"):
        await steps(world.controller.switch(wish(State.FAILOVER)))
    assert await world.authority.read() == FIRST
    await world.write("still writing")


async def test_a_drain_that_takes_too_long_says_how_to_go_on_and_goes_on(world: World) -> None:
    await world.write("p")
    world.secondary.follows = None
    with pytest.raises(SwitchFailed, match=r"stays fenced\. Run the same command again"):
        await steps(world.controller.switch(wish(State.FAILOVER)))
    assert (await world.authority.read()).state is State.FENCED
    world.secondary.follows = world.primary.records
    taken = await steps(world.controller.switch(wish(State.FAILOVER)))
    assert "fence" not in [name for name, _ in taken]
    assert (await world.authority.read()).state is State.FAILOVER


@pytest.mark.parametrize("stop_after", range(8))
async def test_a_switch_stopped_after_any_step_is_finished_by_the_same_call(world: World, stop_after: int) -> None:
    await world.write("p")
    events = world.controller.switch(wish(State.FAILOVER))
    for _ in range(stop_after):
        await anext(events, None)
    await events.aclose()  # type: ignore[attr-defined]
    await steps(world.controller.switch(wish(State.FAILOVER)))
    state = await world.authority.read()
    assert state.state is State.FAILOVER and state.epoch == 3
    assert await world.primary.records.admitted() == await world.secondary.records.admitted() == state
    assert await world.primary.records.head() == await world.secondary.records.head()


async def test_the_old_writer_must_have_confirmed_the_fence(world: World) -> None:
    await world.authority.replace(FIRST, move(FIRST, State.FENCED), actor="ada", reason="")
    world.primary.down = True
    with pytest.raises(SwitchFailed, match="us-east-1 has not confirmed the fenced state"):
        await steps(world.controller.switch(wish(State.FAILOVER)))
    assert (await world.authority.read()).state is State.FENCED


async def test_logs_that_are_level_but_differ_are_not_handed_over(world: World) -> None:
    await world.write("p")
    await world.secondary.head()
    broken = await world.secondary.records.head()

    async def other_content() -> Head:
        return replace(broken, content="0badc0de")

    world.secondary.head = other_content  # type: ignore[method-assign]
    with pytest.raises(SwitchFailed, match="contents differ"):
        await steps(world.controller.switch(wish(State.FAILOVER)))
    assert (await world.authority.read()).state is State.FENCED


async def test_failback_does_not_wait_for_a_lost_secondary(world: World) -> None:
    await steps(world.controller.switch(wish(State.FAILOVER)))
    world.secondary.down = True
    taken = await steps(world.controller.switch(wish(State.ACTIVE)))
    assert ("drain", "not needed") in taken
    await world.write("yes")


async def test_setting_the_state_at_once_tells_both_regions(world: World) -> None:
    taken = await steps(world.controller.set_state(wish(State.FENCED)))
    assert taken == [("decide", "done"), ("admit us-east-1", "done"), ("admit ap-northeast-1", "done")]
    with pytest.raises(Fenced):
        await world.write("no")


async def test_setting_the_state_that_is_makes_no_new_epoch(world: World) -> None:
    taken = await steps(world.controller.set_state(wish(State.ACTIVE)))
    assert taken[0] == ("decide", "not needed")
    assert (await world.authority.read()).epoch == 1


async def test_failover_with_the_primary_lost_is_reported_as_not_confirmed(world: World) -> None:
    world.primary.down = True
    taken = await steps(world.controller.set_state(wish(State.FAILOVER)))
    assert ("admit us-east-1", "not confirmed") in taken
    assert await world.secondary.records.admitted() == await world.authority.read()


async def test_setting_the_state_at_once_names_no_new_writer(world: World) -> None:
    """The guide's change of state proves nothing about the logs, so it cannot hand the writing over."""
    await world.write("kept")
    await steps(world.controller.switch(Request(State.FAILOVER, "ada", writable=True)))
    before = await world.authority.read()
    assert before.writer is Role.SECONDARY
    with pytest.raises(IllegalMove, match="has not been fenced and drained"):
        await steps(world.controller.set_state(wish(State.ACTIVE)))
    assert await world.authority.read() == before


# Objects, before anything is fenced


LACKING = Digest("a" * 64)


async def test_a_switch_is_refused_before_it_fences_if_the_target_would_lack_an_object(world: World) -> None:
    world.secondary.repairs = Repaired(failed={LACKING: "the other region does not answer"})
    before = await world.authority.read()
    with pytest.raises(SwitchFailed, match=r"ap-northeast-1 lacks objects.*does not answer.*Nothing was changed"):
        await steps(world.controller.switch(Request(State.FAILOVER, "ada", writable=True)))
    assert await world.authority.read() == before
    world.secondary.repairs, world.primary.repairs = Repaired([LACKING]), Repaired(failed={LACKING: "the disk is full"})
    taken = [step async for step in world.controller.switch(Request(State.FAILOVER, "ada", writable=True))]
    (repair,) = [step for step in taken if step.name == "repair"]
    assert repair.outcome == "done" and "ap-northeast-1: 1 repaired" in repair.detail and "us-east-1: 1 not repaired" in repair.detail


async def test_an_object_that_no_region_has_does_not_keep_the_application_from_moving(world: World) -> None:
    world.secondary.repairs = Repaired(lost={LACKING: "the other region does not have it"})
    taken = [step async for step in world.controller.switch(Request(State.FAILOVER, "ada", writable=True))]
    assert [step.detail for step in taken if step.name == "repair"] == ["objects in ap-northeast-1: 1 that no region has any more"]


async def test_a_target_that_does_not_say_what_it_has_is_not_switched_to(world: World) -> None:
    world.secondary.repairs = None
    with pytest.raises(SwitchFailed, match="does not say whether it has every object"):
        await steps(world.controller.switch(Request(State.FAILOVER, "ada", writable=True)))
    assert (await world.authority.read()).state is State.ACTIVE


FAILING = WriteHealth("failing", "the disk is full", 20.0, 0.0)
STUCK = WriteHealth("stuck", "the disk does not answer", 20.0, 0.0)


async def test_writing_is_not_switched_to_a_region_that_cannot_write(world: World) -> None:
    world.secondary.writing = FAILING
    with pytest.raises(SwitchFailed, match="ap-northeast-1 cannot write"):
        await steps(world.controller.switch(Request(State.FAILOVER, "ada", writable=True)))
    assert await world.authority.read() == FIRST, "nothing was fenced for it"
    await steps(world.controller.switch(wish(State.FAILOVER)))
    assert (await world.authority.read()).state is State.FAILOVER, "nobody is to write there"


async def test_a_writer_whose_disk_does_not_answer_is_not_fenced_in_vain(world: World) -> None:
    world.primary.writing = STUCK
    with pytest.raises(SwitchFailed, match="us-east-1 cannot confirm a fence"):
        await steps(world.controller.switch(wish(State.FAILOVER)))
    assert await world.authority.read() == FIRST


async def test_a_writer_that_cannot_write_is_switched_away_from_without_loss(world: World) -> None:
    await world.write("p")
    world.primary.writing = FAILING
    world.primary.records._writing.execute("PRAGMA query_only = on")
    await steps(world.controller.switch(Request(State.FAILOVER, "ada", writable=True)))
    assert (await world.authority.read()).writer is Role.SECONDARY
    world.primary.records._writing.execute("PRAGMA query_only = off")
