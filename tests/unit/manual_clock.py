"""A clock that stands still until it is pushed on: `sleep` and every wait of the domain go by it."""

from multiregion.clock import SystemClock


class ManualClock(SystemClock):
    """`wall` and `elapsed` are moved by hand, each for itself."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000.0
        self.elapsed = 1_000.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.elapsed += seconds
