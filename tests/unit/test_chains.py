"""The chain beside each position: what it covers, and how two logs find where they part."""

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from multiregion.chains import PROBES, linked, shared_mark
from multiregion.stores import BEGINNING, Change, Digest, Key, Mark, Position, Write

WRITE = Write(Key("photos", "p"), b"value", "order", (Digest("a" * 64), Digest("b" * 64)))
ALBUM, OWNER = Key("albums", "a"), Key("users", "ada")
CHANGE = Change(Position(3, 7), WRITE, "ada", 1.0, 9)


def test_a_chain_is_32_hexadecimal_digits_and_the_same_everywhere() -> None:
    """Both regions and every release compute it: it is a format, not an implementation."""
    assert linked("", CHANGE) == "ac1a0b9bf2ee6132335feddca14fa0f6"
    assert linked("", replace(CHANGE, write=replace(WRITE, value=None))) == "aa35d8277ea3c21e2570d3f47376fc89"


@pytest.mark.parametrize(
    "other",
    [
        replace(CHANGE, position=Position(4, 7)),
        replace(CHANGE, position=Position(3, 8)),
        replace(CHANGE, write=replace(WRITE, key=Key("users", "p"))),
        replace(CHANGE, write=replace(WRITE, key=Key("photos", "q"))),
        replace(CHANGE, write=replace(WRITE, key=Key("photosp", ""))),
        replace(CHANGE, write=replace(WRITE, value=b"other")),
        replace(CHANGE, write=replace(WRITE, value=b"")),
        replace(CHANGE, write=replace(WRITE, value=None)),
        replace(CHANGE, write=replace(WRITE, order="other")),
        replace(CHANGE, write=replace(WRITE, needs=WRITE.needs[:1])),
        replace(CHANGE, write=replace(WRITE, needs=WRITE.needs[::-1])),
        replace(CHANGE, write=replace(WRITE, requires=(ALBUM,))),
    ],
)
def test_it_covers_position_key_value_deletion_order_needs_and_what_is_required(other: Change) -> None:
    assert linked("", other) != linked("", CHANGE)


@pytest.mark.parametrize("other", [(), (ALBUM,), (OWNER, ALBUM), (ALBUM, Key("users", "bob")), (Key("albumsa", ""), OWNER)])
def test_it_covers_each_record_that_is_required_and_their_order(other: tuple[Key, ...]) -> None:
    both, another = (linked("", replace(CHANGE, write=replace(WRITE, requires=requires))) for requires in ((ALBUM, OWNER), other))
    assert both == "e4a89282c40bbd5fccc87d1764379ca2" != another


def test_a_deletion_is_no_empty_value() -> None:
    deleted, empty = (linked("", replace(CHANGE, write=replace(WRITE, value=value))) for value in (None, b""))
    assert deleted != empty


def test_it_covers_all_that_came_before() -> None:
    assert linked(linked("", CHANGE), CHANGE) != linked(linked("other", CHANGE), CHANGE)


@pytest.mark.parametrize("same", [replace(CHANGE, actor="bob"), replace(CHANGE, at=2.0), replace(CHANGE, chain="x")])
def test_it_does_not_cover_what_people_are_told(same: Change) -> None:
    assert linked("", same) == linked("", CHANGE)


class Log:
    """The marks of a log, which counts how often, and for how much, it was asked."""

    def __init__(self, epochs: Sequence[int]) -> None:
        chain = ""
        self.held: list[Mark] = []
        for sequence, epoch in enumerate(epochs, 1):
            change = Change(Position(epoch, sequence), Write(Key("p", str(epoch)), b""), "", 0.0, 0)
            chain = linked(chain, change)
            self.held.append(Mark(change.position, chain))
        self.asked: list[int] = []

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        self.asked.append(len(sequences))
        return [self.held[sequence - 1] if sequence <= len(self.held) else None for sequence in sequences]


def first_difference(one: Log, other: Log) -> Mark:
    agreed = BEGINNING
    for ours, theirs in zip(one.held, other.held, strict=False):
        if ours != theirs:
            break
        agreed = ours
    return agreed


TAILS = st.integers(min_value=0, max_value=300)


@example(1_000, 0, 0)
@example(0, 200, 300)
@example(PROBES, 1, 1)
@given(st.integers(min_value=0, max_value=1_500), TAILS, TAILS)
async def test_two_logs_find_the_place_where_they_part(shared: int, ours: int, theirs: int) -> None:
    one, other = Log([1] * shared + [2] * ours), Log([1] * shared + [3] * theirs)
    found = await shared_mark(min(len(one.held), len(other.held)), one.marks, other.marks)
    assert found == first_difference(one, other)
    assert found.position.sequence == shared, "and that is the place, whatever comes beyond it"


async def test_a_long_log_is_searched_in_few_rounds_of_few_places() -> None:
    """50,000 changes are within 32 to the power of 4."""
    one, other = Log([1] * 30_011 + [2] * 20_000), Log([1] * 30_011 + [3] * 25_000)
    assert (await shared_mark(len(one.held), one.marks, other.marks)).position.sequence == 30_011
    assert len(one.asked) == len(other.asked) <= 4
    assert max(one.asked + other.asked) <= PROBES
