"""What errors of SQLite and of the file system say of the disk, as errors of ours."""

import errno
import sqlite3
from dataclasses import dataclass

from multiregion.errors import CommitUnknown, DiskFailed, DiskFull, MultiregionError

FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
FAILED_ERRNOS = (
    errno.EIO, errno.EROFS, errno.EFBIG, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.ETIMEDOUT, errno.EACCES, errno.EPERM,
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.ELOOP,
)  # fmt: skip
FULL_CODES = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
"""The second: the index of the write-ahead log has no room."""
FAILED_CODES = (
    *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY),
    *(sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB),
)
PRIMARY_CODE = 0xFF


@dataclass(frozen=True, slots=True)
class DiskProblem:
    """Why the disk did not take a write, in words for a status line."""

    words: str
    full: bool

    def error(self, *, committing: bool = False) -> MultiregionError:
        """What a write is refused with. `committing`: it failed in the commit itself."""
        if self.full:  # the frame that commits is the last one, and there was no room for it
            return DiskFull(f"{self.words}: nothing was written; reading goes on. Free some space and try again")
        if committing:
            return CommitUnknown(f"{self.words}, just as this was being stored: whether it was is unknown. Ask again whether it is there")
        return DiskFailed(
            f"{self.words}: nothing was written; reading goes on as far as it can. Check the disk, or move writing to the other region:"
            " `multiregion switchover`"
        )


FULL = DiskProblem("the disk is full", full=True)


def problem_of(error: BaseException) -> DiskProblem | None:
    """None: an error that says nothing about the disk."""
    if isinstance(error, OSError):
        return of_file_system(error)
    if not isinstance(error, sqlite3.Error):
        return None
    code = getattr(error, "sqlite_errorcode", 0)
    if code in FULL_CODES:
        return FULL
    if code & PRIMARY_CODE == sqlite3.SQLITE_BUSY:
        return broken("another program holds the file")
    return broken(f"{error}, {error.sqlite_errorname}") if code & PRIMARY_CODE in FAILED_CODES else None


def of_file_system(error: OSError) -> DiskProblem | None:
    if error.errno in FULL_ERRNOS:
        return FULL
    return broken(str(error.strerror)) if error.errno in FAILED_ERRNOS else None


def of_file(error: OSError) -> DiskProblem:
    """As `of_file_system`, of a file that is ours alone: whatever is wrong with it, the disk did not take it."""
    return of_file_system(error) or broken(error.strerror or str(error))


def unreadable_file(what: str, error: OSError) -> DiskFailed:
    return DiskFailed(f"{what} cannot be read ({error.strerror or error}). Check the disk; meanwhile use the other region")


def broken(why: str) -> DiskProblem:
    return DiskProblem(f"the disk cannot be written ({why})", full=False)


def unreadable(error: sqlite3.Error) -> DiskFailed | None:
    """What a read is refused with. None: the error says nothing about the disk."""
    if problem_of(error) is None:
        return None
    return DiskFailed(f"this region's file cannot be read ({error}). Check the disk; meanwhile use the other region")
