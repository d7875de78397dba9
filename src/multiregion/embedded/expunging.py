"""Secrets that have been replaced or deleted leave the log: a password's hash, an address, a signing key.

A value goes once both regions have what replaced it. Its digest stays, which the chain covers. What a rewind would restore goes
with it, so a region that would have to be rewound to there gets everything anew.
"""

import sqlite3
from hashlib import sha256

from multiregion.embedded.schema import SECRETS
from multiregion.stores import Position

BATCH = 200
REPLACING = f"SELECT sequence, previous_sequence FROM change WHERE {SECRETS} AND previous_value IS NOT NULL AND sequence <= ? LIMIT {BATCH}"


def expunge(db: sqlite3.Connection, passed: Position) -> int:
    """Take up to BATCH values out of the log that were replaced at or before `passed`; returns how many."""
    rows = db.execute(REPLACING, (passed.sequence,)).fetchall()
    for sequence, previous in rows:
        db.execute("UPDATE change SET previous_value = NULL, previous_expunged = 1 WHERE sequence = ?", (sequence,))
        found = db.execute("SELECT value FROM change WHERE sequence = ? AND value IS NOT NULL", (previous,)).fetchone()
        if found is not None:
            db.execute("UPDATE change SET value = NULL, digest = ? WHERE sequence = ?", (sha256(found[0]).digest(), previous))
    return len(rows)


def is_expunged(db: sqlite3.Connection, version: Position) -> bool:
    """Whether the value that this change wrote is no longer in the log."""
    row = db.execute("SELECT digest FROM change WHERE sequence = ?", (version.sequence,)).fetchone()
    return row is not None and row[0] is not None


def blocks_rewind(db: sqlite3.Connection, to: Position) -> bool:
    """Whether a rewind to `to` would have to restore a value that is not there any more."""
    query = f"SELECT 1 FROM change WHERE {SECRETS} AND sequence > ?1 AND previous_expunged AND previous_sequence <= ?1 LIMIT 1"
    return db.execute(query, (to.sequence,)).fetchone() is not None
