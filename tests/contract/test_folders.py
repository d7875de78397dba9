"""A disk that fails only under the objects or the uploads is told as under the records: by real files, and a small one."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import pytest

from multiregion.config import Settings
from multiregion.embedded import folders
from multiregion.embedded.folders import FolderHealth
from multiregion.embedded.objects import FileObjects
from multiregion.embedded.pending import PendingUploads
from multiregion.errors import DiskFailed, DiskFull, MultiregionError
from multiregion.health import WriteHealth
from multiregion.local.region import RegionProcess
from multiregion.local.serve import no_restart
from multiregion.stores import Announced, Digest
from tests.contract.test_damage import configured
from tests.contract.test_writing import no_file_can_be_written
from tests.unit.manual_clock import ManualClock

ABSENT = Digest("0" * 64)


class Folder(Protocol):
    def writing(self) -> WriteHealth: ...

    async def prove_writing(self) -> None: ...


def objects(folder: Path, clock: ManualClock) -> FileObjects:
    return FileObjects(folder / "objects", clock)


def uploads(folder: Path, clock: ManualClock) -> PendingUploads:
    return PendingUploads(folder / "pending", "http://region", b"k" * 32, clock, 60)


Make = Callable[[Path, ManualClock], Folder]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def litter(folder: Path, kept: Path) -> None:
    """What was a folder is a file now: like a read-only disk it refuses the removal of what is not there, too."""
    folder.rename(kept)
    folder.write_text("in the way")


def everything_in(folder: Path) -> set[str]:
    return {str(each.relative_to(folder)) for each in folder.rglob("*")}


@pytest.mark.parametrize("make", [objects, uploads])
async def test_a_folder_is_tried_without_a_trace(tmp_path: Path, clock: ManualClock, make: Make) -> None:
    made = make(tmp_path, clock)
    before = everything_in(tmp_path)
    for _ in range(3):
        clock.elapsed += 2.0
        await made.prove_writing()
    assert made.writing().condition == "well" and made.writing().last_seconds is not None
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("make", [objects, uploads])
async def test_a_folder_that_cannot_be_written_is_found_out_named_and_mended(tmp_path: Path, clock: ManualClock, make: Make) -> None:
    made = make(tmp_path, clock)
    with no_file_can_be_written():
        await made.prove_writing()
    health = made.writing()
    assert health.refuses and str(tmp_path) in str(health.problem) and "cannot be written" in str(health.problem)
    await made.prove_writing()
    assert made.writing().problem is None


@pytest.mark.parametrize("make", [objects, uploads])
async def test_a_folder_without_room_is_full(tmp_path: Path, clock: ManualClock, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path, clock)
    before = everything_in(tmp_path)

    def no_room(file: int, start: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folders, "allocate", no_room)
    await made.prove_writing()
    assert "the disk is full" in str(made.writing().problem) and everything_in(tmp_path) == before


async def test_a_write_of_an_object_tells_of_the_disk_and_a_moment_after_a_good_one_it_is_not_tried(
    tmp_path: Path, clock: ManualClock
) -> None:
    made = objects(tmp_path, clock)
    digest = await made.put(b"light")
    with no_file_can_be_written():
        await made.prove_writing()
        assert made.writing().problem is None, "an object was kept a moment ago"
        with pytest.raises(DiskFailed):
            await made.put(b"more light")
    assert made.writing().refuses
    await made.prove_writing()
    assert made.writing().problem is None and await made.has(digest)


async def pieces() -> AsyncIterator[bytes]:
    yield b"light"


@pytest.mark.parametrize("what", ["put", "receive", "keep", "claim", "discard", "delete", "digests", "open"])
async def test_whatever_is_asked_of_objects_whose_folders_are_not_there_is_an_error_of_the_disk_or_none(
    tmp_path: Path, clock: ManualClock, what: str
) -> None:
    made = objects(tmp_path, clock)
    digest = await made.put(b"light")
    draft = made.draft()
    for name in ("drafts", "kept"):
        litter(tmp_path / "objects" / name, tmp_path / name)
    asked: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "put": lambda: made.put(b"more"),
        "receive": lambda: made.receive(ABSENT, pieces()),
        "keep": lambda: made.keep(draft),
        "claim": lambda: made.claim(digest),
        "discard": lambda: made.discard(digest, older_than_seconds=0),
        "delete": lambda: made.delete(digest),
        "digests": lambda: collected(made.digests()),
        "open": lambda: collected(made.open(digest)),
    }
    with suppress(MultiregionError):
        await asked[what]()
    if what in ("put", "receive", "keep", "delete"):
        with pytest.raises(DiskFailed):
            await asked[what]()
        assert made.writing().refuses


async def collected(stream: AsyncIterator[Any]) -> list[Any]:
    return [each async for each in stream]


def announced() -> Announced:
    return Announced("photo", "ada", "image/png", 5, Digest(sha256(b"light").hexdigest()), "")


async def test_an_upload_into_a_folder_that_is_not_there_is_refused_as_the_disks_fault(tmp_path: Path, clock: ManualClock) -> None:
    made = uploads(tmp_path, clock)
    ticket = await made.ticket(announced())
    arriving = made.receive(ticket.fields)
    litter(tmp_path / "pending", tmp_path / "moved")
    arriving.add(b"light")
    arriving.abandon()
    with pytest.raises(DiskFailed):
        made.receive(ticket.fields)
    assert made.writing().refuses
    with pytest.raises(DiskFailed):
        await made.pending("photo", "ada")
    with pytest.raises(DiskFailed):
        await made.sweep()


async def test_an_upload_without_room_is_refused_and_told(tmp_path: Path, clock: ManualClock) -> None:
    made = uploads(tmp_path, clock)
    arriving = made.receive((await made.ticket(announced())).fields)
    arriving.add(b"light")
    with no_file_can_be_written(), pytest.raises(DiskFailed):
        await made.keep(arriving)
    arriving.abandon()
    assert made.writing().refuses and everything_in(tmp_path) == {"pending"}


async def test_an_error_without_a_known_number_is_the_disks_too(clock: ManualClock) -> None:
    health = FolderHealth("objects", clock, lambda: None)
    for number, kind in ((errno.EDQUOT, DiskFull), (errno.ENOTRECOVERABLE, DiskFailed), (errno.EXDEV, DiskFailed)):
        with pytest.raises(kind, match="objects"), health.writes():
            raise OSError(number, "odd")
        assert health.now().refuses


async def test_a_folder_that_does_not_answer_is_stuck(clock: ManualClock) -> None:
    inside, free = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang() -> None:
        loop.call_soon_threadsafe(inside.set)
        asyncio.run_coroutine_threadsafe(free.wait(), loop).result()

    health = FolderHealth("objects", clock, hang)
    proving = asyncio.ensure_future(health.prove())
    await inside.wait()
    clock.elapsed += 6.0
    assert health.now().condition == "stuck"
    free.set()
    await proving


@pytest.mark.parametrize("make", [objects, uploads])
def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path, clock: ManualClock, make: Make) -> None:
    for name in ("objects", "pending"):
        (tmp_path / name).write_text("in the way")
    with pytest.raises(DiskFailed, match=r"(objects|pending) is there, and is no folder; move it away"):
        make(tmp_path, clock)


# A region


@pytest.mark.parametrize("folder", ["objects", "pending"])
async def test_a_region_is_as_ill_as_its_folders_and_tells_everybody_who_asks(tmp_path: Path, folder: str) -> None:
    region = RegionProcess(configured(tmp_path / "data"), Settings(), no_restart)
    litter(tmp_path / "data/primary" / folder, tmp_path / folder)
    await asyncio.gather(*(each.prove_writing() for each in folders_of(region)))
    assert (await region.outlook()).writing.condition == "failing", "what a switch and automatic mode ask"
    status = await region.status()
    assert status.writing is not None and folder in str(status.writing.problem) and folder in str(status.reasons)
    region._records.close()


def folders_of(region: RegionProcess) -> list[Folder]:
    return [region._objects, region._uploads]
