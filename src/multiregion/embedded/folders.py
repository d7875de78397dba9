"""How writing to a folder of files goes: by what comes of its files, and by a small one, with room beside it, when there are none."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from multiregion.clock import Clock
from multiregion.embedded.database import QUIET_SECONDS
from multiregion.embedded.disk import DiskProblem, of_file, unreadable_file
from multiregion.embedded.reserve import ROOM_BYTES, allocate
from multiregion.errors import DiskFailed
from multiregion.health import SLOW_WRITE_SECONDS, WriteHealth, WriteMeter


class FolderHealth:
    """`what` is the folder to people. `try_out` writes a small file there; it raises OSError."""

    def __init__(self, what: str, clock: Clock, try_out: Callable[[], None], slow_seconds: float = SLOW_WRITE_SECONDS) -> None:
        self._what = what
        self._clock = clock
        self._try_out = try_out
        self._meter = WriteMeter(clock, slow_seconds=slow_seconds)
        self._wrote_at: float | None = None

    def now(self) -> WriteHealth:
        return self._meter.now()

    @contextmanager
    def writes(self) -> Iterator[None]:
        """Around a change of the folder: its error becomes DiskFull or DiskFailed, and counts until a file could be written again."""
        try:
            yield
        except OSError as error:
            problem = self._problem(error)
            if not isinstance(error, FileNotFoundError):  # what somebody has removed says nothing of the disk
                self._meter.failed(problem.words)
            raise problem.error() from error

    @contextmanager
    def reads(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unreadable_file(self._what, error) from error

    def wrote(self) -> None:
        """A file was written, and is durable."""
        self._wrote_at = self._clock.monotonic()

    async def prove(self) -> None:
        """Try the folder, unless a file was written a moment ago and all is well."""
        is_quiet = self._wrote_at is None or self._clock.monotonic() - self._wrote_at >= QUIET_SECONDS
        if is_quiet or self._meter.now().problem is not None:
            await asyncio.to_thread(self._prove)

    def _prove(self) -> None:
        self._meter.began()
        try:
            self._try_out()
        except OSError as error:
            self._meter.failed(self._problem(error).words)
        else:
            self._meter.succeeded()

    def _problem(self, error: OSError) -> DiskProblem:
        problem = of_file(error)
        return DiskProblem(f"{problem.words}: {self._what}", problem.full)


def make_folder(folder: Path) -> None:
    """Raises DiskFailed, naming what stands in the way, or the disk's own reason."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise DiskFailed(f"the folder {folder} cannot be made: {why_not_made(folder, error)}") from error


def why_not_made(folder: Path, error: OSError) -> str:
    for place in (folder, *folder.parents):
        if os.path.lexists(place):
            return str(error.strerror) if place.is_dir() else f"{place} is there, and is no folder; move it away"
    return str(error.strerror)


def write_canary(file: Path) -> None:
    """A file of one byte with ROOM_BYTES of room, synced."""
    try:
        with file.open("wb") as opened:
            allocate(opened.fileno(), 0, ROOM_BYTES)
            opened.write(b"\n")
            opened.flush()
            os.fsync(opened.fileno())
    except OSError:
        remove(file)
        raise


def remove(*files: Path) -> None:
    """What is left of files that are of no use any more, as far as the disk lets it."""
    for file in files:
        with suppress(OSError):
            file.unlink(missing_ok=True)
