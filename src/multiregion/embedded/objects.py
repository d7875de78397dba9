"""Immutable bytes in a folder: written to a draft, synced, renamed to their digest, and the folder synced. None is given out before
its bytes have been read and compared with the digest."""

import asyncio
import errno
import os
import re
import shutil
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import file_digest
from pathlib import Path
from stat import S_ISREG

from multiregion.clock import Clock
from multiregion.embedded.disk import unreadable_file
from multiregion.embedded.folders import FolderHealth, make_folder, remove, write_canary
from multiregion.errors import Damaged, InvalidInput, MultiregionError, NotFound
from multiregion.health import SLOW_WRITE_SECONDS, WriteHealth
from multiregion.objects import Condition, Found
from multiregion.stores import Digest

PIECE_BYTES = 256 * 1024
ALWAYS_READ_BYTES_MAX = 32 * 1024 * 1024
SOUND_SECONDS = 300.0
SOUND_MAX = 1_000
UNREADABLE = frozenset({errno.EIO, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENXIO})
CANARY = "canary"
DIGEST = re.compile(r"[0-9a-f]{64}")
Mend = Callable[[Digest, Condition], Awaitable[None]]
Identity = tuple[int, int, int]
"""A file's inode, size and time of change: what is the same while nobody writes to it."""


