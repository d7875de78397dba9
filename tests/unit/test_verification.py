"""Comparing two regions finds what differs, whatever it is, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced

import pytest

from multiregion.clock import SystemClock
from multiregion.objects import NeededBy, Repaired
from multiregion.stores import Digest, Position
from multiregion.verdicts import DIFFERENCES_MAX, Verdict
from multiregion.verification import Name, Verification

PAGE = 7


class HurriedClock(SystemClock):
    """Nobody waits for it."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.elapsed += seconds


@dataclass
class Held:
    """What one region holds; `later` is what has arrived when it is looked at again."""

    names_held: list[Name] = field(default_factory=list)
    objects: list[tuple[str, int | None, bool]] = field(default_factory=list)
    at: int = 0
    later: list[Name] | None = None
    arriving: list[tuple[str, int | None, bool]] = field(default_factory=list)
    looks: int = 0
    can_mend: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    spoiled: tuple[Position, ...] = ()
    needs: dict[str, NeededBy] = field(default_factory=dict)

    async def names(self, after: tuple[str, str]) -> Sequence[Name]:
        return [name for name in sorted(self.names_held) if name[:2] > after][:PAGE]

    async def needed(self, after: str, *, deep: bool) -> Sequence[tuple[str, int | None, bool]]:
        self.looks += 1
        if self.arriving and self.looks > 3:
            self.objects, self.arriving = self.arriving, []
        return [(digest, size, intact or not deep) for digest, size, intact in self.objects if digest > after][:PAGE]

    async def repair(self, digests: Sequence[Digest]) -> Repaired:
        self.asked += digests
        found = Repaired([digest for digest in digests if digest in self.can_mend])
        found.failed.update((digest, "the disk is full") for digest in digests if digest not in self.can_mend)
        return found

    async def needed_by(self, digests: Sequence[Digest]) -> Mapping[Digest, NeededBy]:
        return {digest: self.needs[digest] for digest in digests if digest in self.needs}

    async def audit(self) -> Sequence[Position]:
        return self.spoiled

    async def sequence(self) -> int:
        if self.later is not None:
            self.names_held, self.later, self.at = self.later, None, self.at + 1
            return self.at - 1
        return self.at


def name(id: str, *, sequence: int = 1, deleted: bool = False, fingerprint: str = "f") -> Name:
    return ("photos", id, 1, sequence, deleted, fingerprint)


EVERYTHING = [name(f"p{number:02}") for number in range(3 * PAGE)]


async def compared(primary: Held, secondary: Held, *, deep: bool = True, repair: bool = False) -> Verdict:
    comparison = Verification(primary, secondary, ("us-east-1", "ap-northeast-1"), HurriedClock(), deep=deep, repair=repair)
    return [verdict async for verdict in comparison.run()][-1]


def problems(verdict: Verdict) -> list[tuple[str, str]]:
    return [(difference.name, difference.problem) for difference in verdict.differences]


async def test_an_object_that_is_on_its_way_is_looked_for_again_and_one_that_does_not_come_is_missing() -> None:
    there: list[tuple[str, int | None, bool]] = [("a" * 64, 5, True)]
    late = Held(EVERYTHING, [("a" * 64, None, False)], arriving=there)
    assert (await compared(Held(EVERYTHING, there), late)).equal
    never = Held(EVERYTHING, [("a" * 64, None, False)])
    assert problems(await compared(Held(EVERYTHING, there), never)) == [("a" * 64, "missing in ap-northeast-1")]
    assert never.looks < 20


async def test_what_is_the_same_is_equal() -> None:
    objects: list[tuple[str, int | None, bool]] = [("a" * 64, 5, True), ("b" * 64, 7, True)]
    verdict = await compared(Held(EVERYTHING, objects), Held(EVERYTHING, objects))
    assert verdict.equal and (verdict.records, verdict.objects, verdict.bytes) == (3 * PAGE, 4, 24)


@pytest.mark.parametrize("at", [0, PAGE - 1, PAGE, 3 * PAGE - 1])
async def test_a_record_that_is_missing_on_either_side_is_found(at: int) -> None:
    without = [*EVERYTHING[:at], *EVERYTHING[at + 1 :]]
    missing = f"photos/p{at:02}"
    assert problems(await compared(Held(EVERYTHING), Held(without))) == [(missing, "missing in ap-northeast-1")]
    assert problems(await compared(Held(without), Held(EVERYTHING))) == [(missing, "missing in us-east-1")]


