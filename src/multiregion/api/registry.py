"""What a region tells the authority of itself, and asks about its own past when it starts."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from multiregion.api.documents import Routing, routing
from multiregion.api.guards import Guards
from multiregion.api.problems import JSON, read_json
from multiregion.api.routing import StateNews
from multiregion.clock import Clock
from multiregion.errors import InvalidInput
from multiregion.registry import founded_upon, known_of, note_report, resumed
from multiregion.reports import Report, Reports
from multiregion.states import Role
from multiregion.stores import Mark, StateStore


class ReportOrder(msgspec.Struct, frozen=True):
    role: Role
    report: Report


class ResumeOrder(msgspec.Struct, frozen=True):
    role: Role
    state: Routing
    base: Mark
    reason: str
    alone: bool = False


class RegistryAPI:
    def __init__(self, authority: StateStore, reports: Reports, news: StateNews, guards: Guards, clock: Clock) -> None:
        self._clock = clock
        self._authority = authority
        self._reports = reports
        self._news = news
        self._guards = guards

    def routes(self) -> list[Route]:
        regions = self._guards.regions
        return [
            Route("/internal/report", regions(self.report), methods=["POST"]),
            Route("/internal/known", regions(self.known), methods=["GET"]),
            Route("/internal/found", regions(self.found), methods=["POST"]),
            Route("/internal/resume", regions(self.resume), methods=["POST"]),
        ]

    async def report(self, request: Request) -> Response:
        order = await read_json(request, ReportOrder)
        await note_report(self._authority, self._reports, order.role, order.report)
        return Response(status_code=204)

    async def known(self, request: Request) -> Response:
        role = request.query_params.get("role", "")
        if role not in list(Role):
            raise InvalidInput(f"role must be one of {', '.join(Role)}", field="role")
        return JSON(await known_of(self._authority, self._reports, Role(role)))

    async def found(self, request: Request) -> Response:
        state = await founded_upon(self._authority, self._reports, await read_json(request, str))
        if state is not None:
            self._news.publish(state)
        return JSON(state and routing(state))

    async def resume(self, request: Request) -> Response:
        order = await read_json(request, ResumeOrder)
        history = self._clock.new_id() if order.alone else None
        return JSON(routing(await resumed(self._authority, order.role, order.state.value(), order.base, order.reason, history)))
