"""What files promise beyond `Objects`: bytes that are not what was stored are never given out, and are put right if they can be."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from multiregion.clock import Clock, SystemClock
from multiregion.embedded.objects import ALWAYS_READ_BYTES_MAX, SOUND_SECONDS, FileObjects
from multiregion.errors import Damaged, NotFound, Unavailable
from multiregion.objects import Condition
from multiregion.stores import Digest
from tests.contract.test_objects import digest_of, read
from tests.unit.manual_clock import ManualClock

LIGHT = digest_of(b"light")


def flip(path: Path | None, at: int = 0) -> None:
    """One bit of one byte, and no change of size or time that would give it away."""
    assert path is not None
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture
def objects(tmp_path: Path) -> FileObjects:
    return FileObjects(tmp_path, SystemClock())


async def test_damaged_bytes_are_never_given_out_whole_or_in_part(objects: FileObjects) -> None:
    digest = await objects.put(b"light")
    flip(objects.path(digest), at=4)
    for range in ({}, {"first": 0, "last": 1}):
        with pytest.raises(Damaged):
            await read(objects, digest, **range)
    with pytest.raises(Damaged):
        await objects.file(digest)
    found = [(await objects.look(digest, deep=deep)).condition for deep in (True, False)]
    assert found == [Condition.DAMAGED, Condition.SOUND]


async def test_what_cannot_be_read_is_damaged_and_what_is_not_there_is_missing(objects: FileObjects) -> None:
    digest = await objects.put(b"light")
    path = objects.path(digest)
    assert path is not None
    path.unlink()
    missing = await objects.look(digest, deep=True)
    assert (missing.condition, missing.size) == (Condition.MISSING, None)
    path.mkdir()  # reading it is an error of the file system's
    assert (await objects.look(digest, deep=True)).condition is Condition.DAMAGED


def folder(path: Path) -> None:
    (path / "inner").mkdir(parents=True)


def loop(path: Path) -> None:
    path.symlink_to(path)


def file_for_the_folder(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_bytes(b"litter")


@pytest.mark.parametrize("litter", [folder, loop, os.mkfifo, file_for_the_folder])
async def test_whatever_stands_in_an_objects_place_is_found_and_gives_way(tmp_path: Path, litter: Callable[[Path], None]) -> None:
    objects = FileObjects(tmp_path, SystemClock())
    other, digest = await objects.put(b"other"), await objects.put(b"light")
    path = objects.path(digest)
    assert path is not None
    path.unlink()
    litter(path)
    async with asyncio.timeout(10):
        for deep in (False, True):
            assert (await objects.look(digest, deep=deep)).condition is not Condition.SOUND
        assert not await objects.claim(digest) and not await objects.discard(digest, older_than_seconds=0)
        assert [each async for each, _ in objects.digests()] == [other]
        await objects.put(b"light")
    assert await read(objects, digest) == b"light"
    assert await read(FileObjects(tmp_path, SystemClock()), digest) == b"light"


@pytest.mark.parametrize("what", [Condition.MISSING, Condition.DAMAGED])
async def test_a_reader_gets_what_could_be_put_right(tmp_path: Path, what: Condition) -> None:
    asked: list[tuple[Digest, Condition]] = []

    async def mend(digest: Digest, condition: Condition) -> None:
        asked.append((digest, condition))
        await stored.put(b"light")

    stored = FileObjects(tmp_path, SystemClock(), mend)
    await stored.put(b"light")
    await stored.delete(LIGHT) if what is Condition.MISSING else flip(stored.path(LIGHT))
    with pytest.raises((NotFound, Damaged)):
        await stored.file(LIGHT, mend=False)
    assert await read(stored, LIGHT) == b"light" and asked == [(LIGHT, what)]
    assert await read(stored, LIGHT) == b"light" and len(asked) == 1


async def test_what_could_not_be_put_right_is_refused_with_the_reason(tmp_path: Path) -> None:
    async def mend(digest: Digest, condition: Condition) -> None:
        raise Unavailable("the other region does not answer")

    objects = FileObjects(tmp_path, SystemClock(), mend)
    with pytest.raises(Unavailable, match="does not answer"):
        await read(objects, LIGHT)


async def large(folder: Path, clock: Clock) -> tuple[FileObjects, Digest, Path]:
    objects = FileObjects(folder, clock)
    digest = await objects.put(bytes(ALWAYS_READ_BYTES_MAX + 1))
    path = objects.path(digest)
    assert path is not None
    return objects, digest, path


async def test_a_large_object_is_read_again_after_a_while(tmp_path: Path) -> None:
    clock = ManualClock()
    objects, digest, path = await large(tmp_path, clock)
    await objects.file(digest)
    flip(path)
    clock.elapsed += SOUND_SECONDS - 1
    await objects.file(digest)
    clock.elapsed += 2
    with pytest.raises(Damaged):
        await objects.file(digest)


async def test_a_large_object_is_read_again_when_its_file_was_touched(tmp_path: Path) -> None:
    objects, digest, path = await large(tmp_path, ManualClock())
    await objects.file(digest)
    flip(path)
    os.utime(path)
    with pytest.raises(Damaged):
        await objects.file(digest)


async def test_a_smaller_one_is_read_each_time(objects: FileObjects) -> None:
    digest = await objects.put(b"light")
    await objects.file(digest)
    flip(objects.path(digest))
    with pytest.raises(Damaged):
        await objects.file(digest)


async def test_what_is_claimed_is_not_discarded(objects: FileObjects) -> None:
    digest = await objects.put(b"light")
    path = objects.path(digest)
    assert path is not None
    os.utime(path, (0, 0))
    assert await objects.claim(digest)
    assert not await objects.discard(digest, older_than_seconds=3600) and await objects.has(digest)
    assert not await objects.claim(digest_of(b"dark"))


async def test_storing_puts_damaged_bytes_right(objects: FileObjects) -> None:
    digest = await objects.put(b"light")
    flip(objects.path(digest))
    await objects.put(b"light")
    assert await read(objects, digest) == b"light"