async def test_a_deletion_that_happened_on_one_side_only_is_found() -> None:
    deleted = [name("p00", deleted=True), *EVERYTHING[1:]]
    assert problems(await compared(Held(EVERYTHING), Held(deleted))) == [("photos/p00", "deleted in ap-northeast-1 only")]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (name("p00", sequence=2), "us-east-1 has change 1 of epoch 1"),
        (name("p00", fingerprint="g"), "change 1 of epoch 1 has different contents"),
    ],
)
async def test_the_same_record_with_other_content_or_of_another_change_is_found(other: Name, what: str) -> None:
    (difference,) = (await compared(Held(EVERYTHING), Held([other, *EVERYTHING[1:]]))).differences
    assert difference.name == "photos/p00" and what in difference.problem


async def test_objects_that_are_missing_or_damaged_are_found_on_the_side_that_has_not_them() -> None:
    whole, missing, damaged = ("a" * 64, 5, True), ("b" * 64, None, False), ("c" * 64, 5, False)
    here, there = Held(objects=[whole, missing]), Held(objects=[whole, damaged])
    found = [(missing[0], "missing in us-east-1"), (damaged[0], "damaged in ap-northeast-1")]
    assert problems(await compared(here, there)) == found
    assert problems(await compared(here, there, deep=False)) == found[:1]


async def test_what_could_be_repaired_is_equal_and_what_could_not_is_told_with_the_reason() -> None:
    missing, damaged, stuck = ("b" * 64, None, False), ("c" * 64, 5, False), ("d" * 64, None, False)
    here, there = Held(objects=[missing, stuck], can_mend=(missing[0],)), Held(objects=[damaged], can_mend=(damaged[0],))
    verdict = await compared(here, there, deep=False, repair=True)
    assert problems(verdict) == [(stuck[0], "missing in us-east-1, not repaired: the disk is full")]
    assert verdict.repairs == 2 and [each.name for each in verdict.repaired] == [missing[0], damaged[0]]
    assert (await compared(Held(objects=[missing], can_mend=(missing[0],)), Held(), repair=True)).equal
    assert here.asked == [missing[0], stuck[0]] and (await compared(Held(objects=[missing]), Held())).equal is False


@pytest.mark.parametrize("repair", [True, False])
async def test_what_needs_an_object_that_is_not_sound_is_told_where_it_is_known(repair: bool) -> None:
    stuck, mended, unknown = ("b" * 64, None, False), ("c" * 64, None, False), ("d" * 64, None, False)
    needs = {stuck[0]: NeededBy(["photos/sea", "photos/sky"], 3), mended[0]: NeededBy(["photos/sun"])}
    here = Held(objects=[stuck, mended, unknown], can_mend=(mended[0],), needs=needs)
    verdict = await compared(here, Held(), repair=repair)
    told = {each["name"]: each for each in verdict.document()["differences"]}
    assert (told[stuck[0]]["neededBy"], told[stuck[0]]["neededByMore"]) == (["photos/sea", "photos/sky"], 3)
    assert "neededBy" not in told[unknown[0]] and (mended[0] in told) is not repair
    assert set(verdict.document()) == {"records", "objects", "bytes", "complete", "equal", "differences", "repairs", "repaired"}


async def test_a_change_that_was_under_way_is_no_difference() -> None:
    verdict = await compared(Held(EVERYTHING, at=1), Held(EVERYTHING[:-1], at=0, later=EVERYTHING))
    assert verdict.equal and verdict.records == len(EVERYTHING)


async def test_a_change_that_never_arrives_is_one() -> None:
    assert problems(await compared(Held(EVERYTHING, at=1), Held(EVERYTHING[:-1], at=0))) == [("photos/p20", "missing in ap-northeast-1")]


async def test_it_stops_after_enough_differences_and_does_not_call_that_equal() -> None:
    many = [name(f"p{number:05}") for number in range(DIFFERENCES_MAX + 5)]
    verdict = await compared(Held(many), Held())
    assert len(verdict.differences) == DIFFERENCES_MAX and not verdict.complete
    assert not replaced(verdict, differences=[]).equal


@pytest.mark.parametrize("deep", [True, False])
async def test_a_log_is_read_through_with_the_bytes_and_not_otherwise(deep: bool) -> None:
    verdict = await compared(Held(EVERYTHING), Held(EVERYTHING, spoiled=(Position(1, 7),)), deep=deep)
    damaged = [("change 7 of epoch 1", "damaged in ap-northeast-1, and whole nowhere: nothing can be copied from there beyond it")]
    assert problems(verdict) == (damaged if deep else [])
