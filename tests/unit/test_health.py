"""How writing goes, from what came of each write; and which region is not made the writer for it."""

from dataclasses import dataclass
from typing import Literal

import pytest

from multiregion.errors import SwitchFailed
from multiregion.health import WELL, WriteHealth, WriteMeter, refuse_unable, with_folders
from multiregion.states import Role
from tests.unit.manual_clock import ManualClock

NAMES = {Role.PRIMARY: "us-east-1", Role.SECONDARY: "ap-northeast-1"}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def meter(clock: ManualClock) -> WriteMeter:
    return WriteMeter(clock, slow_seconds=5.0)


def write(meter: WriteMeter, clock: ManualClock, seconds: float, problem: str | None = None) -> None:
    meter.began()
    clock.elapsed += seconds
    meter.failed(problem) if problem else meter.succeeded()


def test_nothing_written_yet_is_no_problem(meter: WriteMeter) -> None:
    assert meter.now() == WELL and meter.quiet_seconds() is None


def test_writes_that_fail_count_from_the_first_of_them_until_one_succeeds(meter: WriteMeter, clock: ManualClock) -> None:
    write(meter, clock, 0.5, "full")
    clock.elapsed, clock.wall = clock.elapsed + 3, clock.wall + 9
    write(meter, clock, 0.5, "broken")
    clock.elapsed += 1
    assert meter.now() == WriteHealth("failing", "broken", 5.0, 1_700_000_000.0)
    assert meter.now().sentence() == "broken, since 2023-11-14T22:13:20.000Z"
    write(meter, clock, 0.5)
    assert meter.now() == WriteHealth(last_seconds=0.5)


def test_a_write_that_takes_too_long_counts_though_it_succeeds(meter: WriteMeter, clock: ManualClock) -> None:
    write(meter, clock, 5.0)
    assert meter.now().problem is None
    write(meter, clock, 5.5)
    health = meter.now()
    assert (health.condition, health.seconds, health.last_seconds, health.refuses) == ("slow", 5.5, 5.5, False)
    assert "took 5.5 s" in str(health.problem)


def test_a_write_that_does_not_end_is_seen_while_it_lasts(meter: WriteMeter, clock: ManualClock) -> None:
    meter.began()
    clock.elapsed += 5.0
    assert meter.now().problem is None and meter.quiet_seconds() is None
    clock.elapsed += 2.0
    health = meter.now()
    assert (health.condition, health.seconds, health.refuses) == ("stuck", 7.0, True)
    meter.wrote_nothing()
    assert meter.now() == WELL


def test_a_write_that_does_not_end_goes_on_with_the_trouble_before_it(meter: WriteMeter, clock: ManualClock) -> None:
    write(meter, clock, 1.0, "full")
    meter.began()
    clock.elapsed += 6.0
    assert (meter.now().condition, meter.now().seconds) == ("stuck", 7.0)


def test_what_wrote_nothing_says_nothing(meter: WriteMeter, clock: ManualClock) -> None:
    write(meter, clock, 0.5, "full")
    clock.elapsed += 1
    meter.began()
    meter.wrote_nothing()
    assert meter.now().problem == "full" and meter.quiet_seconds() == 1.0


def test_a_write_under_way_is_not_quiet(meter: WriteMeter, clock: ManualClock) -> None:
    write(meter, clock, 0.5)
    clock.elapsed += 2
    assert meter.quiet_seconds() == 2.0
    meter.began()
    assert meter.quiet_seconds() is None


@dataclass
class Told:
    writing: WriteHealth


FAILING = Told(WriteHealth("failing", "the disk is full", 20.0, 0.0))
SLOW = Told(WriteHealth("slow", "slow", 20.0, 0.0))
STUCK = Told(WriteHealth("stuck", "no answer", 20.0, 0.0))


def test_a_region_that_cannot_write_is_not_made_the_writer() -> None:
    for unable in (FAILING, STUCK):
        with pytest.raises(SwitchFailed, match=r"ap-northeast-1 cannot write \(.*, since 1970.*nothing was changed"):
            refuse_unable(Role.SECONDARY, Role.PRIMARY, {Role.PRIMARY: None, Role.SECONDARY: unable}, NAMES)
        refuse_unable(None, None, {Role.SECONDARY: unable}, NAMES)
    refuse_unable(Role.SECONDARY, Role.PRIMARY, {Role.PRIMARY: FAILING, Role.SECONDARY: SLOW}, NAMES)


def test_a_disk_that_does_not_answer_cannot_confirm_a_fence() -> None:
    with pytest.raises(SwitchFailed, match="us-east-1 cannot confirm a fence"):
        refuse_unable(None, Role.PRIMARY, {Role.PRIMARY: STUCK}, NAMES)
    refuse_unable(None, None, {Role.PRIMARY: STUCK}, NAMES)


def ill(condition: Literal["slow", "failing", "stuck"], problem: str) -> WriteHealth:
    return WriteHealth(condition, problem, 1.0, 0.0, 9.0)


def test_a_region_is_as_well_as_the_worst_of_its_records_and_folders() -> None:
    well = WriteHealth(last_seconds=0.5)
    assert with_folders(well, [WELL, WELL]) == well
    assert with_folders(well, [WELL, ill("failing", "objects")]) == WriteHealth("failing", "objects", 1.0, 0.0, 0.5)
    assert with_folders(ill("slow", "records"), [ill("failing", "objects")]).problem == "objects"
    assert with_folders(ill("failing", "records"), [ill("failing", "objects")]).problem == "records"


def test_a_folder_that_does_not_answer_does_not_hold_up_a_fence() -> None:
    found = with_folders(WELL, [ill("stuck", "objects")])
    assert (found.condition, found.problem, found.refuses) == ("failing", "objects", True)
    assert with_folders(ill("stuck", "records"), [ill("stuck", "objects")]).condition == "stuck"
