"""Errors as `application/problem+json`, and bodies read with a limit."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from multiregion.errors import InvalidInput, MultiregionError, TooLarge, Unauthorized, Unavailable
from multiregion.shapes import in_words
from multiregion.states import RoutingState

log = logging.getLogger("multiregion.api")
T = TypeVar("T")
BODY_BYTES_MAX = 64 * 1024
Handler = Callable[[Request], Awaitable[Response]]
ShowState = Callable[[RoutingState], dict[str, Any]]

encode = msgspec.json.encode
NO_STORE = (b"cache-control", b"no-store")


class JSON(Response):
    """An answer encoded by msgspec; never cached unless told otherwise."""

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(encode(content), status_code, headers)
        if headers is None or "Cache-Control" not in headers:
            self.raw_headers.append(NO_STORE)


class Problem(JSON):
    media_type = "application/problem+json"


def problem(error: MultiregionError, show_state: ShowState) -> Problem:
    """The answer for one of our errors; a state among its facts becomes the state document."""
    facts = {name: show_state(fact) if isinstance(fact, RoutingState) else fact for name, fact in error.facts.items()}
    body = {"type": "about:blank", "title": error.title, "status": error.status, "code": error.code, "detail": error.detail}
    headers = {}
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(facts.get("retry_after_seconds", 1))
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return Problem({**body, **facts}, error.status, headers)


def status_problem(status: int, title: str, headers: dict[str, str] | None = None) -> Problem:
    """A problem that HTTP itself has a name for: no such path, no such method."""
    code = title.lower().replace(" ", "_")
    return Problem({"type": "about:blank", "title": title, "status": status, "code": code, "detail": title}, status, headers)


async def read_body(request: Request, limit: int = BODY_BYTES_MAX) -> bytes:
    """The whole body. Raises TooLarge as soon as it is over `limit` bytes."""
    if int(request.headers.get("content-length") or 0) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes", field="body", limit=limit)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise TooLarge(f"the body is larger than {limit} bytes", field="body", limit=limit)
    except ClientDisconnect as error:
        raise InvalidInput("the connection was closed in the middle of the body", field="body") from error
    return bytes(body)


async def read_json(request: Request, type: type[T], limit: int = BODY_BYTES_MAX) -> T:
    """The body as `type`. Raises InvalidInput with the field's name if it is not JSON in UTF-8, or not of that shape."""
    body = await read_body(request, limit)
    try:
        return msgspec.json.decode(body, type=type, strict=True)
    except msgspec.ValidationError as error:
        detail = str(error)
        field = detail.rpartition("`$.")[2].rstrip("`") if "`$." in detail else "body"
        raise InvalidInput(in_words(error), field=field) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"the body is not valid JSON in UTF-8: {error}", field="body") from error
