"""Both regions' sign-in over real sockets, in a thread of the test's own process."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import boto3
import msgspec
import uvicorn
from botocore import UNSIGNED
from botocore.config import Config
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from multiregion.api import identity
from multiregion.api.asgi import Served, application
from multiregion.api.authentication import Authenticate
from multiregion.api.documents import StateDocuments
from multiregion.api.problems import JSON
from multiregion.api.routing import RoutingAPI, StateNews
from multiregion.config import Deployment, RegionPlace, Settings
from multiregion.states import Role, State
from tests.identity_world import DEPLOYMENT, Pool, RunningClock, World

T = TypeVar("T")
WAIT_SECONDS = 30.0


class Servers:
    """`world` belongs to the servers' loop: touch it through `run`."""

    def __init__(self, folder: Path) -> None:
        self.sockets = {role: loopback() for role in Role}
        self.deployment = deployment_at({role: f"http://localhost:{each.getsockname()[1]}" for role, each in self.sockets.items()})
        self._folder = folder
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(WAIT_SECONDS), "the servers did not start"

    def stop(self) -> None:
        for server in self.servers:
            server.should_exit = True
        self._thread.join(WAIT_SECONDS)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_SECONDS)

    def url(self, role: Role) -> str:
        return self.deployment.place(role).url

    def client(self, role: Role = Role.PRIMARY, *, signed: bool = True, secret: str | None = None) -> Any:
        """An unmodified boto3 client."""
        place = self.deployment.place(role)
        return boto3.client(
            "cognito-idp",
            region_name=place.region,
            endpoint_url=place.url,
            aws_access_key_id="operator",
            aws_secret_access_key=secret or self.deployment.operator_token,
            config=Config(retries={"total_max_attempts": 1}, signature_version=None if signed else UNSIGNED),
        )

    async def _serve(self) -> None:
        self.world = World(self._folder, Settings(), self.deployment, RunningClock())
        await self.world.admit(State.ACTIVE)
        pools = {Role.PRIMARY: self.world.a, Role.SECONDARY: self.world.b}
        self.servers = [uvicorn.Server(uvicorn.Config(self._application(pools[role]), log_level="error")) for role in Role]
        self._ready.set()
        await asyncio.gather(*(server.serve([self.sockets[role]]) for server, role in zip(self.servers, Role, strict=True)))
        self.world.close()

    def _application(self, pool: Pool) -> Served:
        authenticate = Authenticate(pool.accounts, self.deployment, self.world.clock)

        async def who(request: Request) -> Response:
            caller = await authenticate.caller(request)
            return JSON({"user": caller.user, "operator": caller.is_operator})

        async def replicate(request: Request) -> Response:
            await self.world.replicate()
            return Response(status_code=204)

        ours = [Route("/who", who), Route("/replicate", replicate, methods=["POST"])]
        documents = StateDocuments(self.deployment)
        routing = RoutingAPI(self.deployment.app_id, pool.records, StateNews(), documents, streams_max=1)
        sign_in = identity.routes(pool.accounts, self.deployment, self.world.clock, authenticate)
        return application([*routing.routes(), *sign_in, *ours], documents, self.deployment.edge, nullcontext)


def loopback() -> socket.socket:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen()
    return made


def deployment_at(urls: dict[Role, str]) -> Deployment:
    def place(role: Role) -> RegionPlace:
        return msgspec.structs.replace(DEPLOYMENT.place(role), url=urls[role])

    return msgspec.structs.replace(DEPLOYMENT, primary=place(Role.PRIMARY), secondary=place(Role.SECONDARY))


@contextmanager
def serving(folder: Path) -> Iterator[Servers]:
    servers = Servers(folder)
    servers.start()
    try:
        yield servers
    finally:
        servers.stop()
