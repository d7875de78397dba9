"""Passwords: what is asked of one, argon2id in threads with a bounded queue, and words that people can read to each other."""

import asyncio
import unicodedata
from base64 import b32encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from multiregion.accounts.refusals import WeakPassword
from multiregion.clock import Clock
from multiregion.config import PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN
from multiregion.errors import InvalidInput, Overloaded

AT_ONCE_MAX = 2
WAITING_MAX = 64

# OWASP's recommendation for argon2id: 19 MiB, two passes. Two at once stay far below the memory that a region may use.
MEMORY_KIB = 19 * 1024
PASSES = 2
# Crockford's digits have no two that look alike.
READABLE = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghjkmnpqrstvwxyz")


def bounded(password: str, field: str = "Password") -> str:
    """The password in one Unicode form, whichever keyboard it came from. Raises InvalidInput over the limit."""
    if len(password) > PASSWORD_CHARACTERS_MAX:
        raise InvalidInput(f"{field} has more than {PASSWORD_CHARACTERS_MAX} characters", field=field, limit=PASSWORD_CHARACTERS_MAX)
    return unicodedata.normalize("NFC", password)


def acceptable(password: str, name: str, field: str = "Password") -> str:
    """A password that may be set. Raises WeakPassword, saying why not."""
    password = bounded(password, field)
    if len(password) < PASSWORD_CHARACTERS_MIN:
        raise WeakPassword(
            f"the password must have at least {PASSWORD_CHARACTERS_MIN} characters", field=field, limit=PASSWORD_CHARACTERS_MIN
        )
    if password.casefold() == name.casefold():
        raise WeakPassword("the password must not be the user name", field=field)
    return password


def readable(secret: bytes, groups: int) -> str:
    """Digits for people, 20 bits a group: `k7m2-9xqd`."""
    digits = b32encode(sha256(secret).digest()).decode().translate(READABLE)
    return "-".join(digits[4 * group : 4 * group + 4] for group in range(groups))


def temporary(clock: Clock) -> str:
    """A fresh temporary password of 80 bits."""
    return readable(clock.secret().encode(), groups=4)


class Passwords:
    """Hashing, two at once at most, with a bounded number waiting."""

    def __init__(self, clock: Clock) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)
        self._waiting = 0
        self._decoy = self._hasher.hash(clock.secret())

    async def hash(self, password: str) -> str:
        """Raises Overloaded."""
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, hash: str | None, password: str, *, admit: Callable[[], None]) -> bool:
        """Whether the password is the hash's. None, for a user who does not exist, takes the same time and is False.

        `admit` may refuse. It is asked once more when the turn has come, so that many attempts at once cannot outrun a
        limit on failed ones. Raises Overloaded.
        """
        admit()
        async with self._turn():
            admit()
            right = await asyncio.to_thread(self._verify, hash or self._decoy, password)
            return right and hash is not None

    def _verify(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except VerifyMismatchError:
            return False

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= WAITING_MAX:
            raise Overloaded(f"more than {WAITING_MAX} passwords wait to be checked; try again in a moment")
        self._waiting += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting -= 1
