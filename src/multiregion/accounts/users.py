"""User records: what a user is, what may stand in one, and how one is changed without losing somebody else's change."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec

from multiregion.accounts.refusals import UnknownUser, UserExists
from multiregion.callers import OPERATORS
from multiregion.clock import Clock
from multiregion.errors import Conflict, InvalidInput
from multiregion.stores import Key, Record, Records, Write

PARTITION = "users"
GROUPS = frozenset({OPERATORS})
CHANGE_TRIES_MAX = 5

NAME = re.compile(r"[\w.+@-]{1,128}")
EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f.]+(\.[^@\s\x00-\x1f.]+)*")
EMAIL_CHARACTERS_MAX = 254
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


class Status(StrEnum):
    """Cognito's names: what a user must do before a sign-in succeeds."""

    CONFIRMED = "CONFIRMED"
    FORCE_CHANGE_PASSWORD = "FORCE_CHANGE_PASSWORD"  # noqa: S105
    RESET_REQUIRED = "RESET_REQUIRED"


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One user. Times are seconds since 1970, for people and for expiry.

    `stamp` is drawn anew whenever everything issued before must die: sessions, tokens, challenges, codes. It is compared, never
    ordered, so that no clock and no lost change can make an old session good again. `kept_session` is the one session
    that outlives the last new stamp: that of the user who changed the password in it.
    """

    name: str
    sub: str
    email: str
    password: str
    password_set_at: float
    status: Status
    stamp: str
    created_at: float
    changed_at: float
    phone: str | None = None
    groups: tuple[str, ...] = ()
    enabled: bool = True
    kept_session: str | None = None


def checked_name(name: str, field: str = "Username") -> str:
    normal = unicodedata.normalize("NFC", name)
    if not NAME.fullmatch(normal):
        raise InvalidInput(f"{field} must be 1 to 128 letters, digits or . + @ - _ without spaces", field=field, limit=128)
    return normal


def checked_email(email: str) -> str:
    if len(email) > EMAIL_CHARACTERS_MAX or not EMAIL.fullmatch(email):
        raise InvalidInput(
            f"email must look like name@example.com and have at most {EMAIL_CHARACTERS_MAX} characters",
            field="email",
            limit=EMAIL_CHARACTERS_MAX,
        )
    return email


def checked_phone(phone: str | None) -> str | None:
    if phone is not None and not PHONE.fullmatch(phone):
        raise InvalidInput("phone_number must be + and 7 to 15 digits, such as +12065550100", field="phone_number", limit=15)
    return phone


def checked_group(group: str) -> str:
    if group not in GROUPS:
        raise InvalidInput(f"there is no group {group!r}; the only one is {OPERATORS}", field="GroupName")
    return group


def folded(name: str) -> str:
    """What makes two names the same name: neither case nor the form of a letter tells users apart."""
    return unicodedata.normalize("NFKC", name).casefold()


def key_of(name: str) -> Key:
    return Key(PARTITION, folded(name))


def user_of(record: Record) -> User:
    return msgspec.json.decode(record.value, type=User)


class Users:
    """The `users` partition of a region."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def get(self, name: str) -> User | None:
        record = await self._records.get(key_of(name))
        return user_of(record) if record else None

    async def find(self, name: str) -> User:
        """Raises UnknownUser."""
        user = await self.get(name)
        if user is None:
            raise UnknownUser(f"there is no user {name}")
        return user

    async def page(self, *, after: str = "", limit: int = 50) -> tuple[Sequence[User], str | None]:
        """Users by name, and the `after` of the next page, None at the end."""
        records, following = await self._records.query(PARTITION, after=after, limit=limit)
        return [user_of(record) for record in records], following

    async def add(self, user: User, *, actor: str) -> User:
        """Raises UserExists, for a deleted user too: what a name once wrote stays that person's."""
        write = Write(key_of(user.name), msgspec.json.encode(user), absent=True)
        try:
            await self._records.commit([write], epoch=None, actor=actor)
        except Conflict as error:
            raise UserExists(f"the user name {user.name} is taken, or was before") from error
        return user

    async def change(self, name: str, change: Callable[[User], User], *, actor: str) -> User:
        """Store what `change` makes of the user, if that is anything new. It runs again on the newer record if somebody else was
        first, and may raise."""
        for _ in range(CHANGE_TRIES_MAX):
            record = await self._records.get(key_of(name))
            if record is None:
                raise UnknownUser(f"there is no user {name}")
            current = user_of(record)
            changed = change(current)
            if changed == current:
                await self._records.confirm(record.version)
                return current
            changed = msgspec.structs.replace(changed, changed_at=self._clock.now())
            try:
                await self._records.commit(
                    [Write(record.key, msgspec.json.encode(changed), record.order, version=record.version)], epoch=None, actor=actor
                )
            except Conflict:
                continue
            return changed
        raise Conflict(f"the user {name} is being changed by others all the time; try again")

    async def delete(self, name: str, *, actor: str) -> None:
        await self.find(name)
        await self._records.commit([Write(key_of(name), None)], epoch=None, actor=actor)
