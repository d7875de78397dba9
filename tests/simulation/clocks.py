"""A machine's clocks: one that runs a little too fast or too slow, and one that is set wrong by minutes."""

import asyncio
from random import Random

from multiregion.leases import DRIFT

RATE_MAX = DRIFT / 2 - 0.001
"""Two clocks may part by what leases allow for, and by no more."""
SKEW_SECONDS_MAX = 600.0
EPOCH_SECONDS = 1_800_000_000.0


class MachineClock:
    """`Clock` of one machine. All that it tells comes from the loop's time and the seed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, random: Random) -> None:
        self._loop = loop
        self._random = random
        self._rate = 1 + random.choice((-1, 1)) * random.uniform(0, RATE_MAX)
        self._began = random.uniform(1_000, 1_000_000)
        self._skew = random.uniform(-SKEW_SECONDS_MAX, SKEW_SECONDS_MAX)

    def now(self) -> float:
        return round(EPOCH_SECONDS + self._skew + self._loop.time(), 3)

    def set_wrong(self) -> None:
        """Somebody sets the wall clock."""
        self._skew = self._random.uniform(-SKEW_SECONDS_MAX, SKEW_SECONDS_MAX)

    def monotonic(self) -> float:
        return self._began + self._loop.time() * self._rate

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._rate)

    def new_id(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def secret(self, size_bytes: int = 32) -> str:
        return f"{self._random.getrandbits(8 * size_bytes):0{2 * size_bytes}x}"
