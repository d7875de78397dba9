"""Set a region's database aside, to be copied anew: ordered while it is in use, carried out before it is opened the next time.

The order is a file, so whoever is killed in the middle of it finishes it at the next start. Nothing is deleted. A database that the other
region is copied from is held: no order counts while it is, neither when it is given nor when it would be carried out."""

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from multiregion.clock import Clock, iso
from multiregion.embedded.objects import sync_folder
from multiregion.errors import RepairFailed
from multiregion.stores import Mark, Position

log = logging.getLogger("multiregion.region")

ORDER = "set-aside"
FOLDERS = "set-aside-*"
HOLD = "copied-from"


def order(database: Path, clock: Clock) -> str:
    """Returns the name of the folder, beside the database, that it will be kept in. Idempotent until it is carried out.
    Raises RepairFailed for a database that is held."""
    if held_for(database) is not None:
        raise RepairFailed(
            "the other region is copied from this one, which keeps its database until that one is whole; nothing was changed"
        )
    note = database.with_name(ORDER)
    if not note.exists():
        stamp = iso(clock.now()).replace(":", "").replace("-", "").partition(".")[0].rstrip("Z")
        keep_note(note, f"{ORDER}-{stamp}Z-{clock.new_id()[-8:]}")
    return note.read_text()


def hold(database: Path, claim: str) -> None:
    """Keep the database where it is, durably, for the repair with this claim. Idempotent. Raises RepairFailed if it is to be set aside."""
    if database.with_name(ORDER).exists():
        raise RepairFailed("this region is about to set its own database aside")
    keep_note(database.with_name(HOLD), claim)


def release(database: Path, claim: str) -> None:
    """What was held for this repair is held no more. Idempotent."""
    if held_for(database) == claim:
        database.with_name(HOLD).unlink()
        sync_folder(database.parent)


def held_for(database: Path) -> str | None:
    """The claim of the repair that copies the other region from this database; None: it is not held."""
    note = database.with_name(HOLD)
    return note.read_text() if note.exists() else None


def keep_note(note: Path, text: str) -> None:
    draft = note.with_name(f"{note.name}.draft")
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(note)
    sync_folder(note.parent)


def carry_out(database: Path) -> None:
    """Move the database and its journal away, if that was ordered."""
    note = database.with_name(ORDER)
    if not note.exists():
        return
    if held_for(database) is not None:
        log.warning("%s is not set aside: the other region is copied from it", database)
        note.unlink()
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
