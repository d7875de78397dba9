"""When a write counts as durable: here (`async`), or once the other region has it too (`remote`, `remote-strict`)."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from multiregion.clock import Clock
from multiregion.errors import MultiregionError, NotReady, Unreachable
from multiregion.stores import START, Position

ASYNC, REMOTE, STRICT = "async", "remote", "remote-strict"


async def nobody_minds() -> None:
    """Degrading needs nobody's leave where no takeover is automatic."""


class RemoteCopies:
    """How far the other region has confirmed, and whoever waits for that.

    `remote`: when it does not confirm within `wait_seconds`, writes are acknowledged without it from then on, visibly
    (`degraded_since`), until it has caught up. `may_degrade` is awaited first: it raises if that must not be.
    `remote-strict`: they are refused instead.
    """

    def __init__(self, clock: Clock, mode: str, wait_seconds: float, may_degrade: Callable[[], Awaitable[None]] = nobody_minds) -> None:
        self._clock = clock
        self._mode = mode
        self._wait_seconds = wait_seconds
        self._may_degrade = may_degrade
        self._copied = START
        self._owed = START
        self._rewinds = 0
        self._probe: tuple[Position, float] | None = None
        self._keeps_up = False
        self._moved = asyncio.Event()
        self._away_since: float | None = None

    def has_copied(self, position: Position) -> bool:
        """Whether the other region has confirmed this much, since this process started."""
        return self._copied >= position

    @property
    def degraded_since(self) -> float | None:
        """Seconds since 1970 at which writes began to be acknowledged without the other region; None: they are not."""
        return self._away_since if self._mode == REMOTE else None

    def acknowledge(self, position: Position) -> None:
        """The other region has everything up to here."""
        self._copied = max(self._copied, position)
        if self._probe is not None and self._copied >= self._probe[0]:
            self._keeps_up = self._clock.monotonic() - self._probe[1] <= self._wait_seconds
            self._probe = None
        if self._copied >= self._owed:
            self._away_since = None
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def check(self) -> None:
        """Before a write. Raises NotReady in `remote-strict` while the other region is away: surely nothing is written."""
        if self._mode == STRICT and self._away_since is not None:
            raise NotReady("the other region does not confirm writes, and this deployment acknowledges none without it (remote-strict)")

    async def confirm(self, position: Position) -> None:
        """After a write, before it is acknowledged. Raises Unreachable if it cannot be said whether the other region has it."""
        if self._mode == ASYNC:
            return
        rewinds = self._rewinds
        copied = self._may_be_there_soon() and await self._copied_in_time(position)
        if rewinds != self._rewinds:  # a later position is no sign of an earlier one across a rewind
            raise Unreachable("written here, but rewound since another region has taken over; see `multiregion loss list`")
        if copied:
            return
        if self._mode == REMOTE and self._away_since is None:
            await self._ask_to_degrade()
        self._owe(position)
        if self._mode == STRICT:
            raise Unreachable("written here, but the other region has not confirmed it; ask again whether it is there")

    async def _ask_to_degrade(self) -> None:
        """Whatever the reason why it may not be: the write is there already, so this is no refusal of it."""
        try:
            await self._may_degrade()
        except MultiregionError as error:
            raise Unreachable(f"written here, but the other region has not confirmed it, and {error.detail}") from error

    def rewound(self, to: Position) -> None:
        """What was written above `to` is undone: nobody waits for the other region to have it any more."""
        self._owed = min(self._owed, to)
        self._rewinds += 1

    def _may_be_there_soon(self) -> bool:
        """Whether waiting is worth while. Once the other region is away, only after it has confirmed something in time again:
        from then on no more is owed, so that it can be level at last though writing goes on."""
        return self._away_since is None or self._keeps_up

    def _owe(self, position: Position) -> None:
        """The other region is away, until it has confirmed this position, and every other that it was not waited for."""
        if self._copied >= position:
            return
        self._owed = max(self._owed, position)
        self._keeps_up = False
        if self._away_since is None:
            self._away_since = self._clock.now()
        self._probe = self._probe or (position, self._clock.monotonic())

    async def _copied_in_time(self, position: Position) -> bool:
        until = self._clock.monotonic() + self._wait_seconds
        while self._copied < position:
            left = until - self._clock.monotonic()
            if left <= 0:
                return False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), left)
        return True
