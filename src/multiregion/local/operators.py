"""Whose ID token counts in a part that has no user pool: by the pools' public keys, and by what the regions that answer say of it."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from multiregion.accounts import Keyring, TokenCheck
from multiregion.accounts.keyring import read as read_keys
from multiregion.api.frames import WireCaller
from multiregion.callers import Caller
from multiregion.clock import Clock
from multiregion.config import Deployment
from multiregion.errors import MultiregionError, Unauthorized, Unreachable
from multiregion.local.clients import RegionClient
from multiregion.states import Role

REMEMBERED_SECONDS = 5.0
REMEMBERED_MAX = 1_000


class Operators:
    """Identifies operators for the authority and the edge. While no region answers, a token that was signed for one of them and
    has not expired counts by itself: an operator is needed most when both regions are down."""

    def __init__(self, folder: Path, deployment: Deployment, regions: Mapping[Role, RegionClient], clock: Clock) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._deployment = deployment
        self._regions = regions
        self._clock = clock
        self.keyring = Keyring(folder / "keys.json", self._key_set, clock)
        self._check = TokenCheck(self.keyring, clock, deployment)
        self._remembered: OrderedDict[bytes, tuple[float, str | None, Caller]] = OrderedDict()

    async def identify(self, id_token: str) -> Caller:
        """Raises Unauthorized if it is forged, expired, not for this deployment, or a region says that it was revoked."""
        verified = await self._check.verify(id_token, "id")
        by_itself = Caller(verified.grant.name, verified.groups)
        revoked, caller = await self._lately(sha256(id_token.encode()).digest(), id_token, by_itself)
        if revoked:
            raise Unauthorized(revoked)
        return caller

    async def _lately(self, digest: bytes, id_token: str, by_itself: Caller) -> tuple[str | None, Caller]:
        known = self._remembered.get(digest)
        if known is None or known[0] <= self._clock.monotonic():
            said = await self._said_of(id_token)
            revoked = "ID Token has been revoked" if said is not None and said.user is None else None
            caller = Caller(said.user, said.groups) if said is not None and said.user is not None else by_itself
            known = (self._clock.monotonic() + REMEMBERED_SECONDS, revoked, caller)
            self._remember(digest, known)
        return known[1], known[2]

    async def _said_of(self, id_token: str) -> WireCaller | None:
        """The word of the region that knows best; None if neither answers."""
        answers = await asyncio.gather(*(region.caller(id_token) for region in self._regions.values()), return_exceptions=True)
        said = [answer for answer in answers if isinstance(answer, WireCaller)]
        return max(said, key=lambda each: (each.epoch, each.leads), default=None)

    def _remember(self, digest: bytes, what: tuple[float, str | None, Caller]) -> None:
        self._remembered[digest] = what
        self._remembered.move_to_end(digest)
        while len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)

    async def _key_set(self) -> bytes:
        for role, region in self._regions.items():
            try:
                body = await region.key_set(self._deployment.place(role).user_pool_id)
                read_keys(body)
                return body
            except MultiregionError:
                continue
        raise Unreachable("neither region answers")
