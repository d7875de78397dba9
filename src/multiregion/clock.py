"""The only source of time and randomness, so that a simulation can own both."""

import asyncio
import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time and chance, which tests replace."""

    def now(self) -> float:
        """Wall time in seconds since 1970, for people. Nothing is ever ordered by it."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow, for waits, leases and lag."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    def new_id(self) -> str:
        """A fresh id that sorts by the millisecond it was made in: 32 hexadecimal digits, laid out as UUID version 7."""
        ...

    def secret(self, size_bytes: int = 32) -> str:
        """Unguessable text, safe in a URL."""
        ...


CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The machine's own clocks and random numbers."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        # Where there is one, the clock that goes on while the machine is suspended: a lease must run out then, too.
        return time.clock_gettime(CLOCK)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def new_id(self) -> str:
        milliseconds = int(time.time() * 1000) & (2**48 - 1)
        random = secrets.randbits(74)
        value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (2**62 - 1)
        return uuid.UUID(int=value).hex

    def secret(self, size_bytes: int = 32) -> str:
        return secrets.token_urlsafe(size_bytes)


def iso(seconds: float) -> str:
    """`2026-01-31T12:00:00.000Z`: how every time is written in answers and records."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pause(seconds: float) -> None:
    """Block this thread; for commands, which do one thing at a time."""
    time.sleep(seconds)
