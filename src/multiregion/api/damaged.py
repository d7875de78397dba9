"""A region whose database cannot be opened or used, over HTTP: it says so, takes the order to be copied anew, and refuses all else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from multiregion.api.asgi import Served, application
from multiregion.api.documents import StateDocuments
from multiregion.api.guards import Guards
from multiregion.api.identity import TARGET, refusal
from multiregion.api.problems import JSON
from multiregion.api.rebuild import RebuildAPI
from multiregion.callers import Caller
from multiregion.config import Deployment
from multiregion.errors import MultiregionError, Unauthorized
from multiregion.rebuild import Rebuildable
from multiregion.status import Damaged, readiness_of

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class DamagedAPI:
    def __init__(self, deployment: Deployment, region: Rebuildable, status: Damaged, damage: MultiregionError) -> None:
        self._deployment = deployment
        self._region = region
        self._status = status
        self._damage = damage

    def application(self) -> Served:
        guards = Guards(self._deployment, nobody)
        routes = [
            Route("/healthz", self.healthz, methods=["GET"]),
            Route("/readyz", self.readyz, methods=["GET"]),
            Route("/internal/status", guards.regions(self.status), methods=["GET"]),
            *RebuildAPI(self._region, guards).routes(),
            Route("/{path:path}", self.refuse, methods=METHODS),
        ]
        return application(routes, StateDocuments(self._deployment), self._deployment.edge, nothing_to_do)

    async def healthz(self, request: Request) -> Response:
        return JSON({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        return JSON(readiness_of(self._status), 503)

    async def status(self, request: Request) -> Response:
        return JSON(self._status)

    async def refuse(self, request: Request) -> Response:
        """In the words of whichever protocol was asked in."""
        if TARGET in request.headers.get("x-amz-target", ""):
            return refusal(self._damage, {})
        raise self._damage


@asynccontextmanager
async def nothing_to_do() -> AsyncIterator[None]:
    yield


async def nobody(id_token: str) -> Caller:
    raise Unauthorized("this region knows nobody: its database cannot be used")
