"""Bytes that replication brings before the records that need them: what is not waited for, what is, and what is told meanwhile."""

import asyncio
import os
from pathlib import Path

import pytest

from multiregion.errors import Unneeded
from multiregion.region import LoggedRegion
from multiregion.replication import Replicator, bring
from multiregion.states import Role
from multiregion.stores import Key, Write
from tests.contract.test_local_objects import flip
from tests.contract.test_objects import digest_of
from tests.unit.links import Link, region
from tests.unit.test_replication import level, link, primary, replicator, secondary, until, write

__all__ = ["link", "primary", "replicator", "secondary"]


async def test_bytes_of_what_was_deleted_meanwhile_are_not_waited_for(
    primary: LoggedRegion, secondary: LoggedRegion, replicator: Replicator, link: Link
) -> None:
    link.brings.clear()
    gone, kept = await primary.objects.put(b"gone"), await primary.objects.put(b"kept")
    await write(primary, "p", needs=(gone,))
    await write(primary, "q", needs=(kept,))
    await primary.records.commit([Write(Key("photos", "p"), None)], epoch=None, actor="ada")
    await primary.objects.delete(gone)
    link.brings.set()
    await until(lambda: level(primary, secondary))
    assert await secondary.objects.has(kept) and not await secondary.objects.has(gone)


async def test_bytes_that_a_region_with_another_file_does_not_need_are_waited_for(
    primary: LoggedRegion, secondary: LoggedRegion, replicator: Replicator, link: Link, tmp_path: Path
) -> None:
    link.brings.clear()
    digest = await primary.objects.put(b"light")
    await write(primary, "p", needs=(digest,))

    async def asked() -> bool:
        return link.asked_for == [digest]

    async def told() -> bool:
        return replicator.problem == "the logs of the two regions have parted"

    await until(asked)
    replaced = link.source = region(tmp_path / "replaced", Role.PRIMARY)
    link.brings.set()
    await until(told)
    assert await secondary.records.get(Key("photos", "p")) is None
    link.source = primary
    await until(lambda: level(primary, secondary))
    assert await secondary.objects.has(digest)
    replaced.records.close()  # type: ignore[attr-defined]


async def test_bytes_that_are_needed_and_damaged_are_waited_for_and_told(
    primary: LoggedRegion, secondary: LoggedRegion, replicator: Replicator
) -> None:
    digest = await primary.objects.put(b"light")
    flip(primary.objects.path(digest))
    await write(primary, "p", needs=(digest,))

    async def told() -> bool:
        return "damaged here: repair it there, or delete what needs it" in (replicator.problem or "")

    await until(told)
    assert await secondary.records.get(Key("photos", "p")) is None
    await primary.records.commit([Write(Key("photos", "p"), None)], epoch=None, actor="ada")
    await until(lambda: level(primary, secondary))


async def test_an_object_that_is_here_is_not_swept_before_the_record_that_needs_it_has_come(
    primary: LoggedRegion, secondary: LoggedRegion, link: Link
) -> None:
    here, other = await secondary.objects.put(b"here"), await primary.objects.put(b"other")
    await primary.objects.put(b"here")
    path = secondary.objects.path(here)
    assert path is not None
    os.utime(path, (0, 0))
    link.brings.clear()
    bringing = asyncio.ensure_future(bring([here, other], secondary.objects, link))
    await asyncio.sleep(0)
    os.utime(path, (0, 0))  # the other object took so long to come
    await secondary.objects.discard(here, older_than_seconds=3600)
    link.brings.set()
    await bringing
    assert await secondary.objects.has(here) and await secondary.objects.has(other)
    assert not await secondary.objects.discard(here, older_than_seconds=3600)


async def test_a_lost_write_is_not_made_again_without_its_bytes(primary: LoggedRegion, secondary: LoggedRegion, link: Link) -> None:
    with pytest.raises(Unneeded):
        await bring([digest_of(b"nowhere")], secondary.objects, link)
