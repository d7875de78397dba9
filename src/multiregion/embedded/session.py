"""What the jobs of one transaction on a region's file share: the region's own row, and how a change is written and undone."""

import json
import sqlite3
from typing import Any, NamedTuple, Protocol

from multiregion.chains import linked
from multiregion.embedded import expunging
from multiregion.embedded.schema import (
    CHANGE_COLUMNS,
    CHANGE_WIDTH,
    RECORD_COLUMNS,
    change_of,
    change_row,
    fingerprint,
    position_of,
    record_of,
    requires_column,
    routing_of,
)
from multiregion.stores import BEGINNING, SECRET_PARTITIONS, Change, Digest, Head, Key, Mark, Position, Record, Write

CONTENT_MODULUS = 2**256
PREVIOUS_COLUMNS = "previous_value, previous_sort, previous_epoch, previous_sequence, previous_needs"
NOTHING_BEFORE = (None,) * 5
STEP_COLUMNS = f"{CHANGE_COLUMNS}, own, {PREVIOUS_COLUMNS}"


class Step(NamedTuple):
    """A change of the log as rewinding sees it: the version that it replaced, and whether it was written in this region."""

    change: Change
    replaced: Position | None
    own: bool


class Durability(Protocol):
    """When a write may be acknowledged; see `multiregion.durability`."""

    def check(self) -> None: ...

    async def confirm(self, position: Position) -> None: ...

    def rewound(self, to: Position) -> None: ...


class RegionSession:
    """The region's own row: read once, changed in memory, written once."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.routing = routing_of(db)
        self.whole, self.epoch, self.sequence, self.bytes, content, self.chain, *owed = db.execute(
            "SELECT whole, log_epoch, log_sequence, log_bytes, content, chain, owed_epoch, owed_sequence, owed_chain, owed_cause"
            " FROM region"
        ).fetchone()
        self.content = int(content, 16)
        self.owed, self.owed_cause = Mark(Position(*owed[:2]), owed[2]), owed[3]
        self._loaded = self._row()

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.sequence)

    def head(self) -> Head:
        return Head(self.position, self.bytes, f"{self.content:x}", self.chain)

    def save(self) -> None:
        if (row := self._row()) != self._loaded:
            self.db.execute(
                "UPDATE region SET state = ?, epoch = ?, leader = ?, writable = ?, history = ?, succeeds = ?, whole = ?, log_epoch = ?,"
                " log_sequence = ?, log_bytes = ?, content = ?, chain = ?, owed_epoch = ?, owed_sequence = ?, owed_chain = ?,"
                " owed_cause = ?",
                row,
            )

    def _row(self) -> tuple[Any, ...]:
        routing = self.routing
        log = (self.epoch, self.sequence, self.bytes, f"{self.content:x}", self.chain)
        owed = (self.owed.position.epoch, self.owed.position.sequence, self.owed.chain, self.owed_cause)
        decided = (routing.state, routing.epoch, routing.leader, routing.writable, routing.history, json.dumps(routing.succeeds))
        return (*decided, self.whole, *log, *owed)

    def cause(self, found: str) -> str:
        """Why this log lacks what it lacks: what was found first counts until that is settled, whatever a later start finds."""
        unsettled = self.owed != BEGINNING or not self.whole
        return self.owed_cause if unsettled and self.owed_cause else found

    def stored(self, key: Key) -> Record | None:
        """The record or tombstone (value None) under `key`."""
        row = self.db.execute(f"SELECT {RECORD_COLUMNS} FROM record WHERE partition = ? AND id = ?", (key.partition, key.id)).fetchone()
        return row and record_of(row)

    def holds(self, mark: Mark) -> bool:
        """Whether the log has exactly this change in its place, after the same changes."""
        if mark == BEGINNING:
            return True
        where = (mark.position.sequence, mark.position.epoch, mark.chain)
        return self.db.execute("SELECT 1 FROM change WHERE sequence = ? AND epoch = ? AND chain = ?", where).fetchone() is not None

    def write(self, change: Change, *, own: bool) -> None:
        """Set the record, keep what it replaced beside its log entry, and move the head on. `own`: it is written in this region."""
        write, position = change.write, change.position
        chain = linked(self.chain, change)
        previous = self.stored(write.key)
        before = self._before(previous) if previous else NOTHING_BEFORE
        is_secret = write.key.partition in SECRET_PARTITIONS
        stub = previous is not None and is_secret and expunging.is_expunged(self.db, previous.version)
        row = (*change_row(change), *before, chain, own, change.digest, stub, requires_column(write))
        self.db.execute(f"INSERT INTO change VALUES ({', '.join('?' * len(row))})", row)
        if change.digest is not None:
            self.whole = 0  # its value is nowhere: until what replaced it has arrived, too, this region does not have everything
        self._set(write.key, write.value, write.order, position, had_before=previous is not None)
        self._set_needs(write, had_before=previous is not None)
        self.epoch, self.sequence, self.bytes, self.chain = position.epoch, position.sequence, self.bytes + change.size, chain
        self._count(mark(previous), fingerprint(write.key, write.value, write.order, position))

    def undo(self) -> Step | None:
        """Take the newest change back as if it had never been. None: the log is empty."""
        row = self.db.execute(f"SELECT {STEP_COLUMNS} FROM change WHERE sequence = ?", (self.sequence,)).fetchone()
        if row is None:
            return None
        step = step_of(row)
        change, replaced = step.change, step.replaced
        value, order, _, _, needs = row[CHANGE_WIDTH + 1 :]
        key = change.write.key
        written = self.stored(key)
        if replaced is None:
            self.db.execute("DELETE FROM record WHERE partition = ? AND id = ?", (key.partition, key.id))
        else:
            self._set(key, value, order, replaced, had_before=True)
        self._set_needs(Write(key, value, needs=tuple(Digest(digest) for digest in json.loads(needs or "[]"))), had_before=True)
        self.db.execute("DELETE FROM change WHERE sequence = ?", (self.sequence,))
        self._count(mark(written), fingerprint(key, value, order, replaced) if replaced else 0)
        self._step_back(change)
        return step

    def wipe(self) -> None:
        """Have nothing any more, and be whole only when everything has been copied from the other region."""
        for table in ("change", "record", "need"):
            self.db.execute(f"DELETE FROM {table}")
        self.whole, self.epoch, self.sequence, self.bytes, self.content, self.chain = 0, 0, 0, 0, 0, ""

    def _step_back(self, undone: Change) -> None:
        row = self.db.execute("SELECT epoch, sequence, chain FROM change ORDER BY sequence DESC LIMIT 1").fetchone()
        self.epoch, self.sequence, self.chain = row or (0, 0, "")
        self.bytes -= undone.size

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


def step_of(row: tuple[Any, ...]) -> Step:
    """From STEP_COLUMNS."""
    epoch, sequence = row[CHANGE_WIDTH + 3 : CHANGE_WIDTH + 5]
    return Step(change_of(row[:CHANGE_WIDTH]), position_of(epoch, sequence), bool(row[CHANGE_WIDTH]))


def mark(record: Record | None) -> int:
    return 0 if record is None else fingerprint(record.key, record.value, record.order, record.version)
