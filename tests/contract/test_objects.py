"""What every implementation of `Objects` promises."""

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from multiregion.clock import SystemClock
from multiregion.embedded.objects import FileObjects
from multiregion.errors import InvalidInput
from multiregion.stores import Digest


def digest_of(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest())


@pytest.fixture
def objects(tmp_path: Path) -> FileObjects:
    return FileObjects(tmp_path / "objects", SystemClock())


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_bytes_are_found_under_their_digest(objects: FileObjects) -> None:
    digest = await objects.put(b"light")
    path = objects.path(digest)
    assert digest == digest_of(b"light") and path is not None and path.read_bytes() == b"light"
    assert await objects.has(digest) and not await objects.has(digest_of(b"dark"))


async def test_putting_twice_is_putting_once(objects: FileObjects) -> None:
    assert await objects.put(b"light") == await objects.put(b"light")
    assert [size async for _, size in objects.digests()] == [5]


async def test_an_object_that_arrives_in_pieces(objects: FileObjects) -> None:
    await objects.receive(digest_of(b"light"), pieces(b"li", b"ght"))
    assert await objects.has(digest_of(b"light"))


async def test_bytes_that_are_not_the_object_are_not_kept(objects: FileObjects) -> None:
    with pytest.raises(InvalidInput):
        await objects.receive(digest_of(b"light"), pieces(b"li", b"gh"))
    assert not await objects.has(digest_of(b"light"))
    assert not [name for _, _, names in os.walk(objects.draft().parent) for name in names]


async def test_a_break_in_the_middle_leaves_nothing(objects: FileObjects) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"li"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await objects.receive(digest_of(b"light"), broken())
    assert not [name for _, _, names in os.walk(objects.draft().parent.parent) for name in names]


async def test_drafts_of_a_crashed_process_are_cleared_away(objects: FileObjects, tmp_path: Path) -> None:
    objects.draft().write_bytes(b"half")
    again = FileObjects(tmp_path / "objects", SystemClock())
    assert list(again.draft().parent.iterdir()) == []


async def test_listing_is_in_order_and_resumes(objects: FileObjects) -> None:
    expected = sorted([await objects.put(str(n).encode()) for n in range(40)])
    assert [digest async for digest, _ in objects.digests()] == expected
    assert [digest async for digest, _ in objects.digests(after=expected[20])] == expected[21:]


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 65])
async def test_a_name_that_is_no_digest_reaches_no_file(objects: FileObjects, name: str) -> None:
    with pytest.raises(InvalidInput):
        objects.path(Digest(name))
