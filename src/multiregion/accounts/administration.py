"""What operators do to users: invite, list, disable, set and reset passwords, end sessions. Only the writing region can."""

from msgspec.structs import replace

from multiregion.accounts.outbox import Deliver, Message
from multiregion.accounts.passwords import Passwords, acceptable, temporary
from multiregion.accounts.refusals import NotInvited
from multiregion.accounts.sessions import Sessions
from multiregion.accounts.users import Status, User, Users, checked_email, checked_group, checked_name, checked_phone
from multiregion.clock import Clock


class Administration:
    """`actor` is the operator who does it. Everything here raises UnknownUser where it names a user, and Fenced."""

    def __init__(self, users: Users, passwords: Passwords, sessions: Sessions, clock: Clock, deliver: Deliver) -> None:
        self._users = users
        self._passwords = passwords
        self._sessions = sessions
        self._clock = clock
        self._deliver = deliver

    async def invite(
        self, name: str, email: str, *, actor: str, phone: str | None = None, password: str | None = None, groups: tuple[str, ...] = ()
    ) -> User:
        """A new user with a temporary password: the one given, which the caller passes on, or a fresh one, which goes to the outbox.
        Raises InvalidInput, WeakPassword, UserExists."""
        name = checked_name(name)
        email, phone = checked_email(email), checked_phone(phone)
        groups = tuple(checked_group(group) for group in groups)
        secret = acceptable(password or temporary(self._clock), name, "TemporaryPassword")
        now = self._clock.now()
        user = await self._users.add(
            User(
                name=name,
                sub=dashed(self._clock.new_id()),
                email=email,
                phone=phone,
                password=await self._passwords.hash(secret),
                password_set_at=now,
                status=Status.FORCE_CHANGE_PASSWORD,
                stamp=self._clock.new_id(),
                groups=groups,
                created_at=now,
                changed_at=now,
            ),
            actor=actor,
        )
        if password is None:
            await self._deliver(Message("invitation", user.name, user.email, secret))
        return user

    async def invite_again(self, name: str, *, actor: str, password: str | None = None) -> User:
        """A new temporary password, and the whole time to use it, for somebody who has not signed in yet; the password goes where that
        of the first invitation went. Raises NotInvited, WeakPassword."""
        secret = acceptable(password or temporary(self._clock), name, "TemporaryPassword")
        hash = await self._passwords.hash(secret)

        def change(user: User) -> User:
            if user.status is not Status.FORCE_CHANGE_PASSWORD or not user.enabled:
                raise NotInvited(f"{user.name} is not waiting for an invitation: {state_of(user)}. Reset the password instead")
            return replace(self._without_sessions(user), password=hash, password_set_at=self._clock.now())

        user = await self._users.change(name, change, actor=actor)
        if password is None:
            await self._deliver(Message("invitation", user.name, user.email, secret))
        return user

    async def set_password(self, name: str, password: str, *, permanent: bool, actor: str) -> User:
        """A permanent password, or a new temporary one. Ends all sessions. Raises WeakPassword."""
        hash = await self._passwords.hash(acceptable(password, name))
        status = Status.CONFIRMED if permanent else Status.FORCE_CHANGE_PASSWORD

        def change(user: User) -> User:
            return replace(self._without_sessions(user), password=hash, password_set_at=self._clock.now(), status=status)

        return await self._users.change(name, change, actor=actor)

    async def reset_password(self, name: str, *, actor: str) -> User:
        """The password does not count any more; a code to set a new one goes to the outbox. Ends all sessions."""
        user = await self._users.change(name, lambda user: replace(self._without_sessions(user), status=Status.RESET_REQUIRED), actor=actor)
        await self._deliver(Message("reset_code", user.name, user.email, self._sessions.code(user)))
        return user

    async def disable(self, name: str, *, actor: str) -> User:
        """Ends all sessions, and no new one begins until `enable`."""
        return await self._users.change(name, lambda user: replace(self._without_sessions(user), enabled=False), actor=actor)

    async def enable(self, name: str, *, actor: str) -> User:
        return await self._users.change(name, lambda user: replace(user, enabled=True), actor=actor)

    async def sign_out(self, name: str, *, actor: str) -> User:
        """Ends all sessions."""
        return await self._users.change(name, self._without_sessions, actor=actor)

    async def join(self, name: str, group: str, *, actor: str) -> User:
        group = checked_group(group)
        return await self._users.change(name, lambda user: replace(user, groups=(*without(user, group), group)), actor=actor)

    async def leave(self, name: str, group: str, *, actor: str) -> User:
        group = checked_group(group)
        return await self._users.change(name, lambda user: replace(user, groups=without(user, group)), actor=actor)

    async def delete(self, name: str, *, actor: str) -> None:
        """The name stays taken, so that nobody inherits what its user wrote."""
        await self._users.delete(name, actor=actor)

    def _without_sessions(self, user: User) -> User:
        return replace(user, stamp=self._clock.new_id(), kept_session=None)


def state_of(user: User) -> str:
    if not user.enabled:
        return "the user is disabled"
    return "a password has been chosen" if user.status is Status.CONFIRMED else "the password is being reset"


def without(user: User, group: str) -> tuple[str, ...]:
    return tuple(each for each in user.groups if each != group)


def dashed(id: str) -> str:
    return "-".join((id[:8], id[8:12], id[12:16], id[16:20], id[20:]))
