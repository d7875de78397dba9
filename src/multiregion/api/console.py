"""What the operations console asks beyond the commands: what each move would do and lose, and what is under way."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from multiregion.api.documents import StateDocuments
from multiregion.api.drills import DrillLines
from multiregion.api.guards import Guards
from multiregion.api.problems import JSON
from multiregion.clock import Clock, iso
from multiregion.config import Settings
from multiregion.drills import experience
from multiregion.progress import Progress, Run
from multiregion.rehearsal import PLANNED, TAKEOVER, Rehearsal, Rehearsals, described
from multiregion.states import Role, RoutingState

DRILLED = {PLANNED: experience.PLANNED, TAKEOVER: experience.TAKEOVER}


class ConsoleAPI:
    def __init__(
        self,
        rehearsals: Rehearsals,
        progress: Progress,
        names: Mapping[Role, str],
        settings: Settings,
        documents: StateDocuments,
        guards: Guards,
        drills: DrillLines | None,
        clock: Clock,
    ) -> None:
        """`drills` None: nothing is known of any."""
        self._rehearsals = rehearsals
        self._progress = progress
        self._names = names
        self._settings = settings
        self._documents = documents
        self._guards = guards
        self._drills = drills
        self._clock = clock

    def routes(self) -> list[Route]:
        operators = self._guards.operators
        return [
            Route("/operator/moves", operators(self.moves), methods=["GET"]),
            Route("/operator/progress", operators(self.progress), methods=["GET"]),
        ]

    async def moves(self, request: Request) -> Response:
        """Every change of state that can be ordered now, and what it would come to. Changes nothing."""
        state, rehearsals = await self._rehearsals.now()
        drills = [self._documents.decision(line) for line in await self._drills.drills()] if self._drills else []
        return JSON({**self._documents(state), "moves": [self._move(rehearsal, state, drills) for rehearsal in rehearsals]})

    def _move(self, rehearsal: Rehearsal, state: RoutingState, drills: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        wish = rehearsal.move
        return {
            "name": wish.name,
            "kind": wish.kind,
            "path": wish.path,
            "order": wish.order,
            "becomes": self._documents(rehearsal.becomes),
            "does": described(rehearsal, state, self._names, self._settings),
            "refused": rehearsal.refused,
            "needsWord": rehearsal.needs_word,
            "prediction": rehearsal.prediction,
            "predictedLoss": rehearsal.predicted,
            "lastDrill": experience.last_drill(drills, DRILLED[wish.kind], self._clock.now()) if wish.kind in DRILLED else None,
        }

    async def progress(self, request: Request) -> Response:
        """The last few orders that this authority carried out, or carries out now, newest first."""
        return JSON({"runs": [run_shown(run) for run in self._progress.runs]})


def run_shown(run: Run) -> dict[str, Any]:
    return {
        "number": run.number,
        "what": run.what,
        "to": run.request.to,
        "actor": run.request.actor,
        "reason": run.request.reason,
        "beganAt": iso(run.began_at),
        "steps": [step.document() for step in run.steps],
        "outcome": run.outcome,
        "detail": run.detail,
    }
