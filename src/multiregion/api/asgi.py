"""One region's ASGI application: its routes, errors as problems, the edge's origin and no other, and its metrics."""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

from msgspec import to_builtins
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from multiregion.api.document import document
from multiregion.api.documents import StateDocuments
from multiregion.api.problems import JSON, problem, status_problem
from multiregion.errors import MultiregionError
from multiregion.status import RegionStatus, Said, Status, readiness_of

log = logging.getLogger("multiregion.api")

COGNITO_HEADERS = ["cache-control", "x-amz-target", "x-amz-user-agent", "amz-sdk-invocation-id", "amz-sdk-request", "x-amz-date"]
EXPOSED_HEADERS = ["multiregion-position", "retry-after", "x-amzn-errortype", "x-amzn-requestid", "date"]


class CountRequests:
    """Counts answers by handler and status."""

    def __init__(self, app: ASGIApp, counts: Counter[tuple[str, int]]) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts[getattr(scope.get("endpoint"), "__name__", "none"), message["status"]] += 1
            await send(message)

        await self._app(scope, receive, counting)


class EdgeOrigin(CORSMiddleware):
    """Lets browsers in from the edge's origin alone. What it adds to an answer is made once, not for each answer again."""

    def __init__(self, app: ASGIApp, edge: str) -> None:
        super().__init__(
            app,
            allow_origins=[edge],
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["authorization", "content-type", "multiregion-epoch", "multiregion-position", *COGNITO_HEADERS],
            expose_headers=EXPOSED_HEADERS,
            max_age=600,
        )
        self._edge = edge
        self._always = [(b"vary", b"Origin")]
        self._for_edge = [
            (b"access-control-allow-origin", edge.encode()),
            (b"access-control-expose-headers", ", ".join(EXPOSED_HEADERS).encode()),
            *self._always,
        ]

    async def simple_response(self, scope: Scope, receive: Receive, send: Send, request_headers: Headers) -> None:
        added = self._for_edge if request_headers.get("origin") == self._edge else self._always

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self.app(scope, receive, adding)


class RegionMetrics(Collector):
    """What operators scrape. A lag that is unknown has no sample: absent is not zero."""

    def __init__(self, status: Said, counts: Counter[tuple[str, int]]) -> None:
        self._status = status
        self._counts = counts

    def collect(self) -> Any:
        status, writing = self._status, self._status.writing
        if status.epoch is not None:
            yield GaugeMetricFamily("multiregion_epoch", "Epoch of the admitted state", status.epoch)
        writes = isinstance(status, RegionStatus) and status.writes
        yield GaugeMetricFamily("multiregion_writer", "1 if this region accepts writes", int(writes))
        yield GaugeMetricFamily("multiregion_ready", "1 if this region is ready", int(status.ready))
        if writing is not None:
            yield GaugeMetricFamily(
                "multiregion_write_problem_seconds",
                "For how long writes to the disk fail or are slow, 0 if they are well",
                writing.seconds,
            )
            if writing.last_write_seconds is not None:
                yield GaugeMetricFamily("multiregion_write_seconds", "How long the last write to the disk took", writing.last_write_seconds)
        if isinstance(status, RegionStatus) and status.sequence is not None:
            yield GaugeMetricFamily("multiregion_log_sequence", "Sequence of the last change in the log", status.sequence)
        for unit, behind in to_builtins(status.lag).items():
            if behind is not None:
                yield GaugeMetricFamily(f"multiregion_lag_{unit}", f"How many {unit} this region is behind the other", behind)
        answers = CounterMetricFamily("multiregion_http_answers", "Answers", labels=["handler", "status"])
        for (handler, code), count in self._counts.items():
            answers.add_metric([handler, str(code)], count)
        yield answers


class OperationsAPI:
    """Liveness, readiness with reasons, metrics, and the API's own document."""

    def __init__(self, status: Status, counts: Counter[tuple[str, int]], application: Mapping[str, Any] | None = None) -> None:
        """`application`: the application's part of the document."""
        self._status = status
        self._counts = counts
        self._document = document(application or {})

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", self.healthz, methods=["GET"]),
            Route("/readyz", self.readyz, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
            Route("/openapi.json", self.openapi, methods=["GET"]),
        ]

    async def healthz(self, request: Request) -> Response:
        return JSON({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        status = await self._status()
        return JSON(readiness_of(status), 200 if status.ready else 503)

    async def metrics(self, request: Request) -> Response:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(RegionMetrics(await self._status(), self._counts))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def openapi(self, request: Request) -> Response:
        return JSON(self._document, headers={"Cache-Control": "no-cache"})


def methods_of(path: str, routes: Sequence[BaseRoute]) -> set[str]:
    """Every method that some route takes at this path; the framework itself names only the first route's."""
    matching = [route for route in routes if isinstance(route, Route) and route.path_regex.match(path)]
    return {method for route in matching for method in route.methods or ()}


Lifespan = Callable[[], AbstractAsyncContextManager[None]]
Served: TypeAlias = ASGIApp


def application(
    routes: Sequence[BaseRoute],
    documents: StateDocuments,
    edge: str,
    lifespan: Lifespan,
    counts: Counter[tuple[str, int]] | None = None,
    *,
    otherwise: Served | None = None,
    more: Sequence[BaseRoute] = (),
) -> Served:
    """An application that answers every error with a problem, and lets browsers in from the edge's origin alone. It serves
    while `lifespan` is entered. `otherwise` answers what none of `routes` does; `more` are its routes, as far as they are known."""

    @asynccontextmanager
    async def alive(app: Starlette) -> AsyncIterator[None]:
        async with lifespan():
            yield

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, MultiregionError)
        return problem(error, documents)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(sorted(methods_of(request.scope["path"], [*routes, *more])))
        return status_problem(error.status_code, error.detail, headers)

    async def unexpected(request: Request, error: Exception) -> Response:
        return status_problem(500, "Internal error")

    middleware = [
        Middleware(CountRequests, counts if counts is not None else Counter()),
        Middleware(EdgeOrigin, edge),
    ]
    handlers: dict[Any, Any] = {MultiregionError: ours, HTTPException: http, Exception: unexpected}
    made = Starlette(routes=list(routes), middleware=middleware, exception_handlers=handlers, lifespan=alive)
    made.router.default = otherwise or made.router.default
    made.router.redirect_slashes = False  # a path that is not there is not there, whatever its last character
    return made
