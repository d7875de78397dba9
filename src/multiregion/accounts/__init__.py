"""Identity: users, their passwords, and sessions that hold in both regions.

Everything that must outlive a process is a record, so it is fenced and replicated like all the rest. Signing in, answering
who somebody is and refreshing a session write nothing, and therefore work in every state.
"""

from multiregion.accounts.accounts import Accounts
from multiregion.accounts.keyring import Keyring
from multiregion.accounts.tokens import TokenCheck

__all__ = ["Accounts", "Keyring", "TokenCheck"]
