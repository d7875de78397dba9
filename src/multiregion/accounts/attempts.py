"""A limit on failed attempts, for each user name and each address. In memory: a restart forgives, a failover does not."""

from collections import OrderedDict
from collections.abc import Callable

from multiregion.accounts.refusals import TooManyAttempts
from multiregion.clock import Clock

KEYS_MAX = 10_000


class Limit:
    """So many failures a minute for each key; the oldest of too many keys is forgotten.

    A key's level rises by one with a failure and sinks steadily by `per_minute` a minute; nothing is admitted while one
    more would be over it.
    """

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, key: str) -> float:
        """How long until the next attempt is admitted; 0 for now."""
        return max(0.0, (self._level(key) + 1 - self._per_minute) * 60 / self._per_minute)

    def count(self, key: str) -> None:
        self._levels[key] = (self._level(key) + 1, self._clock.monotonic())
        self._levels.move_to_end(key)
        while len(self._levels) > KEYS_MAX:
            self._levels.popitem(last=False)

    def _level(self, key: str) -> float:
        level, at = self._levels.get(key, (0.0, 0.0))
        return max(0.0, level - (self._clock.monotonic() - at) * self._per_minute / 60)


Share = Callable[[str, str], None]


def keep(user: str, address: str) -> None:
    """Shares with nobody."""


class Attempts:
    """Both limits. A right password is refused too while one is reached: else guessing could go on. Each failure is handed to
    `share`, so that the other region can count it, too."""

    def __init__(self, clock: Clock, *, per_user: int, per_address: int, share: Share = keep) -> None:
        self._users = Limit(clock, per_user)
        self._addresses = Limit(clock, per_address)
        self._share = share

    def admit(self, user: str, address: str) -> None:
        """Raises TooManyAttempts with `retry_after_seconds`."""
        wait = max(self._users.wait_seconds(user), self._addresses.wait_seconds(address))
        if wait > 0:
            seconds = int(wait) + 1
            raise TooManyAttempts(f"too many failed attempts; try again in {seconds} s", retry_after_seconds=seconds)

    def count(self, user: str, address: str) -> None:
        self.count_elsewhere(user, address)
        self._share(user, address)

    def count_elsewhere(self, user: str, address: str) -> None:
        """A failure that the other region has seen."""
        self._users.count(user)
        self._addresses.count(address)
