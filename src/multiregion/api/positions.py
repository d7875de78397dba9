"""Read your own writes, across a failover too: a position that a client is told with a write and may send back with a read."""

from typing import NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multiregion.api.documents import StateDocuments
from multiregion.api.problems import problem
from multiregion.clock import Clock
from multiregion.errors import Behind, InvalidInput, MultiregionError, UnknownPosition
from multiregion.logs import LoggedRecords
from multiregion.stores import Position

HEADER = "Multiregion-Position"
READS = ("GET", "HEAD", "OPTIONS")
DIGITS_MAX = 15
CHAIN_DIGITS = 8
NAME_CHARACTERS_MAX = 64


class Seen(NamedTuple):
    """What a client has seen: a position, the history that it belongs to, and the beginning of its chain ("": not told, as by a
    client of the last release)."""

    position: Position
    history: str = ""
    chain: str = ""


def written(seen: Seen) -> str:
    position = seen.position
    return f"{position.epoch}.{position.sequence}.{seen.history}.{seen.chain[:CHAIN_DIGITS]}"


def read(text: str) -> Seen:
    """Raises InvalidInput for what no region ever told."""
    epoch, sequence, history, chain = (*text.split("."), "", "", "")[:4]
    numbers = all(part.isascii() and part.isdecimal() and len(part) <= DIGITS_MAX for part in (epoch, sequence))
    names = all(part.isascii() and (part.isalnum() or not part) and len(part) <= NAME_CHARACTERS_MAX for part in (history, chain))
    if not (numbers and names and text.count(".") in (1, 2, 3)):
        raise InvalidInput(f"{HEADER} must be as a write's answer gave it, <epoch>.<sequence>.<history>.<chain>", field=HEADER)
    return Seen(Position(int(epoch), int(sequence)), history, chain)


def named(seen: Seen) -> str:
    return f"{seen.position.epoch}.{seen.position.sequence}"


class Positions:
    """Answers of writes carry the position of this region's log; a read that carries one is answered once the log is there."""

    def __init__(self, app: ASGIApp, records: LoggedRecords, documents: StateDocuments, clock: Clock, wait_seconds: float) -> None:
        self._app = app
        self._records = records
        self._documents = documents
        self._clock = clock
        self._wait_seconds = wait_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] not in READS:
            await self._app(scope, receive, self._telling(send))
        elif (wanted := Headers(scope=scope).get(HEADER)) is not None and "authorization" in Headers(scope=scope):
            try:
                await self._reach(read(wanted))
            except MultiregionError as error:
                await problem(error, self._documents)(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _telling(self, send: Send) -> Send:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 300:
                head, state = await self._records.head(), await self._records.admitted()
                MutableHeaders(scope=message)[HEADER] = written(Seen(head.position, state.history, head.chain))
            await send(message)

        return tell

    async def _reach(self, seen: Seen) -> None:
        """Wait, at most so long, until the log holds what was seen. Raises UnknownPosition at once if it never will, Behind."""
        until = self._clock.monotonic() + self._wait_seconds
        while (reached := await self._records.reaches(seen.position, history=seen.history, chain=seen.chain)) is False:
            left = until - self._clock.monotonic()
            if left <= 0:
                raise Behind(f"this region has not got to {named(seen)} within {self._wait_seconds:g} s; try again")
            await self._records.changed((await self._records.head()).position, timeout_seconds=left)
        if reached is None:
            raise UnknownPosition(
                f"the position {named(seen)} is not in this region's history: it was lost, or is newer than anything known"
                " here. Start over: forget it, and read what is here"
            )
