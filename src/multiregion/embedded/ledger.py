"""The loss ledger: what was undone or is gone, beside the log: neither fenced nor rewound, and only ever added to.

Both regions' ledgers become one set by exchange. Its key is a change's position and chain; an outcome only ever leaves `pending`.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence

from multiregion.embedded import expunging
from multiregion.embedded.schema import LOSS_COLUMNS, loss_of
from multiregion.embedded.session import STEP_COLUMNS, RegionSession, Step, step_of
from multiregion.errors import InvalidInput, NotFound
from multiregion.logs import GAP, Loss
from multiregion.states import Role
from multiregion.stores import Change, Key, Mark, Position, Write

PENDING = "pending"
FOUND_BY = "multiregion"
OUTCOMES = ("applied", "discarded")
RANK = {PENDING: 0, "discarded": 1, "applied": 2}
KEY = "epoch = ?1 AND sequence = ?2 AND chain = ?3"
HELD = "EXISTS (SELECT 1 FROM change WHERE change.sequence = loss.sequence AND change.epoch = loss.epoch AND change.chain = loss.chain)"
"""Whether the log has the write: an entry is made before the rewind, which may come to nothing."""
AsLoss = Callable[[Step], Loss]


def tail(db: sqlite3.Connection, above: Position, as_loss: AsLoss, *, limit: int) -> Sequence[Loss]:
    """What rewinding to `above` would enter into the ledger, oldest first."""
    rows = db.execute(f"SELECT {STEP_COLUMNS} FROM change WHERE sequence > ? ORDER BY sequence LIMIT ?", (above.sequence, limit))
    return [as_loss(step_of(row)) for row in rows]


def rewind(session: RegionSession, to: Position, as_loss: AsLoss) -> int:
    """Undo every change above `to` and enter each into the ledger, in the order they were made. Where a secret that it would have to
    restore has been expunged, everything goes, and is copied anew."""
    if expunging.blocks_rewind(session.db, to):
        losses = tail(session.db, to, as_loss, limit=-1)
        merge(session.db, losses)
        session.wipe()
        return len(losses)
    undone: list[Step] = []
    while session.position > to and (step := session.undo()):
        undone.append(step)
    merge(session.db, [as_loss(step) for step in reversed(undone)])
    return len(undone)


def merge(db: sqlite3.Connection, losses: Iterable[Loss]) -> None:
    """Take in what this ledger lacks: entries, and outcomes of those that are pending here. A loss without contents is closed
    once each of its writes has turned up."""
    for loss in losses:
        take_in(db, loss)
    for gap in [loss_of(row) for row in db.execute(f"SELECT {LOSS_COLUMNS} FROM loss WHERE outcome = 'pending' AND writes > 0")]:
        if turned_up(db, gap):
            decide(db, gap.key, "discarded", FOUND_BY, None)


def turned_up(db: sqlite3.Connection, gap: Loss) -> bool:
    position, writes = gap.change.position, gap.writes or 0
    where = "writes IS NULL AND sequence > ? AND (epoch, sequence) <= (?, ?)"
    found = db.execute(
        f"SELECT count(DISTINCT sequence) FROM loss WHERE {where}", (position.sequence - writes, position.epoch, position.sequence)
    )
    return int(found.fetchone()[0]) >= writes


def take_in(db: sqlite3.Connection, loss: Loss) -> None:
    found = db.execute(f"SELECT outcome FROM loss WHERE {KEY}", key_of(loss.key)).fetchone()
    if found is None:
        enter(db, loss)
    elif RANK[loss.outcome] > RANK[found[0]]:
        decide(db, loss.key, loss.outcome, loss.decided_by, loss.applied)


def enter(db: sqlite3.Connection, loss: Loss) -> None:
    change, write, position = loss.change, loss.change.write, loss.change.position
    db.execute(
        f"INSERT INTO loss ({LOSS_COLUMNS}) VALUES ({', '.join('?' * 24)})",
        (
            *(position.epoch, position.sequence, write.key.partition, write.key.id, write.value, write.order),
            *(json.dumps(write.needs), change.actor, change.at, change.size, change.chain, change.digest),
            *(next_revision(db), loss.region, loss.cause, loss.writes, *pair(loss.replaced)),
            *(loss.at, loss.reason, loss.outcome, loss.decided_by, *pair(loss.applied)),
        ),
    )


def decide(db: sqlite3.Connection, key: Mark, outcome: str, actor: str, applied: Position | None) -> None:
    db.execute(
        f"UPDATE loss SET outcome = ?4, decided_by = ?5, applied_epoch = ?6, applied_sequence = ?7, revision = ?8 WHERE {KEY}",
        (*key_of(key), outcome, actor, *pair(applied), next_revision(db)),
    )


def next_revision(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(revision), 0) + 1 FROM loss").fetchone()[0])


def missing(db: sqlite3.Connection, mark: Mark) -> int | None:
    """How many writes up to `mark`, which the log does not hold, are neither in it nor in the ledger; None: it cannot be counted."""
    covered = f"({KEY}) OR chain = '{GAP}' || ?3 OR (writes > 0 AND epoch = ?1 AND sequence >= ?2 AND sequence - writes < ?2)"
    if db.execute(f"SELECT 1 FROM loss WHERE {covered}", key_of(mark)).fetchone():
        return 0
    # What another epoch's writer had at these sequences, and lost, is none of these writes.
    (known,) = db.execute(
        "SELECT max(sequence) FROM (SELECT max(sequence) AS sequence FROM change WHERE (epoch, sequence) <= (?1, ?2)"
        " UNION ALL SELECT max(sequence) FROM loss WHERE epoch = ?1 AND sequence <= ?2)",
        (mark.position.epoch, mark.position.sequence),
    ).fetchone()
    return mark.position.sequence - (known or 0) if (known or 0) < mark.position.sequence else None


def write_off(db: sqlite3.Connection, mark: Mark, region: Role, at: float, cause: str) -> None:
    """One entry for all that is missing up to `mark`; 0 writes: it cannot be counted how many."""
    count = missing(db, mark)
    if count != 0:
        change = Change(mark.position, Write(Key("", ""), None), "", at, 0, GAP + mark.chain)
        reason = f"{cause}: neither region has these writes any more"
        merge(db, [Loss(change, None, at, region, cause, reason, writes=count or 0)])


def losses(db: sqlite3.Connection, *, after: int, limit: int) -> Sequence[Loss]:
    rows = db.execute(f"SELECT {LOSS_COLUMNS}, {HELD} FROM loss WHERE revision > ? ORDER BY revision LIMIT ?", (after, limit))
    return [loss_of(row) for row in rows]


def settle(session: RegionSession, key: Mark, outcome: str, *, actor: str, applied: Position | None) -> None:
    """Raises NotFound for a loss that is not in the ledger, InvalidInput for an outcome that is none. One that has been decided
    about stays as it is, but for an `applied` after a `discarded`: what was made again is made again."""
    if outcome not in OUTCOMES:
        raise InvalidInput(f"outcome must be one of {', '.join(OUTCOMES)}", field="outcome")
    found = session.db.execute(f"SELECT outcome FROM loss WHERE {KEY}", key_of(key)).fetchone()
    if found is None:
        raise NotFound(f"there is no loss {key.position.epoch}.{key.position.sequence} in this region's ledger")
    if RANK[outcome] > RANK[found[0]]:
        decide(session.db, key, outcome, actor, applied)


def key_of(key: Mark) -> tuple[int, int, str]:
    return (key.position.epoch, key.position.sequence, key.chain)


def pair(position: Position | None) -> tuple[int | None, int | None]:
    return (None, None) if position is None else (position.epoch, position.sequence)
