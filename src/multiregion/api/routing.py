"""The routing API: the state of the application, and a stream of its changes. Anyone may ask; nothing is cached."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from multiregion.api.documents import StateDocuments
from multiregion.api.problems import JSON, encode
from multiregion.errors import Overloaded, UnknownApplication
from multiregion.states import RoutingState
from multiregion.stores import Records

KEEP_ALIVE_SECONDS = 15.0


class StateNews:
    """The newest admitted state, and whoever waits for the next one."""

    def __init__(self) -> None:
        self.newest: RoutingState | None = None
        self._changed = asyncio.Event()

    def publish(self, state: RoutingState) -> None:
        if self.newest is None or state.epoch > self.newest.epoch:
            self.newest = state
            self._changed.set()
            self._changed = asyncio.Event()

    async def next(self, after: RoutingState | None, *, timeout_seconds: float) -> RoutingState | None:
        """A state newer than `after`, or None when the time is over."""
        changed = self._changed
        if self.newest is None or (after is not None and self.newest.epoch <= after.epoch):
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), timeout_seconds)
        return self.newest if self.newest != after else None


class RoutingAPI:
    def __init__(self, app_id: str, records: Records, news: StateNews, documents: StateDocuments, *, streams_max: int) -> None:
        self._app_id = app_id
        self._records = records
        self._news = news
        self._documents = documents
        self._streams_max = streams_max
        self.streams = 0

    def routes(self) -> list[Route]:
        return [
            Route("/state/{app_id}", self.state, methods=["GET"]),
            Route("/state/{app_id}/events", self.events, methods=["GET"]),
        ]

    async def state(self, request: Request) -> Response:
        self._check(request)
        return JSON(self._documents(await self._records.admitted()))

    async def events(self, request: Request) -> Response:
        self._check(request)
        if self.streams >= self._streams_max:
            raise Overloaded(f"more than {self._streams_max} event streams are open; ask for the state instead", retry_after_seconds=5)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._stream(), headers=headers, media_type="text/event-stream")

    def _check(self, request: Request) -> None:
        if request.path_params["app_id"] != self._app_id:
            raise UnknownApplication("no application has this id here", field="appId")

    async def _stream(self) -> AsyncIterator[bytes]:
        self.streams += 1
        try:
            sent = await self._records.admitted()
            yield self._event(sent)
            while True:
                newer = await self._news.next(sent, timeout_seconds=KEEP_ALIVE_SECONDS)
                if newer is not None and newer.epoch > sent.epoch:
                    sent = newer
                    yield self._event(sent)
                else:
                    yield b": keep-alive\n\n"
        finally:
            self.streams -= 1

    def _event(self, state: RoutingState) -> bytes:
        return b"event: state\ndata: " + encode(self._documents(state)) + b"\n\n"
