"""Pictures as they are served, read and compared with their digest first, beside the same request answered by the file alone."""

import asyncio
import time
from collections.abc import Iterator
from hashlib import sha256

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from benchmarks.figures import Beside, Row, percentile
from benchmarks.stage import Stage
from multiregion.clock import SystemClock
from multiregion.embedded.objects import FileObjects
from multiregion.stores import Digest

SIZES = (1_000_000, 8_000_000)


def application(objects: FileObjects) -> Starlette:
    """Two routes over the same files: `/checked` as a region serves them, `/bare` without the comparison."""

    async def checked(request: Request) -> FileResponse:
        found = await objects.file(Digest(request.path_params["digest"]))
        return FileResponse(found.path, stat_result=found.stat)

    async def bare(request: Request) -> FileResponse:
        path = objects.path(Digest(request.path_params["digest"]))
        assert path is not None
        return FileResponse(path)

    return Starlette(routes=[Route("/checked/{digest}", checked), Route("/bare/{digest}", bare)])


async def measured(objects: FileObjects, size: int, times: int) -> tuple[float, float]:
    """Medians in seconds, with the comparison and without. They take turns, so that both meet the same machine."""
    data = sha256(str(size).encode()).digest() * (size // 32)
    digest = await objects.put(data)
    taken: dict[str, list[float]] = {"checked": [], "bare": []}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application(objects)), base_url="http://region") as http:
        for _ in range(times):
            for way, seconds in taken.items():
                began = time.monotonic()
                answer = await http.get(f"/{way}/{digest}")
                seconds.append(time.monotonic() - began)
                if answer.status_code != 200 or len(answer.content) != len(data):
                    raise RuntimeError(f"{way} was answered with {answer.status_code}, {len(answer.content)} bytes")
    return percentile(taken["checked"], 50), percentile(taken["bare"], 50)


def serve(stage: Stage) -> Iterator[Row]:
    objects = FileObjects(stage.scratch / "served", SystemClock())
    times = stage.times(200, 10)
    for size in SIZES:
        checked, bare = asyncio.run(measured(objects, size, times))
        note = f"{checked / bare:.2f} times, median of {times}; no network"
        what = f"GET of a picture, {size // 1_000_000} MB"
        yield Row(what, 1_000 * checked, "ms", None, Beside("without its digest", 1_000 * bare), note)
