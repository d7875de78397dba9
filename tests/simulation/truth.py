"""What really happened in both regions, seen at each COMMIT, and the promises that it is held against."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from multiregion.config import Settings
from multiregion.durability import ASYNC
from multiregion.embedded.authority import NEWEST_STATE, decision_of
from multiregion.embedded.schema import routing_of
from multiregion.states import Role, RoutingState
from multiregion.stores import Change, Digest, Key, Mark, Position, Record
from tests.simulation.decisions import Decisions
from tests.simulation.journal import Journal, Violation
from tests.simulation.ledgers import Ledgers
from tests.simulation.orders import ToldOrders
from tests.simulation.pasts import AUTHORITY, Past, spelled
from tests.simulation.tables import Table, replayed, stored
from tests.simulation.witnesses import Witness, changes_after, mark_at, own_row, witness_of

AUTOMATIC = "automatic"


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
        self.past = Past(journal, time, lambda promise: fail(Violation(promise)))
        self.check = self.past.check
        self.regions = self.past.regions
        self.acknowledged: dict[Mark, Acknowledged] = {}
        self.decisions = Decisions(self.past, settings, self.acknowledged)
        self._ledgers = Ledgers(self.past)
        self.acceptors: dict[int, Role] = {}
        self.refused: set[str] = set()
        self.replaced: dict[Mark, Position | None] = {}
        self.restoring: dict[tuple[str, Key], Mark] = {}
        self.again: dict[Position, Position] = {}
        self.orders = ToldOrders(self.check)
        self.objects_hit: set[tuple[Role, Digest]] = set()
        self.has_object: Callable[[Role, Digest], bool] = lambda role, digest: True

    def violated(self, promise: str) -> None:
        self.check(False, promise)

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
        witness, row = self.regions[role], own_row(db)
        self._note_state(role, witness, routing_of(db))
        self._ledgers.note(role, witness, db)
        if row.owed != witness.owed:
            self._journal.note("owes", role, spelled(row.owed))
        witness.owed, witness.content = row.owed, row.content
        self._note_whole(role, witness, row.whole)
        if row.end != witness.end:
            self._undo(role, witness, db)
            for change in changes_after(db, len(witness.log)):
                self._append(role, witness, change)
            other = self.regions[role.other]
            same = witness.end != other.end or (witness.log == other.log and witness.content == other.content)
            self.check(same, f"both regions' logs end with {spelled(witness.end)}, and they are not equal")
        self._note_wellness()

    def decided(self, db: sqlite3.Connection) -> None:
        """After each COMMIT of the authority."""
        before = self.decisions.deciding
        self.decisions.committed(db)
        deciding = self.decisions.deciding
        if before is not None and deciding is not None and before != deciding:
            self.orders.decided(deciding, decision_of(db.execute(NEWEST_STATE).fetchone()).actor)
        self._note_wellness()

    def _note_wellness(self) -> None:
        if (state := self.decisions.deciding) is not None:
            self.past.note_wellness(all(witness.state == state for witness in self.regions.values()), state.leader)

    def _note_state(self, role: Role, witness: Witness, state: RoutingState) -> None:
        self.check(state.epoch >= witness.epoch, f"the epoch of the {role} region fell from {witness.epoch} to {state.epoch}")
        if state != witness.state:
            witness.state = state
            self.decisions.same_state(state, role)
            self._journal.note("admitted", role, f"epoch {state.epoch}: {state.state}, writer {state.writer}, leader {state.leader}")

    def _note_whole(self, role: Role, witness: Witness, whole: bool) -> None:
        if whole and not witness.whole:
            there = witness.held | self.past.listed(witness)
            missing = (witness.must_hold & self.regions[role.other].held) - there
            self.check(not missing or self.past.excused, f"the {role} region calls itself whole without {len(missing)} changes")
            self._journal.note("whole", role, f"{len(witness.log)} changes")
        witness.whole = whole

    def _undo(self, role: Role, witness: Witness, db: sqlite3.Connection) -> None:
        undone: list[Mark] = []
        while witness.log and mark_at(db, witness.end.position.sequence) != witness.end:
            undone.append(witness.log.pop())
        if not undone:
            return
        witness.held -= set(undone)
        self._journal.note("rewound", role, f"{len(undone)} changes to {spelled(witness.end)}")
        self._note_replaced(witness, undone)
        for mark in undone:
            self._check_undone(role, witness, mark)
        witness.table = replayed(self.past.changes[mark] for mark in witness.log)
        self.check(stored(db) == witness.table, f"the {role} region's records are not what its log says after a rewind")

    def _check_undone(self, role: Role, witness: Witness, mark: Mark) -> None:
        other, excused = self.regions[role.other], self.past.excused
        self.check(mark in witness.ledger, f"{spelled(mark)} was rewound in the {role} region and is not in its ledger")
        elsewhere = mark in other.ledger or role.other in self.past.hits
        self.check(elsewhere, f"{spelled(mark)} was rewound in the {role} region, and the other one's ledger does not have it")
        self.check(mark not in other.held or excused, f"{spelled(mark)} was rewound though the other region has it")
        durable = mark in self.acknowledged and self.acknowledged[mark].durable
        self.check(not durable or excused, f"{spelled(mark)}, acknowledged as durable in both regions, was rewound")
        lost = mark in self.acknowledged and self.past.replicated(mark)
        self.check(not lost or excused, f"{spelled(mark)}, acknowledged and replicated, was rewound in the {role} region")

    def _note_replaced(self, witness: Witness, undone: Sequence[Mark]) -> None:
        table = replayed(self.past.changes[mark] for mark in witness.log)
        for mark in reversed(undone):
            before = table.get(self.past.changes[mark].write.key)
            self.replaced[mark] = before.version if before else None
            table.update(replayed([self.past.changes[mark]]))

    def _append(self, role: Role, witness: Witness, change: Change) -> None:
        mark, before = change.mark, witness.end
        known = self.past.changes.get(mark)
        if known is None:
            self._accept(role, witness, change)
            self.past.parents[mark] = before
            self.past.changes[mark] = change
            self.past.at.setdefault(mark.position, []).append(mark)
        else:
            self._journal.count("replicated")
            same = (known.position, known.write, known.size) == (change.position, change.write, change.size)
            self.check(same, f"{spelled(mark)} is one change here and another there")
            self.past.changes[mark] = change  # after a copy was put back, the same may have been written by somebody else
            self.check(self.past.parents[mark] == before, f"{spelled(mark)} follows upon another history in the {role} region")
        witness.append(mark, change)
        self._check_objects(role, change)

    def _check_objects(self, role: Role, change: Change) -> None:
        if change.write.value is not None:
            for digest in change.write.needs:
                there = self.has_object(role, digest) or (role, digest) in self.objects_hit or self._is_passed(role, digest)
                self.check(there, f"{spelled(change.mark)} is visible in the {role} region without its object")

    def _is_passed(self, role: Role, digest: Digest) -> bool:
        """Whether the other region has lost the object, and has deleted meanwhile what needed it: its deletion follows."""
        needed = any(digest in row.needs for row in self.regions[role.other].table.values())
        return (role.other, digest) in self.objects_hit and not needed

    def _accept(self, role: Role, witness: Witness, change: Change) -> None:
        """A write that is new: this region has just accepted it."""
        position, past = change.position, self.past
        name = f"{spelled(change.mark)} by {change.actor}"
        self._journal.note("accepted", role, f"{name}: {change.write.key.partition}/{change.write.key.id}")
        alone = self.acceptors.setdefault(position.epoch, role) is role or AUTHORITY in past.hits
        self.check(alone, f"both regions accepted writes at epoch {position.epoch}")
        state = witness.state
        may_write = state is not None and state.epoch == position.epoch and state.writer is role
        self.check(may_write, f"the {role} region accepted {name} at an epoch that gives it no writing")
        self.check(witness.told_at_start is not None, f"the {role} region accepted {name} before the authority had confirmed the state")
        later = position.epoch < (witness.told_at_start or 0)
        self.check(not later, f"the {role} region accepted {name} though it had heard of a later epoch")
        self.check(witness.whole, f"the {role} region accepted {name} though it had lost its records")
        self.check(change.actor not in self.refused, f"{name} was refused, and is there")
        self._check_position(role, change.mark)
        photo = Key("photos", change.write.key.partition.removeprefix("comments/"))
        orphan = change.write.value is not None and photo.id != change.write.key.partition and not exists(witness.table, photo)
        self.check(not orphan, f"{name} is a comment on a photo that is not there")
        self._check_restored(witness, change)

    def _check_position(self, role: Role, mark: Mark) -> None:
        """No position is given twice in an epoch, unless nobody has heard of what had it before."""
        others = set(self.past.at.get(mark.position, ()))
        if others:
            self._journal.count("position given again")
            twice = others & self.past.heard()
            self.check(
                not twice or self.past.excused, f"the {role} region gave the position of {[*map(spelled, twice)]} again: {spelled(mark)}"
            )

    def reads(self, role: Role, key: Key, found: Record | None) -> None:
        """A region answers a reader, who is told what is there or that it cannot be said."""
        row = self.regions[role].table.get(key)
        said = found and (found.value, found.order, found.version)
        true = None if row is None or row.value is None else (row.value, row.order, row.version)
        self.check(said == true, f"the {role} region says of {key} that it is {said}, and it is {true}")

    def restores(self, lost: Change, actor: str) -> None:
        """A lost write is about to be made again, if it overwrites nothing."""
        self.restoring[actor, lost.write.key] = lost.mark

    def made_again(self, role: Role, lost: Change, position: Position) -> None:
        """A region says that a lost write is there again, or is so already, since `position`."""
        found = self.regions[role].table.get(lost.write.key)
        if found is not None and found.version == position:
            self.check(found.value == lost.write.value, f"{spelled(lost.mark)} is not what {position} has made again")
            self.again[lost.position] = position

    def _check_restored(self, witness: Witness, change: Change) -> None:
        lost = self.restoring.get((change.actor, change.write.key))
        if lost is None:
            return
        expected = self.replaced[lost] if lost in self.replaced else self.past.version_before(lost)  # a rewind may go unseen
        found = witness.table.get(change.write.key)
        while found is not None and found.version != expected and expected in self.again:
            expected = self.again[expected]
        version = found.version if found else None
        nothing_to_delete = found is None and change.write.value is None
        self.check(version == expected or nothing_to_delete, f"{spelled(change.mark)} made {spelled(lost)} again over something newer")
        self.again[lost.position] = change.position

    def acknowledges(self, role: Role, positions: Sequence[Position], *, actor: str, epoch: int | None, degraded: bool) -> Mark:
        """A region answers a client that its write, decided at `epoch`, is there. Returns the last one's mark."""
        self.check(epoch in (None, positions[0].epoch), f"{positions[0]} was decided at epoch {epoch}")
        other = self.regions[role.other]
        durable = self._settings.durability != ASYNC and not degraded
        if degraded:
            self._journal.count("degraded")
        marks = [mark for position in positions for mark in self.past.at[position] if self.past.changes[mark].actor == actor]
        for mark in marks:
            self.acknowledged.setdefault(mark, Acknowledged(self._time(), role, durable))
            if durable and mark not in self.past.gone:
                self.check(mark in other.ever, f"{spelled(mark)} was acknowledged as durable, and the other region has not got it")
            deciding = self.decisions.deciding
            leads = deciding is not None and deciding.leader is role
            if self._settings.failover == AUTOMATIC and mark not in other.held and not leads and AUTHORITY not in self.past.hits:
                later = [epoch for epoch, acceptor in self.acceptors.items() if acceptor is not role and epoch > mark.position.epoch]
                self.check(not later, f"{spelled(mark)} was acknowledged after the other region had accepted writes at epoch {later}")
        return marks[0]

    def refuses(self, actor: str) -> None:
        """A client was told that its write surely did not happen."""
        self.refused.add(actor)
        there = [mark for mark, change in self.past.changes.items() if change.actor == actor]
        self.check(not there, f"the write of {actor} was refused, and is there as {spelled(there[0]) if there else ''}")

    # Stores that are lost, or become what they were

    def store_changed(self, store: str, change: Callable[[], None], file: Path) -> None:
        """`change` puts another file in the place of a store's, or none."""
        before = self.past.heard()
        change()
        self.past.hit(store)
        if store == AUTHORITY:
            self._authority_changed(file)
        else:
            self._region_changed(Role(store), file)
        self.past.forget(before, self.acknowledged)

    def _authority_changed(self, file: Path) -> None:
        if not file.exists():
            self.decisions.restored(None)
            self.orders.restored()
            return
        with closing(sqlite3.connect(file)) as db:
            self.decisions.restored(db)
            self.orders.restored()

    def _region_changed(self, role: Role, file: Path) -> None:
        witness, other = self.regions[role], self.regions[role.other]
        if file.exists():
            self.past.put_back.add(role)
            self.regions[role] = witness_of(file, witness.ever)
        else:
            self.past.lost_files.add(role)
            self.regions[role] = Witness(must_hold=frozenset(other.held), ever=witness.ever)


def exists(table: Table, key: Key) -> bool:
    return key in table and table[key].value is not None


def is_founded(truth: Truth) -> bool:
    """Whether everybody knows that the deployment exists."""
    return truth.decisions.deciding is not None and all(witness.whole for witness in truth.regions.values())
