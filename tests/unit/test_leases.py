"""The lease: the region gives it up before the authority counts it as over, whatever the wall clocks say."""

import asyncio

import pytest

from multiregion.config import Settings
from multiregion.errors import NotReady, StaleEpoch
from multiregion.health import WELL, WriteHealth
from multiregion.leases import DRIFT, Lease, Leases
from multiregion.local.authority import leases_of
from multiregion.states import FIRST, Role, State, move
from tests.unit.manual_clock import ManualClock

SECONDS = 3.0
FENCED = move(FIRST, State.FENCED)
ELSEWHERE = move(FENCED, State.FAILOVER, writable=True, drained=True)


async def renew(leases: Leases, lease: Lease, *, travels_seconds: float = 0.0, clock: ManualClock) -> None:
    """One renewal whose answer takes a while to arrive."""

    async def ask() -> float:
        granted = leases.renew(FIRST, Role.PRIMARY, FIRST.epoch, degraded=False)
        clock.elapsed += travels_seconds
        return granted

    await lease.renew(ask)


def test_there_is_no_lease_before_the_first_grant() -> None:
    assert not Lease(ManualClock()).holds()


@pytest.mark.parametrize("travels_seconds", [0.0, 1.0, SECONDS, 10.0])
async def test_the_region_stops_before_the_authority_lets_anybody_else_begin(travels_seconds: float) -> None:
    clock = ManualClock()
    lease, leases = Lease(clock), Leases(clock, SECONDS)
    await renew(leases, lease, travels_seconds=travels_seconds, clock=clock)
    while lease.holds():
        assert not leases.have_run_out()
        clock.elapsed += 0.01
    assert lease.remaining() == 0.0


async def test_a_region_whose_clock_is_slower_within_the_drift_has_stopped_by_then() -> None:
    """Its three seconds are 3.14 of the authority's."""
    here, there = ManualClock(), ManualClock()
    lease, leases = Lease(there), Leases(here, SECONDS)
    await renew(leases, lease, clock=there)
    while not leases.have_run_out():
        here.elapsed += 0.01
        there.elapsed += 0.01 / (1 + DRIFT * 0.95)
    assert not lease.holds()


async def test_the_wall_clock_neither_lengthens_a_lease_nor_ends_it() -> None:
    clock = ManualClock()
    lease, leases = Lease(clock), Leases(clock, SECONDS)
    await renew(leases, lease, clock=clock)
    clock.wall += 3600
    assert lease.holds() and not leases.have_run_out()
    clock.wall -= 7200
    clock.elapsed += SECONDS * (1 + DRIFT) + 0.01
    assert not lease.holds() and leases.have_run_out()


async def test_an_answer_that_arrives_late_does_not_shorten_what_came_before_it() -> None:
    clock = ManualClock()
    lease = Lease(clock)
    early: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    renewing = asyncio.ensure_future(lease.renew(lambda: early))
    await asyncio.sleep(0)
    clock.elapsed += 1
    await lease.renew(lambda: asyncio.sleep(0, SECONDS))
    early.set_result(SECONDS)
    await renewing
    assert lease.remaining() == SECONDS


def test_only_the_writer_of_this_epoch_is_granted_one() -> None:
    leases = Leases(ManualClock(), SECONDS)
    for state, role, epoch in (
        (FIRST, Role.SECONDARY, 1),
        (FIRST, Role.PRIMARY, 2),
        (FENCED, Role.PRIMARY, 2),
        (ELSEWHERE, Role.PRIMARY, 3),
        (ELSEWHERE, Role.PRIMARY, 1),
    ):
        with pytest.raises(StaleEpoch):
            leases.renew(state, role, epoch, degraded=False)
    assert leases.renew(ELSEWHERE, Role.SECONDARY, 3, degraded=False) == SECONDS


def test_an_authority_that_has_just_started_believes_that_a_lease_was_granted_a_moment_ago() -> None:
    clock = ManualClock()
    leases = Leases(clock, SECONDS)
    clock.elapsed += SECONDS
    assert not leases.have_run_out()
    clock.elapsed += SECONDS * DRIFT + 0.01
    assert leases.have_run_out()


def test_once_closed_an_epoch_gets_no_other_lease_and_the_next_one_does() -> None:
    clock = ManualClock()
    leases = Leases(clock, SECONDS)
    assert not leases.close(1), "it may still be held"
    clock.elapsed += 2 * SECONDS
    assert leases.close(1)
    with pytest.raises(NotReady, match="taken over"):
        leases.renew(FIRST, Role.PRIMARY, 1, degraded=False)
    assert leases.renew(ELSEWHERE, Role.SECONDARY, 3, degraded=False) == SECONDS


def test_what_is_believed_of_the_writers_durability_is_what_it_said_last() -> None:
    """Beside the lease it is what speaks against a takeover that nobody has ordered."""
    clock = ManualClock()
    leases = Leases(clock, SECONDS, degraded=True)
    clock.elapsed += 2 * SECONDS
    assert "acknowledged writes" in (leases.objection() or ""), "unknown after a start"
    for degraded in (False, True, False):
        leases.renew(FIRST, Role.PRIMARY, 1, degraded=degraded)
        assert leases.objection() == "the writer holds its lease"
        clock.elapsed += 2 * SECONDS
        assert (leases.objection() is not None) is degraded


@pytest.mark.parametrize(("durability", "believed"), [("async", False), ("remote", True), ("remote-strict", False)])
def test_an_authority_that_has_just_started_believes_the_worst_of_a_writer_that_may_degrade(durability: str, believed: bool) -> None:
    clock = ManualClock()
    leases = leases_of(clock, Settings(failover="automatic", durability=durability, lease_seconds=SECONDS))
    assert leases is not None
    clock.elapsed += 2 * SECONDS
    assert (leases.objection() is not None) is believed


def test_where_failover_is_manual_there_are_no_leases() -> None:
    assert leases_of(ManualClock(), Settings(failover="manual")) is None


FULL = WriteHealth("failing", "the disk is full", 12.0, 0.0)


def test_a_lease_that_is_withheld_is_granted_again_to_a_writer_that_can_write() -> None:
    leases = Leases(ManualClock(), SECONDS)
    assert leases.renew(FIRST, Role.PRIMARY, 1, degraded=False, writing=FULL) == SECONDS
    leases.withheld_epoch = 1
    granted_until = leases.seconds_left()
    with pytest.raises(NotReady, match="the disk is full"):
        leases.renew(FIRST, Role.PRIMARY, 1, degraded=True, writing=FULL)
    assert leases.seconds_left() == granted_until
    assert leases.renew(FIRST, Role.PRIMARY, 1, degraded=False) == SECONDS
    assert leases.renew(ELSEWHERE, Role.SECONDARY, 3, degraded=False, writing=FULL) == SECONDS, "another epoch"


def test_what_a_writer_said_of_its_disk_counts_at_its_epoch_only() -> None:
    leases = Leases(ManualClock(), SECONDS)
    assert leases.told(1) == WELL
    leases.renew(FIRST, Role.PRIMARY, 1, degraded=False, writing=FULL)
    assert leases.told(1) == FULL and leases.told(3) == WELL
    leases.withheld_epoch = 1
    with pytest.raises(NotReady):
        leases.renew(FIRST, Role.PRIMARY, 1, degraded=False, writing=WriteHealth("failing", "still", 13.0, 0.0))
    assert leases.told(1).problem == "still", "what is refused is heard all the same"
