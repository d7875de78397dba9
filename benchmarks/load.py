"""The client process: one request again and again over keep-alive connections, as fast as answers come or at a fixed rate.

Runs as `python -m benchmarks.load`, with an Order on standard input and an Outcome on standard output. It does as little as it can
for each answer, so that the server is what is measured; its own share of a core is in the outcome.
"""

import asyncio
import gc
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import cast

import msgspec
import uvloop

NUMBER = b"@@@@@@@@@@"
"""Stands in a body for ten digits that differ from request to request."""
DRAIN_SECONDS_MAX = 10.0


class Order(msgspec.Struct, frozen=True):
    """`rate` is in requests a second over all connections, 0 for as fast as answers come. `keep_times` asks for each answer's time."""

    port: int
    method: str
    path: str
    headers: dict[str, str]
    connections: int
    seconds: float
    body: str = ""
    warm_up_seconds: float = 0.0
    rate: float = 0.0
    keep_times: bool = False


class Outcome(msgspec.Struct):
    """What came of an order. `latencies` are in seconds; `answered_at` are (monotonic time, status), if they were asked for."""

    seconds: float
    cpu_seconds: float
    latencies: list[float]
    statuses: dict[int, int]
    unanswered: int
    answered_at: list[tuple[float, int]]

    @property
    def per_second(self) -> float:
        return self.statuses.get(200, 0) / self.seconds + self.statuses.get(201, 0) / self.seconds

    @property
    def client_share(self) -> float:
        """How much of a core the client itself took: near 1 it was the limit, not the server."""
        return self.cpu_seconds / self.seconds


def request_of(order: Order) -> bytes:
    headers = {"Host": f"127.0.0.1:{order.port}", **order.headers}
    if order.body:
        headers["Content-Length"] = str(len(order.body.encode()))
    lines = [f"{order.method} {order.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + order.body).encode()


def numbered(request: bytes) -> Callable[[], bytes]:
    """The request, with a number of its own where there is a place for one."""
    before, place, after = request.partition(NUMBER)
    if not place:
        return lambda: request
    count = int(time.time()) % 1_000 * 10_000_000

    def next_request() -> bytes:
        nonlocal count
        count += 1
        return b"%b%010d%b" % (before, count % 10**10, after)

    return next_request


def answer_size(data: bytes | bytearray) -> int | None:
    """The bytes of the first answer in `data`, None if its end is not known yet. Takes answers with a Content-Length."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    at = data.lower().find(b"content-length:", 0, end)
    if at < 0:
        return end + 4
    return end + 4 + int(data[at + 15 : data.find(b"\r\n", at)])


class Tally:
    """What all connections count together. Nothing counts before `begin`."""

    def __init__(self, keep_times: bool) -> None:
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.answered_at: list[tuple[float, int]] = []
        self.counts = False
        self._keep_times = keep_times

    def note(self, status: int, asked: float, now: float) -> None:
        if not self.counts:
            return
        self.latencies.append(now - asked)
        self.statuses[status] += 1
        if self._keep_times:
            self.answered_at.append((now, status))


class Connection(asyncio.Protocol):
    """One connection with one request under way. `answered` is called for each answer, and sends the next one or does not."""

    def __init__(self, make: Callable[[], bytes], tally: Tally, answered: "Callable[[Connection], None]") -> None:
        self._make = make
        self._tally = tally
        self._answered = answered
        self._asked = 0.0
        self._buffer = bytearray()
        self.busy = False
        self.lost = False
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def ask(self) -> None:
        assert self._transport is not None
        self.busy = True
        self._asked = time.monotonic()
        self._transport.write(self._make())

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            self._buffer += data
            data = self._buffer
        size = answer_size(data)
        if size is None or len(data) < size:
            if data is not self._buffer:
                self._buffer += data
            return
        self._tally.note(int(data[9:12]), self._asked, time.monotonic())
        if data is self._buffer:
            self._buffer.clear()
        self.busy = False
        self._answered(self)


class Client:
    def __init__(self, order: Order) -> None:
        self._order = order
        self._tally = Tally(order.keep_times)
        self._stopped = False
        self._free: list[Connection] = []

    async def run(self) -> Outcome:
        order = self._order
        connections = await self._connect()
        tasks = [asyncio.create_task(self._pace())] if order.rate else []
        if not order.rate:
            for connection in connections:
                connection.ask()
        await asyncio.sleep(order.warm_up_seconds)
        self._tally.counts = True
        began, cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(order.seconds)
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        self._stopped = True
        for task in tasks:
            task.cancel()
        await self._drain(connections)
        tally = self._tally
        unanswered = sum(each.busy for each in connections)
        return Outcome(seconds, cpu, tally.latencies, dict(tally.statuses), unanswered, tally.answered_at)

    async def _connect(self) -> list[Connection]:
        loop = asyncio.get_running_loop()
        make = numbered(request_of(self._order))
        made = []
        for _ in range(self._order.connections):
            _, connection = await loop.create_connection(
                lambda: Connection(make, self._tally, self._answered), "127.0.0.1", self._order.port
            )
            made.append(connection)
        self._free = list(made)
        return made

    def _answered(self, connection: Connection) -> None:
        if self._order.rate:
            self._free.append(connection)
        elif not self._stopped:
            connection.ask()

    async def _pace(self) -> None:
        """Send when it is time, on whichever connection is free; when none is, the rate is missed, and the figure shows it."""
        due = time.monotonic()
        while True:
            now = time.monotonic()
            while due <= now:
                if self._free:
                    self._free.pop().ask()
                due += 1 / self._order.rate
            await asyncio.sleep(due - now)

    async def _drain(self, connections: list[Connection]) -> None:
        """Answers that are still under way belong to the figures."""
        end = time.monotonic() + DRAIN_SECONDS_MAX
        while any(each.busy and not each.lost for each in connections) and time.monotonic() < end:
            await asyncio.sleep(0.005)


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    gc.disable()
    outcome = uvloop.run(Client(order).run())
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
