"""One process at a time uses a folder: what two keep in memory of the same files would part."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from multiregion.errors import BadDeployment


@contextmanager
def locked(folder: Path, in_use: Callable[[str], str]) -> Iterator[None]:
    """Hold the folder, which is made if need be; the kernel lets it go when the process ends, however it does. Raises BadDeployment if it
    cannot be used or another process, which `in_use` is told, holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BadDeployment(f"the data folder {folder} cannot be used: {error.strerror}; choose another with --data") from error
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
