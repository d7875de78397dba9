"""The tables of a region's database, and how its rows become values."""

import json
import sqlite3
from hashlib import sha256
from typing import Any

from multiregion.embedded.database import CANARY
from multiregion.logs import Loss
from multiregion.states import Role, RoutingState, State
from multiregion.stores import CREDENTIAL_PARTITIONS, SECRET_PARTITIONS, Change, Digest, Key, Position, Record, Write

CREDENTIALS = f"partition IN {CREDENTIAL_PARTITIONS}"
SECRETS = f"partition IN {SECRET_PARTITIONS}"
REGION = f"""
{CANARY}
CREATE TABLE IF NOT EXISTS region (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    state TEXT NOT NULL, epoch INTEGER NOT NULL, leader TEXT NOT NULL, writable INTEGER NOT NULL, history TEXT NOT NULL,
    store TEXT NOT NULL, whole INTEGER NOT NULL,
    log_epoch INTEGER NOT NULL, log_sequence INTEGER NOT NULL, log_bytes INTEGER NOT NULL, content TEXT NOT NULL,
    chain TEXT NOT NULL,
    owed_epoch INTEGER NOT NULL, owed_sequence INTEGER NOT NULL, owed_chain TEXT NOT NULL, owed_cause TEXT NOT NULL,
    succeeds TEXT NOT NULL
);
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
    previous_value BLOB, previous_sort TEXT, previous_epoch INTEGER, previous_sequence INTEGER, previous_needs TEXT,
    chain TEXT NOT NULL DEFAULT '', own INTEGER NOT NULL DEFAULT 1, digest BLOB, previous_expunged INTEGER NOT NULL DEFAULT 0,
    requires TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS change_by_epoch ON change (epoch, sequence);
CREATE INDEX IF NOT EXISTS change_of_credentials ON change (sequence) WHERE {CREDENTIALS};
CREATE INDEX IF NOT EXISTS change_of_secrets ON change (sequence) WHERE {SECRETS} AND previous_value IS NOT NULL;
CREATE TABLE IF NOT EXISTS loss (
    epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, chain TEXT NOT NULL, digest BLOB,
    partition TEXT NOT NULL, id TEXT NOT NULL, value BLOB, sort TEXT NOT NULL, needs TEXT NOT NULL,
    actor TEXT NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL,
    revision INTEGER NOT NULL UNIQUE, region TEXT NOT NULL, cause TEXT NOT NULL, writes INTEGER,
    replaced_epoch INTEGER, replaced_sequence INTEGER, lost_at REAL NOT NULL, reason TEXT NOT NULL,
    outcome TEXT NOT NULL, decided_by TEXT NOT NULL, applied_epoch INTEGER, applied_sequence INTEGER,
    requires TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (epoch, sequence, chain)
);
CREATE INDEX IF NOT EXISTS loss_that_waits ON loss (outcome) WHERE outcome = 'pending';
CREATE TABLE IF NOT EXISTS need (
    partition TEXT NOT NULL, id TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (partition, id, digest)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS need_of_digest ON need (digest);
"""

NEEDED = """
SELECT digest FROM (SELECT DISTINCT digest FROM need WHERE digest > ?1 ORDER BY digest LIMIT ?2)
UNION
SELECT each.value FROM loss, json_each(loss.needs) AS each WHERE outcome = 'pending' AND each.value > ?1
ORDER BY 1 LIMIT ?2
"""
"""One page of the objects that something needs. The inner limit keeps a page from reading all needs."""

NEEDED_BY = """
SELECT 0, partition || '/' || id FROM need WHERE digest = ?1
UNION ALL
SELECT 1, 'lost write ' || epoch || '.' || sequence || ' of ' || partition || '/' || id FROM loss
WHERE outcome = 'pending' AND instr(needs, ?1)
"""

RECORD_COLUMNS = "partition, id, value, sort, epoch, sequence"
CHANGE_COLUMNS = "epoch, sequence, partition, id, value, sort, needs, actor, at, size, chain, digest, requires"
CHANGE_WIDTH = 13
LOSS_COLUMNS = (
    f"{CHANGE_COLUMNS}, revision, region, cause, writes, replaced_epoch, replaced_sequence, lost_at, reason, outcome, decided_by,"
    " applied_epoch, applied_sequence"
)


def loss_of(row: tuple[Any, ...]) -> Loss:
    revision, region, cause, writes, replaced_epoch, replaced_sequence, at, reason, outcome, decided_by, *rest = row[CHANGE_WIDTH:]
    replaced = position_of(replaced_epoch, replaced_sequence)
    change = change_of(row[:CHANGE_WIDTH])
    return Loss(
        change,
        replaced,
        at,
        Role(region),
        cause,
        reason,
        outcome,
        decided_by,
        position_of(*rest[:2]),
        writes,
        revision,
        bool(rest[2:] and rest[2]),
    )


def position_of(epoch: int | None, sequence: int | None) -> Position | None:
    return None if epoch is None or sequence is None else Position(epoch, sequence)


def routing_of(db: sqlite3.Connection) -> RoutingState:
    row = db.execute("SELECT state, epoch, leader, writable, history, succeeds FROM region").fetchone()
    state, epoch, leader, writable, history, succeeds = row
    return RoutingState(State(state), epoch, Role(leader), bool(writable), history, tuple(json.loads(succeeds)))


def record_of(row: tuple[Any, ...]) -> Record:
    partition, id, value, sort, epoch, sequence = row
    return Record(Key(partition, id), value, sort, Position(epoch, sequence))


def change_of(row: tuple[Any, ...]) -> Change:
    epoch, sequence, partition, id, value, sort, needs, actor, at, size, chain, digest, requires = row
    needed = tuple(Digest(digest) for digest in json.loads(needs))
    required = tuple(Key(*each) for each in json.loads(requires))
    write = Write(Key(partition, id), value, sort, needed, required)
    return Change(Position(epoch, sequence), write, actor, at, size, chain, digest)


def change_row(change: Change) -> tuple[Any, ...]:
    """The first columns of a change; what it replaced, its chain, whether it was written here and what it requires follow."""
    write, position = change.write, change.position
    needs = json.dumps(write.needs)
    key = (write.key.partition, write.key.id, write.order)
    return (position.sequence, position.epoch, *key, write.value, needs, change.actor, change.at, change.size)


def requires_column(write: Write) -> str:
    return json.dumps([(key.partition, key.id) for key in write.requires])


def size_of(write: Write) -> int:
    """The bytes that a change counts for in a lag: what it carries, not how it is stored."""
    return len(write.key.partition) + len(write.key.id) + len(write.order) + len(write.value or b"") + 64 * len(write.needs)


def fingerprint(key: Key, value: bytes | None, order: str, version: Position) -> int:
    """A number for one record or tombstone. The sum of all of them stands for a region's whole content."""
    head = f"{key.partition}\0{key.id}\0{order}\0{version.epoch}\0{version.sequence}\0{value is None}\0"
    return int.from_bytes(sha256(head.encode() + (value or b"")).digest())
