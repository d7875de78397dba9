"""The loss ledger: what was rewound, kept in the same transaction that rewound it, until somebody decides about it."""

import json
import sqlite3
from collections.abc import Sequence

from multiregion.embedded.schema import LOSS_COLUMNS, loss_of
from multiregion.embedded.session import RegionSession
from multiregion.errors import InvalidInput, NotFound
from multiregion.stores import Change, Loss, Position

PENDING = "pending"
OUTCOMES = ("applied", "discarded")


def rewind(session: RegionSession, to: Position, *, at: float, reason: str) -> int:
    """Undo every change above `to` and enter each into the ledger, in the order they were made."""
    undone: list[tuple[Change, Position | None]] = []
    while session.position > to and (step := session.undo()):
        undone.append(step)
    for change, replaced in reversed(undone):
        enter(session.db, change, replaced, at=at, reason=reason)
    return len(undone)


def enter(db: sqlite3.Connection, change: Change, replaced: Position | None, *, at: float, reason: str) -> None:
    write, position = change.write, change.position
    db.execute(
        "INSERT OR IGNORE INTO loss (epoch, sequence, partition, id, value, sort, needs, actor, at, size, replaced_epoch,"
        " replaced_sequence, lost_at, reason, outcome, decided_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
        (
            *(position.epoch, position.sequence, write.key.partition, write.key.id, write.value, write.order),
            *(json.dumps(write.needs), change.actor, change.at, change.size),
            *((replaced.epoch, replaced.sequence) if replaced else (None, None)),
            *(at, reason, PENDING),
        ),
    )


def losses(db: sqlite3.Connection, *, after: int, limit: int) -> Sequence[Loss]:
    rows = db.execute(f"SELECT {LOSS_COLUMNS} FROM loss WHERE number > ? ORDER BY number LIMIT ?", (after, limit))
    return [loss_of(row) for row in rows]


def settle(session: RegionSession, number: int, outcome: str, *, actor: str, applied: Position | None) -> None:
    """Raises NotFound for a loss that is not in the ledger, InvalidInput for an outcome that is none."""
    if outcome not in OUTCOMES:
        raise InvalidInput(f"outcome must be one of {', '.join(OUTCOMES)}", field="outcome")
    if session.db.execute("SELECT 1 FROM loss WHERE number = ?", (number,)).fetchone() is None:
        raise NotFound(f"there is no loss {number} in this region's ledger")
    where = (applied.epoch, applied.sequence) if applied else (None, None)
    session.db.execute(
        "UPDATE loss SET outcome = ?, decided_by = ?, applied_epoch = ?, applied_sequence = ? WHERE number = ?",
        (outcome, actor, *where, number),
    )
