"""What users do themselves: sign in, stay signed in, sign out, change a password; and who a token belongs to.

Signing in, answering for a token and refreshing need no write, and so go on in every state. What must be remembered
(a password, a revocation) is a record, and is refused where the fence says so.
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from multiregion.accounts.administration import Administration
from multiregion.accounts.attempts import Attempts, Share, keep
from multiregion.accounts.keys import SigningKeys
from multiregion.accounts.outbox import Deliver, Message
from multiregion.accounts.passwords import Passwords, acceptable, bounded
from multiregion.accounts.refusals import ResetRequired, WrongCode, WrongTokenKind
from multiregion.accounts.sessions import DAY_SECONDS, Lease, Sessions
from multiregion.accounts.tokens import Grant, TokenPair, Tokens, Use
from multiregion.accounts.users import Status, User, Users, checked_email, checked_phone, folded
from multiregion.callers import Caller
from multiregion.clock import Clock, iso
from multiregion.config import Deployment, Settings
from multiregion.errors import Conflict, Fenced, Unauthorized
from multiregion.region import Region
from multiregion.stores import Key, Write

REVOCATIONS = "revocations"
SWEPT_MAX = 10


@dataclass(frozen=True, slots=True)
class SignedIn:
    tokens: TokenPair
    refresh_token: str


@dataclass(frozen=True, slots=True)
class NewPasswordNeeded:
    """The password was right, but temporary: `session` is good for 180 s and one new password."""

    user: User
    session: str


class Accounts:
    """A region's user pool. `address` is the client's, for the limit on failed attempts."""

    def __init__(
        self, region: Region, clock: Clock, settings: Settings, deployment: Deployment, deliver: Deliver, share: Share = keep
    ) -> None:
        place = deployment.place(region.role)
        self._region = region
        self._records = region.records
        self._clock = clock
        self._settings = settings
        self._deliver = deliver
        self._attempts = Attempts(clock, per_user=settings.attempts_per_user, per_address=settings.attempts_per_address, share=share)
        self._codes = Attempts(clock, per_user=settings.attempts_per_user, per_address=settings.attempts_per_address)
        self._passwords = Passwords(clock)
        self._sessions = Sessions(clock, settings, deployment)
        self.keys = SigningKeys(region.records, clock, deployment.key("signing-keys"))
        self._tokens = Tokens(self.keys, clock, deployment, place, settings.token_seconds)
        self.users = Users(region.records, clock)
        self.administration = Administration(self.users, self._passwords, self._sessions, clock, deliver)

    async def prepare(self) -> None:
        """Make the signing key if there is none. To be called where this region writes, as often as one likes."""
        await self.keys.prepare()

    def count_elsewhere(self, user: str, address: str) -> None:
        """A failed attempt that the other region has seen: whoever is locked out there is locked out here."""
        self._attempts.count_elsewhere(user, address)

    # Who somebody is

    async def identify(self, id_token: str) -> Caller:
        """Whose ID token this is. Raises Unauthorized if it does not count, or does not count any more."""
        user, _ = await self._holder(id_token, "id")
        return Caller(user.name, user.groups)

    async def by_access_token(self, token: str) -> User:
        """Raises Unauthorized."""
        user, _ = await self._holder(token, "access")
        return user

    async def _holder(self, token: str, use: Use) -> tuple[User, Grant]:
        verified = await self._tokens.verify(token, use)
        return await self._living(verified.grant, called="ID Token" if use == "id" else "Access Token"), verified.grant

    async def _living(self, grant: Grant, *, called: str) -> User:
        """The user, if the grant has neither been revoked nor outlived."""
        user = await self.users.get(grant.name)
        if user is None or user.sub != grant.sub or not counts(user, grant) or await self._is_revoked(grant):
            raise Unauthorized(f"{called} has been revoked")
        return enabled(user)

    async def _is_revoked(self, grant: Grant) -> bool:
        return await self._records.get(Key(REVOCATIONS, grant.origin)) is not None

    # Signing in

    async def sign_in(self, name: str, password: str, *, address: str) -> SignedIn | NewPasswordNeeded:
        """Raises Unauthorized with the same words for a wrong name and a wrong password, ResetRequired, TooManyAttempts, Overloaded."""
        user = await self._proven(name, password, address)
        if user.status is Status.RESET_REQUIRED:
            raise ResetRequired("Password reset required for the user")
        if user.status is Status.FORCE_CHANGE_PASSWORD:
            self._check_age(user)
            return NewPasswordNeeded(user, self._sessions.challenge(self._sessions.begin(user)))
        return await self._sign_in(user)

    async def set_first_password(self, name: str, password: str, session: str) -> SignedIn:
        """Answer a NewPasswordNeeded. Raises Unauthorized for a session that is not that, WeakPassword, Fenced."""
        grant = self._sessions.read_challenge(session)
        if folded(grant.name) != folded(name):
            raise Unauthorized("Invalid session for the user.")
        password = acceptable(password, grant.name, "NEW_PASSWORD")
        self._check_session(await self.users.find(grant.name), grant)
        hash = await self._passwords.hash(password)

        def change(user: User) -> User:
            self._check_session(user, grant)
            return self._with_password(user, hash)

        return await self._sign_in(await self.users.change(grant.name, change, actor=grant.name))

    async def refresh(self, refresh_token: str) -> TokenPair:
        """New ID and access tokens for a session. Raises Unauthorized if it has expired, was revoked, or the user is disabled."""
        lease = self._sessions.read_refresh_token(refresh_token)
        if self._sessions.expired(lease):
            raise Unauthorized("Refresh Token has expired")
        return await self._tokens.issue(await self._living(lease.grant, called="Refresh Token"), lease.grant)

    async def _sign_in(self, user: User) -> SignedIn:
        grant = self._sessions.begin(user)
        return SignedIn(await self._tokens.issue(user, grant), self._sessions.refresh_token(grant))

    async def _proven(self, name: str, password: str, address: str, field: str = "Password") -> User:
        """The user, once the password is right."""
        password = bounded(password, field)
        user = await self.users.get(name)
        hash = user.password if user else None
        right = await self._passwords.matches(hash, password, admit=self._admission(name, address))
        if user is None or not right:
            self._attempts.count(folded(name), address)
            raise Unauthorized("Incorrect username or password.")
        return enabled(user)

    def _admission(self, name: str, address: str) -> Callable[[], None]:
        return lambda: self._attempts.admit(folded(name), address)

    def _check_age(self, user: User) -> None:
        if self._clock.now() > user.password_set_at + self._settings.temporary_password_days * DAY_SECONDS:
            raise Unauthorized("Temporary password has expired and must be reset by an administrator.")

    def _check_session(self, user: User, grant: Grant) -> None:
        if user.sub != grant.sub or user.stamp != grant.stamp:
            raise Unauthorized("Invalid session for the user, session is expired.")
        enabled(user)

    # Signing out

    async def revoke(self, refresh_token: str) -> None:
        """End the session of a refresh token, in both regions, with all its ID and access tokens. Idempotent.
        Raises WrongTokenKind, Unauthorized, Fenced."""
        if refresh_token.count(".") == 2:
            raise WrongTokenKind("a refresh token is needed, not an ID or access token", field="Token")
        lease = self._sessions.read_refresh_token(refresh_token)
        if self._sessions.expired(lease):
            return
        if revoked := await self._records.version(Key(REVOCATIONS, lease.grant.origin)):
            await self._records.confirm(revoked)
            return
        try:
            await self._records.commit([await self._revocation(lease), *await self._sweepings()], epoch=None, actor=lease.grant.name)
        except Conflict:
            return  # somebody revoked it at the same moment

    async def _revocation(self, lease: Lease) -> Write:
        """A record that is kept for as long as any token of the session could count."""
        ends = lease.expires + self._settings.token_seconds
        return Write(Key(REVOCATIONS, lease.grant.origin), b"{}", iso(ends), absent=True)

    async def _sweepings(self) -> list[Write]:
        """A few revocations that nothing needs any more, to go along with a new one: so there are never many."""
        oldest, _ = await self._records.query(REVOCATIONS, limit=SWEPT_MAX)
        return [Write(record.key, None) for record in oldest if record.order < iso(self._clock.now())]

    async def sign_out_everywhere(self, access_token: str) -> None:
        """End all sessions of the token's user. Raises Unauthorized, Fenced."""
        user = await self.by_access_token(access_token)
        await self.administration.sign_out(user.name, actor=user.name)

    # Passwords

    async def change_password(self, access_token: str, previous: str, proposed: str, *, address: str) -> None:
        """Ends every other session of the user, but not the one it is done in. Raises Unauthorized, WeakPassword, Fenced."""
        user, grant = await self._holder(access_token, "access")
        proposed = acceptable(proposed, user.name, "ProposedPassword")
        await self._proven(user.name, previous, address, "PreviousPassword")
        hash = await self._passwords.hash(proposed)

        def change(current: User) -> User:
            if current.password != user.password:
                raise Unauthorized("Incorrect username or password.")
            return replace(self._with_password(current, hash), kept_session=grant.origin)

        await self.users.change(user.name, change, actor=user.name)

    async def change_profile(self, access_token: str, email: str | None, phone: str | None) -> None:
        """Both are taken as they are: nothing is sent to them to prove them. None leaves one alone, an empty phone takes it away.
        Raises Unauthorized, InvalidInput, Fenced."""
        user = await self.by_access_token(access_token)
        changes: dict[str, str | None] = {}
        if email is not None:
            changes["email"] = checked_email(email)
        if phone is not None:
            changes["phone"] = checked_phone(phone or None)
        await self.users.change(user.name, lambda current: replace(current, **changes), actor=user.name)

    async def forgot_password(self, name: str, *, address: str) -> None:
        """Send the operator a code for the user. Says nothing about whether there is such a user. Raises TooManyAttempts, Fenced."""
        self._codes.admit(folded(name), address)
        self._codes.count(folded(name), address)
        await self._check_writable()
        user = await self.users.get(name)
        if user is not None and user.enabled:
            await self._deliver(Message("reset_code", user.name, user.email, self._sessions.code(user)))

    async def confirm_forgotten(self, name: str, code: str, password: str, *, address: str) -> None:
        """Set a new password with a code; ends all sessions.
        Raises WrongCode, for an unknown user too, WeakPassword, TooManyAttempts, Fenced."""
        self._attempts.admit(folded(name), address)
        password = acceptable(password, name)
        user = await self.users.get(name)
        if user is None or not user.enabled or not self._sessions.code_matches(user, code):
            self._attempts.count(folded(name), address)
            raise WrongCode("Invalid verification code provided, or it has expired; please ask for a new one.", field="ConfirmationCode")
        hash = await self._passwords.hash(password)

        def change(current: User) -> User:
            if current.stamp != user.stamp:
                raise WrongCode("the code has been used", field="ConfirmationCode")
            return self._with_password(current, hash)

        await self.users.change(user.name, change, actor=user.name)

    async def _check_writable(self) -> None:
        """A code that cannot be used now would only mislead. The fence itself is in the commit."""
        state = await self._records.admitted()
        if state.writer is not self._region.role:
            raise Fenced(f"passwords cannot be changed in this region now: the application is {state.state}", state=state)

    def _with_password(self, user: User, hash: str) -> User:
        now = self._clock.now()
        return replace(user, password=hash, password_set_at=now, status=Status.CONFIRMED, stamp=self._clock.new_id(), kept_session=None)


def counts(user: User, grant: Grant) -> bool:
    return user.stamp == grant.stamp or (user.kept_session is not None and user.kept_session == grant.origin)


def enabled(user: User) -> User:
    if not user.enabled:
        raise Unauthorized("User is disabled.")
    return user
