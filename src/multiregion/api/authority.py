"""What regions ask of the authority: the state, again and again, and the lease; and what operators ask of automatic takeover."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from multiregion.api.documents import routing
from multiregion.api.guards import Guards, actor
from multiregion.api.problems import JSON, Handler, encode, read_json
from multiregion.api.registry import RegistryAPI
from multiregion.api.routing import StateNews
from multiregion.automatic import ACTOR, HISTORY_LOOKED_AT, Automatic, acknowledge, is_paused, unacknowledged
from multiregion.clock import Clock, iso
from multiregion.errors import InvalidInput, NotFound
from multiregion.health import WELL, WriteHealth
from multiregion.leases import Leases
from multiregion.reports import Reports
from multiregion.states import Role
from multiregion.stores import StateStore

FOLLOW_SECONDS = 1.0
WORDS = {"pause": "paused", "resume": "resumed"}
ACKNOWLEDGE = "acknowledge"


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
    """`epoch`: of an acknowledgement, that of the takeover which is meant."""

    word: str
    actor: str = "operator"
    epoch: int | None = None


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
        return JSON(await self.document())

    async def say(self, request: Request) -> Response:
        """Answers with what is true after it."""
        order = await read_json(request, AutomaticWord)
        who = actor(request, order.actor)
        if order.word == ACKNOWLEDGE:
            if order.epoch is None:
                raise InvalidInput("an acknowledgement names the takeover that it means: its epoch", field="epoch")
            await acknowledge(self._authority, order.epoch, actor=who)
        elif order.word in WORDS:
            await self._authority.note("automatic", actor=who, reason=WORDS[order.word], facts={})
        else:
            raise InvalidInput(f"word must be one of {', '.join([*WORDS, ACKNOWLEDGE])}", field="word")
        return JSON(await self.document(anew=True))

    async def document(self, *, anew: bool = False) -> dict[str, Any]:
        """`takeover`: the last one, while nobody has acknowledged it; `movesNow`: under which conditions writing is moved at once, or would
        be if that were acknowledged. `anew`: after a word that the automatic mode may not have heard yet."""
        history = await self._authority.history(HISTORY_LOOKED_AT, about=ACTOR)
        taken = unacknowledged(history)
        waits_because, moves_now = await self._prospect(anew=anew, acknowledging=taken is not None)
        return {
            "mode": "automatic" if self._automatic else "manual",
            "paused": is_paused(history),
            "unacknowledged": taken is not None,
            "takeover": taken and {"epoch": taken.state.epoch, "at": iso(taken.at), "reason": taken.reason},
            "waitsBecause": waits_because,
            "movesNow": moves_now,
        }

    async def _prospect(self, *, anew: bool, acknowledging: bool) -> tuple[str | None, str | None]:
        """Why nothing is moved now, and what speaks for it that something is, or would be after an acknowledgement."""
        if self._automatic is None:
            return "failover is manual in this deployment", None
        waits = self._automatic.waits_because
        if waits is None or not (anew or acknowledging):  # it moves writing at the moment, whatever was said meanwhile; or nobody asks
            return waits, None
        after = await self._automatic.prospect(acknowledged=True)
        now = await self._automatic.prospect() if acknowledging else after
        return (now.waits_because if anew else waits), after.moves
