"""Records with a change log, which the other region follows, and the ledger of the writes that were undone or are gone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from multiregion.reports import Leadership
from multiregion.states import Role, RoutingState
from multiregion.stores import Change, Head, Mark, Position, Records

GAP = "gap-"
"""How the chain of a loss without contents begins: it ends where one of its writes does, which may turn up."""

BEYOND = f"{GAP}beyond-"
"""The same where it begins behind one of its writes: nobody knows how many came later."""

NOT_REPLICATED = "not replicated"
OLDER_COPY = "restored from an older copy"
FORKED = "written on a forked history"
DISK_LOST = "disk lost"
CAUSES = (NOT_REPLICATED, OLDER_COPY, FORKED, DISK_LOST)

Explain = Callable[[Position, bool], tuple[str, str]]
"""Why a change is undone, its cause and that in a sentence, by its position and whether, for all that this log shows, it was only
in this region: written here, with nothing of the other region's after it."""


def explanation(shared: Position, beyond: Position | None, had: Position, leader: Role) -> Explain:
    """Why the changes after `shared` are undone, where this log and the leader's part. `beyond`: what the leader's log has there
    (None: nothing); `had`: how far it had got once."""
    where = f"after change {shared.sequence} of epoch {shared.epoch}"

    def explain(position: Position, own: bool) -> tuple[str, str]:
        if beyond is not None and beyond.epoch <= position.epoch:
            return FORKED, f"{FORKED}: the {leader} region's log went another way {where}"
        if not own or position <= had:
            return OLDER_COPY, f"the {leader} region was {OLDER_COPY} and leads with what it had {where}"
        return NOT_REPLICATED, f"{NOT_REPLICATED} when the {leader} region took over {where}"

    return explain


@dataclass(frozen=True, slots=True)
class Loss:
    """An acknowledged write that was undone or is gone. Its key is its change's mark: a position alone may have been given twice.

    `replaced` is the version of the record it had replaced (None: there was none); `region` is where it was undone or lost,
    `cause` why, one of `CAUSES`, and `reason` the same in a sentence. `outcome` is `pending`, `applied` or `discarded`, decided by
    `decided_by`; `applied` is the position it was written again at. `writes`: None for one write; for a loss whose contents
    nobody has any more, how many writes up to `change`'s position are gone. `revision` grows with each change of the ledger
    that holds it. `held`: that region's log has the write: it was entered before it was undone, or was never undone.
    """

    change: Change
    replaced: Position | None
    at: float
    region: Role
    cause: str
    reason: str
    outcome: str = "pending"
    decided_by: str = ""
    applied: Position | None = None
    writes: int | None = None
    revision: int = 0
    held: bool = False

    @property
    def key(self) -> Mark:
        return self.change.mark


