"""Multipart forms read as a stream: a few small fields, then one file, never held in memory, cut off at once when it is too large."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from multiregion.api.problems import problem
from multiregion.errors import InvalidInput, MultiregionError, Overloaded, TooLarge

FIELDS_MAX = 8
FIELD_BYTES_MAX = 16 * 1024
FORM_BYTES_BESIDE_FILE = 64 * 1024
UPLOADS_MAX = 64
UPLOAD_SECONDS_MAX = 300.0
IDLE_SECONDS_MAX = 30.0
DISCARD_SECONDS_MAX = 2.0
DISCARD_BYTES_MAX = 32 * 1024 * 1024


class Arriving(Protocol):
    """One upload while its bytes arrive."""

    def add(self, data: memoryview | bytes) -> None:
        """Raises TooLarge with the first byte too many."""
        ...

    async def drain(self) -> None:
        """Begin to write what has been gathered. Raises DiskFull."""
        ...

    def abandon(self) -> None:
        """Forget it, unless it has been kept."""
        ...


class Receives(Protocol):
    """Where uploads arrive that a ticket allows."""

    def receive(self, fields: Mapping[str, str]) -> Arriving:
        """Raises Forbidden, Expired for a ticket that does not count."""
        ...

    async def keep(self, arriving: Any) -> None:
        """Make what has arrived durable. Raises InvalidInput if it is not what was announced; DiskFull."""
        ...


class Form:
    """A multipart parser's callbacks as a small state machine: fields until `file`, then the file, then nothing."""

    def __init__(self, uploads: Receives, boundary: bytes) -> None:
        self._uploads = uploads
        self._fields: dict[str, str] = {}
        self._header = bytearray()
        self._disposition = bytearray()
        self._value = bytearray()
        self._name = ""
        self.receiving: Arriving | None = None
        self.ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_begin": self._header.clear,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    def feed(self, data: bytes) -> None:
        """Raises InvalidInput for what is not such a form, and whatever beginning or continuing the upload raises."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise InvalidInput(f"the body is not a valid multipart form: {error}", field="body") from error

    def _on_part_begin(self) -> None:
        if self.receiving:
            raise InvalidInput("the file must be the last part of the form", field="file")
        if len(self._fields) >= FIELDS_MAX:
            raise InvalidInput(f"the form has more than {FIELDS_MAX} fields", field="body", limit=FIELDS_MAX)
        self._disposition.clear()
        self._value.clear()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end].lower()

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        if self._header == b"content-disposition":
            self._disposition += data[start:end]

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        self._name = options.get(b"name", b"").decode("latin-1")
        if self._name == "file":
            self.receiving = self._uploads.receive(self._fields)
        elif not self._name or self._name in self._fields:
            raise InvalidInput("a part of the form has no name, or one that another has too", field="body")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self.receiving:
            self.receiving.add(memoryview(data)[start:end])
        elif len(self._value) + end - start > FIELD_BYTES_MAX:
            raise TooLarge(f"{self._name} is larger than {FIELD_BYTES_MAX} bytes", field=self._name, limit=FIELD_BYTES_MAX)
        else:
            self._value += data[start:end]

    def _on_part_end(self) -> None:
        if not self.receiving:
            try:
                self._fields[self._name] = self._value.decode()
            except UnicodeDecodeError as error:
                raise InvalidInput(f"{self._name} is not text in UTF-8", field=self._name) from error

    def _on_end(self) -> None:
        self.ended = True


class Body:
    """A request's body as it arrives, or as it is thrown away."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.began = False
        self.more = True

    async def piece(self) -> bytes:
        """Raises InvalidInput if nothing arrives for a while, or the client goes away."""
        self.began = True
        try:
            async with asyncio.timeout(IDLE_SECONDS_MAX):
                message = await self._receive()
        except TimeoutError:
            raise InvalidInput(f"nothing arrived for {IDLE_SECONDS_MAX:.0f} s", field="file", limit=IDLE_SECONDS_MAX) from None
        self.more = message.get("more_body", False)
        if message["type"] == "http.disconnect":
            raise InvalidInput("the connection was closed in the middle of the upload", field="file")
        return bytes(message.get("body", b""))

    async def discard(self) -> None:
        """Read on for a moment: a connection that is closed with bytes unread is reset, and takes the answer with it."""
        discarded = 0
        with suppress(TimeoutError, InvalidInput):
            async with asyncio.timeout(DISCARD_SECONDS_MAX):
                while self.more and discarded < DISCARD_BYTES_MAX:
                    discarded += len(await self.piece())


class Refusal(Response):
    """A problem that is sent at once, whatever is still to come of the body; then the connection is closed."""

    def __init__(self, error: MultiregionError, body: Body) -> None:
        answer = problem(error, lambda state: {"state": state.state})
        super().__init__(answer.body, answer.status_code, dict(answer.headers) | {"Connection": "close"})
        self._rest = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        asked_before_sending = "expect" in Headers(scope=scope) and not self._rest.began
        if not asked_before_sending:
            await self._rest.discard()
        await send({"type": "http.response.body", "body": b""})


class UploadsAPI:
    """`POST /uploads`. Needs no token: the ticket in the form is the authority, as with S3."""

    def __init__(self, uploads: Receives, *, file_bytes_max: int) -> None:
        self._uploads = uploads
        self._bytes_max = file_bytes_max + FORM_BYTES_BESIDE_FILE
        self._under_way = 0

    def routes(self) -> list[Route]:
        return [Route("/uploads", self.upload, methods=["POST"])]

    async def upload(self, request: Request) -> Response:
        body = Body(request.receive)
        try:
            await self._receive(request, body)
        except MultiregionError as error:
            return Refusal(error, body)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def _receive(self, request: Request, body: Body) -> None:
        if int(request.headers.get("content-length") or 0) > self._bytes_max:
            raise TooLarge(f"the body is larger than {self._bytes_max} bytes", field="body", limit=self._bytes_max)
        if self._under_way >= UPLOADS_MAX:
            raise Overloaded(f"more than {UPLOADS_MAX} uploads are under way; try again in a moment", retry_after_seconds=2)
        form = Form(self._uploads, boundary(request))
        self._under_way += 1
        try:
            async with asyncio.timeout(UPLOAD_SECONDS_MAX):
                await self._read(body, form)
        except TimeoutError:
            raise InvalidInput(f"the upload took longer than {UPLOAD_SECONDS_MAX:.0f} s", field="file", limit=UPLOAD_SECONDS_MAX) from None
        finally:
            self._under_way -= 1
            if form.receiving:
                form.receiving.abandon()

    async def _read(self, body: Body, form: Form) -> None:
        while body.more:
            form.feed(await body.piece())
            if form.receiving:
                await form.receiving.drain()
        if not form.receiving or not form.ended:
            raise InvalidInput("the form ends before its part `file` does", field="file")
        await self._uploads.keep(form.receiving)


def boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    found = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 1 <= len(found) <= 70:
        raise InvalidInput("the body must be multipart/form-data with a boundary of 1 to 70 characters", field="body")
    return found
