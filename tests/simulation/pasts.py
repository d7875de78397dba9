"""Every change that was ever committed, what led to it, and who knows of it now: in a log, in a ledger, or by the authority's word."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from multiregion.logs import GAP, Loss
from multiregion.reports import Report
from multiregion.states import Role
from multiregion.stores import BEGINNING, Change, Mark, Position
from tests.simulation.journal import Journal
from tests.simulation.witnesses import Witness

AUTHORITY = "authority"


@dataclass(slots=True)
class Past:
    """`hits`: the stores that were lost, damaged or put back to an older copy, and `words`: what operators gave up as lost, since
    everything was well last. `gone`: what nobody knows of any more."""

    journal: Journal
    time: Callable[[], float]
    fail: Callable[[str], None]
    regions: dict[Role, Witness] = field(default_factory=lambda: {role: Witness() for role in Role})
    changes: dict[Mark, Change] = field(default_factory=dict)
    parents: dict[Mark, Mark] = field(default_factory=dict)
    at: dict[Position, list[Mark]] = field(default_factory=dict)
    reports: dict[Role, Report] = field(default_factory=dict)
    base: Mark = BEGINNING
    hits: set[str] = field(default_factory=set)
    hit_at: float = 0.0
    reported_at: dict[Role, float] = field(default_factory=dict)
    words: int = 0
    gone: set[Mark] = field(default_factory=set)
    put_back: set[Role] = field(default_factory=set)
    lost_files: set[Role] = field(default_factory=set)

    def check(self, holds: bool, promise: str) -> None:
        if not holds:
            self.journal.note("VIOLATED", "", promise)
            self.fail(promise)

    def path(self, mark: Mark) -> set[Mark]:
        """This change and all that led to it."""
        found: set[Mark] = set()
        while mark != BEGINNING and mark in self.parents:
            found.add(mark)
            mark = self.parents[mark]
        return found

    def version_before(self, mark: Mark) -> Position | None:
        """Of the record that this change wrote, what it replaced."""
        key, before = self.changes[mark].write.key, self.parents[mark]
        while before != BEGINNING:
            if self.changes[before].write.key == key:
                return before.position
            before = self.parents[before]
        return None

    def reported(self) -> set[Mark]:
        """What the authority has been told of, and still knows."""
        ends = [self.base, *(report.end for report in self.reports.values())]
        return set[Mark]().union(*(self.path(end) for end in ends))

    def told_by(self, role: Role) -> set[Mark]:
        """What the authority knows of a region's log by what that reported."""
        if role not in self.reports:
            return set()
        end, witness = self.reports[role].end, self.regions[role]
        told = self.path(end)
        return told & witness.held if end == witness.owed else told  # what it says itself that it lacks, no takeover loses

    def heard(self) -> set[Mark]:
        """What is in a log or a ledger, or what somebody knows to have been written."""
        found = self.reported()
        for witness in self.regions.values():
            found |= witness.held | self.path(witness.owed) | self.listed(witness)
        return found

    def listed(self, witness: Witness) -> set[Mark]:
        """What the ledger of a region accounts for: an entry without contents stands for all writes that it counts."""
        return set[Mark]().union(*(self.covered(end_of(loss), loss.writes) for loss in witness.ledger.values()))

    def covered(self, key: Mark, writes: int | None) -> set[Mark]:
        if writes is None:
            return {key}
        # 0: nobody could count them.
        return {mark for mark in self.path(key) if not writes or mark.position.sequence > key.position.sequence - writes}

    def replicated(self, mark: Mark) -> bool:
        return all(mark in witness.ever for witness in self.regions.values())

    @property
    def excused(self) -> bool:
        """Whether more has happened to the stores than may happen without a loss, or an operator has accepted one."""
        return len(self.hits) + self.words > 1

    def hit(self, store: str) -> None:
        self.hits.add(store)
        self.hit_at = self.time()
        if len(self.hits) > 1:
            self.journal.count("two stores at once")

    def forget(self, before: set[Mark], acknowledged: Iterable[Mark]) -> None:
        """A store has been hit: what was heard of before, and is not any more, is gone without a trace."""
        vanished = (before & set(acknowledged)) - self.heard() - self.gone
        self.gone |= vanished
        for mark in vanished:
            undone = self.replicated(mark) and len(self.hits) < 2
            self.check(not undone, f"{spelled(mark)} was in both regions, and is gone with one store")

    def note_wellness(self, states_agree: bool, leader: Role) -> None:
        """Everything is well again when the leader has all that the other region has, both lack nothing, and have told the authority so."""
        if not (self.hits or self.words) or not states_agree:
            return
        a, b = self.regions[leader], self.regions[leader.other]
        one_log = b.end in a.held or b.end in (a.end, BEGINNING)
        complete = all(witness.whole and witness.owed == BEGINNING for witness in (a, b))
        told = all(
            self.reported_at.get(role, 0.0) > self.hit_at and self.reports[role].end in (*self.regions[role].held, BEGINNING)
            for role in Role
        )
        if one_log and complete and told and set(a.ledger) == set(b.ledger):
            self.hits.clear()
            self.words = 0
            self.journal.count("well again")


def end_of(loss: Loss) -> Mark:
    """The last of the writes that a loss stands for."""
    return Mark(loss.key.position, loss.key.chain.removeprefix(GAP))


def spelled(mark: Mark) -> str:
    return f"{mark.position.epoch}.{mark.position.sequence}.{mark.chain[:4]}"
