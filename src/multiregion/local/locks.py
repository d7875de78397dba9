"""One process at a time uses a folder: what two keep in memory of the same files would part."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from multiregion.errors import BadDeployment


@contextmanager
def locked(folder: Path, in_use: Callable[[str], str]) -> Iterator[None]:
    """Hold the folder, which is made if need be; the kernel lets it go when the process ends, however it does. Raises OSError if it
    cannot be used, BadDeployment if another process, which `in_use` is told, holds it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BadDeployment(in_use(os.pread(handle, 32, 0).decode(errors="replace").strip())) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def held_by(folder: Path) -> str | None:
    """Which process holds the folder, as it has written; None: nobody does, or that cannot be said."""
    try:
        handle = os.open(folder / "lock", os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except OSError:
        return os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
    finally:
        os.close(handle)
