"""What a takeover is predicted to lose: by the survivor's last heartbeat, and by what the lost region had told the authority."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from multiregion.config import Settings
from multiregion.controller import Controller
from multiregion.embedded.authority import SqliteState
from multiregion.errors import SwitchFailed, Unreachable
from multiregion.lag_history import LastKnown
from multiregion.leases import DRIFT, Leases
from multiregion.objects import Repaired
from multiregion.orders import Request
from multiregion.predictions import InformedRegion, Outlook, missing_by_report, refuse_loss, refuse_present
from multiregion.reports import Leadership, Report, base_fact
from multiregion.states import Role, RoutingState, State, move
from multiregion.stores import BEGINNING, CredentialChange, Exposure, Head, Mark, Position
from tests.unit.links import FIRST, founded
from tests.unit.manual_clock import ManualClock

LEASE_SECONDS = 3.0
HELD = Head(Position(1, 68), 6_800, "content", "c" * 32)
LEVEL = LastKnown(0, 0, 0.5, (), {"photos": 0}, 0.5)
PASSWORD = CredentialChange(Position(1, 70), "password", "hopper")
QUIET = Exposure(uploads={"photos": 0})
BEFORE = CredentialChange(Position(1, 68), "disabled", "ada")


def mark(epoch: int, sequence: int) -> Mark:
    return Mark(Position(epoch, sequence), f"{sequence:032x}")


def report(end: Mark, *, history: str = FIRST.history, epoch: int = 1, exposure: Exposure = QUIET) -> Report:
    return Report("store", history, epoch, end, 100 * end.position.sequence, whole=True, exposure=exposure)


@dataclass
class Survivor:
    """The secondary, as it says itself what it knows."""

    last_known: LastKnown | None
    head_now: Head = HELD

    async def admit(self, state: RoutingState) -> RoutingState:
        return state

    async def head(self) -> Head:
        return self.head_now

    async def outlook(self) -> Outlook:
        return Outlook(self.head_now, FIRST, ready=True, last_known=self.last_known)

    async def repair(self) -> Repaired:
        return Repaired()


class Lost(Survivor):
    """A region that does not answer."""

    async def outlook(self) -> Outlook:
        raise Unreachable("no answer")

    async def admit(self, state: RoutingState) -> RoutingState:
        raise Unreachable("no answer")


@dataclass
class World:
    authority: SqliteState
    clock: ManualClock
    survivor: Survivor
    leases: Leases | None = None

    @property
    def informed(self) -> InformedRegion:
        return InformedRegion(self.survivor, Role.SECONDARY, self.authority, self.authority, self.leases)

    async def told(self, said: Report, *, ago: float) -> None:
        """By the primary, which has been silent since."""
        await self.authority.report(Role.PRIMARY, said)
        self.clock.elapsed += ago

    async def predicted(self) -> LastKnown:
        found = (await self.informed.outlook()).last_known
        assert found is not None
        return found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = ManualClock()
    authority = SqliteState(tmp_path / "authority.db", clock)
    await founded(authority)
    yield World(authority, clock, Survivor(LEVEL))
    authority.close()


async def test_with_the_line_cut_what_the_lost_region_had_told_the_authority_counts(world: World) -> None:
    """The survivor was level when it last heard; 71 changes were made after that, and the authority knows."""
    exposure = Exposure((PASSWORD, BEFORE), uploads={"photos": 2})
    world.survivor.last_known = replace(LEVEL, silent_seconds=40.0, seconds=40.0)
    await world.told(report(mark(1, 139), exposure=exposure), ago=0.7)
    found = await world.predicted()
    assert (found.changes, found.bytes, found.uploads) == (71, 7_100, {"photos": 2})
    assert found.credentials == (PASSWORD,), "what it has is not lost"
    assert found.seconds == pytest.approx(0.7), "what may have been written since counts from the newest word"


async def test_a_survivor_that_never_heard_still_learns_it_from_the_report(world: World) -> None:
    world.survivor.last_known = None
    await world.told(report(mark(1, 70)), ago=2.0)
    found = await world.predicted()
    assert (found.changes, found.seconds) == (2, 2.0)


async def test_what_the_survivor_heard_counts_if_it_is_more(world: World) -> None:
    world.survivor.last_known = LastKnown(30, 3_000, 9.0, (PASSWORD,), {"photos": 1}, 0.2)
    await world.told(report(mark(1, 70)), ago=2.0)
    found = await world.predicted()
    assert (found.changes, found.bytes, found.credentials, found.seconds) == (30, 3_000, (PASSWORD,), 0.2)


@pytest.mark.parametrize(
    ("told", "forgotten"),
    [(None, False), (report(mark(1, 68)), False), (report(mark(1, 69)), True), (report(mark(1, 69), history="another"), False)],
)
async def test_a_survivor_that_lacks_what_it_had_takes_over_only_by_an_operators_word(
    world: World, told: Report | None, forgotten: bool
) -> None:
    """Both regions had change 69; the survivor's storage is a copy from before it, and nothing more than that is missing."""
    await world.told(report(mark(1, 69)), ago=0.1)
    if told is not None:
        await world.authority.report(Role.SECONDARY, told)
    assert (await world.informed.outlook()).forgotten is forgotten
    regions: dict[Role, Any] = {Role.PRIMARY: Lost(None), Role.SECONDARY: world.informed}
    controller = Controller(world.authority, regions, {role: role.value for role in Role}, world.clock, Settings())
    order = Request(State.FAILOVER, "eve", writable=True)
    if forgotten:
        with pytest.raises(SwitchFailed, match=r"secondary lacks changes that it had: .*--region-lost --accept-loss"):
            [step async for step in controller.take_over(order)]
        assert (await world.authority.read()).state is State.ACTIVE
        order = replace(order, accept_loss=True)
    assert [step.name async for step in controller.take_over(order)][:2] == ["predict", "take over"]


