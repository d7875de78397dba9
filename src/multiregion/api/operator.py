"""The authority's HTTP API: what regions follow, and what operators call from the command line and the console."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict
from hmac import compare_digest
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from multiregion.api.documents import StateDocuments, routing
from multiregion.api.problems import JSON, Handler, encode, problem, read_json
from multiregion.api.routing import StateNews
from multiregion.config import REGION_PURPOSE, Deployment
from multiregion.controller import Controller, Step
from multiregion.controller import Request as Change
from multiregion.errors import InvalidInput, MultiregionError, Unauthorized
from multiregion.states import Role, RoutingState, State, parse_state
from multiregion.stores import StateStore
from multiregion.verification import Verdict, Verification

FOLLOW_SECONDS = 1.0
REASON_CHARACTERS_MAX = 500
ACTOR_CHARACTERS_MAX = 100


class Order(msgspec.Struct, frozen=True):
    """The body of a change of state."""

    state: str = ""
    actor: str = "operator"
    reason: str = ""

    def change(self, to: State) -> Change:
        for field, text, limit in (("actor", self.actor, ACTOR_CHARACTERS_MAX), ("reason", self.reason, REASON_CHARACTERS_MAX)):
            if len(text) > limit:
                raise InvalidInput(f"{field} has more than {limit} characters", field=field, limit=limit)
        return Change(to, self.actor, self.reason)


class Observer(Protocol):
    """One region as the authority sees it."""

    async def report(self) -> dict[str, Any]:
        """What it says of itself, with `answers` False and why when it does not answer."""
        ...


class OperatorAPI:
    def __init__(
        self,
        authority: StateStore,
        controller: Controller,
        observers: Mapping[Role, Observer],
        verification: Callable[[bool], Verification],
        deployment: Deployment,
        news: StateNews,
    ) -> None:
        self._authority = authority
        self._controller = controller
        self._observers = observers
        self._verification = verification
        self._news = news
        self._documents = StateDocuments(deployment)
        self._operator = f"Bearer {deployment.operator_token}".encode()
        self._regions = f"Bearer {deployment.bearer(REGION_PURPOSE)}".encode()

    def routes(self) -> list[Route]:
        operators, regions = self._only(self._operator), self._only(self._regions)
        return [
            Route("/healthz", self.health, methods=["GET"]),
            Route("/internal/follow", regions(self.follow), methods=["GET"]),
            Route("/operator/status", operators(self.status), methods=["GET"]),
            Route("/operator/history", operators(self.history), methods=["GET"]),
            Route("/operator/state", operators(self.state), methods=["GET"]),
            Route("/operator/state", operators(self.set_state), methods=["POST"]),
            Route("/operator/failover", operators(self.failover), methods=["POST"]),
            Route("/operator/failback", operators(self.failback), methods=["POST"]),
            Route("/operator/verify", operators(self.verify), methods=["POST"]),
        ]

    def _only(self, expected: bytes) -> Callable[[Handler], Handler]:
        def guard(handler: Handler) -> Handler:
            async def check(request: Request) -> Response:
                if not compare_digest(request.headers.get("authorization", "").encode(), expected):
                    raise Unauthorized("this needs the operator token of the deployment (deployment.json)")
                return await handler(request)

            return check

        return guard

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

    async def state(self, request: Request) -> Response:
        return JSON(self._documents(await self._authority.read()))

    async def history(self, request: Request) -> Response:
        return JSON({"history": [self._documents.decision(decision) for decision in await self._authority.history()]})

    async def status(self, request: Request) -> Response:
        primary, secondary = await asyncio.gather(*(self._observers[role].report() for role in (Role.PRIMARY, Role.SECONDARY)))
        (last,) = await self._authority.history(limit=1)
        state = self._documents(await self._authority.read())
        return JSON({**state, "lastChange": self._documents.decision(last), "status": {"primary": primary, "secondary": secondary}})

    async def set_state(self, request: Request) -> Response:
        order = await read_json(request, Order)
        return self._report(self._controller.set_state(order.change(parse_state(order.state))))

    async def failover(self, request: Request) -> Response:
        return self._report(self._controller.switch((await read_json(request, Order)).change(State.FAILOVER)))

    async def failback(self, request: Request) -> Response:
        return self._report(self._controller.switch((await read_json(request, Order)).change(State.ACTIVE)))

    async def verify(self, request: Request) -> Response:
        deep = request.query_params.get("quick") != "1"
        return self._report(self._verification(deep).run())

    def _report(self, events: AsyncIterator[Step | Verdict] | AsyncIterator[Step] | AsyncIterator[Verdict]) -> Response:
        """What happens as it happens, a line of JSON each; the last line is `{"end": state}` or `{"error": problem}`."""
        return StreamingResponse(self._lines(events), media_type="application/x-ndjson")

    async def _lines(self, events: AsyncIterator[Any]) -> AsyncIterator[bytes]:
        try:
            async for event in events:
                yield encode({"step": asdict(event)} if isinstance(event, Step) else {"verdict": shown(event)}) + b"\n"
            yield encode({"end": self._documents(await self._authority.read())}) + b"\n"
        except MultiregionError as error:
            yield encode({"error": msgspec.Raw(problem(error, self._show).body)}) + b"\n"

    def _show(self, state: RoutingState) -> dict[str, Any]:
        return self._documents(state)


def shown(verdict: Verdict) -> dict[str, Any]:
    return {**asdict(verdict), "equal": verdict.equal}
