"""ID and access tokens with Cognito's claims, signed RS256; those of both regions of the deployment count here."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, Protocol

import msgspec
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from multiregion.accounts.keys import SigningKeys
from multiregion.accounts.users import User
from multiregion.clock import Clock
from multiregion.config import Deployment, RegionPlace
from multiregion.errors import Unauthorized

ALGORITHM = "RS256"
ACCESS_SCOPE = "aws.cognito.signin.user.admin"
TOKEN_CHARACTERS_MAX = 8192
VERIFIED_MAX = 10_000
Use = Literal["id", "access"]


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What every token of one sign-in goes back to: whose it is, which sign-in (`origin`), and the user's stamp then."""

    name: str
    sub: str
    origin: str
    stamp: str
    auth_time: int


@dataclass(frozen=True, slots=True)
class Verified:
    """What a token proved when its signature was checked. Whether it still counts is asked each time."""

    grant: Grant
    use: Use
    expires: int
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenPair:
    id: str
    access: str
    expires_in: int


class Claims(msgspec.Struct, frozen=True):
    """The claims that are looked at. `audience` and `name` have another name in each kind of token."""

    iss: str
    sub: str
    token_use: Use
    origin_jti: str
    stamp: str
    auth_time: int
    exp: int
    aud: str = ""
    client_id: str = ""
    id_name: str = msgspec.field(name="cognito:username", default="")
    access_name: str = msgspec.field(name="username", default="")
    groups: tuple[str, ...] = msgspec.field(name="cognito:groups", default=())

    @property
    def is_id(self) -> bool:
        return self.token_use == "id"  # noqa: S105

    @property
    def audience(self) -> str:
        return self.aud if self.is_id else self.client_id

    @property
    def name(self) -> str:
        return self.id_name if self.is_id else self.access_name


def issuer(place: RegionPlace) -> str:
    return f"{place.url.rstrip('/')}/{place.user_pool_id}"


def invalid(use: Use) -> Unauthorized:
    return Unauthorized(f"Invalid {'ID' if use == 'id' else 'Access'} Token")


class Keys(Protocol):
    """The public keys by their `kid`."""

    async def named(self, kid: str) -> RSAKey | None: ...


class TokenCheck:
    """Verifies tokens of both regions, by their keys alone. Verified ones are remembered, as the check takes 50 µs."""

    def __init__(self, keys: Keys, clock: Clock, deployment: Deployment) -> None:
        self._public = keys
        self._clock = clock
        self._clients = {issuer(each): each.client_id for each in (deployment.primary, deployment.secondary)}
        self._verified: OrderedDict[bytes, Verified] = OrderedDict()

    async def verify(self, token: str, use: Use) -> Verified:
        """What the token proves. Raises Unauthorized if it is forged, of another pool or client, of the other kind, or expired."""
        digest = sha256(token.encode(errors="replace")).digest()
        verified = self._verified.get(digest)
        if verified is None:
            verified = await self._check(token, use)
            self._remember(digest, verified)
        self._verified.move_to_end(digest)
        if verified.use != use:
            raise invalid(use)
        if verified.expires <= self._clock.now():
            raise Unauthorized(f"{'ID' if use == 'id' else 'Access'} Token has expired")
        return verified

    async def _check(self, token: str, use: Use) -> Verified:
        claims = await self._signed_claims(token, use)
        if claims.iss not in self._clients or claims.audience != self._clients[claims.iss]:
            raise invalid(use)
        grant = Grant(name=claims.name, sub=claims.sub, origin=claims.origin_jti, stamp=claims.stamp, auth_time=claims.auth_time)
        return Verified(grant, claims.token_use, claims.exp, claims.groups)

    async def _signed_claims(self, token: str, use: Use) -> Claims:
        try:
            if len(token) > TOKEN_CHARACTERS_MAX:
                raise invalid(use)
            kid = jws.extract_compact(token.encode()).headers().get("kid")
            key = await self._public.named(kid) if isinstance(kid, str) else None
            if key is None:
                raise invalid(use)
            return msgspec.convert(jwt.decode(token, key, algorithms=[ALGORITHM]).claims, type=Claims)
        except (JoseError, ValueError, msgspec.ValidationError) as error:
            raise invalid(use) from error

    def _remember(self, digest: bytes, verified: Verified) -> None:
        self._verified[digest] = verified
        while len(self._verified) > VERIFIED_MAX:
            self._verified.popitem(last=False)


class Tokens(TokenCheck):
    """Issues a region's tokens, and verifies those of both."""

    def __init__(self, keys: SigningKeys, clock: Clock, deployment: Deployment, place: RegionPlace, token_seconds: int) -> None:
        super().__init__(keys, clock, deployment)
        self._keys = keys
        self._place = place
        self._token_seconds = token_seconds

    async def issue(self, user: User, grant: Grant) -> TokenPair:
        kid, key = await self._keys.newest()
        header = {"alg": ALGORITHM, "kid": kid}
        shared = self._shared_claims(user, grant)

        def sign(claims: dict[str, Any]) -> str:
            return jwt.encode(header, {**shared, **claims, "jti": self._clock.new_id()}, key, algorithms=[ALGORITHM])

        id_token = await asyncio.to_thread(sign, self._id_claims(user))
        access_token = await asyncio.to_thread(sign, self._access_claims(user))
        return TokenPair(id_token, access_token, self._token_seconds)

    def _shared_claims(self, user: User, grant: Grant) -> dict[str, Any]:
        now = int(self._clock.now())
        return {
            "sub": user.sub,
            "iss": issuer(self._place),
            "origin_jti": grant.origin,
            "event_id": self._clock.new_id(),
            "stamp": grant.stamp,
            "auth_time": grant.auth_time,
            "iat": now,
            "exp": now + self._token_seconds,
            **({"cognito:groups": list(user.groups)} if user.groups else {}),
        }

    def _id_claims(self, user: User) -> dict[str, Any]:
        phone = {"phone_number": user.phone, "phone_number_verified": True} if user.phone else {}
        return {
            "token_use": "id",
            "aud": self._place.client_id,
            "cognito:username": user.name,
            "email": user.email,
            "email_verified": True,
            **phone,
        }

    def _access_claims(self, user: User) -> dict[str, Any]:
        return {"token_use": "access", "client_id": self._place.client_id, "username": user.name, "scope": ACCESS_SCOPE}
