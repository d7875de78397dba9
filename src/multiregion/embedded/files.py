"""How a file gets its tables, or those of a newer format, in one transaction after a copy."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path


def in_one_transaction(db: sqlite3.Connection, work: Callable[[], None], format: int) -> None:
    """Do `work` and note the format, or neither."""
    db.execute("BEGIN IMMEDIATE")
    try:
        work()
        db.execute(f"PRAGMA user_version = {format}")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise


def create_tables(db: sqlite3.Connection, schema: str) -> None:
    for statement in schema.split(";\n"):
        db.execute(statement)


def keep_copy(db: sqlite3.Connection, path: Path, format: int) -> None:
    """As the file is before it gets `format`; beside it, until somebody removes it."""
    copy = path.with_name(f"{path.name}.before-format-{format}")
    copy.unlink(missing_ok=True)
    with closing(sqlite3.connect(copy)) as target:
        db.backup(target)
