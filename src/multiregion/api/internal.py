"""What the other region and the authority may ask of a region, with the deployment's secret: changes, objects, admission."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import file_digest
from hmac import compare_digest
from pathlib import Path
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from multiregion.api.documents import Routing, routing
from multiregion.api.problems import JSON, Handler, read_json
from multiregion.clock import Clock
from multiregion.config import REGION_PURPOSE, Deployment
from multiregion.errors import InvalidInput, NotFound, Unauthorized
from multiregion.region import Region
from multiregion.replication import Frame, frames
from multiregion.states import RoutingState
from multiregion.stores import Change, Digest, Head, Key, Position, Write

PAGE_MAX = 1_000
DEEP_PAGE_MAX = 20


class WireChange(msgspec.Struct, frozen=True, array_like=True):
    """A Change on the wire."""

    epoch: int
    sequence: int
    partition: str
    id: str
    order: str
    value: bytes | None
    needs: tuple[str, ...]
    actor: str
    at: float
    size: int

    def value_of(self) -> Change:
        write = Write(Key(self.partition, self.id), self.value, self.order, tuple(Digest(d) for d in self.needs))
        return Change(Position(self.epoch, self.sequence), write, self.actor, self.at, self.size)


class WireHead(msgspec.Struct, frozen=True, array_like=True):
    epoch: int
    sequence: int
    bytes: int
    content: str

    def value_of(self) -> Head:
        return Head(Position(self.epoch, self.sequence), self.bytes, self.content)


class WireFrame(msgspec.Struct, frozen=True, array_like=True):
    changes: list[WireChange]
    head: WireHead


def wire_change(change: Change) -> WireChange:
    write, position = change.write, change.position
    return WireChange(
        position.epoch, position.sequence, write.key.partition, write.key.id, write.order, write.value, write.needs,
        change.actor, change.at, change.size,
    )  # fmt: skip


def wire_head(head: Head) -> WireHead:
    return WireHead(head.position.epoch, head.position.sequence, head.bytes, head.content)


def pack(frame: Frame) -> bytes:
    """One frame: its length in four bytes, then MessagePack."""
    body = msgspec.msgpack.encode(WireFrame([wire_change(change) for change in frame.changes], wire_head(frame.head)))
    return len(body).to_bytes(4) + body


class Comparable(Protocol):
    """What `verify` asks of a region's records beyond the interface."""

    async def names(self, after: Key, *, limit: int) -> Any: ...

    async def needed(self, after: str, *, limit: int) -> Any: ...


class InternalAPI:
    def __init__(
        self,
        region: Region,
        comparable: Comparable,
        deployment: Deployment,
        report: Callable[[], Awaitable[dict[str, Any]]],
        clock: Clock,
        *,
        admitted: Callable[[RoutingState], None],
        heartbeat_seconds: float,
    ) -> None:
        self._region = region
        self._comparable = comparable
        self._secret = deployment.bearer(REGION_PURPOSE)
        self._report = report
        self._clock = clock
        self._admitted = admitted
        self._heartbeat_seconds = heartbeat_seconds

    def routes(self) -> list[Mount]:
        guarded = self._guarded
        return [
            Mount(
                "/internal",
                routes=[
                    Route("/changes", guarded(self.changes), methods=["GET"]),
                    Route("/objects/{digest}", guarded(self.object), methods=["GET"]),
                    Route("/head", guarded(self.head), methods=["GET"]),
                    Route("/status", guarded(self.status), methods=["GET"]),
                    Route("/admit", guarded(self.admit), methods=["POST"]),
                    Route("/names", guarded(self.names), methods=["GET"]),
                    Route("/needed", guarded(self.needed), methods=["GET"]),
                ],
            )
        ]

    def _guarded(self, handler: Handler) -> Handler:
        expected = f"Bearer {self._secret}".encode()

        async def check(request: Request) -> Response:
            if not compare_digest(request.headers.get("authorization", "").encode(), expected):
                raise Unauthorized("only the other parts of this deployment may ask this")
            return await handler(request)

        return check

    async def changes(self, request: Request) -> Response:
        after = Position(number(request, "epoch"), number(request, "sequence"))
        self._region.records.changes(after, limit=1)  # a position of another history is refused before the stream begins
        wants_changes = number(request, "changes") == 1
        return StreamingResponse(self._frames(after, wants_changes), media_type="application/octet-stream")

    async def _frames(self, after: Position, changes: bool) -> AsyncIterator[bytes]:
        records, heartbeat = self._region.records, self._heartbeat_seconds
        async for frame in frames(records, after, self._clock, heartbeat_seconds=heartbeat, changes=changes):
            yield pack(frame)

    async def object(self, request: Request) -> Response:
        path = self._region.objects.path(Digest(request.path_params["digest"]))
        if path is None:
            raise NotFound("no such object here")
        return FileResponse(path, media_type="application/octet-stream")

    async def head(self, request: Request) -> Response:
        return JSON(wire_head(await self._region.records.head()))

    async def status(self, request: Request) -> Response:
        return JSON(await self._report())

    async def admit(self, request: Request) -> Response:
        state = await self._region.records.admit((await read_json(request, Routing)).value())
        self._admitted(state)
        return JSON(routing(state))

    async def names(self, request: Request) -> Response:
        query = request.query_params
        after = Key(query.get("partition", ""), query.get("id", ""))
        found = await self._comparable.names(after, limit=PAGE_MAX)
        return JSON([(key.partition, key.id, version.epoch, version.sequence, gone, f"{mark:064x}") for key, version, gone, mark in found])

    async def needed(self, request: Request) -> Response:
        """Which objects the records need: digest, size in bytes (null: missing), and with `deep` whether the bytes are intact."""
        deep = request.query_params.get("deep") == "1"
        page = await self._comparable.needed(request.query_params.get("after", ""), limit=DEEP_PAGE_MAX if deep else PAGE_MAX)
        return JSON([await self._examine(digest, deep) for digest in page])

    async def _examine(self, digest: Digest, deep: bool) -> tuple[str, int | None, bool]:
        path = self._region.objects.path(digest)
        if path is None:
            return digest, None, False
        intact = not deep or await asyncio.to_thread(digest_of, path) == digest
        return digest, path.stat().st_size, intact


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not text.isdecimal() or len(text) > 18:
        raise InvalidInput(f"{name} must be a whole number, not {text!r}", field=name)
    return int(text)
