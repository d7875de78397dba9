"""The loss ledger: what was undone or is gone, beside the log: neither fenced nor rewound, and only ever added to.

Both regions' ledgers become one set by exchange. Its key is a change's position and chain; an outcome only ever leaves `pending`.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from multiregion.chains import linked
from multiregion.embedded import expunging
from multiregion.embedded.schema import LOSS_COLUMNS, loss_of, requires_column
from multiregion.embedded.session import STEP_COLUMNS, RegionSession, Step, step_of
from multiregion.errors import InvalidInput, NotFound
from multiregion.logs import BEYOND, GAP, Loss
from multiregion.reports import Leadership
from multiregion.states import Role
from multiregion.stores import BEGINNING, Change, Key, Mark, Position, Write

PENDING = "pending"
FOUND_BY = "multiregion"
OUTCOMES = ("applied", "discarded")
RANK = {PENDING: 0, "discarded": 1, "applied": 2}
KEY = "epoch = ?1 AND sequence = ?2 AND chain = ?3"
HELD = (
    "EXISTS (SELECT 1 FROM change WHERE change.sequence = loss.sequence AND change.epoch = loss.epoch"
    f" AND loss.chain IN (change.chain, '{GAP}' || change.chain))"
)
"""Whether the log has the write, or all up to it: an entry is made before the rewind, which may come to nothing; and a newer copy of
a lost file may be put back."""
GAPS = f"SELECT epoch, sequence, writes FROM loss WHERE writes IS NOT NULL AND chain NOT LIKE '{BEYOND}%'"
"""What came after a place, and nobody knows how much, says nothing of what is missing before it."""
AsLoss = Callable[[Step], Loss]


def tail(db: sqlite3.Connection, above: Position, as_loss: AsLoss, *, limit: int) -> Sequence[Loss]:
    """What rewinding to `above` would enter into the ledger, oldest first."""
    theirs = newest_of_the_other(db, above)
    rows = db.execute(f"SELECT {STEP_COLUMNS} FROM change WHERE sequence > ? ORDER BY sequence LIMIT ?", (above.sequence, limit))
    return [as_loss(told(step_of(row), theirs)) for row in rows]


def rewind(session: RegionSession, to: Position, as_loss: AsLoss) -> int:
    """Undo every change above `to` and enter each into the ledger, in the order they were made. Where a secret that it would have to
    restore has been expunged, everything goes, and is copied anew."""
    if expunging.blocks_rewind(session.db, to):
        losses = tail(session.db, to, as_loss, limit=-1)
        merge(session.db, losses)
        session.wipe()
        return len(losses)
    theirs = newest_of_the_other(session.db, to)
    undone: list[Step] = []
    while session.position > to and (step := session.undo()):
        undone.append(told(step, theirs))
    merge(session.db, [as_loss(step) for step in reversed(undone)])
    return len(undone)


def newest_of_the_other(db: sqlite3.Connection, above: Position) -> int:
    """The sequence of the newest change above `above` that the other region wrote, 0 if there is none."""
    row = db.execute("SELECT max(sequence) FROM change WHERE NOT own AND sequence > ?", (above.sequence,)).fetchone()
    return row[0] or 0


def told(step: Step, theirs: int) -> Step:
    """A change upon which the other region wrote was there, too, whoever wrote it."""
    return step._replace(own=step.own and step.change.position.sequence > theirs)


def merge(db: sqlite3.Connection, losses: Iterable[Loss]) -> None:
    """Take in what this ledger lacks: entries, and outcomes of those that are pending here. A loss without contents is closed
    once each of its writes has turned up."""
    for loss in losses:
        take_in(db, loss)
    for gap in [loss_of(row) for row in db.execute(f"SELECT {LOSS_COLUMNS} FROM loss WHERE outcome = 'pending' AND writes > 0")]:
        if turned_up(db, gap):
            decide(db, gap.key, "discarded", FOUND_BY, None)


def turned_up(db: sqlite3.Connection, gap: Loss) -> bool:
    """Whether each of its writes is in the ledger. Positions alone would count what another history has at the same places; the
    chain says which write came before which."""
    position, chains = gap.change.position, {gap.key.chain.removeprefix(GAP)}
    for sequence in range(position.sequence, position.sequence - (gap.writes or 0), -1):
        here = [loss.change for loss in writes_at(db, sequence) if loss.change.chain in chains]
        if not here:
            return False
        before = [loss.change.chain for loss in writes_at(db, sequence - 1)]
        chains = {chain for chain in before if follows(chain, here[0])}
    return True


def follows(chain: str, change: Change) -> bool:
    """Whether `change` was logged after `chain`. What it requires may stand in the ledger only, for an entry of an older file."""
    without = replace(change, write=replace(change.write, requires=()))
    return change.chain in (linked(chain, change), linked(chain, without))


def writes_at(db: sqlite3.Connection, sequence: int) -> Sequence[Loss]:
    return [loss_of(row) for row in db.execute(f"SELECT {LOSS_COLUMNS} FROM loss WHERE writes IS NULL AND sequence = ?", (sequence,))]


def take_in(db: sqlite3.Connection, loss: Loss) -> None:
    found = db.execute(f"SELECT outcome FROM loss WHERE {KEY}", key_of(loss.key)).fetchone()
    if found is None:
        enter(db, loss)
    elif RANK[loss.outcome] > RANK[found[0]]:
        decide(db, loss.key, loss.outcome, loss.decided_by, loss.applied)


def enter(db: sqlite3.Connection, loss: Loss) -> None:
    change, write, position = loss.change, loss.change.write, loss.change.position
    db.execute(
        f"INSERT INTO loss ({LOSS_COLUMNS}) VALUES ({', '.join('?' * 25)})",
        (
            *(position.epoch, position.sequence, write.key.partition, write.key.id, write.value, write.order),
            *(json.dumps(write.needs), change.actor, change.at, change.size, change.chain, change.digest, requires_column(write)),
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


def missing(db: sqlite3.Connection, mark: Mark, leadership: Leadership) -> int | None:
    """How many writes up to `mark`, which the log does not hold, are neither in it nor in the ledger; None: it cannot be counted.
    `leadership` tells which writes of other epochs led to `mark`."""
    position, end = mark.position, log_end(db)
    if db.execute(f"SELECT 1 FROM loss WHERE {KEY}", (position.epoch, position.sequence, GAP + mark.chain)).fetchone():
        return 0
    held = leadership.shared(end, mark)
    if held is None or held.sequence >= position.sequence:  # at the same place another history
        return None
    listed = listed_towards(db, mark, leadership)
    if listed is None:
        return None
    reached = held.sequence
    for above, to in sorted(listed):
        if above > reached:
            return None  # what is missing is not in one piece
        reached = max(reached, to)
    return position.sequence - min(reached, position.sequence)


def log_end(db: sqlite3.Connection) -> Mark:
    row = db.execute("SELECT epoch, sequence, chain FROM change ORDER BY sequence DESC LIMIT 1").fetchone()
    return Mark(Position(*row[:2]), row[2]) if row else BEGINNING


def listed_towards(db: sqlite3.Connection, mark: Mark, leadership: Leadership) -> Sequence[tuple[int, int]] | None:
    """The sequences of the writes before `mark` that entries of the ledger stand for, as (above, to); None: unknown."""
    found: list[tuple[int, int]] = []
    for epoch, newest in db.execute("SELECT epoch, max(sequence) FROM loss WHERE writes IS NULL GROUP BY epoch").fetchall():
        shared = leadership.shared(Mark(Position(epoch, newest), ""), mark)
        if shared is None:
            return None
        rows = "SELECT DISTINCT sequence FROM loss WHERE writes IS NULL AND epoch = ? AND (epoch, sequence) <= (?, ?)"
        found += [(sequence - 1, sequence) for (sequence,) in db.execute(rows, (epoch, shared.epoch, shared.sequence))]
    for epoch, sequence, writes in db.execute(GAPS).fetchall():
        shared = leadership.shared(Mark(Position(epoch, sequence), ""), mark)
        if shared is None:
            return None
        found.append((sequence - writes if writes else 0, min(sequence, shared.sequence)))
    return [(above, to) for above, to in found if above < to]


def owe(session: RegionSession, mark: Mark, leadership: Leadership, region: Role, at: float, cause: str) -> None:
    has_paid = session.holds(session.owed)
    session.owed_cause = cause = session.cause(cause)
    covered = not has_paid and mark.position <= session.owed.position
    if covered or session.holds(mark) or missing(session.db, mark, leadership) == 0:
        return
    if not has_paid:  # a second debt: the first is written off, and closed if its writes turn up
        enter_gap(session.db, session.owed, leadership, region, at, cause)
    session.owed = mark


def settle_debt(session: RegionSession, leadership: Leadership) -> None:
    if session.holds(session.owed) or missing(session.db, session.owed, leadership) == 0:
        session.owed = BEGINNING


def write_off(session: RegionSession, mark: Mark, leadership: Leadership, region: Role, at: float, cause: str) -> None:
    if not session.holds(mark):
        enter_gap(session.db, mark, leadership, region, at, session.cause(cause))
    settle_debt(session, leadership)  # a debt of an earlier leadership stays: the other region may have it


def enter_gap(db: sqlite3.Connection, mark: Mark, leadership: Leadership, region: Role, at: float, cause: str) -> None:
    """One entry for all that is missing up to `mark`; 0 writes: it cannot be counted how many."""
    count = missing(db, mark, leadership)
    if count != 0:
        change = Change(mark.position, Write(Key("", ""), None), "", at, 0, GAP + mark.chain)
        reason = f"{cause}: no region that answered has these writes"
        merge(db, [Loss(change, None, at, region, cause, reason, writes=count or 0)])


def losses(db: sqlite3.Connection, *, after: int, limit: int) -> Sequence[Loss]:
    rows = db.execute(f"SELECT {LOSS_COLUMNS}, {HELD} FROM loss WHERE revision > ? ORDER BY revision LIMIT ?", (after, limit))
    return [loss_of(row) for row in rows]


def settle(session: RegionSession, key: Mark, outcome: str, *, actor: str, applied: Position | None) -> str:
    """Returns the outcome that it has from now on. One that has been decided about stays as it is, but for an `applied` after a
    `discarded`: what was made again is made again. Raises NotFound for a loss that is not in the ledger, InvalidInput for an outcome that
    is none."""
    if outcome not in OUTCOMES:
        raise InvalidInput(f"outcome must be one of {', '.join(OUTCOMES)}", field="outcome")
    found = session.db.execute(f"SELECT outcome FROM loss WHERE {KEY}", key_of(key)).fetchone()
    if found is None:
        raise NotFound(f"there is no loss {key.position.epoch}.{key.position.sequence} in this region's ledger")
    if RANK[outcome] > RANK[found[0]]:
        decide(session.db, key, outcome, actor, applied)
        return outcome
    return str(found[0])


def key_of(key: Mark) -> tuple[int, int, str]:
    return (key.position.epoch, key.position.sequence, key.chain)


def pair(position: Position | None) -> tuple[int | None, int | None]:
    return (None, None) if position is None else (position.epoch, position.sequence)
