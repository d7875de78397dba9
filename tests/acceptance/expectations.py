"""What has to happen in each cell: the one table that test_cells.py tries and docs/guarantees.md shows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from tests.acceptance.cells import DISKS, FILES, Cell, Fault, Place, Situation


class Writing(StrEnum):
    """What the region that may write does after the fault, as long as nobody has done anything."""

    GOES_ON = "goes on"
    SLOW = "is slow, or refused with the reason"
    RESUMES = "goes on as soon as the region has copied what it lacks"
    MOVES = "goes on in the other region"
    HEALS = "waits until the disk is well"
    WAITS = "waits for the line"
    STOPS = "waits for the word"


class Move(StrEnum):
    """What becomes of an operator's planned move of writing to the other region, while the disk is not well."""

    WORKS = "succeeds"
    REFUSED = "is refused, and nothing is changed"


class Word(StrEnum):
    """What an operator has to do, as the deployment itself names it."""

    RECOVER = "authority recover"
    ACCEPT = "authority accept-history"
    REPAIR = "repair"
    ASIDE = "files moved away"
    """Where there is no other region to repair it from."""


OLDER_COPY = "restored from an older copy"
DISK_LOST = "disk lost"


@dataclass(frozen=True)
class Expected:
    """`words`: in the order in which they are given. `causes`: those of what the ledger then lists. `undone`: whether acknowledged
    writes that were in both regions may be undone, each in the ledger. `unlisted`: what only the lost disk had is on no list, because
    nobody else knows of it. `move`: None where it is not tried."""

    writing: Writing
    words: tuple[Word, ...] = ()
    causes: frozenset[str] = frozenset()
    undone: bool = False
    unlisted: bool = False
    move: Move | None = None


LINE_UP, LINE_CUT, ANY_LINE = frozenset({False}), frozenset({True}), frozenset({False, True})
EVERY = frozenset(Situation)
MANUAL = EVERY - {Situation.AUTOMATIC}
BY_LEASE = frozenset({Situation.AUTOMATIC})


@dataclass(frozen=True)
class Row:
    """All cells that have the same to be expected of them. `faults`: at each place, one of these."""

    faults: dict[Place, frozenset[Fault]]
    expected: Expected
    situations: frozenset[Situation] = EVERY
    lines: frozenset[bool] = field(default=ANY_LINE)

    def has(self, cell: Cell) -> bool:
        places = cell.places
        same = places.keys() == self.faults.keys() and all(fault in self.faults[place] for place, fault in places.items())
        return same and cell.situation in self.situations and cell.cut in self.lines


def at(leader: Iterable[Fault] = (), follower: Iterable[Fault] = (), authority: Iterable[Fault] = ()) -> dict[Place, frozenset[Fault]]:
    places = {Place.LEADER: frozenset(leader), Place.FOLLOWER: frozenset(follower), Place.AUTHORITY: frozenset(authority)}
    return {place: faults for place, faults in places.items() if faults}


def because(*causes: str) -> frozenset[str]:
    return frozenset(causes)


LOST, OLD, DAMAGED = (Fault.LOST,), (Fault.OLD,), (Fault.DAMAGED,)
GONE = (*LOST, *OLD)
FAILING, SLOW = (Fault.FAILING,), (Fault.SLOW,)
REFUSES = (Fault.FULL, Fault.FAILING)
DECIDES = (Fault.FULL, Fault.SLOW)
"""At the authority: on a full disk decisions are stored in the reserve."""
RECOVER, ACCEPT, REPAIR, ASIDE = (Word.RECOVER,), (Word.ACCEPT,), (Word.REPAIR,), (Word.ASIDE,)


