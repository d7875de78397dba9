"""The start rule as a table over all its inputs, and what a leader has to hold."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from multiregion.continuity import Comparison, Course, Other, course
from multiregion.reports import Known, Leadership, must_hold
from multiregion.states import FIRST, Role
from multiregion.stores import BEGINNING, Mark, Position

SINCE = 4
LIMIT = 10
ENDS = {"recent": Mark(Position(SINCE, 20), "a"), "earlier": Mark(Position(SINCE - 1, 20), "a")}
"""Where the other log ends: in an epoch of this leadership, or before it, which is a dead tail if this log lacks it."""
HOLDS = {"same": (True, True), "shorter": (False, True), "longer": (True, False), "forked": (False, False)}
"""How the other log is beside this one: (it holds this one's end, its end is held by this one)."""
MISSING = {"few": LIMIT, "many": LIMIT + 1, "unknown": None}

ANY = None
YES, NO = True, False


@dataclass(frozen=True)
class Row:
    """What is done where all that is said is so; None: whatever it is."""

    then: Course
    lacks: bool | None = ANY
    other: tuple[str, ...] | None = ANY
    end: str | None = ANY
    more: bool | None = ANY
    missing: tuple[str, ...] | None = ANY
    short: bool | None = ANY
    asked: bool | None = ANY
    accepted: bool | None = ANY


AWAY = ("away",)
CONTAINED = ("same", "shorter")
TABLE = [
    # It has all that it must have.
    Row(Course.ASK, lacks=NO, other=AWAY, asked=NO, accepted=NO),
    Row(Course.LEAD, lacks=NO, other=AWAY, asked=YES, short=NO),
    Row(Course.LEAD_ANEW, lacks=NO, other=AWAY, asked=YES, short=YES),
    Row(Course.LEAD, lacks=NO, other=AWAY, asked=NO, accepted=YES, short=NO),
    Row(Course.LEAD_ANEW, lacks=NO, other=AWAY, asked=NO, accepted=YES, short=YES),
    Row(Course.LEAD, lacks=NO, other=CONTAINED, short=NO),
    Row(Course.LEAD_ANEW, lacks=NO, other=CONTAINED, short=YES),
    Row(Course.CATCH_UP, lacks=NO, other=("longer",), end="recent"),
    Row(Course.LEAD_ANEW, lacks=NO, other=("forked",), end="recent"),
    Row(Course.LEAD, lacks=NO, other=("longer", "forked"), end="earlier", short=NO),
    Row(Course.LEAD_ANEW, lacks=NO, other=("longer", "forked"), end="earlier", short=YES),
    # It lacks something that is known of.
    Row(Course.ASK, lacks=YES, other=AWAY, asked=NO, accepted=NO),
    Row(Course.WAIT, lacks=YES, other=AWAY, asked=YES, accepted=NO),
    Row(Course.WRITE_OFF, lacks=YES, other=AWAY, accepted=YES),
    Row(Course.CATCH_UP, lacks=YES, other=("same", "shorter", "forked"), more=YES),
    Row(Course.CATCH_UP, lacks=YES, other=("longer",)),
    Row(Course.WRITE_OFF, lacks=YES, other=("same", "shorter", "forked"), more=NO, accepted=YES),
    Row(Course.WRITE_OFF, lacks=YES, other=("same", "shorter", "forked"), more=NO, accepted=NO, missing=("few",)),
    Row(Course.WAIT, lacks=YES, other=("same", "shorter", "forked"), more=NO, accepted=NO, missing=("many", "unknown")),
]


@dataclass(frozen=True)
class Case:
    """One of each."""

    lacks: bool
    other: str
    end: str
    more: bool
    missing: str
    short: bool
    asked: bool
    accepted: bool

    def is_in(self, row: Row) -> bool:
        within = (row.other is ANY or self.other in row.other) and (row.missing is ANY or self.missing in row.missing)
        plain = ("lacks", "end", "more", "short", "asked", "accepted")
        return within and all(getattr(row, name) in (ANY, getattr(self, name)) for name in plain)

    @property
    def seen(self) -> Comparison:
        other = None if self.other == "away" else Other(ENDS[self.end], FIRST, *HOLDS[self.other], has_what_we_lack=self.more)
        return Comparison(self.lacks, other, MISSING[self.missing], SINCE, self.short, self.asked, self.accepted)


def every_case() -> Iterator[Case]:
    both = (True, False)
    for values in itertools.product(both, ("away", *HOLDS), ENDS, both, MISSING, both, both, both):
        yield Case(*values)


CASES = list(every_case())


def test_the_table_says_one_thing_of_every_case() -> None:
    assert len(CASES) == 2 * 5 * 2 * 2 * 3 * 2 * 2 * 2
    assert [case for case in CASES if sum(case.is_in(row) for row in TABLE) != 1] == []


def test_what_is_done_is_what_the_table_says() -> None:
    wrong = [
        (case, course(case.seen, LIMIT)) for case in CASES for row in TABLE if case.is_in(row) and course(case.seen, LIMIT) is not row.then
    ]
    assert wrong == []


def test_nobody_leads_who_lacks_something_and_nobody_goes_on_in_an_epoch_in_which_something_was_lacking() -> None:
    """The table itself might be wrong; these are the promises that it is made of."""
    for case in CASES:
        chosen = course(case.seen, LIMIT)
        if chosen in (Course.LEAD, Course.LEAD_ANEW):
            assert not case.lacks
        if chosen is Course.LEAD:
            assert not case.short and (case.other in ("away", *CONTAINED) or case.end == "earlier")
        if chosen is Course.WRITE_OFF:
            assert case.accepted or (case.other != "away" and case.missing == "few")
        if case.other == "away" and not case.accepted and not case.asked:
            assert chosen is Course.ASK


BASE = Mark(Position(3, 10), "base")
OURS, THEIRS, OWED = Mark(Position(4, 20), "ours"), Mark(Position(4, 30), "theirs"), Mark(Position(5, 25), "owed")


@pytest.mark.parametrize(
    ("ends", "owed", "held"),
    [
        ({}, BEGINNING, [BASE]),
        ({Role.PRIMARY: OURS, Role.SECONDARY: THEIRS}, BEGINNING, [BASE, OURS, THEIRS]),
        ({Role.PRIMARY: OURS}, OWED, [BASE, OURS, OWED]),
        ({Role.PRIMARY: OURS, Role.SECONDARY: OURS}, OURS, [BASE, OURS]),
        ({Role.PRIMARY: Mark(Position(3, 99), "dead tail")}, Mark(Position(2, 7), "dead debt"), [BASE]),
    ],
)
def test_a_leader_must_hold_where_its_leadership_began_and_all_that_is_known_since(
    ends: dict[Role, Mark], owed: Mark, held: list[Mark]
) -> None:
    assert list(must_hold(Known(Leadership(4, BASE), ends, {}, accepted=False), owed)) == held
