"""How a region's lag was in the last minutes, kept in memory: a chart that begins when somebody looks at it comes too late."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from multiregion.clock import Clock
from multiregion.stores import Lag

SAMPLE_SECONDS = 2.0
SAMPLES_MAX = 450


@dataclass(frozen=True, slots=True)
class Sample:
    """The lag at a moment, in seconds since 1970. What was unknown is None, never 0."""

    at: float
    lag: Lag


class LagHistory:
    def __init__(self, measure: Callable[[], Lag], clock: Clock) -> None:
        self._measure = measure
        self._clock = clock
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_MAX)

    @property
    def samples(self) -> Sequence[Sample]:
        return tuple(self._samples)

    async def keep(self) -> None:
        """Until cancelled."""
        while True:
            self._samples.append(Sample(self._clock.now(), self._measure()))
            await self._clock.sleep(SAMPLE_SECONDS)