ONE_STORE = [
    Row(at(follower=GONE), Expected(Writing.GOES_ON)),
    Row(at(follower=DAMAGED), Expected(Writing.GOES_ON, REPAIR)),
    Row(at(leader=GONE), Expected(Writing.RESUMES), lines=LINE_UP),
    Row(at(leader=LOST), Expected(Writing.WAITS, causes=because(DISK_LOST)), lines=LINE_CUT),
    Row(at(leader=OLD), Expected(Writing.WAITS, causes=because(OLDER_COPY)), lines=LINE_CUT),
    # Nobody knows what it had that the other one has not: the ledger has an unknown number.
    Row(at(leader=DAMAGED), Expected(Writing.STOPS, REPAIR, because(DISK_LOST))),
    Row(at(authority=FILES), Expected(Writing.GOES_ON, RECOVER), MANUAL),
    Row(at(authority=FILES), Expected(Writing.STOPS, RECOVER), BY_LEASE),
    Row(at(follower=REFUSES), Expected(Writing.GOES_ON, move=Move.REFUSED)),
    Row(at(follower=SLOW), Expected(Writing.GOES_ON)),
    Row(at(leader=REFUSES), Expected(Writing.HEALS, move=Move.WORKS), MANUAL, LINE_UP),
    Row(at(leader=REFUSES), Expected(Writing.HEALS), MANUAL, LINE_CUT),
    Row(at(leader=SLOW), Expected(Writing.SLOW, move=Move.WORKS), MANUAL, LINE_UP),
    Row(at(leader=SLOW), Expected(Writing.SLOW), MANUAL, LINE_CUT),
    Row(at(leader=DISKS), Expected(Writing.MOVES), BY_LEASE, LINE_UP),
    # It answers, so it is not lost: what only it has is waited for.
    Row(at(leader=DISKS), Expected(Writing.HEALS), BY_LEASE, LINE_CUT),
    Row(at(authority=DECIDES), Expected(Writing.GOES_ON, move=Move.WORKS), lines=LINE_UP),
    Row(at(authority=DECIDES), Expected(Writing.GOES_ON), lines=LINE_CUT),
    Row(at(authority=FAILING), Expected(Writing.GOES_ON, move=Move.REFUSED), lines=LINE_UP),
    Row(at(authority=FAILING), Expected(Writing.GOES_ON, move=Move.REFUSED), EVERY - {Situation.FENCED}, LINE_CUT),
    # Nothing has to be decided before the line is waited for.
    Row(at(authority=FAILING), Expected(Writing.GOES_ON), frozenset({Situation.FENCED}), LINE_CUT),
]
BOTH_REGIONS = [
    Row(at(leader=LOST, follower=LOST), Expected(Writing.STOPS, ACCEPT, because(DISK_LOST), undone=True)),
    Row(at(leader=LOST, follower=OLD), Expected(Writing.RESUMES, (), because(DISK_LOST), undone=True), lines=LINE_UP),
    Row(at(leader=OLD, follower=GONE), Expected(Writing.RESUMES, (), because(OLDER_COPY), undone=True), lines=LINE_UP),
    Row(at(leader=LOST, follower=OLD), Expected(Writing.WAITS, (), because(DISK_LOST), undone=True), lines=LINE_CUT),
    Row(at(leader=OLD, follower=GONE), Expected(Writing.WAITS, (), because(OLDER_COPY), undone=True), lines=LINE_CUT),
    Row(at(leader=LOST, follower=DAMAGED), Expected(Writing.STOPS, (*ACCEPT, *REPAIR), because(DISK_LOST), undone=True)),
    # What the repair gives up is what the older copy lacks, and in the ledger already, unless the line was cut before.
    Row(at(leader=OLD, follower=DAMAGED), Expected(Writing.STOPS, (*ACCEPT, *REPAIR), because(OLDER_COPY), undone=True), lines=LINE_UP),
    Row(
        at(leader=OLD, follower=DAMAGED),
        Expected(Writing.STOPS, (*ACCEPT, *REPAIR), because(OLDER_COPY, DISK_LOST), undone=True),
        lines=LINE_CUT,
    ),
    Row(at(leader=DAMAGED, follower=OLD), Expected(Writing.STOPS, REPAIR, because(DISK_LOST), undone=True)),
    Row(at(leader=DAMAGED, follower=(*LOST, *DAMAGED)), Expected(Writing.STOPS, (*ASIDE, *ACCEPT), because(DISK_LOST), undone=True)),
    Row(at(leader=GONE, follower=DISKS), Expected(Writing.RESUMES), lines=LINE_UP),
    Row(at(leader=DAMAGED, follower=DISKS), Expected(Writing.STOPS, REPAIR, because(DISK_LOST)), lines=LINE_UP),
    Row(at(leader=REFUSES, follower=GONE), Expected(Writing.HEALS, move=Move.WORKS), MANUAL, LINE_UP),
    Row(at(leader=SLOW, follower=GONE), Expected(Writing.SLOW, move=Move.WORKS), MANUAL, LINE_UP),
    Row(at(leader=DISKS, follower=GONE), Expected(Writing.MOVES), BY_LEASE, LINE_UP),
    Row(at(leader=REFUSES, follower=DAMAGED), Expected(Writing.HEALS, REPAIR), lines=LINE_UP),
    Row(at(leader=SLOW, follower=DAMAGED), Expected(Writing.SLOW, REPAIR), lines=LINE_UP),
    Row(at(leader=REFUSES, follower=REFUSES), Expected(Writing.HEALS, move=Move.REFUSED), lines=LINE_UP),
    Row(at(leader=SLOW, follower=REFUSES), Expected(Writing.SLOW, move=Move.REFUSED), lines=LINE_UP),
    Row(at(leader=REFUSES, follower=SLOW), Expected(Writing.HEALS, move=Move.WORKS), lines=LINE_UP),
    Row(at(leader=SLOW, follower=SLOW), Expected(Writing.SLOW, move=Move.WORKS), lines=LINE_UP),
]
A_REGION_AND_THE_AUTHORITY = [
    Row(at(follower=GONE, authority=FILES), Expected(Writing.GOES_ON, RECOVER), MANUAL),
    Row(at(follower=GONE, authority=FILES), Expected(Writing.STOPS, RECOVER), BY_LEASE),
    Row(at(follower=DAMAGED, authority=FILES), Expected(Writing.GOES_ON, (*RECOVER, *REPAIR), because(DISK_LOST)), MANUAL),
    Row(at(follower=DAMAGED, authority=FILES), Expected(Writing.STOPS, (*RECOVER, *REPAIR), because(DISK_LOST)), BY_LEASE),
    Row(at(leader=GONE, authority=FILES), Expected(Writing.STOPS, RECOVER), lines=LINE_UP),
    Row(at(leader=GONE, authority=FILES), Expected(Writing.STOPS, RECOVER, unlisted=True), lines=LINE_CUT),
    Row(at(leader=DAMAGED, authority=FILES), Expected(Writing.STOPS, (*RECOVER, *REPAIR), because(DISK_LOST)), lines=LINE_UP),
    Row(
        at(leader=DAMAGED, authority=FILES), Expected(Writing.STOPS, (*RECOVER, *REPAIR), because(DISK_LOST), unlisted=True), lines=LINE_CUT
    ),
    Row(at(follower=DISKS, authority=FILES), Expected(Writing.GOES_ON, RECOVER), MANUAL, LINE_UP),
    Row(at(leader=REFUSES, authority=FILES), Expected(Writing.HEALS, RECOVER), MANUAL, LINE_UP),
    Row(at(leader=SLOW, authority=FILES), Expected(Writing.SLOW, RECOVER), MANUAL, LINE_UP),
    Row(at(follower=DISKS, authority=FILES), Expected(Writing.STOPS, RECOVER), BY_LEASE, LINE_UP),
    Row(at(leader=DISKS, authority=FILES), Expected(Writing.STOPS, RECOVER), BY_LEASE, LINE_UP),
    Row(at(follower=GONE, authority=DISKS), Expected(Writing.GOES_ON), lines=LINE_UP),
    Row(at(follower=DAMAGED, authority=DISKS), Expected(Writing.GOES_ON, REPAIR), lines=LINE_UP),
    Row(at(leader=GONE, authority=DECIDES), Expected(Writing.RESUMES), lines=LINE_UP),
    Row(at(leader=GONE, authority=FAILING), Expected(Writing.HEALS), lines=LINE_UP),
    Row(at(leader=DAMAGED, authority=DISKS), Expected(Writing.STOPS, REPAIR, because(DISK_LOST)), lines=LINE_UP),
    Row(at(follower=REFUSES, authority=DISKS), Expected(Writing.GOES_ON, move=Move.REFUSED), lines=LINE_UP),
    Row(at(follower=SLOW, authority=DECIDES), Expected(Writing.GOES_ON), lines=LINE_UP),
    Row(at(follower=SLOW, authority=FAILING), Expected(Writing.GOES_ON, move=Move.REFUSED), lines=LINE_UP),
    Row(at(leader=REFUSES, authority=DECIDES), Expected(Writing.HEALS, move=Move.WORKS), MANUAL, LINE_UP),
    Row(at(leader=SLOW, authority=DECIDES), Expected(Writing.SLOW, move=Move.WORKS), MANUAL, LINE_UP),
    Row(at(leader=DISKS, authority=DECIDES), Expected(Writing.MOVES), BY_LEASE, LINE_UP),
    Row(at(leader=REFUSES, authority=FAILING), Expected(Writing.HEALS, move=Move.REFUSED), lines=LINE_UP),
    Row(at(leader=SLOW, authority=FAILING), Expected(Writing.SLOW, move=Move.REFUSED), lines=LINE_UP),
]
TABLE = [*ONE_STORE, *BOTH_REGIONS, *A_REGION_AND_THE_AUTHORITY]


