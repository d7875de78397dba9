"""What a region tells of damage to its database, and the order to set it aside: while the region runs, and where it cannot start."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from multiregion.api.frames import WireDamage, WireMark, wire_mark
from multiregion.api.guards import Guards
from multiregion.api.problems import JSON, read_json
from multiregion.rebuild import Rebuildable

MARKS_MAX = 100


class RebuildAPI:
    def __init__(self, region: Rebuildable, guards: Guards) -> None:
        self._region = region
        self._guards = guards

    def routes(self) -> list[Route]:
        regions = self._guards.regions
        return [
            Route("/internal/damage", regions(self.damage), methods=["GET"]),
            Route("/internal/kept", regions(self.kept), methods=["POST"]),
            Route("/internal/put-back", regions(self.put_back), methods=["POST"]),
            Route("/internal/hold", regions(self.hold), methods=["POST"]),
            Route("/internal/release", regions(self.release), methods=["POST"]),
            Route("/internal/check-source", regions(self.check_source), methods=["POST"]),
            Route("/internal/set-aside", regions(self.set_aside), methods=["POST"]),
        ]

    async def damage(self, request: Request) -> Response:
        found = await self._region.damage()
        return JSON(WireDamage(wire_mark(found.end) if found.end else None, found.problem, found.set_aside, found.held_for))

    async def kept(self, request: Request) -> Response:
        marks = (await read_json(request, list[WireMark]))[:MARKS_MAX]
        return JSON(await self._region.kept([mark.value_of() for mark in marks]))

    async def put_back(self, request: Request) -> Response:
        """The folder that the present database will be kept in. The region begins again a moment after this answer."""
        return JSON(await self._region.put_back())

    async def hold(self, request: Request) -> Response:
        await self._region.hold(await read_json(request, str))
        return Response(status_code=204)

    async def release(self, request: Request) -> Response:
        await self._region.release(await read_json(request, str))
        return Response(status_code=204)

    async def check_source(self, request: Request) -> Response:
        await self._region.check_source(await read_json(request, str))
        return Response(status_code=204)

    async def set_aside(self, request: Request) -> Response:
        """The folder that the database will be kept in. The region begins again, empty, a moment after this answer."""
        return JSON(await self._region.set_aside(await read_json(request, str)))
