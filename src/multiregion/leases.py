"""The writer's lease in automatic mode: given by the authority, given up by the region by itself, on clocks that only grow."""

from collections.abc import Awaitable, Callable

from multiregion.clock import Clock
from multiregion.errors import NotReady, StaleEpoch
from multiregion.health import WELL, WriteHealth
from multiregion.states import Role, RoutingState

DRIFT = 0.05
"""How much faster than the authority's a region's clock may run: the authority waits that much longer than it granted."""


class Lease:
    """The region's side: how long it may write. Counted from before it asked, so never longer than the authority counts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until = 0.0

    async def renew(self, ask: Callable[[], Awaitable[float]]) -> None:
        """`ask` answers for how many seconds; what it raises is raised."""
        asked_at = self._clock.monotonic()
        seconds = await ask()
        self._until = max(self._until, asked_at + seconds)

    def holds(self) -> bool:
        return self._clock.monotonic() < self._until

    def remaining(self) -> float:
        return max(0.0, self._until - self._clock.monotonic())


HOLDS = "the writer holds its lease"


class Leases:
    """The authority's side: what was granted last, and whether it has surely run out."""

    def __init__(self, clock: Clock, seconds: float, *, degraded: bool = False) -> None:
        """`degraded`: what to believe of the writer until it has been heard."""
        self._clock = clock
        self.seconds = seconds
        # What was granted before this process started is not known, so it counts as granted just now.
        self._granted_at = clock.monotonic()
        self._degraded = degraded
        self._closed_epoch: int | None = None
        self._told = (0, WELL)
        self.withheld_epoch: int | None = None
        """At this epoch the writer gets no lease while it cannot write."""

    def renew(self, state: RoutingState, role: Role, epoch: int, *, degraded: bool, writing: WriteHealth = WELL) -> float:
        """Grant the writer of this epoch its lease; returns it in seconds. Raises StaleEpoch for anybody else, NotReady once this
        epoch is closed or withheld. `degraded`: it acknowledges writes that the other region does not have."""
        if state.epoch != epoch or state.writer is not role:
            raise StaleEpoch(f"the {role} region is not the writer at epoch {epoch}", state=state)
        if epoch == self._closed_epoch:
            raise NotReady(f"the {role} region is being taken over from")
        self._told = (epoch, writing)
        if epoch == self.withheld_epoch and writing.problem is not None:
            raise NotReady(f"the {role} region cannot write ({writing.problem}), so it gets no lease: the other region can")
        self._granted_at = self._clock.monotonic()
        self._degraded = degraded
        return self.seconds

    def told(self, epoch: int) -> WriteHealth:
        """What the writer of this epoch said of its disk when it asked last."""
        told_epoch, writing = self._told
        return writing if told_epoch == epoch else WELL

    def objection(self) -> str | None:
        """Why nobody may take over from the writer on no operator's word. The one place that says so: for the decision, and for
        those who ask why there is none."""
        if not self.have_run_out():
            return HOLDS
        if self._degraded:
            return "the writer has, or may have, acknowledged writes that the other region does not have"
        return None

    def seconds_left(self) -> float:
        """Until the last grant has surely run out, wherever it was counted."""
        return self._granted_at + self.seconds * (1 + DRIFT) - self._clock.monotonic()

    def have_run_out(self) -> bool:
        return self.seconds_left() < 0

    def close(self, epoch: int) -> bool:
        """Whether the last grant has surely run out; if so there is no other at this epoch, so that it stays true."""
        if self.have_run_out():
            self._closed_epoch = epoch
        return self._closed_epoch == epoch