class FileObjects:
    """`Objects` under one folder: `kept/ab/abcd…` for objects, `drafts/` for what is being written."""

    def __init__(self, folder: Path, clock: Clock, mend: Mend | None = None, slow_seconds: float = SLOW_WRITE_SECONDS) -> None:
        """`mend` puts an object that is missing or damaged here again; without it such a one is refused. Raises DiskFailed."""
        self._clock = clock
        self._mend = mend
        self._sound: dict[Digest, tuple[Identity, float]] = {}
        self._kept = folder / "kept"
        self._drafts = folder / "drafts"
        self._placing = threading.Lock()
        self._health = FolderHealth(str(folder), clock, self._try_out, slow_seconds)
        for made in (self._kept, self._drafts):
            make_folder(made)
        with self._health.reads():
            for left_over in self._drafts.iterdir():
                shutil.rmtree(left_over, ignore_errors=True) if is_folder(left_over) else remove(left_over)

    def writing(self) -> WriteHealth:
        """How writing to the folder goes."""
        return self._health.now()

    async def prove_writing(self) -> None:
        """Try the folder if no object was kept for a moment; `writing` says what came of it."""
        await self._health.prove()

    def _try_out(self) -> None:
        """The way of every object, with none: written as a draft, and put where objects are."""
        draft, place = self._drafts / CANARY, self._kept / CANARY
        write_canary(draft)
        draft.replace(place)
        place.unlink()

    def draft(self) -> Path:
        return self._drafts / self._clock.new_id()

    async def keep(self, draft: Path, *, digest: Digest | None = None) -> Digest:
        return await asyncio.to_thread(self._keep, draft, digest)

    async def receive(self, digest: Digest, pieces: AsyncIterator[bytes]) -> None:
        draft = self.draft()
        try:
            with self._health.writes():
                file = draft.open("wb")
            try:
                async for piece in pieces:  # whose errors are not this disk's
                    with self._health.writes():
                        file.write(piece)
            finally:
                with self._health.writes():
                    file.close()
            await self.keep(draft, digest=digest)
        finally:
            remove(draft)

    async def put(self, data: bytes) -> Digest:
        return await asyncio.to_thread(self._put, data)

    def path(self, digest: Digest) -> Path | None:
        path = self._place(digest)
        with self._health.reads():
            return path if path.is_file() else None

    async def look(self, digest: Digest, *, deep: bool) -> Found:
        return await asyncio.to_thread(self._look, digest, deep)

    async def file(self, digest: Digest, *, mend: bool = True) -> Found:
        found = await self.look(digest, deep=True)
        if found.condition is not Condition.SOUND and mend and self._mend is not None:
            await self._mend(digest, found.condition)
            found = await self.look(digest, deep=True)
        if found.condition is Condition.MISSING:
            raise NotFound(f"there is no object {digest} here")
        if found.condition is Condition.DAMAGED:
            raise Damaged(f"the bytes of object {digest} are damaged here")
        return found

    async def claim(self, digest: Digest) -> bool:
        place, now = self._place(digest), self._clock.now()
        with self._placing, self._health.writes():
            if not place.is_file():
                return False
            os.utime(place, (now, now))
            return True

    async def open(self, digest: Digest, *, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        found = await self.file(digest)
        size = found.size or 0
        end = size if last is None else last + 1
        if not (0 <= first < end <= size or (first, end) == (0, 0)):
            raise InvalidInput(f"the object has {size} bytes; {first} to {end - 1} is not in it", field="range", limit=size)
        try:
            opened = found.path.open("rb")
        except FileNotFoundError as error:  # removed since it was looked at
            raise NotFound(f"there is no object {digest} here") from error
        with self._health.reads(), opened as file:
            file.seek(first)
            while first < end and (piece := await asyncio.to_thread(file.read, min(PIECE_BYTES, end - first))):
                first += len(piece)
                yield piece

    async def has(self, digest: Digest) -> bool:
        return self.path(digest) is not None

    async def delete(self, digest: Digest) -> None:
        with self._health.writes():
            self._place(digest).unlink(missing_ok=True)

    async def discard(self, digest: Digest, *, older_than_seconds: float) -> bool:
        return await asyncio.to_thread(self._discard, digest, older_than_seconds)

    def _discard(self, digest: Digest, older_than_seconds: float) -> bool:
        place = self._place(digest)
        with self._placing, self._health.writes():  # or the same bytes could be put between the look and the removal
            try:
                if not place.is_file() or place.stat().st_mtime > self._clock.now() - older_than_seconds:
                    return False
            except (FileNotFoundError, NotADirectoryError):
                return False
            place.unlink()
            return True

    async def digests(self, after: str = "") -> AsyncIterator[tuple[Digest, int]]:
        with self._health.reads():
            for folder in sorted(self._kept.iterdir()):
                if folder.name < after[:2] or not folder.is_dir():
                    continue
                for path in await asyncio.to_thread(sorted, folder.iterdir()):
                    if path.name > after and path.is_file():
                        yield Digest(path.name), path.stat().st_size

    def _look(self, digest: Digest, deep: bool) -> Found:
        place = self._place(digest)
        stat: os.stat_result | None = None
        try:
            # What somebody has put in a file's place may be anything: a folder, a pipe that would be waited for.
            with open(place, "rb", opener=at_once) as file:
                stat = os.fstat(file.fileno())
                if not S_ISREG(stat.st_mode):
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), place)
                # Once found sound, a large file need not be read again for a while, as long as nobody has written to it.
                if not deep or self._was_sound(digest, stat):
                    return Found(Condition.SOUND, place, stat)
                sound = file_digest(file, "sha256").hexdigest() == digest
        except (FileNotFoundError, NotADirectoryError):
            return Found(Condition.MISSING, place, None)
        except OSError as error:
            if error.errno not in UNREADABLE:
                raise unreadable_file(f"object {digest}", error) from error
            sound = False
        self._remember(digest, stat if sound else None)
        return Found(Condition.SOUND if sound else Condition.DAMAGED, place, stat)

    def _was_sound(self, digest: Digest, stat: os.stat_result) -> bool:
        identity, until = self._sound.get(digest, (None, 0.0))
        return identity == identity_of(stat) and self._clock.monotonic() < until

    def _remember(self, digest: Digest, stat: os.stat_result | None) -> None:
        self._sound.pop(digest, None)
        if stat is not None and stat.st_size > ALWAYS_READ_BYTES_MAX:
            self._sound[digest] = (identity_of(stat), self._clock.monotonic() + SOUND_SECONDS)
            for oldest in list(self._sound)[:-SOUND_MAX]:
                self._sound.pop(oldest, None)

    def _place(self, digest: Digest) -> Path:
        if not DIGEST.fullmatch(digest):
            raise InvalidInput("a digest is 64 lower-case hexadecimal digits", field="sha256")
        return self._kept / digest[:2] / digest

    def _make_way(self, place: Path) -> bool:
        """Nothing but a file stays where one will be put. Returns whether its folder is new."""
        folder = place.parent
        if os.path.lexists(folder) and not folder.is_dir():
            folder.rename(self.draft())
        if is_folder(place):
            place.rename(self.draft())
        is_new = not folder.exists()
        folder.mkdir(exist_ok=True)
        return is_new

    def _put(self, data: bytes) -> Digest:
        draft = self.draft()
        try:
            with self._health.writes():
                draft.write_bytes(data)
        except MultiregionError:
            remove(draft)
            raise
        return self._keep(draft, None)

    def _keep(self, draft: Path, expected: Digest | None) -> Digest:
        try:
            with self._health.writes():
                digest = self._put_in_place(draft, expected)
            self._health.wrote()
            return digest
        finally:
            remove(draft)

    def _put_in_place(self, draft: Path, expected: Digest | None) -> Digest:
        with draft.open("rb") as file:
            digest = Digest(file_digest(file, "sha256").hexdigest())
            if expected not in (None, digest):
                raise InvalidInput(f"the bytes have the digest {digest}, not {expected}", field="sha256")
            os.fsync(file.fileno())
        place = self._place(digest)
        with self._placing:
            new_folder = self._make_way(place)
            draft.rename(place)
        sync_folder(place.parent)
        if new_folder:
            sync_folder(self._kept)
        return digest


def is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def identity_of(stat: os.stat_result) -> Identity:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
