"""What has to happen when storage fails, in every state: the one table that test_cells.py tries and docs/guarantees.md shows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations, product


class Store(StrEnum):
    PRIMARY = "primary"
    SECONDARY = "secondary"
    AUTHORITY = "authority"


class Place(StrEnum):
    """What a store is at the moment."""

    LEADER = "the region that wrote last"
    FOLLOWER = "the other region"
    AUTHORITY = "the authority"


class Fault(StrEnum):
    LOST = "lost"
    OLD = "an old copy"
    DAMAGED = "damaged"


class Situation(StrEnum):
    ACTIVE = "active"
    FENCED = "fenced"
    FAILOVER = "failover"
    WRITABLE = "writable failover"
    AUTOMATIC = "automatic"

    @property
    def leader(self) -> Store:
        return Store.SECONDARY if self is Situation.WRITABLE else Store.PRIMARY

    @property
    def writer(self) -> Store | None:
        return None if self in (Situation.FENCED, Situation.FAILOVER) else self.leader


class Writing(StrEnum):
    """Whether the region that may write does so after the fault, as long as nobody has done anything."""

    GOES_ON = "goes on"
    RESUMES = "goes on as soon as the region has copied what it lacks"
    WAITS = "waits for the line"
    STOPS = "waits for the word"


class Word(StrEnum):
    """What an operator has to say, as the deployment itself names it."""

    RECOVER = "authority recover"
    ACCEPT = "authority accept-history"


NOT_REPLICATED = "not replicated"
OLDER_COPY = "restored from an older copy"
FORKED = "written on a forked history"
DISK_LOST = "disk lost"


@dataclass(frozen=True)
class Expected:
    """`undone`: whether acknowledged writes that were in both regions may be undone, each in the ledger. `causes`: those of what the
    ledger then lists. `unlisted`: what only the lost disk had is on no list, because nobody else knows of it."""

    writing: Writing
    word: Word | None = None
    causes: frozenset[str] = frozenset()
    undone: bool = False
    unlisted: bool = False


@dataclass(frozen=True)
class Cell:
    faults: tuple[tuple[Store, Fault], ...]
    situation: Situation
    cut: bool

    def __str__(self) -> str:
        faults = "+".join(f"{store} {fault.value.removeprefix('an ')}" for store, fault in self.faults)
        return f"{faults}, {self.situation}, line {'cut' if self.cut else 'up'}".replace(" ", "-").replace(",", "")

    def place(self, store: Store) -> Place:
        if store is Store.AUTHORITY:
            return Place.AUTHORITY
        return Place.LEADER if store is self.situation.leader else Place.FOLLOWER

    @property
    def places(self) -> dict[Place, Fault]:
        return {self.place(store): fault for store, fault in self.faults}

    def fault_of(self, store: Store) -> Fault | None:
        return dict(self.faults).get(store)

    @property
    def expected(self) -> Expected:
        (row,) = (row for row in TABLE if row.has(self))
        return row.expected


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


LOST, OLD = (Fault.LOST,), (Fault.OLD,)
GONE = (*LOST, *OLD)


def because(*causes: str) -> frozenset[str]:
    return frozenset(causes)


TABLE = [
    # One store
    Row(at(follower=GONE), Expected(Writing.GOES_ON)),
    Row(at(leader=GONE), Expected(Writing.RESUMES), lines=LINE_UP),
    Row(at(leader=LOST), Expected(Writing.WAITS, causes=because(DISK_LOST)), lines=LINE_CUT),
    Row(at(leader=OLD), Expected(Writing.WAITS, causes=because(OLDER_COPY)), lines=LINE_CUT),
    Row(at(authority=GONE), Expected(Writing.GOES_ON, Word.RECOVER), MANUAL),
    Row(at(authority=GONE), Expected(Writing.STOPS, Word.RECOVER), BY_LEASE),
    # Both regions
    Row(at(leader=LOST, follower=LOST), Expected(Writing.STOPS, Word.ACCEPT, because(DISK_LOST), undone=True)),
    Row(at(leader=LOST, follower=OLD), Expected(Writing.RESUMES, None, because(DISK_LOST), undone=True), lines=LINE_UP),
    Row(at(leader=OLD, follower=GONE), Expected(Writing.RESUMES, None, because(OLDER_COPY), undone=True), lines=LINE_UP),
    Row(at(leader=LOST, follower=OLD), Expected(Writing.WAITS, None, because(DISK_LOST), undone=True), lines=LINE_CUT),
    Row(at(leader=OLD, follower=GONE), Expected(Writing.WAITS, None, because(OLDER_COPY), undone=True), lines=LINE_CUT),
    # A region and the authority
    Row(at(follower=GONE, authority=GONE), Expected(Writing.GOES_ON, Word.RECOVER), MANUAL),
    Row(at(follower=GONE, authority=GONE), Expected(Writing.STOPS, Word.RECOVER), BY_LEASE),
    Row(at(leader=GONE, authority=GONE), Expected(Writing.STOPS, Word.RECOVER), lines=LINE_UP),
    Row(at(leader=GONE, authority=GONE), Expected(Writing.STOPS, Word.RECOVER, unlisted=True), lines=LINE_CUT),
]


def cells() -> Iterator[Cell]:
    """One store after another, then two at once, each in every situation, with the line up and cut."""
    faults: list[tuple[tuple[Store, Fault], ...]] = [((store, fault),) for store, fault in product(Store, GONE)]
    for one, other in combinations(Store, 2):
        faults += [((one, first), (other, second)) for first, second in product(GONE, GONE)]
    for each, situation, cut in product(faults, Situation, (False, True)):
        yield Cell(each, situation, cut)


# The same as a page


def faults_in_words(row: Row) -> str:
    return "; ".join(f"{place}: {' or '.join(fault for fault in Fault if fault in faults)}" for place, faults in row.faults.items())


def when_in_words(row: Row) -> str:
    states = {EVERY: "every state", MANUAL: "manual mode, every state", BY_LEASE: "automatic mode"}[row.situations]
    return states + {ANY_LINE: "", LINE_UP: "; line up", LINE_CUT: "; line cut"}[row.lines]


def losses_in_words(expected: Expected) -> str:
    if expected.unlisted:
        return "nothing: what only the lost disk had is on no list"
    if not expected.causes:
        return "nothing"
    what = "what neither region has any more" if expected.undone else "what the other region did not have"
    return f"{what}: *{', '.join(sorted(expected.causes))}*"


def lines_of_the_page() -> Iterator[list[str]]:
    """A line for each row of the table: what fails, when, what writing does, what an operator has to say, what is lost."""
    for row in TABLE:
        word = f"`multiregion {row.expected.word}`" if row.expected.word else "nothing"
        yield [faults_in_words(row), when_in_words(row), row.expected.writing, word, losses_in_words(row.expected)]
