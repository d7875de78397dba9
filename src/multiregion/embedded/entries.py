"""Entries of a log that are not what its chain says: SQLite does not notice a byte that has changed inside a value.

One is put back from the record that it wrote, if that is still there, or from the other region's log; and a record from the entry
that wrote it.
"""

import json
import sqlite3

from msgspec.structs import replace

from multiregion.chains import linked
from multiregion.embedded.schema import CHANGE_COLUMNS, RECORD_COLUMNS, change_of, record_of, requires_column
from multiregion.stores import Change, Position

SPOILED_RECORDS = """
SELECT change.epoch, change.sequence FROM change JOIN record USING (partition, id, epoch, sequence)
WHERE change.sequence > ? AND change.sequence <= ? AND change.digest IS NULL
AND (record.value IS NOT change.value OR record.sort <> change.sort)
"""
MEND_RECORD = """
UPDATE record SET value = change.value, sort = change.sort FROM change
WHERE change.sequence = ? AND change.digest IS NULL AND record.partition = change.partition AND record.id = change.id
AND record.epoch = change.epoch AND record.sequence = change.sequence
"""


def spoiled(db: sqlite3.Connection, after: int, *, limit: int) -> tuple[int, list[Position]]:
    """Read up to `limit` entries above sequence `after`: the last one's sequence, `after` at the end, and those that are spoiled, or
    whose records are."""
    first, before, bad = after, chain_at(db, after), set()
    rows = db.execute(f"SELECT {CHANGE_COLUMNS} FROM change WHERE sequence > ? ORDER BY sequence LIMIT ?", (after, limit))
    for change in map(change_of, rows):
        if linked(before, change) != change.chain:
            bad.add(change.position)
        before, after = change.chain, change.position.sequence
    bad |= {Position(*row) for row in db.execute(SPOILED_RECORDS, (first, after))}
    return after, sorted(bad)


def put_back(db: sqlite3.Connection, position: Position, whole: Change | None) -> bool:
    """Make the entry again what its chain says, from `whole`, or from the record that it wrote; False if that is not it."""
    row = db.execute(f"SELECT {CHANGE_COLUMNS} FROM change WHERE sequence = ?", (position.sequence,)).fetchone()
    if row is None:
        return False
    here = change_of(row)
    before = chain_at(db, position.sequence - 1)
    link = linked(before, here)
    if link == here.chain:
        db.execute(MEND_RECORD, (position.sequence,))
        return True
    if leads_on(db, position.sequence, link):
        db.execute("UPDATE change SET chain = ? WHERE sequence = ?", (link, position.sequence))
        return True
    for each in [whole] if whole is not None else from_records(db, here):
        if linked(before, each) == here.chain:
            key, write = each.write.key, each.write
            db.execute(
                "UPDATE change SET epoch = ?, partition = ?, id = ?, sort = ?, value = ?, needs = ?, digest = ?, requires = ?"
                " WHERE sequence = ?",
                (
                    *(each.position.epoch, key.partition, key.id, write.order, write.value),
                    *(json.dumps(write.needs), each.digest, requires_column(write), position.sequence),
                ),
            )
            db.execute(MEND_RECORD, (position.sequence,))
            return True
    return False


def leads_on(db: sqlite3.Connection, sequence: int, chain: str) -> bool:
    """Whether the log goes on, or ends, as if the entry at `sequence` had this chain."""
    row = db.execute(f"SELECT {CHANGE_COLUMNS} FROM change WHERE sequence = ?", (sequence + 1,)).fetchone()
    if row is None:
        return bool(db.execute("SELECT chain = ? FROM region", (chain,)).fetchone()[0])
    following = change_of(row)
    return linked(chain, following) == following.chain


def from_records(db: sqlite3.Connection, change: Change) -> list[Change]:
    rows = db.execute(
        f"SELECT {RECORD_COLUMNS} FROM record WHERE partition = ? AND id = ?", (change.write.key.partition, change.write.key.id)
    )
    return [
        replace(change, write=replace(change.write, value=record.value, order=record.order))
        for record in map(record_of, rows)
        if record.version == change.position
    ]


def chain_at(db: sqlite3.Connection, sequence: int) -> str:
    row = db.execute("SELECT chain FROM change WHERE sequence = ?", (sequence,)).fetchone()
    return str(row[0]) if row else ""
