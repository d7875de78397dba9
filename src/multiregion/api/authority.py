"""What regions ask of the authority: the state, again and again, and the lease; and what operators ask of automatic takeover."""

from collections.abc import AsyncIterator, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from multiregion.api.documents import routing
from multiregion.api.guards import Guards, actor
from multiregion.api.problems import JSON, Handler, encode, read_json
from multiregion.api.registry import RegistryAPI
from multiregion.api.routing import StateNews
from multiregion.automatic import ACTOR, HISTORY_LOOKED_AT, Automatic, is_paused, is_unacknowledged
from multiregion.clock import Clock
from multiregion.errors import InvalidInput, NotFound
from multiregion.health import WELL, WriteHealth
from multiregion.leases import Leases
from multiregion.reports import Reports
from multiregion.states import Role
from multiregion.stores import StateStore

FOLLOW_SECONDS = 1.0
WORDS = {"pause": "paused", "resume": "resumed", "acknowledge": "acknowledged"}


class LeaseOrder(msgspec.Struct, frozen=True):
    role: Role
    epoch: int
    degraded: bool = False
    writing: WriteHealth = WELL


class AuthorityAPI:
    def __init__(
        self, authority: StateStore, reports: Reports | None, news: StateNews, leases: Leases | None, guards: Guards, clock: Clock
    ) -> None:
        self._clock = clock
        self._reports = reports
        self._authority = authority
        self._news = news
        self._leases = leases
        self._guards = guards

    def routes(self) -> list[Route]:
        regions = self._guards.regions
        return [
            Route("/healthz", self.health, methods=["GET"]),
            Route("/internal/follow", regions(self.follow), methods=["GET"]),
            Route("/internal/lease", regions(self.lease), methods=["POST"]),
            *(RegistryAPI(self._authority, self._reports, self._news, self._guards, self._clock).routes() if self._reports else []),
        ]

    async def health(self, request: Request) -> Response:
        return JSON({"status": "ok"})

    async def follow(self, request: Request) -> Response:
        """The state at once, at each change, and every second, as lines of JSON: how regions learn it."""
        return StreamingResponse(self._follow(), media_type="application/x-ndjson")

    async def _follow(self) -> AsyncIterator[bytes]:
        while True:
            state = await self._authority.read()
            yield encode(routing(state)) + b"\n"
            await self._news.next(state, timeout_seconds=FOLLOW_SECONDS)

    async def lease(self, request: Request) -> Response:
        """The writer's lease in seconds, counted from now."""
        if self._leases is None:
            raise NotFound("this deployment grants no leases: its failover is manual")
        order = await read_json(request, LeaseOrder)
        state = await self._authority.read()
        return JSON(self._leases.renew(state, order.role, order.epoch, degraded=order.degraded, writing=order.writing))


class AutomaticWord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    word: str
    actor: str = "operator"


class AutomaticAPI:
    """What operators ask of automatic takeover: how it is, pause, resume, acknowledge."""

    def __init__(self, authority: StateStore, automatic: Automatic | None, guards: Guards) -> None:
        self._authority = authority
        self._automatic = automatic
        self._guards = guards

    def routes(self) -> list[Route]:
        operators: Callable[[Handler], Handler] = self._guards.operators
        return [
            Route("/operator/automatic", operators(self.show), methods=["GET"]),
            Route("/operator/automatic", operators(self.say), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        history = await self._authority.history(HISTORY_LOOKED_AT, about=ACTOR)
        return JSON(
            {
                "mode": "automatic" if self._automatic else "manual",
                "paused": is_paused(history),
                "unacknowledged": is_unacknowledged(history),
                "waitsBecause": self._automatic.waits_because if self._automatic else "failover is manual in this deployment",
            }
        )

    async def say(self, request: Request) -> Response:
        order = await read_json(request, AutomaticWord)
        if order.word not in WORDS:
            raise InvalidInput(f"word must be one of {', '.join(WORDS)}", field="word")
        await self._authority.note("automatic", actor=actor(request, order.actor), reason=WORDS[order.word], facts={})
        return await self.show(request)
