"""The limit under every write here: rows of a comment's size into bare SQLite, synced at each commit, with no server around it."""

import sqlite3
import time
from pathlib import Path

VALUE = b"x" * 180


def opened(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA journal_mode = wal")
    db.execute("PRAGMA synchronous = full")
    db.execute("CREATE TABLE IF NOT EXISTS record (partition TEXT, id TEXT, value BLOB, PRIMARY KEY (partition, id)) WITHOUT ROWID")
    db.execute("CREATE TABLE IF NOT EXISTS change (sequence INTEGER PRIMARY KEY, partition TEXT, id TEXT, value BLOB)")
    return db


def commit_seconds(file: Path, *, rows: int, seconds: float) -> list[float]:
    """How long each commit of `rows` records, with a log entry each, took, for as many as fit into the time."""
    db, count, found = opened(file), 0, []
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        db.execute("BEGIN IMMEDIATE")
        for _ in range(rows):
            count += 1
            db.execute("INSERT INTO change (partition, id, value) VALUES ('comments/p', ?, ?)", (f"{count:032}", VALUE))
            db.execute("INSERT OR REPLACE INTO record VALUES ('comments/p', ?, ?)", (f"{count:032}", VALUE))
        db.execute("COMMIT")
        found.append(time.monotonic() - began)
    db.close()
    return found


def rows_per_second(file: Path, *, rows: int, seconds: float) -> float:
    taken = commit_seconds(file, rows=rows, seconds=seconds)
    return rows * len(taken) / sum(taken)
