"""Which deployment a file belongs to: written into it once, and held against the configuration at every start."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from multiregion.embedded.guarded import About, Connection
from multiregion.errors import ForeignDatabase

BELONGS = "CREATE TABLE IF NOT EXISTS belongs (one INTEGER PRIMARY KEY CHECK (one = 1), deployment TEXT NOT NULL)"


def check_owner(db: Connection, path: Path, about: About, deployment: str) -> None:
    """Raises ForeignDatabase, with the file closed, if it names another deployment than this one. One that names none passes: it is
    new, or of a release whose files did not know."""
    found = owner_of(db)
    if deployment and found and found != deployment:
        db.close()
        raise ForeignDatabase(f"{path} belongs to another deployment, {found}, so nothing in it counts here. {about.if_foreign}")


def owner_of(db: sqlite3.Connection) -> str:
    """The id of the deployment that the file belongs to; "" if it names none."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'belongs'").fetchone() is None:
        return ""
    row = db.execute("SELECT deployment FROM belongs").fetchone()
    return str(row[0]) if row else ""


def own(db: Connection, deployment: str) -> None:
    """Have the file name its deployment, if it names none. A disk that is full does not keep it from being used: the next start
    tries again."""
    if deployment and not owner_of(db):
        with suppress(sqlite3.OperationalError):
            db.execute(BELONGS)
            db.execute("INSERT OR IGNORE INTO belongs VALUES (1, ?)", (deployment,))
