"""Set a region's database aside, to be copied anew: ordered while it is in use, carried out before it is opened the next time.

The order is a file, so whoever is killed in the middle of it finishes it at the next start. Nothing is deleted. A database that the other
region is copied from is held: no order counts while it is, neither when it is given nor when it would be carried out. One that was set
aside can be put back in the place of one that it continues, which is then set aside itself."""

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from multiregion.clock import Clock, iso
from multiregion.embedded.disk import problem_of
from multiregion.embedded.objects import sync_folder
from multiregion.errors import RepairFailed
from multiregion.stores import BEGINNING, Mark, Position

log = logging.getLogger("multiregion.region")

ORDER = "set-aside"
FOLDERS = "set-aside-*"
HOLD = "copied-from"
PUT_BACK = "put-back"


def order(database: Path, clock: Clock) -> str:
    """Returns the name of the folder, beside the database, that it will be kept in. Idempotent until it is carried out.
    Raises RepairFailed for a database that is held."""
    if held_for(database) is not None:
        raise RepairFailed(
            "the other region is copied from this one, which keeps its database until that one is whole; nothing was changed"
        )
    note = database.with_name(ORDER)
    if not note.exists():
        stamp = iso(clock.now()).replace(":", "").replace("-", "").replace(".", "").rstrip("Z")
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
    """Durable when it returns. Raises DiskFull or DiskFailed."""
    draft = note.with_name(f"{note.name}.draft")
    try:
        with draft.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(note)
        sync_folder(note.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        if problem := problem_of(error):
            raise problem.error() from error
        raise


def order_put_back(database: Path, folder: str, clock: Clock) -> str:
    """Returns the name of the folder that the present one will be kept in. Raises RepairFailed for a database that is held."""
    keep_note(database.with_name(PUT_BACK), folder)
    try:
        return order(database, clock)
    except RepairFailed:
        database.with_name(PUT_BACK).unlink()
        raise


def carry_out(database: Path) -> None:
    """Move the database and its journal away, and another one into its place, if that was ordered."""
    back = database.with_name(PUT_BACK)
    if back.exists() and database.with_name(ORDER).exists() and database.exists() and not continues(database, back.read_text()):
        log.warning("%s is not put back: it does not continue what was written meanwhile", back.read_text())
        database.with_name(ORDER).unlink()
        back.unlink()
    move_away(database)
    if back.exists():
        move_back(database, database.with_name(back.read_text()))
        back.unlink()
        sync_folder(database.parent)


def continues(database: Path, folder: str) -> bool:
    """Whether the one that was set aside has all that a closed database has."""
    end = end_in(database)
    return end is not None and has(database.with_name(folder) / database.name, end)


def move_back(database: Path, folder: Path) -> None:
    """Never over another one. Whoever is killed in the middle goes on with the files that are still there."""
    if database.exists() and (folder / database.name).exists():
        return
    for file in sorted(folder.glob(f"{database.name}*")):
        file.rename(database.with_name(file.name))
    sync_folder(folder)


def move_away(database: Path) -> None:
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


def kept(database: Path) -> list[Path]:
    """The databases that were set aside, newest first."""
    return sorted(database.parent.glob(f"{FOLDERS}/{database.name}"), reverse=True)


def has(file: Path, mark: Mark) -> bool:
    """Whether the log of a database that was set aside has this."""
    if mark == BEGINNING:
        return True
    query = "SELECT 1 FROM change WHERE sequence = ? AND epoch = ? AND chain = ?"
    return bool(answers(file, query, mark.position.sequence, mark.position.epoch, mark.chain))


def is_sound(file: Path) -> bool:
    """Reads all of it."""
    return answers(file, "PRAGMA quick_check(1)") == [("ok",)]


def answers(file: Path, query: str, *values: Any) -> list[Any]:
    """What a database says that nobody uses; nothing if it cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as db:
            return db.execute(query, values).fetchall()
    except sqlite3.Error:
        return []


def owner(file: Path) -> str:
    """The id of the deployment that a database belongs to; "" if it names none."""
    rows = answers(file, "SELECT deployment FROM belongs")
    return str(rows[0][0]) if rows else ""


def end_in(database: Path) -> Mark | None:
    """Where the log of a closed, damaged database ends, if that can still be read."""
    try:
        with closing(sqlite3.connect(database)) as db:
            db.execute("PRAGMA query_only = on")
            epoch, sequence, chain = db.execute("SELECT log_epoch, log_sequence, chain FROM region").fetchone()
            return Mark(Position(epoch, sequence), chain)
    except (sqlite3.Error, TypeError):
        return None
