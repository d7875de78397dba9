"""The wire's own API: what its links are like, and orders to cut, delay and heal them."""

from hmac import compare_digest
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from multiregion.api.problems import JSON, read_json
from multiregion.errors import InvalidInput, Unauthorized

DELAY_MILLISECONDS_MAX = 60_000
ROLES = ("primary", "secondary")


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do to the wire. `to` names the region that nothing reaches any more; without it both ways are meant."""

    delay_milliseconds: float | None = None
    cut: bool | None = None
    to: str | None = None

    def check(self) -> None:
        """Raises InvalidInput, naming the field and the limit."""
        if self.delay_milliseconds is not None and not 0 <= self.delay_milliseconds <= DELAY_MILLISECONDS_MAX:
            detail = f"delay_milliseconds must be from 0 to {DELAY_MILLISECONDS_MAX}"
            raise InvalidInput(detail, field="delay_milliseconds", limit=DELAY_MILLISECONDS_MAX)
        if self.to not in (None, *ROLES):
            raise InvalidInput(f"to must be one of {', '.join(ROLES)}", field="to")


class Obedient(Protocol):
    def obey(self, order: Order) -> None: ...

    def shown(self) -> dict[str, Any]: ...


class WireAPI:
    def __init__(self, wire: Obedient, secret: str) -> None:
        self._wire = wire
        self._authorization = f"Bearer {secret}".encode()

    def routes(self) -> list[Route]:
        return [Route("/wire", self.control, methods=["GET", "POST"]), Route("/healthz", self.health, methods=["GET"])]

    async def control(self, request: Request) -> Response:
        if not compare_digest(request.headers.get("authorization", "").encode(), self._authorization):
            raise Unauthorized("only this deployment may change its wire")
        if request.method == "POST":
            order = await read_json(request, Order)
            order.check()
            self._wire.obey(order)
        return JSON(self._wire.shown())

    async def health(self, request: Request) -> Response:
        return JSON({"status": "ok"})
