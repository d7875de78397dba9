"""Immutable bytes in a folder: written to a draft, synced, renamed to their digest, and the folder synced."""

import asyncio
import os
import re
import threading
from collections.abc import AsyncIterator
from hashlib import file_digest
from pathlib import Path

from multiregion.clock import Clock
from multiregion.embedded.disk import problem_of
from multiregion.errors import InvalidInput, NotFound
from multiregion.stores import Digest

PIECE_BYTES = 256 * 1024
DIGEST = re.compile(r"[0-9a-f]{64}")


class FileObjects:
    """`Objects` under one folder: `kept/ab/abcd…` for objects, `drafts/` for what is being written."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock
        self._kept = folder / "kept"
        self._drafts = folder / "drafts"
        self._placing = threading.Lock()
        for made in (self._kept, self._drafts):
            made.mkdir(parents=True, exist_ok=True)
        for left_over in self._drafts.iterdir():
            left_over.unlink()

    def draft(self) -> Path:
        return self._drafts / self._clock.new_id()

    async def keep(self, draft: Path, *, digest: Digest | None = None) -> Digest:
        return await asyncio.to_thread(self._keep, draft, digest)

    async def receive(self, digest: Digest, pieces: AsyncIterator[bytes]) -> None:
        draft = self.draft()
        try:
            with draft.open("wb") as file:
                async for piece in pieces:
                    file.write(piece)
            await self.keep(draft, digest=digest)
        except OSError as error:
            raise stored_or_full(error) from error
        finally:
            draft.unlink(missing_ok=True)

    async def put(self, data: bytes) -> Digest:
        return await asyncio.to_thread(self._put, data)

    def path(self, digest: Digest) -> Path | None:
        path = self._place(digest)
        return path if path.is_file() else None

    async def open(self, digest: Digest, *, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        path = self.path(digest)
        if path is None:
            raise NotFound(f"there is no object {digest} here")
        size = path.stat().st_size
        end = size if last is None else last + 1
        if not (0 <= first < end <= size or (first, end) == (0, 0)):
            raise InvalidInput(f"the object has {size} bytes; {first} to {end - 1} is not in it", field="range", limit=size)
        with path.open("rb") as file:
            file.seek(first)
            while first < end and (piece := await asyncio.to_thread(file.read, min(PIECE_BYTES, end - first))):
                first += len(piece)
                yield piece

    async def has(self, digest: Digest) -> bool:
        return self.path(digest) is not None

    async def delete(self, digest: Digest) -> None:
        self._place(digest).unlink(missing_ok=True)

    async def discard(self, digest: Digest, *, older_than_seconds: float) -> bool:
        return await asyncio.to_thread(self._discard, digest, older_than_seconds)

    def _discard(self, digest: Digest, older_than_seconds: float) -> bool:
        place = self._place(digest)
        with self._placing:  # or the same bytes could be put between the look and the removal
            try:
                if place.stat().st_mtime > self._clock.now() - older_than_seconds:
                    return False
            except FileNotFoundError:
                return False
            place.unlink()
            return True

    async def digests(self, after: str = "") -> AsyncIterator[tuple[Digest, int]]:
        for folder in sorted(self._kept.iterdir()):
            if folder.name < after[:2]:
                continue
            for path in await asyncio.to_thread(sorted, folder.iterdir()):
                if path.name > after:
                    yield Digest(path.name), path.stat().st_size

    def _place(self, digest: Digest) -> Path:
        if not DIGEST.fullmatch(digest):
            raise InvalidInput("a digest is 64 lower-case hexadecimal digits", field="sha256")
        return self._kept / digest[:2] / digest

    def _put(self, data: bytes) -> Digest:
        draft = self.draft()
        try:
            draft.write_bytes(data)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise stored_or_full(error) from error
        return self._keep(draft, None)

    def _keep(self, draft: Path, expected: Digest | None) -> Digest:
        try:
            with draft.open("rb") as file:
                digest = Digest(file_digest(file, "sha256").hexdigest())
                if expected not in (None, digest):
                    raise InvalidInput(f"the bytes have the digest {digest}, not {expected}", field="sha256")
                os.fsync(file.fileno())
            place = self._place(digest)
            new_folder = not place.parent.exists()
            place.parent.mkdir(exist_ok=True)
            with self._placing:
                draft.rename(place)
            sync_folder(place.parent)
            if new_folder:
                sync_folder(self._kept)
            return digest
        except OSError as error:
            raise stored_or_full(error) from error
        finally:
            draft.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def stored_or_full(error: OSError) -> Exception:
    problem = problem_of(error)
    return problem.error() if problem else error
