"""The RSA keys that sign tokens: records, sealed with the deployment's secret, and so the same in both regions."""

import asyncio
from contextlib import suppress
from typing import Any

from joserfc.jwk import RSAKey

from multiregion.accounts.seals import Seal
from multiregion.clock import Clock, iso
from multiregion.errors import Conflict, NotReady
from multiregion.stores import Key, Record, Records, Write

PARTITION = "signing-keys"
FIRST = Key(PARTITION, "1")
KEY_BITS = 2048
KEYS_MAX = 10


class SigningKeys:
    """All signing keys by their `kid`, and the newest, which signs."""

    def __init__(self, records: Records, clock: Clock, key: bytes) -> None:
        self._records = records
        self._clock = clock
        self._seal = Seal(key, called="signing key")
        self._keys: dict[str, RSAKey] = {}

    async def prepare(self) -> None:
        """Make the first key if there is none. Safe from several places at once: one key wins.
        Raises what `Records.commit` does, Fenced in a region that is not the writer and has not got the key yet."""
        if self._keys or await self._load():
            return
        fresh = await asyncio.to_thread(RSAKey.generate_key, KEY_BITS, private=True)
        value = self._seal.seal(fresh.as_dict(private=True)).encode()
        with suppress(Conflict):  # somebody was first; theirs is the key
            await self._records.commit([Write(FIRST, value, iso(self._clock.now()), absent=True)], epoch=None, actor="multiregion")
        await self._load()

    async def newest(self) -> tuple[str, RSAKey]:
        """Raises NotReady in a region that has not got the key yet."""
        if not self._keys and not await self._load():
            raise NotReady("this region has no signing key yet: it comes from the region that writes")
        kid = next(reversed(self._keys))
        return kid, self._keys[kid]

    async def named(self, kid: str) -> RSAKey | None:
        if kid not in self._keys:
            await self._load()
        return self._keys.get(kid)

    async def public(self) -> dict[str, Any]:
        """The JSON web key set."""
        await self._load()
        return {"keys": [{**key.as_dict(private=False), "kid": kid, "alg": "RS256", "use": "sig"} for kid, key in self._keys.items()]}

    async def _load(self) -> bool:
        records, _ = await self._records.query(PARTITION, limit=KEYS_MAX)
        stored = {record.key.id: record for record in records}
        if len(stored) != len(self._keys) or not stored:
            self._keys = dict(self._opened(record) for record in records)
        return bool(self._keys)

    def _opened(self, record: Record) -> tuple[str, RSAKey]:
        key = RSAKey.import_key(self._seal.open(record.value.decode(), dict[str, Any]))
        return key.thumbprint(), key
