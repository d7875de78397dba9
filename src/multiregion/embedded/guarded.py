"""Connections to a database file that tell damage from every other error, and say what to do about it."""

import sqlite3
from dataclasses import dataclass
from typing import Any

from multiregion.embedded.disk import PRIMARY_CODE, unreadable
from multiregion.errors import DatabaseDamaged
from multiregion.states import Role

DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@dataclass(slots=True)
class About:
    """What a file is to people, and what they do when it is damaged, or of another deployment. `damage` is what was found by any of
    its connections, once something was: from then on nothing that the file says counts."""

    subject: str
    advice: str
    if_foreign: str = ""
    damage: DatabaseDamaged | None = None

    def damaged(self, error: sqlite3.Error) -> DatabaseDamaged:
        if self.damage is None:
            self.damage = DatabaseDamaged(f"{self.subject} is damaged ({' '.join(str(error).split())}). {self.advice}")
        return self.damage


def about_region(role: Role) -> About:
    advice = f"To set it aside and copy everything anew from the other region: multiregion repair {role}"
    back = f"Put the right file back, then `multiregion chaos start {role}`. {advice}"
    return About(f"the database of the {role} region", advice, back)


class Connection(sqlite3.Connection):
    """Knows the file that it is of."""

    about: About

    def damage_of(self, error: BaseException) -> DatabaseDamaged | None:
        """The error of ours, if this one says that the file is damaged."""
        if not isinstance(error, sqlite3.Error) or getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE not in DAMAGE:
            return None
        return self.about.damaged(error)


class Reading(Connection):
    """A connection for reads: an error of the disk is one of ours, wherever a row is asked for."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return self.cursor(GuardedCursor).execute(sql, parameters)


class GuardedCursor(sqlite3.Cursor):
    connection: Reading

    def _told(self, error: sqlite3.Error) -> Exception:
        return self.connection.damage_of(error) or unreadable(error) or error

    def execute(self, sql: str, parameters: Any = (), /) -> "GuardedCursor":
        try:
            return super().execute(sql, parameters)
        except sqlite3.Error as error:
            raise self._told(error) from error

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except sqlite3.Error as error:
            raise self._told(error) from error

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except sqlite3.Error as error:
            raise self._told(error) from error

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except sqlite3.Error as error:
            raise self._told(error) from error
