"""What a client carries between calls: refresh tokens, challenge sessions, reset codes. Each proves itself; none is stored."""

import hmac

import msgspec

from multiregion.accounts.passwords import readable
from multiregion.accounts.seals import Seal
from multiregion.accounts.tokens import Grant
from multiregion.accounts.users import User
from multiregion.clock import Clock
from multiregion.config import Deployment, Settings
from multiregion.errors import Unauthorized

CHALLENGE_SECONDS = 180
CODE_SECONDS = 1800
DAY_SECONDS = 86_400


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    grant: Grant
    expires: float


class Sessions:
    """Seals, opens and dates them."""

    def __init__(self, clock: Clock, settings: Settings, deployment: Deployment) -> None:
        self._clock = clock
        self._refresh_seconds = settings.refresh_days * DAY_SECONDS
        self._refresh = Seal(deployment.key("refresh-tokens"), called="Refresh Token")
        self._challenges = Seal(deployment.key("challenges"), called="session for the user")
        self._code_key = deployment.key("reset-codes")

    def begin(self, user: User) -> Grant:
        """A new sign-in of the user."""
        return Grant(name=user.name, sub=user.sub, origin=self._clock.new_id(), stamp=user.stamp, auth_time=int(self._clock.now()))

    def refresh_token(self, grant: Grant) -> str:
        return self._refresh.seal(Lease(grant=grant, expires=self._clock.now() + self._refresh_seconds))

    def read_refresh_token(self, token: str) -> Lease:
        """Raises Unauthorized for anything that is not a refresh token of this deployment. An expired one is read all the same."""
        return self._refresh.open(token, Lease)

    def expired(self, lease: Lease) -> bool:
        return lease.expires <= self._clock.now()

    def challenge(self, grant: Grant) -> str:
        return self._challenges.seal(Lease(grant=grant, expires=self._clock.now() + CHALLENGE_SECONDS))

    def read_challenge(self, session: str) -> Grant:
        """Raises Unauthorized if it is not one of ours or its three minutes are over."""
        lease = self._challenges.open(session, Lease)
        if self.expired(lease):
            raise Unauthorized("Invalid session for the user, session is expired.")
        return lease.grant

    def code(self, user: User) -> str:
        """Two groups of digits, 40 bits, good for 30 to 60 minutes and only until the user's stamp changes."""
        return self._code(user, self._window())

    def code_matches(self, user: User, code: str) -> bool:
        given = code.strip().lower().replace("-", "").encode(errors="replace")
        codes = [self._code(user, self._window() - age).replace("-", "").encode() for age in (0, 1)]
        return any([hmac.compare_digest(given, each) for each in codes])  # noqa: C419  both are compared, always

    def _window(self) -> int:
        return int(self._clock.now() // CODE_SECONDS)

    def _code(self, user: User, window: int) -> str:
        text = f"{user.sub}\0{user.stamp}\0{window}"
        return readable(hmac.digest(self._code_key, text.encode(), "sha256"), groups=2)
