"""The client process: one request again and again over a few connections, as fast as answers come or at a fixed rate.

Runs as `python -m benchmarks.load FILE`, with an Order on standard input; the Outcome goes to the file, as a pipe would fill up before
anybody reads it. It does as little as it can for each answer, so that the server is what is measured; its own share of a core is in the
outcome.
"""

import asyncio
import gc
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec
import uvloop

HOST = "127.0.0.1"
NUMBER = b"@@@@@@@@@@"
"""Stands in a body for ten digits that differ from request to request."""
DRAIN_SECONDS_MAX = 10.0
RECONNECT_SECONDS = 0.01
GOOD = (200, 201)


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


class Outcome(msgspec.Struct, frozen=True):
    """What came of an order. `latencies` are in seconds; `answered_at` are (monotonic time, status), if they were asked for."""

    seconds: float
    cpu_seconds: float
    latencies: list[float]
    statuses: dict[int, int]
    unanswered: int
    answered_at: list[tuple[float, int]]

    @property
    def per_second(self) -> float:
        return sum(self.statuses.get(status, 0) for status in GOOD) / self.seconds

    @property
    def client_share(self) -> float:
        """How much of a core the client itself took: near 1 it was the limit, not the server."""
        return self.cpu_seconds / self.seconds

    @property
    def good_times(self) -> list[float]:
        """When the good answers came, in order."""
        return sorted(at for at, status in self.answered_at if status in GOOD)


def request_of(order: Order) -> bytes:
    headers = {"Host": f"{HOST}:{order.port}", **order.headers}
    if order.body:
        headers["Content-Length"] = str(len(order.body.encode()))
    lines = [f"{order.method} {order.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + order.body).encode()


def numbered(request: bytes) -> Callable[[], bytes]:
    """The request, with a number of its own where there is a place for one."""
    before, place, after = request.partition(NUMBER)
    if not place:
        return lambda: request
    count = time.monotonic_ns() // 1000 % 10**10

    def next_request() -> bytes:
        nonlocal count
        count += 1
        return b"%b%010d%b" % (before, count % 10**10, after)

    return next_request


def answer_in(data: bytes | bytearray) -> tuple[int, bool] | None:
    """The bytes of the answer in `data` once its head is there, and whether the server closes. Takes a Content-Length only."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end].lower()
    _, found, rest = head.partition(b"content-length:")
    return end + 4 + (int(rest.partition(b"\r\n")[0]) if found else 0), b"connection: close" in head


class Tally:
    """What all connections count together. Nothing counts before `counts` is set."""

    def __init__(self, keep_times: bool) -> None:
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.answered_at: list[tuple[float, int]] = []
        self.unanswered = 0
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
    """One request under way at a time; connected again whenever the server has closed. `answered` is called after each answer."""

    def __init__(self, port: int, make: Callable[[], bytes], tally: Tally, answered: "Callable[[Connection], None]") -> None:
        self._port = port
        self._make = make
        self._tally = tally
        self._answered = answered
        self._asked = 0.0
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._closing = 0
        self.busy = False

    async def connect(self) -> None:
        while self._transport is None:
            try:
                await asyncio.get_running_loop().create_connection(lambda: self, HOST, self._port)
            except OSError:
                await asyncio.sleep(RECONNECT_SECONDS)

    def close(self) -> None:
        if self._connecting:
            self._connecting.cancel()
        if self._transport:
            self._transport.close()

    def ask(self) -> None:
        self.busy, self._asked = True, time.monotonic()
        if self._transport is None:
            self._connecting = asyncio.get_running_loop().create_task(self.connect())
        else:
            self._transport.write(self._make())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        if self.busy:
            self._transport.write(self._make())

    def connection_lost(self, exc: Exception | None) -> None:
        if self._closing:  # one that had answered and said that it would close; another may be open by now
            self._closing -= 1
            return
        self._transport = None
        self._buffer.clear()
        if self.busy:
            self._tally.unanswered += 1
            self._done()

    def data_received(self, data: bytes) -> None:
        received: bytes | bytearray = data
        if self._buffer:
            self._buffer += data
            received = self._buffer
        answer = answer_in(received)
        if answer is None or len(received) < answer[0]:
            if received is data:
                self._buffer += data
            return
        self._tally.note(int(received[9:12]), self._asked, time.monotonic())
        self._buffer.clear()
        if answer[1] and self._transport:
            self._transport.close()
            self._transport = None
            self._closing += 1
        self._done()

    def _done(self) -> None:
        self.busy = False
        self._answered(self)


class Client:
    def __init__(self, order: Order) -> None:
        self._order = order
        self._tally = Tally(order.keep_times)
        make = numbered(request_of(order))
        self._connections = [Connection(order.port, make, self._tally, self._answered) for _ in range(order.connections)]
        self._free: list[Connection] = []
        self._stopped = False

    async def run(self) -> Outcome:
        order, tally = self._order, self._tally
        await asyncio.gather(*(connection.connect() for connection in self._connections))
        self._free = list(self._connections)
        pacing = asyncio.create_task(self._pace() if order.rate else self._ask_all())
        await asyncio.sleep(order.warm_up_seconds)
        tally.counts = True
        began, cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(order.seconds)
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
        self._stopped = True
        pacing.cancel()
        await self._drain()
        unanswered = tally.unanswered + sum(each.busy for each in self._connections)
        for connection in self._connections:
            connection.close()
        return Outcome(seconds, cpu, tally.latencies, dict(tally.statuses), unanswered, tally.answered_at)

    def _answered(self, connection: Connection) -> None:
        if self._order.rate:
            self._free.append(connection)
        elif not self._stopped:
            connection.ask()

    async def _ask_all(self) -> None:
        for connection in self._connections:
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

    async def _drain(self) -> None:
        """Answers that are still under way belong to the figures."""
        end = time.monotonic() + DRAIN_SECONDS_MAX
        while any(each.busy for each in self._connections) and time.monotonic() < end:  # noqa: ASYNC110  an event would cost each answer
            await asyncio.sleep(0.005)


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    gc.disable()  # a pause of the client's would look like one of the server's
    outcome = uvloop.run(Client(order).run())
    Path(sys.argv[1]).write_bytes(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
