"""The user pools' public keys where there is no user pool: fetched from whichever region answers, and kept for when none does."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from multiregion.accounts.keys import KEYS_MAX
from multiregion.clock import Clock
from multiregion.errors import MultiregionError, Unreachable

log = logging.getLogger("multiregion.accounts")
ASK_AGAIN_SECONDS = 5.0
REFRESH_SECONDS = 60.0


class PublicKey(msgspec.Struct, frozen=True):
    """One entry of a JSON web key set; only RSA is ours."""

    kid: str
    n: str
    e: str
    kty: str = "RSA"


class KeySet(msgspec.Struct, frozen=True):
    keys: list[PublicKey]


class Keyring:
    """`fetch` answers a region's key set as JSON, and raises Unreachable if none answers."""

    def __init__(self, file: Path, fetch: Callable[[], Awaitable[bytes]], clock: Clock) -> None:
        self._file = file
        self._fetch = fetch
        self._clock = clock
        self._keys = self._kept()
        self._answered_at: float | None = None
        self._asked = 0
        self._asking = asyncio.Lock()

    async def named(self, kid: str) -> RSAKey | None:
        """A key that is not known is asked for, at most every few seconds once a region has answered: forged tokens name keys that
        nobody has. Whoever comes while it is asked for waits for the same answer."""
        if kid not in self._keys and not self._was_just_answered():
            asked = self._asked
            async with self._asking:
                if self._asked == asked:
                    await self.refresh()
        return self._keys.get(kid)

    async def keep_up(self) -> None:
        """Until cancelled: the keys are known before the regions cannot be asked any more."""
        while True:
            await self.refresh()
            await self._clock.sleep(REFRESH_SECONDS if self._keys else 1.0)

    async def refresh(self) -> None:
        try:
            body = await self._fetch()
            keys = read(body)
        except MultiregionError as error:
            log.info("the public keys stay as they are: %s", error.detail)
            return
        finally:
            self._asked += 1
        self._answered_at = self._clock.monotonic()
        if keys.keys() != self._keys.keys():
            self._keys = keys
            await self._try_to_keep(body)

    async def _try_to_keep(self, body: bytes) -> None:
        try:
            await asyncio.to_thread(self._keep, body)
        except OSError as error:
            log.warning("the public keys could not be kept in %s: %s", self._file, error.strerror)

    def _was_just_answered(self) -> bool:
        return self._answered_at is not None and self._clock.monotonic() - self._answered_at < ASK_AGAIN_SECONDS

    def _kept(self) -> dict[str, RSAKey]:
        try:
            return read(self._file.read_bytes())
        except (OSError, Unreachable):
            return {}

    def _keep(self, body: bytes) -> None:
        draft = self._file.with_suffix(".draft")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as opened:
            opened.write(body)
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(self._file)


def read(body: bytes) -> dict[str, RSAKey]:
    """Raises Unreachable for what is no key set of a region: it then counts as no answer."""
    try:
        found = msgspec.json.decode(body, type=KeySet).keys[:KEYS_MAX]
        keys = {key.kid: RSAKey.import_key({"kty": key.kty, "n": key.n, "e": key.e}) for key in found}
    except (msgspec.DecodeError, JoseError, ValueError) as error:
        raise Unreachable(f"the answer is no key set ({type(error).__name__})") from error
    if not keys:
        raise Unreachable("the region has no key yet")
    return keys
