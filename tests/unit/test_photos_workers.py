"""The processes that decode pictures: what they survive, and that they survive nobody."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from multiregion.errors import DiskFailed, Overloaded, TooLarge, Unavailable, UnknownUpload, UnsupportedMedia
from multiregion.gallery import workers
from multiregion.gallery.jobs import Job
from multiregion.gallery.workers import PictureWorkers, Worker
from tests.gallery_world import picture

PIXELS_MAX = 50_000_000


def job(folder: Path, data: bytes | None = None, name: str = "a") -> Job:
    source = folder / f"{name}.source"
    if data is not None:
        source.write_bytes(data)
    return Job(str(source), "image/jpeg", str(folder / f"{name}.photo"), str(folder / f"{name}.thumbnail"), PIXELS_MAX)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until_dead(pid: int) -> None:
    async with asyncio.timeout(10):
        while alive(pid):
            await asyncio.sleep(0.01)


async def test_a_process_is_started_when_needed_used_again_and_ended(tmp_path: Path) -> None:
    pool = PictureWorkers(PIXELS_MAX)
    assert pool.pids == []
    assert (await pool.render(job(tmp_path, picture()))).width == 64
    (pid,) = pool.pids
    await pool.render(job(tmp_path, picture()))
    assert pool.pids == [pid]
    await pool.close()
    assert pool.pids == [] and not alive(pid)


async def test_two_at_most(tmp_path: Path) -> None:
    pool = PictureWorkers(PIXELS_MAX)
    await asyncio.gather(*[pool.render(job(tmp_path, picture(), str(n))) for n in range(8)])
    assert len(pool.pids) == 2
    await pool.close()


async def test_an_idle_process_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "IDLE_SECONDS", 0.05)
    pool = PictureWorkers(PIXELS_MAX)
    await pool.render(job(tmp_path, picture()))
    (pid,) = pool.pids
    await until_dead(pid)
    assert pool.pids == []
    assert (await pool.render(job(tmp_path, picture()))).width == 64
    await pool.close()


async def test_a_process_does_a_bounded_number_of_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "JOBS_PER_WORKER", 2)
    pool = PictureWorkers(PIXELS_MAX)
    await pool.render(job(tmp_path, picture()))
    (pid,) = pool.pids
    await pool.render(job(tmp_path, picture()))
    assert pool.pids == []
    await until_dead(pid)


async def test_errors_come_back_as_they_are(tmp_path: Path) -> None:
    pool = PictureWorkers(PIXELS_MAX)
    with pytest.raises(UnsupportedMedia, match="not a picture"):
        await pool.render(job(tmp_path, b"text"))
    with pytest.raises(UnsupportedMedia, match="truncated"):
        await pool.render(job(tmp_path, picture(size=(500, 500))[:-400]))
    with pytest.raises(UnknownUpload):
        await pool.render(job(tmp_path, None, "missing"))
    small = job(tmp_path, picture())
    with pytest.raises(TooLarge) as refusal:
        await pool.render(Job(small.source, small.content_type, small.photo, small.thumbnail, 10))
    assert refusal.value.facts["limit"] == 10
    assert len(pool.pids) == 1
    await pool.close()


async def test_a_disk_that_takes_no_picture_is_not_blamed_on_the_picture(tmp_path: Path) -> None:
    pool = PictureWorkers(PIXELS_MAX)
    good = job(tmp_path, picture())
    (tmp_path / "file").write_bytes(b"")
    for place in ("file/draft", "gone/draft"):
        with pytest.raises(DiskFailed, match="the disk cannot be written"):
            await pool.render(msgspec.structs.replace(good, photo=str(tmp_path / place)))
    await pool.close()


async def test_memory_is_limited(tmp_path: Path) -> None:
    """A process that was started for small pictures refuses to decode a large one, and goes on."""
    worker = await Worker.start(pixels_max=1)
    large = job(tmp_path, picture(size=(14_000, 14_000)))
    answer = await worker.render(Job(large.source, large.content_type, large.photo, large.thumbnail, 10**9))
    assert answer.picture is None and "memory" in answer.detail
    assert (await worker.render(job(tmp_path, picture()))).picture is not None
    await worker.kill()


async def test_a_process_that_dies_is_said_and_replaced(tmp_path: Path) -> None:
    pool = PictureWorkers(PIXELS_MAX)
    await pool.render(job(tmp_path, picture()))
    (pid,) = pool.pids
    os.kill(pid, signal.SIGKILL)
    await until_dead(pid)
    with pytest.raises(Unavailable):
        await pool.render(job(tmp_path, picture()))
    assert (await pool.render(job(tmp_path, picture()))).width == 64
    assert pid not in pool.pids
    await pool.close()


async def test_a_process_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = PictureWorkers(PIXELS_MAX)
    await pool.render(job(tmp_path, picture()))
    (pid,) = pool.pids
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(workers, "JOB_SECONDS_MAX", 0.05)
    with pytest.raises(UnsupportedMedia, match="longer than"):
        await asyncio.wait_for(pool.render(job(tmp_path, picture())), 10)
    await until_dead(pid)
    await pool.close()


async def test_a_cancelled_pictures_answer_is_not_taken_for_the_next_ones(tmp_path: Path) -> None:
    pool = PictureWorkers(PIXELS_MAX)
    await pool.render(job(tmp_path, picture()))
    cancelled = asyncio.create_task(pool.render(job(tmp_path, picture(size=(3000, 3000)), "large")))
    await asyncio.sleep(0.01)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    assert (await pool.render(job(tmp_path, picture(size=(20, 10)), "next"))).width == 20
    await pool.close()


async def test_the_queue_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "WAITING_MAX", 3)
    pool = PictureWorkers(PIXELS_MAX)
    jobs = [pool.render(job(tmp_path, picture(), str(n))) for n in range(5)]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert [isinstance(result, Overloaded) for result in results] == [False, False, False, True, True]
    await pool.close()


PARENT = """
import asyncio, sys
from multiregion.gallery.workers import Worker
async def main():
    print((await Worker.start(1)).pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_no_process_outlives_its_region(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await asyncio.to_thread(parent.stdout.readline))
    assert alive(pid)
    parent.kill()
    parent.wait()
    await until_dead(pid)
