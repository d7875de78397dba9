"""The region's side of the processes that decode pictures: few, started when needed, ended when idle."""

import asyncio
import sys
from contextlib import suppress

import msgspec

from multiregion.errors import (
    DiskFailed,
    DiskFull,
    MultiregionError,
    Overloaded,
    TooLarge,
    Unavailable,
    UnknownUpload,
    UnsupportedMedia,
)
from multiregion.gallery.jobs import Answer, Job, Picture

WORKERS_MAX = 2
WAITING_MAX = 32
JOBS_PER_WORKER = 100
JOB_SECONDS_MAX = 60.0
IDLE_SECONDS = 10.0
ERRORS: dict[str, type[MultiregionError]] = {
    kind.code: kind for kind in (DiskFailed, DiskFull, Overloaded, TooLarge, UnknownUpload, UnsupportedMedia)
}


class Worker:
    """One process. After any error but those that it reports itself it must be killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.jobs = 0

    @classmethod
    async def start(cls, pixels_max: int) -> "Worker":
        pipe = asyncio.subprocess.PIPE
        arguments = (sys.executable, "-P", "-m", "multiregion.gallery.worker", str(pixels_max))
        return cls(await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe))

    @property
    def pid(self) -> int:
        return self._process.pid

    async def render(self, job: Job) -> Answer:
        self.jobs += 1
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(msgspec.json.encode(job) + b"\n")
            async with asyncio.timeout(JOB_SECONDS_MAX):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise UnsupportedMedia(f"decoding the picture took longer than {JOB_SECONDS_MAX:.0f} s", field="file") from None
        except ConnectionError:
            line = b""
        if not line:
            raise Unavailable("the process that decodes pictures has died; try again")
        return msgspec.json.decode(line, type=Answer)

    async def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


class PictureWorkers:
    """Renders two pictures at a time, and lets a bounded number wait."""

    def __init__(self, pixels_max: int) -> None:
        self._pixels_max = pixels_max
        self._places = asyncio.Semaphore(WORKERS_MAX)
        self._waiting = 0
        self._idle: dict[Worker, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self._idle]

    async def render(self, job: Job) -> Picture:
        """Raises UnsupportedMedia, TooLarge, DiskFull, UnknownUpload; Overloaded if too many wait, Unavailable if a worker died."""
        if self._waiting >= WAITING_MAX:
            raise Overloaded(f"more than {WAITING_MAX} photos are waiting to be looked at; try again in a moment", retry_after_seconds=5)
        self._waiting += 1
        try:
            async with self._places:
                answer = await self._ask(job)
        finally:
            self._waiting -= 1
        if answer.picture is None:
            raise ERRORS[answer.code](answer.detail, **answer.facts)
        return answer.picture

    async def close(self) -> None:
        for worker in list(self._idle):
            self._retire(worker)
        await asyncio.gather(*self._ending)

    async def _ask(self, job: Job) -> Answer:
        worker = self._take() or await Worker.start(self._pixels_max)
        try:
            answer = await worker.render(job)
        except BaseException:  # cancellation too: its answer would be taken for the next job's
            self._end(worker)
            raise
        self._rest(worker)
        return answer

    def _take(self) -> Worker | None:
        if not self._idle:
            return None
        worker, timer = self._idle.popitem()
        timer.cancel()
        return worker

    def _rest(self, worker: Worker) -> None:
        if worker.jobs >= JOBS_PER_WORKER:
            self._end(worker)
        else:
            self._idle[worker] = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._retire, worker)

    def _retire(self, worker: Worker) -> None:
        if timer := self._idle.pop(worker, None):
            timer.cancel()
            self._end(worker)

    def _end(self, worker: Worker) -> None:
        ending = asyncio.get_running_loop().create_task(worker.kill())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
