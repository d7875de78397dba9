"""The authority's HTTP API: what regions follow, and what operators call from the command line and the console."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import msgspec
from msgspec import to_builtins
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from multiregion.api.documents import StateDocuments
from multiregion.api.guards import Guards, actor
from multiregion.api.problems import JSON, encode, problem, read_json
from multiregion.controller import Controller
from multiregion.errors import InvalidInput, MultiregionError, RepairFailed
from multiregion.health import WriteHealth
from multiregion.orders import Request as Change
from multiregion.orders import Step
from multiregion.rebuild import Rebuild
from multiregion.states import Role, State, parse_state
from multiregion.status import RegionStatus, Said, Silent, writing_of
from multiregion.stores import Entries, StateStore
from multiregion.verdicts import Verdict
from multiregion.verification import Verification

REASON_CHARACTERS_MAX = 500
HISTORY_ENTRIES, HISTORY_ENTRIES_MAX = 50, 1_000


class Order(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The body of a change of state; a misspelt word must not count as unsaid. `epoch`: the one that it was decided under; at another
    one it is refused."""

    state: str = ""
    actor: str = "operator"
    reason: str = ""
    writable: bool = False
    region_lost: bool = False
    accept_loss: bool = False
    epoch: int | None = None
    region: str = ""
    put_back: bool = False

    def change(self, request: Request, to: State) -> Change:
        if len(self.reason) > REASON_CHARACTERS_MAX:
            raise InvalidInput(f"reason has more than {REASON_CHARACTERS_MAX} characters", field="reason", limit=REASON_CHARACTERS_MAX)
        return Change(
            to, actor(request, self.actor), self.reason, self.writable, self.accept_loss, self.epoch, region_lost=self.region_lost
        )


class Observer(Protocol):
    """One region as the authority sees it."""

    async def status(self) -> Said | Silent:
        """What it says of itself."""
        ...


