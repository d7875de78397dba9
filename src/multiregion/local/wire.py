"""The TCP link between the regions, as a process: it can be delayed, cut (one way too) and healed."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from multiregion.api.asgi import Served, application
from multiregion.api.documents import StateDocuments
from multiregion.api.wire import Order, WireAPI
from multiregion.clock import Clock, SystemClock
from multiregion.config import REGION_PURPOSE, PartConfig

log = logging.getLogger("multiregion.wire")

CHUNK_BYTES = 64 * 1024
CHUNKS_IN_FLIGHT_MAX = 256
CONNECT_SECONDS = 3.0
CONNECTIONS_MAX = 64


class Line:
    """One direction of a link: what goes in comes out `delay` later, and not at all while it is cut."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
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

    def shown(self) -> dict[str, Any]:
        return {"cut": self.cut, "delayMilliseconds": self.delay_seconds * 1000, "passedBytes": self.passed_bytes}

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the sender ends: read on while earlier chunks are still under way, so that a delay costs no throughput."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_IN_FLIGHT_MAX)
        delivering = asyncio.ensure_future(self._deliver(under_way, writer))
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                await under_way.put((self._clock.monotonic() + self.delay_seconds, chunk))
            if self.cut:
                return  # what a dead sender had under way while nothing passed is gone, as its retransmissions would be
            await under_way.put((self._clock.monotonic() + self.delay_seconds, b""))
            await delivering
        finally:
            delivering.cancel()

    async def _deliver(self, under_way: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
        while True:
            due, chunk = await under_way.get()
            if (wait := due - self._clock.monotonic()) > 0:
                await self._clock.sleep(wait)
            await self._open.wait()
            if not chunk:
                writer.write_eof()
                return
            writer.write(chunk)
            await writer.drain()
            self.passed_bytes += len(chunk)


class Link:
    """A listening port whose connections lead to a region. `there` carries requests to it, `back` its answers."""

    def __init__(self, port: int, target: str, clock: Clock) -> None:
        self.port = port
        self._host, _, target_port = target.rpartition(":")
        self._target_port = int(target_port)
        self.there = Line(clock)
        self.back = Line(clock)
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


class Wire:
    """Both links. Data for a region travels on the answers of the link that leads to the other one."""

    def __init__(self, config: PartConfig, clock: Clock) -> None:
        self.links = {role: Link(port, target, clock) for role, (port, target) in config.links.items()}

    def lines_to(self, role: str | None) -> list[Line]:
        """Every line that ends at `role`: answers from the other region, and requests to this one."""
        if role is None:
            return [line for link in self.links.values() for line in (link.there, link.back)]
        return [link.there if name == role else link.back for name, link in self.links.items()]

    def obey(self, order: Order) -> None:
        for line in self.lines_to(order.to):
            if order.delay_milliseconds is not None:
                line.delay_seconds = order.delay_milliseconds / 1000
            if order.cut is not None:
                line.set_cut(order.cut)

    def shown(self) -> dict[str, Any]:
        lines = {name: {"there": link.there, "back": link.back} for name, link in self.links.items()}
        return {name: {way: line.shown() for way, line in ways.items()} for name, ways in lines.items()}

    @asynccontextmanager
    async def listening(self, host: str) -> AsyncIterator[None]:
        servers = [await asyncio.start_server(link.accept, host, link.port) for link in self.links.values()]
        try:
            yield
        finally:
            for server in servers:
                server.close()


def wire_application(config: PartConfig) -> Served:
    wire, deployment = Wire(config, SystemClock()), config.deployment
    routes = WireAPI(wire, deployment.bearer(REGION_PURPOSE)).routes()
    return application(routes, StateDocuments(deployment), deployment.edge, lambda: wire.listening(config.host))
