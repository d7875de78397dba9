"""What really happened in both regions, seen at each COMMIT, and the promises that it is held against."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from multiregion.config import Settings
from multiregion.durability import ASYNC
from multiregion.embedded.schema import CHANGE_COLUMNS, change_of, routing_of
from multiregion.states import Role, RoutingState
from multiregion.stores import START, Change, Digest, Key, Position
from tests.simulation.journal import Journal, Violation
from tests.simulation.tables import Table, replayed, stored

AUTOMATIC = "automatic"


@dataclass(slots=True)
class Witness:
    """What is known of one region from outside: its log as committed, and what it has been told since it started."""

    log: list[Position]
    table: Table
    epoch: int = 0
    obeyed: int = 0
    told: int | None = None
    told_at_start: int | None = None
    whole: bool = True
    must_hold: frozenset[Position] = frozenset()
    ever: set[Position] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    at: float
    role: Role
    durable: bool


class Truth:
    def __init__(self, journal: Journal, settings: Settings, time: Callable[[], float], fail: Callable[[BaseException], None]) -> None:
        self._journal = journal
        self._settings = settings
        self._time = time
        self._fail = fail
        self.regions = {role: Witness([], {}) for role in Role}
        self.changes: dict[Position, Change] = {}
        self.acceptors: dict[int, Role] = {}
        self.states: dict[int, RoutingState] = {}
        self.acknowledged: dict[Position, Acknowledged] = {}
        self.refused: set[str] = set()
        self.gone: set[Position] = set()
        self.deciding: RoutingState | None = None
        self.replaced: dict[Position, Position | None] = {}
        self.restoring: dict[tuple[str, Key], Position] = {}
        self.again: dict[Position, Position] = {}
        self.follows: dict[Position, Position | None] = {}
        self.has_object: Callable[[Role, Digest], bool] = lambda role, digest: True

    def violated(self, promise: str) -> None:
        self._journal.note("VIOLATED", "", promise)
        self._fail(Violation(promise))

    def check(self, holds: bool, promise: str) -> None:
        if not holds:
            self.violated(promise)

    # Regions

    def started(self, role: Role) -> None:
        self.regions[role].told = None

    def told(self, role: Role, state: RoutingState) -> None:
        """The authority or the controller has had this state arrive in a region."""
        witness = self.regions[role]
        if state.epoch >= witness.epoch:  # an authority that knows less confirms nothing
            witness.told = max(witness.told or 0, state.epoch)

    def obeys(self, role: Role, state: RoutingState) -> None:
        """A region has said that this state is in force, stored or not."""
        self.regions[role].obeyed = max(self.regions[role].obeyed, state.epoch)

    def transaction_starts(self, role: Role) -> None:
        self.regions[role].told_at_start = self.regions[role].told

    def committed(self, role: Role, db: sqlite3.Connection) -> None:
        """After each COMMIT in a region."""
        witness = self.regions[role]
        self._note_state(role, witness, routing_of(db))
        whole, epoch, sequence = db.execute("SELECT whole, log_epoch, log_sequence FROM region").fetchone()
        self._note_whole(role, witness, bool(whole))
        if (Position(epoch, sequence) if sequence else None) == (witness.log[-1] if witness.log else None):
            return
        self._undo(role, witness, db)
        rows = db.execute(f"SELECT {CHANGE_COLUMNS} FROM change WHERE sequence > ? ORDER BY sequence", (len(witness.log),))
        for change in [change_of(row) for row in rows]:
            self._append(role, witness, change)

    def _note_state(self, role: Role, witness: Witness, state: RoutingState) -> None:
        self.check(state.epoch >= witness.epoch, f"the epoch of the {role} region fell from {witness.epoch} to {state.epoch}")
        if state.epoch != witness.epoch:
            witness.epoch = state.epoch
            self._same_state(state, role)
            self._journal.note("admitted", role, f"epoch {state.epoch}: {state.state}, writer {state.writer}, leader {state.leader}")

    def _same_state(self, state: RoutingState, who: str) -> None:
        known = self.states.setdefault(state.epoch, state)
        self.check(known == state, f"two states of epoch {state.epoch}: {known}, and in {who} {state}")

    def _note_whole(self, role: Role, witness: Witness, whole: bool) -> None:
        if whole and not witness.whole:
            missing = witness.must_hold - set(witness.log)
            self.check(not missing, f"the {role} region calls itself whole without {sorted(missing)[:3]}")
            self._journal.note("whole", role, f"{len(witness.log)} changes")
        witness.whole = whole

    def _undo(self, role: Role, witness: Witness, db: sqlite3.Connection) -> None:
        undone: list[Position] = []
        while witness.log and epoch_at(db, witness.log[-1].sequence) != witness.log[-1].epoch:
            undone.append(witness.log.pop())
        if not undone:
            return
        self._journal.note("rewound", role, f"{len(undone)} changes to {spelled(witness.log[-1]) if witness.log else 'nothing'}")
        listed = in_ledger(db)
        self._note_replaced(witness, undone)
        for position in undone:
            self.check(position in listed, f"{spelled(position)} was rewound in the {role} region and is in no ledger")
            self.check(position not in self.regions[role.other].log, f"{spelled(position)} was rewound though the other region has it")
            self.check(not self._is_durable(position), f"{spelled(position)}, acknowledged as durable in both regions, was rewound")
        witness.table = replayed(self.changes[position] for position in witness.log)
        self.check(stored(db) == witness.table, f"the {role} region's records are not what its log says after a rewind")

    def _note_replaced(self, witness: Witness, undone: Sequence[Position]) -> None:
        table = replayed(self.changes[position] for position in witness.log)
        for position in reversed(undone):
            before = table.get(self.changes[position].write.key)
            self.replaced[position] = before.version if before else None
            table.update(replayed([self.changes[position]]))

    def _is_durable(self, position: Position) -> bool:
        return position in self.acknowledged and self.acknowledged[position].durable and position not in self.gone

    def _append(self, role: Role, witness: Witness, change: Change) -> None:
        position = change.position
        known = self.changes.get(position)
        before = witness.log[-1] if witness.log else None
        if known is None or (position in self.gone and known != change):
            self._accept(role, witness, change)
            self.follows[position] = before
        else:
            self._journal.count("replicated")
            self.check(known == change, f"{spelled(position)} is one change here and another there")
            self.check(self.follows[position] == before, f"{spelled(position)} follows upon another history in the {role} region")
        self.changes[position] = change
        witness.log.append(position)
        witness.ever.add(position)
        witness.table.update(replayed([change]))
        if change.write.value is not None:
            for digest in change.write.needs:
                self.check(self.has_object(role, digest), f"{spelled(position)} is visible in the {role} region without its object")

    def _accept(self, role: Role, witness: Witness, change: Change) -> None:
        """A write that is new: this region has just accepted it."""
        position = change.position
        name = f"{spelled(position)} by {change.actor}"
        self._journal.note("accepted", role, f"{name}: {change.write.key.partition}/{change.write.key.id}")
        state = self.states.get(position.epoch)
        self.check(self.acceptors.setdefault(position.epoch, role) is role, f"both regions accepted writes at epoch {position.epoch}")
        self.check(state is not None and state.writer is role, f"the {role} region accepted {name} at an epoch that gives it no writing")
        self.check(witness.told_at_start is not None, f"the {role} region accepted {name} before the authority had confirmed the state")
        self.check(
            position.epoch >= (witness.told_at_start or 0), f"the {role} region accepted {name} though it had heard of a later epoch"
        )
        self.check(witness.whole, f"the {role} region accepted {name} though it had lost its records")
        self.check(change.actor not in self.refused, f"{name} was refused, and is there")
        photo = Key("photos", change.write.key.partition.removeprefix("comments/"))
        orphan = change.write.value is not None and photo.id != change.write.key.partition and not exists(witness.table, photo)
        self.check(not orphan, f"{name} is a comment on a photo that is not there")
        self._check_restored(witness, change)

    def restores(self, lost: Change, actor: str) -> None:
        """A lost write is about to be made again, if it overwrites nothing."""
        self.restoring[actor, lost.write.key] = lost.position

    def made_again(self, role: Role, lost: Change, position: Position) -> None:
        """A region says that a lost write is there again, or is so already, since `position`."""
        found = self.regions[role].table.get(lost.write.key)
        if found is not None and found.version == position:
            self.check(found.value == lost.write.value, f"{spelled(lost.position)} is not what {spelled(position)} has made again")
            self.again[lost.position] = position

    def _check_restored(self, witness: Witness, change: Change) -> None:
        lost = self.restoring.get((change.actor, change.write.key))
        if lost is None:
            return
        expected, found = self.replaced.get(lost), witness.table.get(change.write.key)
        while found is not None and found.version != expected and expected in self.again:
            expected = self.again[expected]
        version = found.version if found else None
        nothing_to_delete = found is None and change.write.value is None
        self.check(version == expected or nothing_to_delete, f"{spelled(change.position)} made {spelled(lost)} again over something newer")
        self.again[lost] = change.position

    def acknowledges(self, role: Role, positions: Sequence[Position], *, epoch: int | None, degraded: bool) -> None:
        """A region answers a client that its write, decided at `epoch`, is there."""
        self.check(epoch in (None, positions[0].epoch), f"{spelled(positions[0])} was decided at epoch {epoch}")
        other = self.regions[role.other]
        durable = self._settings.durability != ASYNC and not degraded
        if degraded:
            self._journal.count("degraded")
        for position in positions:
            self.acknowledged.setdefault(position, Acknowledged(self._time(), role, durable))
            if durable and position not in self.gone:
                self.check(position in other.ever, f"{spelled(position)} was acknowledged as durable, and the other region has not got it")
            leads = self.deciding is not None and self.deciding.leader is role
            if self._settings.failover == AUTOMATIC and position not in other.log and not leads:
                later = [epoch for epoch, acceptor in self.acceptors.items() if acceptor is not role and epoch > position.epoch]
                self.check(not later, f"{spelled(position)} was acknowledged after the other region had accepted writes at epoch {later}")

    def refuses(self, actor: str) -> None:
        """A client was told that its write surely did not happen."""
        self.refused.add(actor)
        there = [position for position, change in self.changes.items() if change.actor == actor]
        self.check(not there, f"the write of {actor} was refused, and is there as {spelled(there[0]) if there else ''}")

    def lost_disk(self, role: Role, db_ledger: Sequence[Position]) -> None:
        """A region's file is gone, and what only it had."""
        witness, other = self.regions[role], self.regions[role.other]
        self.gone |= {*witness.log, *db_ledger} - set(other.log)
        self.regions[role] = Witness([], {}, whole=False, must_hold=frozenset(other.log), ever=witness.ever)

    # The authority

    def decided(self, state: RoutingState, actor: str, facts: Mapping[str, Any]) -> None:
        """After each COMMIT of the authority that changed the state."""
        before, self.deciding = self.deciding, state
        if before is None or before == state:
            self.states.setdefault(state.epoch, state)
            return
        self.check(state.epoch > before.epoch, f"the authority's epoch fell from {before.epoch} to {state.epoch}")
        recovered = state.epoch in self.states
        self._same_state(state, "the authority")
        self._journal.note("decided", actor, f"epoch {state.epoch}: {state.state}, writer {state.writer}, leader {state.leader}")
        if "watermark" in facts:
            self._check_watermark(state, Position(**facts["watermark"]))
        elif state.leader is not before.leader and not recovered:
            self._check_handed_over(state)
        if actor == AUTOMATIC and state.leader is not before.leader:
            self._check_automatic(state, switched="watermark" not in facts)

    def _check_watermark(self, state: RoutingState, watermark: Position) -> None:
        """What the survivor had when it was named: never more than it has."""
        survivor = self.regions[state.serving]
        there = watermark in survivor.ever or watermark == START
        self.check(there, f"the watermark {spelled(watermark)} is a position that the {state.serving} region has never reached")
        missing = [position for position in survivor.log if position > watermark]
        self._journal.count("watermark behind" if missing else "watermark exact")

    def _check_handed_over(self, state: RoutingState) -> None:
        old, new = self.regions[state.leader.other], self.regions[state.leader]
        if not (old.whole and new.whole):
            return  # one of them has lost its disk just now, and cannot write until it has everything again
        self.check(old.log == new.log, "a planned switch handed over before the other region had everything")
        self.check(max(old.epoch, old.obeyed) >= state.epoch - 1, "a planned switch handed over before the old writer was fenced")

    def _check_automatic(self, state: RoutingState, *, switched: bool) -> None:
        if not self.regions[state.leader].whole:
            return  # its disk was lost while this was being decided; it gets everything from the other, and writes nothing before
        held = set(self.regions[state.leader].log) | self.gone
        lost = [position for position in self.acknowledged if position not in held and position in self.regions[state.leader.other].log]
        self._journal.note(f"automatic {'switch' if switched else 'takeover'}", AUTOMATIC, f"loses {len(lost)} acknowledged changes")
        if switched or self._settings.durability != ASYNC:
            self.check(not lost, f"an automatic takeover lost {len(lost)} acknowledged changes though durability is not async")

    @property
    def can_be_restored(self) -> bool:
        """What nobody knows any more cannot be recovered: a region must know what the authority decided last."""
        newest = self.deciding.epoch if self.deciding else 0
        return all(region.whole and region.epoch <= newest for region in self.regions.values()) and any(
            region.epoch == newest for region in self.regions.values()
        )

    @property
    def knows_its_state(self) -> bool:
        """Whether the authority knows of every state that a region obeys."""
        return self.deciding is not None and all(region.epoch <= self.deciding.epoch for region in self.regions.values())

    def restored(self, state: RoutingState) -> None:
        """The authority was restored from an old backup."""
        self.deciding = state


def exists(table: Table, key: Key) -> bool:
    return key in table and table[key].value is not None


def spelled(position: Position) -> str:
    return f"{position.epoch}.{position.sequence}"


def epoch_at(db: sqlite3.Connection, sequence: int) -> int | None:
    row = db.execute("SELECT epoch FROM change WHERE sequence = ?", (sequence,)).fetchone()
    return row and int(row[0])


def in_ledger(db: sqlite3.Connection) -> set[Position]:
    return {Position(*row) for row in db.execute("SELECT epoch, sequence FROM loss")}
