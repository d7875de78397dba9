"""What only identity refuses; each is one of the kinds in `multiregion.errors`."""

from multiregion.errors import Conflict, Forbidden, InvalidInput, NotFound, Overloaded


class UnknownUser(NotFound):
    code, title = "unknown_user", "No such user"


class UserExists(Conflict):
    code, title = "user_exists", "The user name is taken"


class NotInvited(Conflict):
    code, title = "not_invited", "There is no invitation to send again"


class WeakPassword(InvalidInput):
    code, title = "weak_password", "The password is not good enough"


class WrongCode(InvalidInput):
    code, title = "wrong_code", "The code is wrong or has expired"


class WrongTokenKind(InvalidInput):
    code, title = "wrong_token_kind", "Another kind of token is needed here"


class ResetRequired(Forbidden):
    code, title = "reset_required", "The password must be reset first"


class TooManyAttempts(Overloaded):
    status, code, title = 429, "too_many_attempts", "Too many attempts"
