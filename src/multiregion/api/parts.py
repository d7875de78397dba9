"""What the other parts of a deployment may ask of any region, with the deployment's secret, whatever keeps its data."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from multiregion.api.documents import Routing, routing
from multiregion.api.frames import WireCaller, wire_outlook
from multiregion.api.guards import Guards
from multiregion.api.problems import JSON, Handler, read_json
from multiregion.callers import Caller
from multiregion.errors import Unauthorized
from multiregion.predictions import Outlook
from multiregion.region import Region
from multiregion.states import RoutingState
from multiregion.status import Said


class Serving(Protocol):
    """A region's process."""

    @property
    def region(self) -> Region: ...

    async def status(self) -> Said: ...

    async def outlook(self) -> Outlook: ...

    async def identify(self, id_token: str) -> Caller:
        """Whose ID token this is. Raises Unauthorized if it does not count here."""
        ...

    def note_admitted(self, state: RoutingState) -> None:
        """Whoever follows the state here is told."""
        ...

    def note_attempt(self, user: str, address: str) -> None:
        """A sign-in has failed in the other region."""
        ...


class Bearer(msgspec.Struct, frozen=True):
    """An ID token that the authority or the edge was shown."""

    token: str


class PartsAPI:
    """The calls that every region answers, and the place of all others."""

    def __init__(self, serving: Serving, guards: Guards) -> None:
        self._serving = serving
        self._guards = guards

    def mounted(self, more: Iterable[tuple[str, str, Handler]]) -> list[Mount]:
        """`more`: method, path and handler of what this kind of region answers besides."""
        shared: list[tuple[str, str, Handler]] = [
            ("GET", "/outlook", self.outlook),
            ("POST", "/attempts", self.attempts),
            ("GET", "/status", self.status),
            ("POST", "/caller", self.caller),
            ("POST", "/admit", self.admit),
        ]
        guarded = self._guards.regions
        return [Mount("/internal", routes=[Route(path, guarded(handler), methods=[method]) for method, path, handler in [*shared, *more]])]

    async def outlook(self, request: Request) -> Response:
        return JSON(wire_outlook(await self._serving.outlook()))

    async def attempts(self, request: Request) -> Response:
        for user, address in await read_json(request, list[tuple[str, str]]):
            self._serving.note_attempt(user, address)
        return Response(status_code=204)

    async def status(self, request: Request) -> Response:
        return JSON(await self._serving.status())

    async def caller(self, request: Request) -> Response:
        """Whose ID token this is, null if it does not count here; and how much this region's word counts."""
        order = await read_json(request, Bearer)
        state = await self._serving.region.records.admitted()
        found: Caller | None = None
        with suppress(Unauthorized):
            found = await self._serving.identify(order.token)
        user, groups = (found.user, found.groups) if found else (None, ())
        return JSON(WireCaller(user, groups, state.epoch, state.leader is self._serving.region.role))

    async def admit(self, request: Request) -> Response:
        state = await self._serving.region.records.admit((await read_json(request, Routing)).value())
        self._serving.note_admitted(state)
        return JSON(routing(state))


def named(found: Any) -> Response:
    """A page of records' names and versions."""
    return JSON([(key.partition, key.id, version.epoch, version.sequence, gone, f"{mark:064x}") for key, version, gone, mark in found])