@pytest.mark.parametrize("heard", [None, LEVEL])
@pytest.mark.parametrize("said", [None, report(mark(1, 68), history="another")])
async def test_without_a_report_of_this_history_nothing_is_known_and_the_limit_is_not_passed(
    world: World, heard: LastKnown | None, said: Report | None
) -> None:
    world.survivor.last_known = heard
    if said is not None:
        await world.told(said, ago=0.1)
    found = (await world.informed.outlook()).last_known
    assert found is None or found.seconds is None
    regions: dict[Role, Any] = {Role.PRIMARY: world.survivor, Role.SECONDARY: world.informed}
    order = Request(State.FAILOVER, "eve", writable=True)
    controller = Controller(world.authority, regions, {role: role.value for role in Role}, world.clock, Settings())
    with pytest.raises(SwitchFailed):
        _ = [step async for step in controller.take_over(order)]
    assert await world.authority.read() == FIRST


async def test_the_time_counts_until_the_lease_has_surely_run_out(world: World) -> None:
    world.leases = Leases(world.clock, LEASE_SECONDS)
    world.leases.renew(FIRST, Role.PRIMARY, 1, degraded=False)
    world.survivor.last_known = None
    await world.told(report(mark(1, 68)), ago=1.0)
    assert (await world.predicted()).seconds == pytest.approx(1.0)
    world.clock.elapsed += 60.0
    assert (await world.predicted()).seconds == pytest.approx(LEASE_SECONDS * (1 + DRIFT)), "it has written nothing since"


@pytest.mark.parametrize(("admitted", "seconds"), [(2, 0.0), (1, 8.0)])
async def test_nothing_is_written_once_the_writer_had_admitted_its_fence(world: World, admitted: int, seconds: float) -> None:
    await world.authority.replace(FIRST, move(FIRST, State.FENCED), actor="ada", reason="")
    world.survivor.last_known = None
    await world.told(report(mark(1, 68), epoch=admitted), ago=8.0)
    assert (await world.predicted()).seconds == seconds


async def test_what_the_survivor_has_beyond_the_base_of_the_leadership_is_of_another_history(world: World) -> None:
    """It holds 68 changes, of which the last 8 were never in the log of the leader that was lost."""
    state = replace(FIRST, epoch=2)
    await world.authority.replace(FIRST, state, actor="multiregion", reason="", facts={"base": base_fact(mark(1, 60))})
    await world.told(report(mark(2, 65), epoch=2), ago=0.1)
    assert (await world.predicted()).changes == 5


LED = Leadership(5, mark(3, 70), ((3, mark(1, 60)), (1, BEGINNING)))
FORGOTTEN = Leadership(13, mark(5, 80), ((3, None), (2, mark(1, 60)), (1, BEGINNING)))


