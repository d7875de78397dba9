"""Calls and streams between processes, over links that lose, delay, repeat and reorder what they carry."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, TypeVar

from multiregion.errors import MultiregionError, Unreachable
from tests.simulation.journal import Journal
from tests.simulation.loop import OUTSIDE, Process, VirtualFuture, VirtualLoop

CALL_SECONDS = 3.0
SILENCE_SECONDS = 3.0
REPEATED_AFTER_SECONDS_MAX = 3.0
DELAY_SECONDS = (0.001, 0.02)
REFUSED, SILENT = 0.5, 1.0
T = TypeVar("T")
END = object()


@dataclass(slots=True)
class Link:
    """One direction between two parts. `loss` and `repeats` are probabilities."""

    cut: bool = False
    delay: tuple[float, float] = DELAY_SECONDS
    loss: float = 0.0
    repeats: float = 0.0

    def mend(self) -> None:
        self.loss, self.repeats = 0.0, 0.0


class Part:
    """Something with an address: the process that answers there now, if any, and what it answers with."""

    def __init__(self) -> None:
        self.process: Process | None = None
        self.ready = False
        self.server: Any = None
        self.channels: list[Channel] = []


class Network:
    def __init__(self, loop: VirtualLoop, random: Random, journal: Journal) -> None:
        self._loop = loop
        self._random = random
        self._journal = journal
        self.parts: dict[str, Part] = {}
        self.links: dict[tuple[str, str], Link] = {}
        self.crash_between: Callable[[str], None] = lambda name: None

    def link(self, source: str, target: str) -> Link:
        return self.links.setdefault((source.partition("-")[0], target.partition("-")[0]), Link())

    async def call(
        self, source: str, target: str, work: Callable[[Any], Awaitable[T]], *, seconds: float = CALL_SECONDS, repeatable: bool = True
    ) -> T:
        """What `work` gives when it is carried out by `target`. Raises what it raises; Unreachable without an answer in time."""
        answer = self._loop.create_future()
        self._send(source, target, partial(self._arrive, source, target, work, answer), repeatable=repeatable)
        try:
            async with asyncio.timeout(seconds):
                result: T = await answer
                return result
        except TimeoutError as error:
            raise Unreachable("no answer in time") from error
        finally:
            self.crash_between(source)

    def _send(self, source: str, target: str, then: Callable[[], None], *, repeatable: bool = False) -> None:
        link = self.link(source, target)
        if link.cut or self._random.random() < link.loss:
            self._journal.count("network.lost")
            return
        delay = self._random.uniform(*link.delay)
        self._loop.call_later(delay, then, context=OUTSIDE)
        if repeatable and self._random.random() < link.repeats:
            self._journal.count("network.repeated")
            self._loop.call_later(delay + self._random.uniform(0, REPEATED_AFTER_SECONDS_MAX), then, context=OUTSIDE)

    def _arrive(self, source: str, target: str, work: Callable[[Any], Awaitable[T]], answer: VirtualFuture) -> None:
        part = self.parts[target]
        if part.process is None or not part.ready:
            if self._random.random() < REFUSED:
                self._send(target, source, partial(settle, answer, Unreachable("connection refused")))
            return
        self.crash_between(target)
        self._loop.create_task(self._carry_out(source, target, work, part.server, answer), context=part.process.context())

    async def _carry_out(self, source: str, target: str, work: Callable[[Any], Awaitable[T]], server: Any, answer: VirtualFuture) -> None:
        try:
            outcome: Any = await work(server)
        except MultiregionError as error:
            outcome = error
        except Exception as error:  # noqa: BLE001  nothing else may ever come out of a part
            self._loop.fail(error)
            return
        self.crash_between(target)
        self._send(target, source, partial(settle, answer, outcome))

    async def stream(self, source: str, target: str, open: Callable[[Any], AsyncIterator[T]]) -> AsyncIterator[T]:
        """What `target` sends, in its order. Raises Unreachable when the connection breaks, or after a long silence."""
        channel = Channel(self, source, target)
        self._send(source, target, partial(self._serve, channel, open))
        try:
            while (item := await channel.next()) is not END:
                yield item
        finally:
            channel.closed = True

    def _serve(self, channel: "Channel", open: Callable[[Any], AsyncIterator[Any]]) -> None:
        part = self.parts[channel.target]
        if part.process is None or not part.ready:
            self._send(channel.target, channel.source, partial(channel.put, Unreachable("connection refused")))
            return
        part.channels = [each for each in part.channels if not each.closed]
        part.channels.append(channel)
        self._loop.create_task(self._pump(channel, open(part.server)), context=part.process.context())

    async def _pump(self, channel: "Channel", items: AsyncIterator[Any]) -> None:
        try:
            async for item in items:
                if channel.closed:
                    break
                self.carry(channel, item)
            else:
                self.carry(channel, END)
        except MultiregionError as error:
            self.carry(channel, error)
        except Exception as error:  # noqa: BLE001  nothing else may ever come out of a part
            self._loop.fail(error)
        await items.aclose()  # type: ignore[attr-defined]

    def carry(self, channel: "Channel", item: object) -> None:
        """A stream keeps its order: nothing overtakes, and after something was lost nothing follows."""
        link = self.link(channel.target, channel.source)
        if link.cut or self._random.random() < link.loss:
            self._journal.count("network.stream_broken")
            channel.closed = True
            return
        channel.arrives_at = max(channel.arrives_at, self._loop.time() + self._random.uniform(*link.delay))
        self._loop.call_at(channel.arrives_at, channel.put, item, context=OUTSIDE)

    def died(self, name: str) -> None:
        """The connections of a process that has died are reset, as far as anybody hears of it."""
        part = self.parts[name]
        part.process, part.server, part.ready = None, None, False
        for channel in part.channels:
            if not channel.closed and self._random.random() < REFUSED:
                self.carry(channel, Unreachable("the connection was reset"))
            channel.closed = True
        part.channels = []

    def time(self) -> float:
        return self._loop.time()


class Channel:
    """One stream from `target` to `source`, seen from the reader."""

    def __init__(self, network: Network, source: str, target: str) -> None:
        self.source = source
        self.target = target
        self.closed = False
        self.arrives_at = network.time()
        self._items: asyncio.Queue[Any] = asyncio.Queue()

    def put(self, item: object) -> None:
        self._items.put_nowait(item)

    async def next(self) -> Any:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                item = await self._items.get()
        except TimeoutError as error:
            raise Unreachable("the other side is silent") from error
        if isinstance(item, MultiregionError):
            raise item
        return item


def settle(answer: VirtualFuture, outcome: Any) -> None:
    if answer.done():
        return
    if isinstance(outcome, MultiregionError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
