"""How far a region is behind the other: measured, and kept for some minutes: a chart that begins when somebody looks
at it comes too late."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from multiregion.clock import Clock
from multiregion.stores import UNKNOWN_LAG, CredentialChange, Exposure, Head, Lag

SAMPLE_SECONDS = 2.0
SAMPLES_MAX = 450
NOTHING_KNOWN = Exposure()


@dataclass(frozen=True, slots=True)
class LastKnown:
    """How far behind a region was when it last heard from the other: in changes and bytes; and for how long it may have been
    missing changes by now, in seconds (None: it was never level since it started). `silent_seconds`: how long ago it last heard.
    Of the changes, `credentials` are those of who may sign in; `uploads` were on their way into the other region, by the
    application's word for them (None: not known)."""

    changes: int
    bytes: int
    seconds: float | None
    credentials: tuple[CredentialChange, ...] = ()
    uploads: Mapping[str, int] | None = None
    silent_seconds: float | None = None


class LagMeter:
    """Measures a lag from what is heard (where the other log ends) and applied (where this one does), by a clock that only grows."""

    def __init__(self, clock: Clock, *, stale_seconds: float) -> None:
        self._clock = clock
        self._stale_seconds = stale_seconds
        self._heard: Head | None = None
        self._exposure = NOTHING_KNOWN
        self._applied: Head | None = None
        self._level_at: float | None = None
        self.heard_at = 0.0

    def hear(self, head: Head, exposure: Exposure = NOTHING_KNOWN) -> None:
        self._heard, self._exposure, self.heard_at = head, exposure, self._clock.monotonic()
        self._note_level()

    @property
    def heard(self) -> Head | None:
        """Where the other region's log ended when it was heard last."""
        return self._heard

    def applied(self, head: Head) -> None:
        self._applied = head
        self._note_level()

    def level_with(self) -> Head | None:
        """The other log's end, if this one has got there, or went on from there as far as is known."""
        if self._heard is None or self._applied is None:
            return None
        beyond = self._applied.position > self._heard.position
        return self._heard if beyond or self._applied.mark == self._heard.mark else None

    def now(self, *, broken: bool) -> Lag:
        """The lag; changes and bytes are unknown when the link is broken or silent."""
        known = self.last_known()
        if known is None:
            return UNKNOWN_LAG
        if broken or self._clock.monotonic() - self.heard_at > self._stale_seconds:
            return Lag(known.seconds, None, None)
        return Lag(0.0 if known.changes == 0 else known.seconds, known.changes, known.bytes)

    def last_known(self) -> LastKnown | None:
        if self._heard is None or self._applied is None:
            return None
        changes = max(0, self._heard.position.sequence - self._applied.position.sequence)
        seconds = None if self._level_at is None else self._clock.monotonic() - self._level_at
        missing = tuple(each for each in self._exposure.credentials if each.position > self._applied.position)
        size = max(0, self._heard.bytes - self._applied.bytes)
        silent = self._clock.monotonic() - self.heard_at
        return LastKnown(changes, size, seconds, missing, self._exposure.uploads, silent)

    def _note_level(self) -> None:
        if self.level_with():
            self._level_at = self.heard_at


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
