"""What every implementation of `Objects` promises."""

import hashlib
import os
from collections.abc import AsyncIterator

import pytest

from multiregion.errors import InvalidInput, NotFound
from multiregion.stores import Digest, Objects
from tests.contract.backends import Backend


def digest_of(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest())


@pytest.fixture
async def objects(backend: Backend) -> Objects:
    return await backend.objects()


async def read(objects: Objects, digest: Digest, **range: int) -> bytes:
    return b"".join([piece async for piece in objects.open(digest, **range)])


def left_over(objects: Objects) -> list[str]:
    """Files that are neither an object nor wanted any more."""
    return [name for _, _, names in os.walk(objects.draft().parent) for name in names]


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_bytes_are_found_under_their_digest(objects: Objects) -> None:
    digest = await objects.put(b"light")
    assert digest == digest_of(b"light") and await read(objects, digest) == b"light"
    assert await objects.has(digest) and not await objects.has(digest_of(b"dark"))


async def test_putting_twice_is_putting_once(objects: Objects) -> None:
    assert await objects.put(b"light") == await objects.put(b"light")
    assert [size async for _, size in objects.digests()] == [5]


async def test_an_object_that_arrives_in_pieces(objects: Objects) -> None:
    await objects.receive(digest_of(b"light"), pieces(b"li", b"ght"))
    assert await objects.has(digest_of(b"light"))


async def test_bytes_that_are_not_the_object_are_not_kept(objects: Objects) -> None:
    with pytest.raises(InvalidInput):
        await objects.receive(digest_of(b"light"), pieces(b"li", b"gh"))
    assert not await objects.has(digest_of(b"light"))
    assert left_over(objects) == []


async def test_a_break_in_the_middle_leaves_nothing(objects: Objects) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"li"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await objects.receive(digest_of(b"light"), broken())
    assert left_over(objects) == [] and [each async for each in objects.digests()] == []


async def test_drafts_of_a_crashed_process_are_cleared_away(objects: Objects, backend: Backend) -> None:
    objects.draft().write_bytes(b"half")
    assert left_over(objects) != []
    again = await backend.objects()
    assert left_over(again) == []


async def test_listing_is_in_order_and_resumes(objects: Objects) -> None:
    expected = sorted([await objects.put(str(n).encode()) for n in range(40)])
    assert [digest async for digest, _ in objects.digests()] == expected
    assert [digest async for digest, _ in objects.digests(after=expected[20])] == expected[21:]


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 65])
async def test_a_name_that_is_no_digest_reaches_nothing(objects: Objects, name: str) -> None:
    with pytest.raises(InvalidInput):
        await objects.has(Digest(name))
    with pytest.raises(InvalidInput):
        await read(objects, Digest(name))
    with pytest.raises(InvalidInput):
        await objects.delete(Digest(name))


@pytest.mark.parametrize(("first", "last", "expected"), [(0, 0, b"l"), (1, 3, b"igh"), (4, 4, b"t"), (2, None, b"ght"), (0, 4, b"light")])
async def test_a_part_of_an_object_can_be_read(objects: Objects, first: int, last: int | None, expected: bytes) -> None:
    digest = await objects.put(b"light")
    assert await read(objects, digest, first=first, **({} if last is None else {"last": last})) == expected


@pytest.mark.parametrize(("first", "last"), [(0, 5), (5, 5), (7, 9), (3, 2)])
async def test_a_range_that_is_not_in_the_object_is_refused(objects: Objects, first: int, last: int) -> None:
    digest = await objects.put(b"light")
    with pytest.raises(InvalidInput):
        await read(objects, digest, first=first, last=last)


async def test_what_is_not_there_is_not_found(objects: Objects) -> None:
    with pytest.raises(NotFound):
        await read(objects, digest_of(b"dark"))
    await objects.delete(digest_of(b"dark"))


async def test_nothing_is_an_object_too(objects: Objects) -> None:
    assert await read(objects, await objects.put(b"")) == b""


async def test_an_object_in_many_parts_comes_back_as_it_was(objects: Objects) -> None:
    data = b"".join(n.to_bytes(4, "big") for n in range(17 * 1024 * 1024 // 4 + 1))
    draft = objects.draft()
    draft.write_bytes(data)
    digest = await objects.keep(draft, digest=digest_of(data))
    assert not draft.exists() and digest_of(await read(objects, digest)) == digest
    middle = 8 * 1024 * 1024
    assert await read(objects, digest, first=middle - 2, last=middle + 1) == data[middle - 2 : middle + 2]
    draft.write_bytes(data)
    assert await objects.keep(draft) == digest


async def test_bytes_that_are_kept_under_a_wrong_digest_are_refused_and_removed(objects: Objects) -> None:
    draft = objects.draft()
    draft.write_bytes(b"light")
    with pytest.raises(InvalidInput, match="digest"):
        await objects.keep(draft, digest=digest_of(b"dark"))
    assert not draft.exists() and not await objects.has(digest_of(b"light"))


async def test_only_what_has_been_there_for_a_while_is_discarded(objects: Objects) -> None:
    digest = await objects.put(b"light")
    assert not await objects.discard(digest, older_than_seconds=3600) and await objects.has(digest)
    assert await objects.discard(digest, older_than_seconds=-10) and not await objects.has(digest)
    assert not await objects.discard(digest, older_than_seconds=-10)


async def test_a_deleted_object_is_gone_and_can_be_put_again(objects: Objects) -> None:
    digest = await objects.put(b"light")
    await objects.delete(digest)
    await objects.delete(digest)
    assert not await objects.has(digest)
    assert await objects.put(b"light") == digest and await objects.has(digest)
