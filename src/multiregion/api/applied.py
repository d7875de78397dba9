"""An application, served in a region: its refusals become the documented answers, whatever framework it is made with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multiregion.api.documents import StateDocuments
from multiregion.api.problems import problem
from multiregion.application import ASKED, Asked
from multiregion.errors import BadDeployment, MultiregionError

EPOCH = b"multiregion-epoch"


class Applied:
    """A refusal of the region that the application does not handle, or that its framework makes an internal error of, is answered as the
    problem that it is."""

    def __init__(self, app: ASGIApp, documents: StateDocuments) -> None:
        self._app = app
        self._documents = documents

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        header = next((value for name, value in scope["headers"] if name == EPOCH), None)
        asked = Asked(None if header is None else header.decode("latin-1"))
        token = ASKED.set(asked)
        answer = Answer(send, asked)
        try:
            await self._app(scope, receive, answer.send)
        except MultiregionError as error:
            if answer.begun:
                raise
            asked.refusal, answer.refused = error, True
        except Exception:
            if not answer.refused:
                raise
        finally:
            ASKED.reset(token)
        if answer.refused and asked.refusal is not None:
            await problem(asked.refusal, self._documents)(scope, receive, send)


class Answer:
    """An answer on its way out. An internal error after a refusal is held back: the refusal is what it is about."""

    def __init__(self, send: Send, asked: Asked) -> None:
        self._send = send
        self._asked = asked
        self.begun = self.refused = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 500 and self._asked.refusal is not None:
            self.refused = True
        if not self.refused:
            self.begun = True
            await self._send(message)


@asynccontextmanager
async def alive(app: ASGIApp) -> AsyncIterator[None]:
    """Run an application's own start and end (ASGI's lifespan), if it has any. Raises BadDeployment if its start fails."""
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    told: asyncio.Queue[Message | None] = asyncio.Queue()

    async def run() -> None:
        scope: dict[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        try:
            await app(scope, inbox.get, told.put)
        except Exception as error:  # noqa: BLE001  whatever the application raises
            await told.put(None if not begun else {"type": "lifespan.shutdown.failed", "message": str(error)})
        else:
            await told.put(None)

    begun = False
    running = asyncio.ensure_future(run())
    try:
        await inbox.put({"type": "lifespan.startup"})
        answer = await told.get()
        if answer is not None and answer["type"] == "lifespan.startup.failed":
            raise BadDeployment(f"the application does not start: {answer.get('message', '')}")
        begun = answer is not None
        yield
        if begun:
            await inbox.put({"type": "lifespan.shutdown"})
            await told.get()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
