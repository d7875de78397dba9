"""The loss ledger for operators: listed in words, never with what must stay secret; applied and discarded by id."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from multiregion.api.documents import StateDocuments
from multiregion.api.guards import Guards, actor
from multiregion.api.problems import JSON, encode, problem, read_json
from multiregion.application import Application
from multiregion.clock import iso
from multiregion.errors import MultiregionError
from multiregion.logs import Loss
from multiregion.losses import Entry, LossLedger, Settled
from multiregion.stores import Write

SHOWN_CHARACTERS = 80


class LossOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`ids` None: all that are pending."""

    ids: list[str] | None = None
    actor: str = "operator"
    force: bool = False


class LossAPI:
    def __init__(self, ledger: LossLedger, application: Application, documents: StateDocuments, guards: Guards) -> None:
        self._ledger = ledger
        self._application = application
        self._documents = documents
        self._guards = guards

    def routes(self) -> list[Route]:
        operators = self._guards.operators
        return [
            Route("/operator/losses", operators(self.list), methods=["GET"]),
            Route("/operator/losses/apply", operators(self.apply), methods=["POST"]),
            Route("/operator/losses/discard", operators(self.discard), methods=["POST"]),
        ]

    async def list(self, request: Request) -> Response:
        entries, silent = await self._ledger.entries()
        return JSON({"losses": [shown(entry, self._application) for entry in entries], "notAnswering": silent})

    async def apply(self, request: Request) -> Response:
        order = await read_json(request, LossOrder)
        return self._stream(self._ledger.apply(order.ids, actor=actor(request, order.actor), force=order.force))

    async def discard(self, request: Request) -> Response:
        order = await read_json(request, LossOrder)
        return self._stream(self._ledger.discard(order.ids, actor=actor(request, order.actor)))

    def _stream(self, settled: AsyncIterator[Settled]) -> Response:
        return StreamingResponse(self._lines(settled), media_type="application/x-ndjson")

    async def _lines(self, settled: AsyncIterator[Settled]) -> AsyncIterator[bytes]:
        try:
            async for each in settled:
                yield encode({"settled": asdict(each)}) + b"\n"
            yield b'{"end": {}}\n'
        except MultiregionError as error:
            yield encode({"error": msgspec.Raw(problem(error, self._documents).body)}) + b"\n"


def shown(entry: Entry, application: Application) -> dict[str, Any]:
    loss = entry.loss
    change = loss.change
    return {
        "id": entry.id,
        "region": loss.region,
        "record": f"{change.write.key.partition}/{change.write.key.id}",
        "what": in_words(loss, application),
        "cause": loss.cause,
        "again": can_be_made_again(loss),
        "writes": 1 if loss.writes is None else loss.writes or None,
        "user": change.actor,
        "at": iso(change.at),
        "bytes": change.size,
        "reason": loss.reason,
        "lostAt": iso(loss.at),
        "outcome": loss.outcome,
        "decidedBy": loss.decided_by or None,
    }


def can_be_made_again(loss: Loss) -> bool:
    return loss.writes is None and loss.change.digest is None


def in_words(loss: Loss, application: Application) -> str:
    if loss.writes is not None:
        return gone(loss.writes)
    return (
        described(loss.change.write, application)
        if loss.change.digest is None
        else f"write {loss.change.write.key.partition}, contents expunged"
    )


def gone(writes: int) -> str:
    """What is not known is not 0."""
    return f"{writes or 'an unknown number of'} {'write' if writes == 1 else 'writes'}, contents lost"


def described(write: Write, application: Application) -> str:
    """What a write was, without anything that must stay secret: of users and keys not even a part of the value is shown."""
    kind = write.key.partition
    if write.value is None:
        return f"delete {application.name_of(kind)}"
    title = application.title_of(kind, write.value)
    if title is None:
        return f"write {kind}"
    return f"{application.name_of(kind)}: {title if len(title) <= SHOWN_CHARACTERS else title[: SHOWN_CHARACTERS - 1] + '…'}"
