"""What the authority is doing to the state, step by step, for whoever looks: started here, on a command line, or by itself."""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from multiregion.clock import Clock
from multiregion.controller import Controller
from multiregion.errors import MultiregionError
from multiregion.orders import Request, Step

RUNS_KEPT = 5

RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"


@dataclass(slots=True)
class Run:
    """One order that is carried out: whose, what came of each step so far, and how it ended. `began_at`: seconds since 1970."""

    number: int
    what: str
    request: Request
    began_at: float
    steps: list[Step] = field(default_factory=list)
    outcome: str = RUNNING
    detail: str = ""


class Progress:
    """The last few runs, newest first. Knows those of this process alone: the history of decisions is the authority's store."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._runs: deque[Run] = deque(maxlen=RUNS_KEPT)
        self._count = 0

    @property
    def runs(self) -> Sequence[Run]:
        return tuple(self._runs)

    async def told(self, what: str, request: Request, steps: AsyncIterator[Step]) -> AsyncIterator[Step]:
        """The same steps, noted as they pass."""
        run = self._begin(what, request)
        try:
            async for step in steps:
                run.steps.append(step)
                yield step
            run.outcome = DONE
        except MultiregionError as error:
            run.outcome, run.detail = FAILED, error.detail
            raise
        finally:
            if run.outcome == RUNNING:
                run.outcome = STOPPED

    def _begin(self, what: str, request: Request) -> Run:
        self._count += 1
        run = Run(self._count, what, request, self._clock.now())
        self._runs.appendleft(run)
        return run


class WatchedController(Controller):
    """A controller that tells of everything it does, whoever ordered it, automatic mode included."""

    def __init__(self, progress: Progress, *parts: Any) -> None:
        super().__init__(*parts)
        self._progress = progress

    def set_state(self, request: Request) -> AsyncIterator[Step]:
        return self._progress.told("change", request, super().set_state(request))

    def switch(self, request: Request) -> AsyncIterator[Step]:
        return self._progress.told("switch", request, super().switch(request))

    def take_over(self, request: Request) -> AsyncIterator[Step]:
        return self._progress.told("takeover", request, super().take_over(request))

    def accept_history(self, request: Request) -> AsyncIterator[Step]:
        return self._progress.told("accept history", request, super().accept_history(request))

    def recover(self, request: Request) -> AsyncIterator[Step]:
        return self._progress.told("recovery", request, super().recover(request))
