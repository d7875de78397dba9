"""A region's file: made, or taken over from an older format in one transaction after a copy; a newer one is refused by name."""

import sqlite3
from pathlib import Path

from multiregion.chains import linked
from multiregion.embedded.database import connect_with
from multiregion.embedded.files import create_tables, in_one_transaction, keep_copy
from multiregion.embedded.guarded import About, Connection
from multiregion.embedded.ownership import check_owner, own
from multiregion.embedded.reserve import Reserve
from multiregion.embedded.schema import CHANGE_COLUMNS, REGION, change_of
from multiregion.errors import BadDeployment
from multiregion.logs import NOT_REPLICATED
from multiregion.states import Role

FORMAT = 3
"""Kept as the file's `user_version`. Release 1.0 left it 0."""
BATCH = 1_000
REQUIRES = "requires TEXT NOT NULL DEFAULT '[]'"
COMMENTS_REQUIRE_THEIR_PHOTO = """
UPDATE loss SET requires = json_array(json_array('photos', substr(partition, length('comments/') + 1)))
WHERE partition GLOB 'comments/*' AND value IS NOT NULL
"""
"""Before format 3 a file did not say what a write requires. In the log it cannot be added, since the chain covers it."""


def open_region(
    path: Path, about: About, role: Role, store: str, history: str, reserve: Reserve | None = None, deployment: str = ""
) -> Connection:
    """`store` names a file that is made now; `history` is that of a deployment of release 1.0, whose files name none; `deployment` is
    whose file it has to be, "" for anybody's. Raises BadDeployment for a newer format, ForeignDatabase, DatabaseDamaged."""
    db = connect_with(reserve, path, about)
    version = format_of(db)
    if version > FORMAT:
        db.close()
        raise BadDeployment(
            f"{path} has format {version}; this release reads formats up to {FORMAT}. Install the newer release that wrote it"
        )
    check_owner(db, path, about, deployment)
    if version < FORMAT:
        if is_old := db.execute("SELECT 1 FROM sqlite_master WHERE name = 'region'").fetchone() is not None:
            keep_copy(db, path, FORMAT)
        in_one_transaction(db, lambda: take_over(db, version, role, store, history) if is_old else make(db, store), FORMAT)
    own(db, deployment)
    return db


def format_of(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def make(db: sqlite3.Connection, store: str) -> None:
    create_tables(db, REGION)
    db.execute("INSERT INTO region VALUES (1, 'fenced', 0, 'primary', 0, '', ?, 0, 0, 0, 0, '0', '', 0, 0, '', '', '[]')", (store,))


def take_over(db: sqlite3.Connection, version: int, role: Role, store: str, history: str) -> None:
    if version < 2:
        from_release_1_0(db, role, store, history)
    else:
        from_format_2(db)
    db.execute(COMMENTS_REQUIRE_THEIR_PHOTO)


def from_format_2(db: sqlite3.Connection) -> None:
    for table in ("change", "loss"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN {REQUIRES}")


def from_release_1_0(db: sqlite3.Connection, role: Role, store: str, history: str) -> None:
    """The same records and log, with the chain computed."""
    for table in ("region", "loss"):
        db.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    db.execute("ALTER TABLE change ADD COLUMN chain TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE change ADD COLUMN own INTEGER NOT NULL DEFAULT 1")
    db.execute("ALTER TABLE change ADD COLUMN digest BLOB")
    db.execute("ALTER TABLE change ADD COLUMN previous_expunged INTEGER NOT NULL DEFAULT 0")
    db.execute(f"ALTER TABLE change ADD COLUMN {REQUIRES}")
    create_tables(db, REGION)
    chain = compute_chain(db)
    db.execute(
        "INSERT INTO region SELECT 1, state, epoch, leader, writable, ?, ?, whole, log_epoch, log_sequence, log_bytes, content, ?,"
        " 0, 0, '', '', '[]' FROM old_region",
        (history, store, chain),
    )
    db.execute(
        "INSERT INTO loss SELECT epoch, sequence, '', NULL, partition, id, value, sort, needs, actor, at, size, number, ?, ?, NULL,"
        " replaced_epoch, replaced_sequence, lost_at, reason, outcome, decided_by, applied_epoch, applied_sequence, '[]' FROM old_loss",
        (role, NOT_REPLICATED),
    )
    for table in ("region", "loss"):
        db.execute(f"DROP TABLE old_{table}")


def compute_chain(db: sqlite3.Connection) -> str:
    """Gives each change of the log its chain, and returns the last one."""
    chain, after = "", 0
    while rows := db.execute(
        f"SELECT {CHANGE_COLUMNS} FROM change WHERE sequence > ? ORDER BY sequence LIMIT {BATCH}", (after,)
    ).fetchall():
        for row in rows:
            change = change_of(row)
            chain, after = linked(chain, change), change.position.sequence
            db.execute("UPDATE change SET chain = ? WHERE sequence = ?", (chain, after))
    return chain
