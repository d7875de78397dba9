"""Room on a region's disk that is given up when the disk is full, so that what moves writing elsewhere can still be stored."""

import errno
import os
from pathlib import Path

ROOM_BYTES = 1024 * 1024
PIECE = bytes(1024 * 1024)
NOT_SUPPORTED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)
BLOCK_BYTES = 512
"""The unit of `st_blocks`, whatever the file system's own is."""


class Reserve:
    """One file of `size` allocated bytes. While it is given up, only what is essential may be written."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self.kept = self._is_allocated()

    def _is_allocated(self) -> bool:
        try:
            found = self._path.stat()
        except OSError:
            return False
        return found.st_size >= self._size and found.st_blocks * BLOCK_BYTES >= self._size

    def renew(self) -> None:
        """Make the file again if it was given up, and see that there is ROOM_BYTES of room beside it. Raises OSError."""
        try:
            with self._path.open("ab") as file:
                if not self.kept:
                    allocate(file.fileno(), 0, self._size)
                    os.fsync(file.fileno())
                try:
                    allocate(file.fileno(), self._size, ROOM_BYTES)
                finally:
                    os.ftruncate(file.fileno(), self._size)
        except OSError:
            if not self.kept:  # half a reserve is of no use, and its room is for what is essential
                self.give_up()
            raise
        self.kept = True

    def give_up(self) -> bool:
        """Free the room. Returns whether there was any."""
        self.kept = False
        try:
            self._path.unlink()
        except OSError:
            return False
        return True


def allocate(file: int, start: int, length: int) -> None:
    """Real blocks, not a hole, from `start` on. Raises OSError."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file, start, length)
            return
        except OSError as error:
            if error.errno not in NOT_SUPPORTED:
                raise
    for offset in range(start, start + length, len(PIECE)):
        os.pwrite(file, PIECE[: start + length - offset], offset)
