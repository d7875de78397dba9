"""The tables of a region's database, and how its rows become values."""

import json
import sqlite3
from hashlib import sha256
from typing import Any

from multiregion.embedded.database import CANARY
from multiregion.states import Role, RoutingState, State
from multiregion.stores import CREDENTIAL_PARTITIONS, Change, Digest, Key, Loss, Position, Record, Write

CREDENTIALS = f"partition IN {CREDENTIAL_PARTITIONS}"
REGION = f"""
{CANARY}
CREATE TABLE IF NOT EXISTS region (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    state TEXT NOT NULL, epoch INTEGER NOT NULL, leader TEXT NOT NULL, writable INTEGER NOT NULL,
    whole INTEGER NOT NULL,
    log_epoch INTEGER NOT NULL, log_sequence INTEGER NOT NULL, log_bytes INTEGER NOT NULL, content TEXT NOT NULL
);
INSERT OR IGNORE INTO region VALUES (1, 'fenced', 0, 'primary', 0, 0, 0, 0, 0, '0');
CREATE TABLE IF NOT EXISTS record (
    partition TEXT NOT NULL, id TEXT NOT NULL, sort TEXT NOT NULL, value BLOB,
    epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (partition, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_in_order ON record (partition, sort, id) WHERE value IS NOT NULL;
CREATE TABLE IF NOT EXISTS change (
    sequence INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,
    partition TEXT NOT NULL, id TEXT NOT NULL, sort TEXT NOT NULL, value BLOB, needs TEXT NOT NULL,
    actor TEXT NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL,
    previous_value BLOB, previous_sort TEXT, previous_epoch INTEGER, previous_sequence INTEGER, previous_needs TEXT
);
CREATE INDEX IF NOT EXISTS change_by_epoch ON change (epoch, sequence);
CREATE INDEX IF NOT EXISTS change_of_credentials ON change (sequence) WHERE {CREDENTIALS};
CREATE TABLE IF NOT EXISTS loss (
    number INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
    partition TEXT NOT NULL, id TEXT NOT NULL, value BLOB, sort TEXT NOT NULL, needs TEXT NOT NULL,
    actor TEXT NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL,
    replaced_epoch INTEGER, replaced_sequence INTEGER, lost_at REAL NOT NULL, reason TEXT NOT NULL,
    outcome TEXT NOT NULL, decided_by TEXT NOT NULL, applied_epoch INTEGER, applied_sequence INTEGER,
    UNIQUE (epoch, sequence)
);
CREATE TABLE IF NOT EXISTS need (
    partition TEXT NOT NULL, id TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (partition, id, digest)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS need_of_digest ON need (digest);
"""

EPOCH_ENDS = """
WITH RECURSIVE each (epoch) AS (
    SELECT min(epoch) FROM change
    UNION ALL SELECT (SELECT min(epoch) FROM change WHERE epoch > each.epoch) FROM each WHERE epoch IS NOT NULL
)
SELECT epoch, (SELECT max(sequence) FROM change WHERE change.epoch = each.epoch) FROM each WHERE epoch IS NOT NULL
"""
"""From epoch to epoch by the index: a long log is not read for it."""

RECORD_COLUMNS = "partition, id, value, sort, epoch, sequence"
CHANGE_COLUMNS = "epoch, sequence, partition, id, value, sort, needs, actor, at, size"


LOSS_COLUMNS = (
    "epoch, sequence, partition, id, value, sort, needs, actor, at, size, number, replaced_epoch, replaced_sequence, lost_at,"
    " reason, outcome, decided_by, applied_epoch, applied_sequence"
)


def loss_of(row: tuple[Any, ...]) -> Loss:
    number, replaced_epoch, replaced_sequence, lost_at, reason, outcome, decided_by, applied_epoch, applied_sequence = row[10:]
    replaced, applied = position_of(replaced_epoch, replaced_sequence), position_of(applied_epoch, applied_sequence)
    return Loss(number, change_of(row[:10]), replaced, lost_at, reason, outcome, decided_by, applied)


def position_of(epoch: int | None, sequence: int | None) -> Position | None:
    return None if epoch is None or sequence is None else Position(epoch, sequence)


def routing_of(db: sqlite3.Connection) -> RoutingState:
    state, epoch, leader, writable = db.execute("SELECT state, epoch, leader, writable FROM region").fetchone()
    return RoutingState(State(state), epoch, Role(leader), bool(writable))


def record_of(row: tuple[Any, ...]) -> Record:
    partition, id, value, sort, epoch, sequence = row
    return Record(Key(partition, id), value, sort, Position(epoch, sequence))


def change_of(row: tuple[Any, ...]) -> Change:
    epoch, sequence, partition, id, value, sort, needs, actor, at, size = row
    write = Write(Key(partition, id), value, sort, tuple(Digest(digest) for digest in json.loads(needs)))
    return Change(Position(epoch, sequence), write, actor, at, size)


def change_row(change: Change) -> tuple[Any, ...]:
    """The columns of a change, without those of what it replaced."""
    write, position = change.write, change.position
    needs = json.dumps(write.needs)
    key = (write.key.partition, write.key.id, write.order)
    return (position.sequence, position.epoch, *key, write.value, needs, change.actor, change.at, change.size)


def size_of(write: Write) -> int:
    """The bytes that a change counts for in a lag: what it carries, not how it is stored."""
    return len(write.key.partition) + len(write.key.id) + len(write.order) + len(write.value or b"") + 64 * len(write.needs)


def fingerprint(key: Key, value: bytes | None, order: str, version: Position) -> int:
    """A number for one record or tombstone. The sum of all of them stands for a region's whole content."""
    head = f"{key.partition}\0{key.id}\0{order}\0{version.epoch}\0{version.sequence}\0{value is None}\0"
    return int.from_bytes(sha256(head.encode() + (value or b"")).digest())