@pytest.mark.parametrize(
    ("leadership", "survivor", "leader", "shared"),
    [
        (LED, mark(1, 68), mark(5, 75), Position(1, 60)),
        (LED, mark(1, 50), mark(5, 75), Position(1, 50)),
        (LED, mark(3, 72), mark(5, 75), Position(3, 70)),
        (LED, mark(3, 72), mark(1, 66), Position(1, 60)),
        (LED, mark(4, 68), mark(3, 70), Position(3, 70)),
        (LED, BEGINNING, mark(5, 75), BEGINNING.position),
        (FORGOTTEN, mark(1, 68), mark(13, 90), None),
        (FORGOTTEN, mark(2, 68), mark(5, 80), None),
        (FORGOTTEN, mark(5, 78), mark(13, 90), Position(5, 78)),
        (FORGOTTEN, mark(1, 68), mark(2, 70), Position(1, 60)),
        (FORGOTTEN, BEGINNING, mark(13, 90), BEGINNING.position),
        (Leadership(13, mark(5, 80)), mark(2, 68), mark(13, 90), None),
    ],
)
def test_two_logs_part_where_the_leadership_of_the_later_one_began(
    leadership: Leadership, survivor: Mark, leader: Mark, shared: Position | None
) -> None:
    assert leadership.shared(survivor, leader) == leadership.shared(leader, survivor) == shared


async def test_what_the_survivor_wrote_itself_after_the_leader_was_parted_from_it_hides_no_loss(world: World) -> None:
    """It took over at change 60 and wrote 8; then the other one, which had 70 changes, was made the leader again."""
    taken = replace(FIRST, epoch=2, leader=Role.SECONDARY)
    await world.authority.replace(FIRST, taken, actor="eve", reason="", facts={"base": base_fact(mark(1, 60))})
    await world.authority.replace(taken, replace(FIRST, epoch=3), actor="eve", reason="", facts={"base": base_fact(mark(1, 70))})
    world.survivor.head_now = replace(HELD, position=Position(2, 68))
    await world.told(report(mark(1, 70), epoch=3), ago=0.1)
    assert (await world.predicted()).changes == 10


async def test_across_epochs_that_the_authority_has_forgotten_nobody_knows_what_is_lost(world: World) -> None:
    """It was restored from a copy of epoch 1; where the leader of epoch 2 began is not known."""
    state = replace(FIRST, epoch=12, history="new", succeeds=(FIRST.history,))
    facts = {"base": base_fact(mark(2, 64)), "succeeds": state.succeeds}
    await world.authority.replace(FIRST, state, actor="eve", reason="", facts=facts)
    await world.told(report(mark(2, 64), history="new", epoch=12), ago=0.1)
    assert (await world.predicted()).seconds is None, "no limit is passed"
    world.survivor.head_now = replace(HELD, position=Position(2, 63))
    found = await world.predicted()
    assert found.changes == 1 and found.seconds == pytest.approx(0.1)


async def test_of_the_region_that_leads_nobody_asks_what_the_other_has(world: World) -> None:
    state = move(FIRST, State.FAILOVER, writable=True, region_lost=True)
    await world.authority.replace(FIRST, state, actor="eve", reason="")
    await world.told(report(mark(1, 139)), ago=1.0)
    assert (await world.informed.outlook()).last_known == LEVEL


def test_a_survivor_that_has_more_than_was_reported_lacks_nothing() -> None:
    found = missing_by_report(HELD, report(mark(1, 50)), Leadership(1, BEGINNING))
    assert found is not None and (found.changes, found.bytes, found.seconds) == (0, 0, None)


def test_why_a_takeover_needs_the_operators_word_is_told_without_the_words_of_a_command_line() -> None:
    names = {Role.PRIMARY: "us-east-1", Role.SECONDARY: "ap-northeast-1"}
    with pytest.raises(SwitchFailed) as present:
        refuse_present(Role.PRIMARY, names, "failover")
    with pytest.raises(SwitchFailed) as unknown:
        refuse_loss(None, Settings(), "How to go on")
    with pytest.raises(SwitchFailed) as much:
        refuse_loss(LastKnown(10_000, 0, 0.0), Settings(), "How to go on")
    assert present.value.facts["because"] == "us-east-1 answers, so it is not lost."
    for refusal in (unknown.value, much.value):
        assert refusal.detail == f"{refusal.facts['because']} How to go on"
