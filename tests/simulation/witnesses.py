"""What a region's file holds, as it is seen from outside at each COMMIT, or after somebody has put another file in its place."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from multiregion.embedded.schema import CHANGE_COLUMNS, LOSS_COLUMNS, change_of, loss_of, routing_of
from multiregion.logs import Loss
from multiregion.states import RoutingState
from multiregion.stores import BEGINNING, Change, Mark, Position
from tests.simulation.tables import Table, replayed

OWN_ROW = "SELECT whole, log_epoch, log_sequence, chain, content, owed_epoch, owed_sequence, owed_chain FROM region"


@dataclass(frozen=True, slots=True)
class OwnRow:
    """What a region's file says of itself."""

    whole: bool
    end: Mark
    content: str
    owed: Mark


@dataclass(slots=True)
class Witness:
    """One region: its log and ledger as committed, and what it has been told since it started. `ever` outlives its file."""

    log: list[Mark] = field(default_factory=list)
    held: set[Mark] = field(default_factory=set)
    table: Table = field(default_factory=dict)
    ledger: dict[Mark, Loss] = field(default_factory=dict)
    revision: int = 0
    state: RoutingState | None = None
    whole: bool = False
    content: str = "0"
    owed: Mark = BEGINNING
    told: int | None = None
    told_at_start: int | None = None
    must_hold: frozenset[Mark] = frozenset()
    ever: set[Mark] = field(default_factory=set)

    @property
    def end(self) -> Mark:
        return self.log[-1] if self.log else BEGINNING

    @property
    def epoch(self) -> int:
        return self.state.epoch if self.state else 0

    def append(self, mark: Mark, change: Change) -> None:
        self.log.append(mark)
        self.held.add(mark)
        self.ever.add(mark)
        self.table.update(replayed([change]))


def own_row(db: sqlite3.Connection) -> OwnRow:
    whole, epoch, sequence, chain, content, owed_epoch, owed_sequence, owed_chain = db.execute(OWN_ROW).fetchone()
    owed = Mark(Position(owed_epoch, owed_sequence), owed_chain)
    return OwnRow(bool(whole), Mark(Position(epoch, sequence), chain), content, owed)


def mark_at(db: sqlite3.Connection, sequence: int) -> Mark | None:
    row = db.execute("SELECT epoch, chain FROM change WHERE sequence = ?", (sequence,)).fetchone()
    return row and Mark(Position(row[0], sequence), row[1])


def changes_after(db: sqlite3.Connection, sequence: int) -> Sequence[Change]:
    rows = db.execute(f"SELECT {CHANGE_COLUMNS} FROM change WHERE sequence > ? ORDER BY sequence", (sequence,))
    return [change_of(row) for row in rows]


def losses_after(db: sqlite3.Connection, revision: int) -> Sequence[Loss]:
    rows = db.execute(f"SELECT {LOSS_COLUMNS} FROM loss WHERE revision > ? ORDER BY revision", (revision,))
    return [loss_of(row) for row in rows]


def witness_of(file: Path, ever: set[Mark]) -> Witness:
    """Of a file that nobody has opened."""
    with closing(sqlite3.connect(file)) as db:
        row, changes, losses = own_row(db), changes_after(db, 0), losses_after(db, 0)
        state = routing_of(db)
    log = [change.mark for change in changes]
    ledger = {loss.key: loss for loss in losses}
    revision = max((loss.revision for loss in losses), default=0)
    return Witness(log, set(log), replayed(changes), ledger, revision, state, row.whole, row.content, row.owed, ever=ever)
