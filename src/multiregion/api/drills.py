"""The lines about drills in the authority's history: how a run gets its number, before its result is known, and is the only one."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from multiregion.api.documents import StateDocuments
from multiregion.api.guards import Guards, actor
from multiregion.api.problems import JSON, read_json
from multiregion.drills import runs
from multiregion.errors import InvalidInput, NotFound
from multiregion.stores import Decision

FACTS_BYTES_MAX = 4_096
TEXT_CHARACTERS_MAX = 500


class DrillLines(Protocol):
    """The authority's record of drills; durable."""

    async def drills(self) -> Sequence[Decision]:
        """Oldest first."""
        ...

    async def note_drill(self, after: int, *, actor: str, reason: str, facts: Mapping[str, Any]) -> None:
        """Add a line, if there are exactly `after` of them. Raises Conflict if there are more or fewer."""
        ...


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after`: how many lines its sender has seen."""

    after: int
    reason: str
    facts: dict[str, Any]
    actor: str = "operator"


class DrillsAPI:
    def __init__(self, lines: DrillLines | None, documents: StateDocuments, guards: Guards) -> None:
        """`lines` None: the authority is an engine's table, which does not number drills."""
        self._lines = lines
        self._documents = documents
        self._guards = guards

    def routes(self) -> list[Route]:
        operators = self._guards.operators
        return [
            Route("/operator/drills", operators(self.show), methods=["GET"]),
            Route("/operator/drills", operators(self.note), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        return JSON(await self._shown())

    async def note(self, request: Request) -> Response:
        line = await read_json(request, Line)
        if len(line.reason) > TEXT_CHARACTERS_MAX:
            raise InvalidInput(f"reason has more than {TEXT_CHARACTERS_MAX} characters", field="reason", limit=TEXT_CHARACTERS_MAX)
        if len(msgspec.json.encode(line.facts)) > FACTS_BYTES_MAX:
            raise InvalidInput(f"facts has more than {FACTS_BYTES_MAX} bytes", field="facts", limit=FACTS_BYTES_MAX)
        runs.check(line.facts)
        await self._own().note_drill(line.after, actor=actor(request, line.actor), reason=line.reason, facts=line.facts)
        return JSON(await self._shown())

    async def _shown(self) -> dict[str, Any]:
        return {"drills": [self._documents.decision(decision) for decision in await self._own().drills()]}

    def _own(self) -> DrillLines:
        if self._lines is None:
            raise NotFound('with store "aws" the authority does not number drills')
        return self._lines