class OperatorAPI:
    def __init__(
        self,
        authority: StateStore,
        told: Entries,
        automatic: Callable[[], Awaitable[Mapping[str, Any]]],
        controller: Controller,
        observers: Mapping[Role, Observer],
        verification: Callable[[bool, bool], Verification],
        rebuild: Rebuild | None,
        documents: StateDocuments,
        guards: Guards,
        writing: Callable[[], WriteHealth] | None = None,
    ) -> None:
        """`automatic` says how automatic takeover is, `writing` how writing to the authority's own disk goes, where it has one."""
        self._writing = writing
        self._authority = authority
        self._told = told
        self._automatic = automatic
        self._controller = controller
        self._observers = observers
        self._verification = verification
        self._rebuild = rebuild
        self._documents = documents
        self._guards = guards
        self._under_way: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        operators = self._guards.operators
        return [
            Route("/operator/status", operators(self.status), methods=["GET"]),
            Route("/operator/history", operators(self.history), methods=["GET"]),
            Route("/operator/state", operators(self.state), methods=["GET"]),
            Route("/operator/state", operators(self.set_state), methods=["POST"]),
            Route("/operator/failover", operators(self.failover), methods=["POST"]),
            Route("/operator/failback", operators(self.failback), methods=["POST"]),
            Route("/operator/switchover", operators(self.switchover), methods=["POST"]),
            Route("/operator/recover", operators(self.recover), methods=["POST"]),
            Route("/operator/accept-history", operators(self.accept_history), methods=["POST"]),
            Route("/operator/verify", operators(self.verify), methods=["POST"]),
            Route("/operator/repair", operators(self.repair), methods=["POST"]),
        ]

    async def state(self, request: Request) -> Response:
        return JSON(self._documents(await self._authority.read()))

    async def history(self, request: Request) -> Response:
        """The newest entries; `count` says how many decisions in a row about losses one stands for."""
        entries = await self._told.entries(entries_wanted(request))
        return JSON({"history": [{**self._documents.decision(entry.decision), "count": entry.count} for entry in entries]})

    async def status(self, request: Request) -> Response:
        primary, secondary = await asyncio.gather(*(self._observers[role].status() for role in (Role.PRIMARY, Role.SECONDARY)))
        decisions = await self._authority.history(1, about="state")
        last = self._documents.decision(decisions[0]) if decisions else None
        state = self._documents(await self._authority.read())
        writing = writing_of(self._writing()) if self._writing else None
        status = {"primary": seen(primary), "secondary": seen(secondary)}
        return JSON(
            {**state, "lastChange": last, "status": status, "authority": {"writing": writing}, "automatic": await self._automatic()}
        )

    async def set_state(self, request: Request) -> Response:
        order = await read_json(request, Order)
        for field, meant in (("writable", order.writable), ("regionLost", order.region_lost), ("acceptLoss", order.accept_loss)):
            if meant:
                raise InvalidInput(f"{field} is of failover and failback; to set a state makes no region the writer", field=field)
        return self._report(self._controller.set_state(order.change(request, parse_state(order.state))))

    async def failover(self, request: Request) -> Response:
        return await self._switch(request, State.FAILOVER)

    async def failback(self, request: Request) -> Response:
        return await self._switch(request, State.ACTIVE)

    async def _switch(self, request: Request, to: State) -> Response:
        """Planned, unless the operator says that the region that serves now is lost."""
        order = await read_json(request, Order)
        verb = self._controller.take_over if order.region_lost else self._controller.switch
        return self._report(verb(order.change(request, to)))

    async def switchover(self, request: Request) -> Response:
        order = await read_json(request, Order)
        return self._report(self._controller.switchover(order.change(request, State.FAILOVER)))

    async def recover(self, request: Request) -> Response:
        order = await read_json(request, Order)
        source = self._documents.role(order.region) if order.region else None
        return self._report(self._controller.recover(replace(order.change(request, State.ACTIVE), region=source)))

    async def accept_history(self, request: Request) -> Response:
        order = await read_json(request, Order)
        wanted = replace(order.change(request, State.ACTIVE), region=self._documents.role(order.region))
        return self._report(self._controller.accept_history(wanted))

    async def verify(self, request: Request) -> Response:
        """By presence; with `deep=1` every object is read, with `repair=1` also repaired. (`quick=1` is the default's older name.)"""
        deep, repair = (request.query_params.get(name) == "1" for name in ("deep", "repair"))
        return self._report(self._verification(deep, repair).run())

    async def repair(self, request: Request) -> Response:
        """Copy a region anew from the other one."""
        order = await read_json(request, Order)
        role = self._documents.role(order.region)
        if self._rebuild is None:
            raise RepairFailed('with store "aws" the engines keep a region\'s data: restore its table from a backup there')
        if order.put_back:
            return self._report(self._rebuild.put_back(role, actor=actor(request, order.actor), epoch=order.epoch))
        return self._report(self._rebuild.run(role, accept_loss=order.accept_loss, actor=actor(request, order.actor), epoch=order.epoch))

    def _report(self, events: AsyncIterator[Step] | AsyncIterator[Verdict]) -> Response:
        """What happens as it happens, a line of JSON each; the last line is `{"end": state}` or `{"error": problem}`.
        The state is the one that the order decided: another may have changed it since.

        It goes on to its end though the operator stops listening: nobody's Ctrl-C leaves an application half-way."""
        lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        work = asyncio.create_task(self._work(events, lines))
        self._under_way.add(work)
        work.add_done_callback(self._under_way.discard)
        return StreamingResponse(drained(lines), media_type="application/x-ndjson")

    async def _work(self, events: AsyncIterator[Any], lines: "asyncio.Queue[bytes | None]") -> None:
        state = None
        try:
            async for event in events:
                lines.put_nowait(encode({"step" if isinstance(event, Step) else "verdict": event.document()}) + b"\n")
                if isinstance(event, Step) and event.region is None:  # a region may know a later one
                    state = event.state or state
            lines.put_nowait(encode({"end": self._documents(state or await self._authority.read())}) + b"\n")
        except MultiregionError as error:
            lines.put_nowait(encode({"error": msgspec.Raw(problem(error, self._documents).body)}) + b"\n")
        finally:
            lines.put_nowait(None)


async def drained(lines: "asyncio.Queue[bytes | None]") -> AsyncIterator[bytes]:
    while (line := await lines.get()) is not None:
        yield line


def entries_wanted(request: Request) -> int:
    text = request.query_params.get("limit", str(HISTORY_ENTRIES))
    if text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= HISTORY_ENTRIES_MAX:
        return int(text)
    raise InvalidInput(f"limit must be a whole number from 1 to {HISTORY_ENTRIES_MAX}", field="limit", limit=HISTORY_ENTRIES_MAX)


def seen(status: Said | Silent) -> dict[str, Any]:
    return {"answers": isinstance(status, RegionStatus), **to_builtins(status)}
