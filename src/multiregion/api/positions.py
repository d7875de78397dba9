"""Read your own writes, across a failover too: a position that a client is told with a write and may send back with a read."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multiregion.api.documents import StateDocuments
from multiregion.api.problems import problem
from multiregion.clock import Clock
from multiregion.errors import Behind, InvalidInput, MultiregionError, UnknownPosition
from multiregion.logs import LoggedRecords
from multiregion.stores import Position

HEADER = "Multiregion-Position"
PATHS = ("/photos", "/comments/")
WRITES = ("POST", "DELETE")
DIGITS_MAX = 15


def positions(records: LoggedRecords, documents: StateDocuments, clock: Clock, wait_seconds: float) -> Middleware:
    return Middleware(Positions, records, documents, clock, wait_seconds)


def written(position: Position) -> str:
    return f"{position.epoch}.{position.sequence}"


def read(text: str) -> Position:
    """Raises InvalidInput for what no region ever told."""
    epoch, dot, sequence = text.partition(".")
    if not (dot and all(part.isascii() and part.isdecimal() and len(part) <= DIGITS_MAX for part in (epoch, sequence))):
        raise InvalidInput(f"{HEADER} must be as a write's answer gave it, <epoch>.<sequence>", field=HEADER)
    return Position(int(epoch), int(sequence))


class Positions:
    """Answers of writes carry the position of this region's log; a read that carries one is answered once the log is there."""

    def __init__(self, app: ASGIApp, records: LoggedRecords, documents: StateDocuments, clock: Clock, wait_seconds: float) -> None:
        self._app = app
        self._records = records
        self._documents = documents
        self._clock = clock
        self._wait_seconds = wait_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PATHS):
            await self._app(scope, receive, send)
        elif scope["method"] in WRITES:
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
                MutableHeaders(scope=message)[HEADER] = written((await self._records.head()).position)
            await send(message)

        return tell

    async def _reach(self, position: Position) -> None:
        """Wait, at most so long, until the log holds `position`. Raises UnknownPosition at once if it never will, Behind."""
        until = self._clock.monotonic() + self._wait_seconds
        while (reached := await self._records.reaches(position)) is False:
            left = until - self._clock.monotonic()
            if left <= 0:
                raise Behind(f"this region has not got to {written(position)} within {self._wait_seconds:g} s; try again")
            await self._records.changed((await self._records.head()).position, timeout_seconds=left)
        if reached is None:
            raise UnknownPosition(
                f"the position {written(position)} is not in this region's history: it was lost, or is newer than anything known"
                " here. Start over: forget it, and read what is here"
            )
