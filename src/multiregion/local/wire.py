"""The TCP link between the regions, as a process: it can be delayed, cut (one way too) and healed."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hmac import compare_digest

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from multiregion.api.documents import StateDocuments
from multiregion.api.internal import PURPOSE
from multiregion.api.problems import JSON, read_json
from multiregion.api.region import application
from multiregion.config import PartConfig
from multiregion.errors import InvalidInput, Unauthorized

log = logging.getLogger("multiregion.wire")

CHUNK_BYTES = 64 * 1024
CHUNKS_IN_FLIGHT_MAX = 256
DELAY_MILLISECONDS_MAX = 60_000
CONNECT_SECONDS = 3.0
CONNECTIONS_MAX = 64


class Line:
    """One direction of a link: what goes in comes out `delay` later, and not at all while it is cut."""

    def __init__(self) -> None:
        self.delay_seconds = 0.0
        self.passed_bytes = 0
        self._open = asyncio.Event()
        self._open.set()

    @property
    def cut(self) -> bool:
        return not self._open.is_set()

    def set_cut(self, cut: bool) -> None:
        if cut:
            self._open.clear()
        else:
            self._open.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the sender ends: read on while earlier chunks are still under way, so that a delay costs no throughput."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_IN_FLIGHT_MAX)
        delivering = asyncio.ensure_future(self._deliver(under_way, writer))
        loop = asyncio.get_running_loop()
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                await under_way.put((loop.time() + self.delay_seconds, chunk))
            await under_way.put((loop.time() + self.delay_seconds, b""))
            await delivering
        finally:
            delivering.cancel()

    async def _deliver(self, under_way: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, chunk = await under_way.get()
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            await self._open.wait()
            if not chunk:
                writer.write_eof()
                return
            writer.write(chunk)
            await writer.drain()
            self.passed_bytes += len(chunk)


class Link:
    """A listening port whose connections lead to a region. `there` carries requests to it, `back` its answers."""

    def __init__(self, port: int, target: str) -> None:
        self.port = port
        self._host, _, target_port = target.rpartition(":")
        self._target_port = int(target_port)
        self.there = Line()
        self.back = Line()
        self._connections = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # While the link is cut its connections pile up, as their ends give up and try again.
        if self._connections >= CONNECTIONS_MAX:
            writer.close()
            return
        self._connections += 1
        try:
            await self._join(reader, writer)
        finally:
            self._connections -= 1

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                far_reader, far_writer = await asyncio.open_connection(self._host, self._target_port)
        except (OSError, TimeoutError):
            writer.close()
            return
        pumps = [asyncio.ensure_future(self.there.carry(reader, far_writer)), asyncio.ensure_future(self.back.carry(far_reader, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in (writer, far_writer):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()


class Order(msgspec.Struct, frozen=True):
    """What to do to the wire. `to` names the region that nothing reaches any more; without it both ways are meant."""

    delay_milliseconds: float | None = None
    cut: bool | None = None
    to: str | None = None


class Wire:
    """Both links. Data for a region travels on the answers of the link that leads to the other one."""

    def __init__(self, config: PartConfig) -> None:
        self.links = {role: Link(port, target) for role, (port, target) in config.links.items()}
        self._secret = f"Bearer {config.deployment.bearer(PURPOSE)}".encode()

    def lines_to(self, role: str | None) -> list[Line]:
        """Every line that ends at `role`: answers from the other region, and requests to this one."""
        if role is None:
            return [line for link in self.links.values() for line in (link.there, link.back)]
        if role not in self.links:
            raise InvalidInput("to must be primary or secondary", field="to")
        return [link.there if name == role else link.back for name, link in self.links.items()]

    async def control(self, request: Request) -> Response:
        if not compare_digest(request.headers.get("authorization", "").encode(), self._secret):
            raise Unauthorized("only this deployment may change its wire")
        if request.method == "POST":
            self._obey(await read_json(request, Order))
        return JSON({name: self._shown(link) for name, link in self.links.items()})

    def _obey(self, order: Order) -> None:
        if order.delay_milliseconds is not None and not 0 <= order.delay_milliseconds <= DELAY_MILLISECONDS_MAX:
            raise InvalidInput(
                f"delay_milliseconds must be from 0 to {DELAY_MILLISECONDS_MAX}", field="delay_milliseconds", limit=DELAY_MILLISECONDS_MAX
            )
        for line in self.lines_to(order.to):
            if order.delay_milliseconds is not None:
                line.delay_seconds = order.delay_milliseconds / 1000
            if order.cut is not None:
                line.set_cut(order.cut)

    def _shown(self, link: Link) -> dict[str, dict[str, float]]:
        lines = {"there": link.there, "back": link.back}
        return {
            name: {"cut": line.cut, "delayMilliseconds": line.delay_seconds * 1000, "passedBytes": line.passed_bytes}
            for name, line in lines.items()
        }

    async def health(self, request: Request) -> Response:
        return JSON({"status": "ok"})

    @asynccontextmanager
    async def listening(self, host: str) -> AsyncIterator[None]:
        servers = [await asyncio.start_server(link.accept, host, link.port) for link in self.links.values()]
        try:
            yield
        finally:
            for server in servers:
                server.close()


def wire_application(config: PartConfig) -> Starlette:
    wire = Wire(config)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with wire.listening(config.host):
            yield

    routes = [Route("/wire", wire.control, methods=["GET", "POST"]), Route("/healthz", wire.health, methods=["GET"])]
    app = application(routes, StateDocuments(config.deployment), config.deployment.edge)
    app.router.lifespan_context = lifespan
    return app
