"""Which changes of records are changes of credentials, in words: what a takeover must not lose without saying so."""

import msgspec

from multiregion.accounts.users import PARTITION, Status, User
from multiregion.stores import Change, CredentialChange


def credential_change(change: Change, before: bytes | None) -> CredentialChange | None:
    """`change`, if it decides who may sign in; `before` is the value that it replaced. Nothing secret is in the answer."""
    value, key = change.write.value, change.write.key
    if key.partition != PARTITION:  # a revocation; when it is deleted, nothing has needed it any more
        return CredentialChange(change.position, "sign-out", change.actor) if value is not None else None
    if value is None:
        return CredentialChange(change.position, "deleted", key.id)
    after = msgspec.json.decode(value, type=User)
    what = difference(msgspec.json.decode(before, type=User) if before else None, after)
    return CredentialChange(change.position, what, after.name) if what else None


def difference(before: User | None, after: User) -> str | None:
    """The gravest thing that has changed."""
    if before is None:
        return "new user"
    if before.enabled != after.enabled:
        return "enabled" if after.enabled else "disabled"
    if before.password != after.password:
        return "password"
    if after.status is Status.RESET_REQUIRED and before.status is not after.status:
        return "password reset"
    if before.groups != after.groups:
        return "groups"
    return "sign-out everywhere" if before.stamp != after.stamp else None