class LoggedRecords(Records, Protocol):
    """Records with an ordered change log, which the other region follows."""

    @property
    def store(self) -> str:
        """The id that this region's file was made with."""
        ...

    @property
    def began_whole(self) -> bool:
        """Whether this region had its records when its process started."""
        ...

    async def head(self) -> Head: ...

    async def learn(self, state: RoutingState) -> None:
        """The other region obeys this state. If it is a later one, and the authority has been heard, so does this region; but it
        does not lead before the authority says so too: what the authority says may be older, and so may this region's file."""
        ...

    def changes(self, after: Position, *, limit: int, chain: str | None = None) -> Sequence[Change]:
        """The next changes of this region's log after `after`, oldest first. Raises Conflict if `after` is not in this log, or
        not at the end of that chain."""
        ...

    async def apply(self, changes: Sequence[Change], *, epoch: int) -> Head:
        """Append the leader's changes, sent at `epoch`; those already there are skipped, so twice is the same as once.
        Raises StaleEpoch if a later epoch has been admitted here, Conflict on a gap or where this log has another change, and
        Fenced for a new change if this region leads."""
        ...

    async def holds(self, mark: Mark) -> bool:
        """Whether this log has that change at that position, after the same changes."""
        ...

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        """What is at these sequences of the log, None beyond its end."""
        ...

    async def reaches(self, position: Position, *, history: str = "", chain: str = "") -> bool | None:
        """Whether this log has got to `position`: True if it holds it, False if it may yet, None if that position belongs to a
        history that this log does not know. `history` and `chain` (its beginning suffices): those it was given under; "": not told."""
        ...

    async def tail(self, above: Position, *, limit: int, explain: Explain) -> Sequence[Loss]:
        """What a rewind to `above` would enter into the loss ledger, oldest first."""
        ...

    async def rewind(self, to: Position, *, explain: Explain) -> int:
        """Undo every change above `to`, restoring what each replaced, and enter each into the loss ledger; returns how many.
        One transaction. Raises Fenced if this region leads: its log is the truth."""
        ...

    async def losses(self, *, after: int = 0, limit: int = 100) -> Sequence[Loss]:
        """The entries of the loss ledger that were made or changed after revision `after`, in that order."""
        ...

    async def merge(self, losses: Sequence[Loss]) -> None:
        """Take in what this ledger lacks of the other region's. Idempotent."""
        ...

    async def settle(self, key: Mark, outcome: str, *, actor: str, applied: Position | None = None) -> str:
        """Note what became of a loss: `applied`, at which position, or `discarded`. Returns what counts: `applied` is never taken back.
        Idempotent. Raises NotFound."""
        ...

    async def outcome(self, key: Mark) -> str | None:
        """What this region's ledger says has become of a loss; None: it does not have it."""
        ...

    @property
    def proved(self) -> bool:
        """Whether this region may lead: since its process started, or a new history began, its log has been found to be no older
        than what is known elsewhere. Until then it follows, or waits."""
        ...

    def prove(self) -> None: ...

    def hold(self, because: str | None) -> None:
        """What writers are told while this region may not lead, or has not everything; None: what is so as a rule."""
        ...

    async def leads(self) -> bool:
        """Whether this region's log is the truth: it is the leader, whole and proved."""
        ...

    async def owed(self) -> Mark:
        """How far this log is known to have got once, if it lacks that now and no ledger has it yet; else BEGINNING."""
        ...

    async def owe(self, mark: Mark, leadership: Leadership, *, cause: str) -> None:
        """Remember, durably, that this log had got to `mark` once, unless it still has it, and why it lacks that: the first cause
        counts until nothing is owed any more. `leadership`, here and below: what the authority knows of which log each epoch
        went on with."""
        ...

    async def settle_debt(self, leadership: Leadership) -> None:
        """Owe nothing any more, if the log and the ledger have by now all that was owed."""
        ...

    async def missing(self, mark: Mark, leadership: Leadership) -> int | None:
        """How many writes up to `mark` are neither in this log nor in this ledger; None: it cannot be counted."""
        ...

    async def write_off(self, mark: Mark, leadership: Leadership, *, cause: str) -> None:
        """Enter what is missing up to `mark` as one loss without contents; what is owed up to there is then owed no more. Idempotent."""
        ...

    async def is_whole(self) -> bool:
        """False while this region, having lost its records, has not copied all of the other's; nothing can be committed then."""
        ...

    async def found(self, state: RoutingState) -> None:
        """The deployment is founded upon this region's file, which is empty and therefore whole, at `state`. Idempotent."""
        ...

    async def make_whole(self, other: Head) -> None:
        """This region has seen `other`, the end of the other region's log; it is whole again if its own log reaches there."""
        ...

    async def spoiled(self, after: int, *, limit: int) -> tuple[int, Sequence[Position]]:
        """Read up to `limit` entries of the log above sequence `after`: the last one's sequence (`after`: there is none), and those whose
        contents, or the record they wrote, are not what the chain says."""
        ...

    async def put_back(self, position: Position, whole: Change | None = None) -> bool:
        """Make an entry again what the chain says, from `whole`, or from the record that it wrote, and that record what the entry says;
        False if neither is."""
        ...

    async def changed(self, after: Position, *, timeout_seconds: float) -> bool:
        """Wait until the log reaches beyond `after`, True, or the time is over, False."""
        ...