def expected_of(cell: Cell) -> Expected:
    (row,) = (row for row in TABLE if row.has(cell))
    return row.expected


# The same as a page


def faults_in_words(row: Row) -> str:
    return "; ".join(f"{place}: {' or '.join(fault for fault in Fault if fault in faults)}" for place, faults in row.faults.items())


WHEN = {EVERY: "every state", MANUAL: "manual mode, every state", BY_LEASE: "automatic mode"}


def when_in_words(row: Row) -> str:
    states = WHEN.get(row.situations) or " or ".join(situation for situation in Situation if situation in row.situations)
    return states + {ANY_LINE: "", LINE_UP: "; line up", LINE_CUT: "; line cut"}[row.lines]


IN_WORDS = {
    Word.RECOVER: "`multiregion authority recover`",
    Word.ACCEPT: "`multiregion authority accept-history REGION`",
    Word.REPAIR: "`multiregion repair REGION`",
    Word.ASIDE: "moves the damaged files away and starts it",
}


def words_in_words(expected: Expected) -> str:
    return ", then ".join(IN_WORDS[word] for word in expected.words) or "nothing"


def losses_in_words(expected: Expected) -> str:
    if expected.unlisted:
        return "an unknown number: *disk lost*" if expected.causes else "nothing: what only the lost disk had is on no list"
    if not expected.causes:
        return "nothing"
    what = "what neither region has any more" if expected.undone else "what the other region did not have"
    return f"{what}: *{', '.join(sorted(expected.causes))}*"


def lines_of_the_page() -> Iterator[list[str]]:
    """A line for each row of the table: what fails, when, what writing does, a planned move, what an operator has to say, what is lost."""
    for row in TABLE:
        expected = row.expected
        does = [expected.writing, expected.move or "", words_in_words(expected), losses_in_words(expected)]
        yield [faults_in_words(row), when_in_words(row), *does]
