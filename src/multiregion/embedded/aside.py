"""Set a region's database aside, to be copied anew: ordered while it is in use, carried out before it is opened the next time.

The order is a file, so whoever is killed in the middle of it finishes it at the next start. Nothing is deleted."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from multiregion.clock import Clock, iso
from multiregion.embedded.objects import sync_folder
from multiregion.stores import Mark, Position

ORDER = "set-aside"
FOLDERS = "set-aside-*"


def order(database: Path, clock: Clock) -> str:
    """Returns the name of the folder, beside the database, that it will be kept in. Idempotent until it is carried out."""
    note = database.with_name(ORDER)
    if not note.exists():
        stamp = iso(clock.now()).replace(":", "").replace("-", "").partition(".")[0].rstrip("Z")
        draft = database.with_name(f"{ORDER}.draft")
        with draft.open("w") as file:
            file.write(f"{ORDER}-{stamp}Z-{clock.new_id()[-8:]}")
            file.flush()
            os.fsync(file.fileno())
        draft.rename(note)
        sync_folder(note.parent)
    return note.read_text()


def carry_out(database: Path) -> None:
    """Move the database and its journal away, if that was ordered."""
    note = database.with_name(ORDER)
    if not note.exists():
        return
    folder = database.with_name(note.read_text())
    folder.mkdir(exist_ok=True)
    for file in sorted(database.parent.glob(f"{database.name}*")):
        file.rename(folder / file.name)
    sync_folder(folder)
    note.unlink()
    sync_folder(database.parent)


def newest(database: Path) -> str | None:
    """The folder that a database was set aside in last; None if none was."""
    return max((folder.name for folder in database.parent.glob(FOLDERS) if folder.is_dir()), default=None)


def end_in(database: Path) -> Mark | None:
    """Where the log of a closed, damaged database ends, if that can still be read."""
    try:
        with closing(sqlite3.connect(database)) as db:
            db.execute("PRAGMA query_only = on")
            epoch, sequence, chain = db.execute("SELECT log_epoch, log_sequence, chain FROM region").fetchone()
            return Mark(Position(epoch, sequence), chain)
    except (sqlite3.Error, TypeError):
        return None
