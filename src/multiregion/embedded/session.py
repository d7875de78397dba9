"""What the jobs of one transaction on a region's file share: the region's own row, and how a change is written and undone."""

import json
import sqlite3
from typing import Any

from multiregion.embedded.schema import (
    CHANGE_COLUMNS,
    RECORD_COLUMNS,
    change_of,
    change_row,
    fingerprint,
    position_of,
    record_of,
    routing_of,
)
from multiregion.stores import START, Change, Digest, Head, Key, Position, Record, Write

CONTENT_MODULUS = 2**256
PREVIOUS_COLUMNS = "previous_value, previous_sort, previous_epoch, previous_sequence, previous_needs"
NOTHING_BEFORE = (None,) * 5


class RegionSession:
    """The region's own row: read once, changed in memory, written once."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.routing = routing_of(db)
        self.whole, self.epoch, self.sequence, self.bytes, content = db.execute(
            "SELECT whole, log_epoch, log_sequence, log_bytes, content FROM region"
        ).fetchone()
        self.content = int(content, 16)
        self._loaded = self._row()

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.sequence)

    def head(self) -> Head:
        return Head(self.position, self.bytes, f"{self.content:x}")

    def save(self) -> None:
        if (row := self._row()) != self._loaded:
            self.db.execute(
                "UPDATE region SET state = ?, epoch = ?, leader = ?, writable = ?, whole = ?, log_epoch = ?, log_sequence = ?,"
                " log_bytes = ?, content = ?",
                row,
            )

    def _row(self) -> tuple[Any, ...]:
        routing = self.routing
        log = (self.epoch, self.sequence, self.bytes, f"{self.content:x}")
        return (routing.state, routing.epoch, routing.leader, routing.writable, self.whole, *log)

    def stored(self, key: Key) -> Record | None:
        """The record or tombstone (value None) under `key`."""
        row = self.db.execute(f"SELECT {RECORD_COLUMNS} FROM record WHERE partition = ? AND id = ?", (key.partition, key.id)).fetchone()
        return row and record_of(row)

    def holds(self, position: Position) -> bool:
        """Whether the log has exactly this change in its place."""
        where = (position.sequence, position.epoch)
        return self.db.execute("SELECT 1 FROM change WHERE sequence = ? AND epoch = ?", where).fetchone() is not None

    def write(self, change: Change) -> None:
        """Set the record, keep what it replaced beside its log entry, and move the head on."""
        write, position = change.write, change.position
        previous = self.stored(write.key)
        before = self._before(previous) if previous else NOTHING_BEFORE
        self.db.execute("INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*change_row(change), *before))
        self._set(write.key, write.value, write.order, position, had_before=previous is not None)
        self._set_needs(write, had_before=previous is not None)
        self.epoch, self.sequence, self.bytes = position.epoch, position.sequence, self.bytes + change.size
        self._count(mark(previous), fingerprint(write.key, write.value, write.order, position))

    def undo(self) -> tuple[Change, Position | None] | None:
        """Take the newest change back as if it had never been; returns it with the version it had replaced. None: the log is empty."""
        row = self.db.execute(f"SELECT {CHANGE_COLUMNS}, {PREVIOUS_COLUMNS} FROM change WHERE sequence = ?", (self.sequence,)).fetchone()
        if row is None:
            return None
        change = change_of(row[:10])
        value, order, epoch, sequence, needs = row[10:]
        key, replaced = change.write.key, position_of(epoch, sequence)
        written = self.stored(key)
        if replaced is None:
            self.db.execute("DELETE FROM record WHERE partition = ? AND id = ?", (key.partition, key.id))
        else:
            self._set(key, value, order, replaced, had_before=True)
        self._set_needs(Write(key, value, needs=tuple(Digest(digest) for digest in json.loads(needs or "[]"))), had_before=True)
        self.db.execute("DELETE FROM change WHERE sequence = ?", (self.sequence,))
        self._count(mark(written), fingerprint(key, value, order, replaced) if replaced else 0)
        self._step_back(change)
        return change, replaced

    def _step_back(self, undone: Change) -> None:
        row = self.db.execute("SELECT epoch, sequence FROM change ORDER BY sequence DESC LIMIT 1").fetchone()
        before = Position(*row) if row else START
        self.epoch, self.sequence, self.bytes = before.epoch, before.sequence, self.bytes - undone.size

    def _before(self, previous: Record) -> tuple[Any, ...]:
        name = (previous.key.partition, previous.key.id)
        needs = [digest for (digest,) in self.db.execute("SELECT digest FROM need WHERE partition = ? AND id = ?", name)]
        return (previous.value, previous.order, previous.version.epoch, previous.version.sequence, json.dumps(needs))

    def _set(self, key: Key, value: bytes | None, order: str, version: Position, *, had_before: bool) -> None:
        self.db.execute(
            f"INSERT {'OR REPLACE ' if had_before else ''}INTO record VALUES (?, ?, ?, ?, ?, ?)",
            (key.partition, key.id, order, value, version.epoch, version.sequence),
        )

    def _set_needs(self, write: Write, *, had_before: bool) -> None:
        name = (write.key.partition, write.key.id)
        if had_before:
            self.db.execute("DELETE FROM need WHERE partition = ? AND id = ?", name)
        if write.value is not None:
            self.db.executemany("INSERT OR IGNORE INTO need VALUES (?, ?, ?)", [(*name, digest) for digest in write.needs])

    def _count(self, removed: int, added: int) -> None:
        """Keep the sum of all records' and tombstones' fingerprints."""
        self.content = (self.content + added - removed) % CONTENT_MODULUS


def mark(record: Record | None) -> int:
    return 0 if record is None else fingerprint(record.key, record.value, record.order, record.version)
