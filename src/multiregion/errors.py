"""Every error this package raises on purpose; each is safe to show to whoever caused it.

MultiregionError
├── InvalidInput            a field is wrong: which one, and its limit
│   ├── UnsupportedMedia    the bytes are not a picture that can be decoded here
│   └── TooLarge            a body, a file or a picture is over its limit
├── Unauthorized            no token, or one that does not count
├── Forbidden               a token that counts, for something it may not do
│   ├── Expired             an upload ticket or a picture's address that was good once
│   └── NotLocal            a fault, on a deployment whose parts are not all on this machine
├── NotFound                no such record, user, object, application or upload
│   └── Unneeded            an object that is not given out, because no record needs it any more
├── Conflict                the same id with other content, or a record that changed meanwhile
│   └── UnknownPosition     a position of a history that this region does not know: start over
├── Refused                 the state of the application forbids it; carries that state
│   ├── Fenced              this region is not the writer
│   ├── StaleEpoch          decided under another epoch than the admitted one
│   └── IllegalMove         the change of state would name a new writer without proof
├── Unavailable             not now: try again later
│   ├── NotReady            the region has not heard from the authority since it started
│   ├── Overloaded          a queue is full, or a rate limit is reached
│   ├── DiskFull            nothing can be stored; reading goes on
│   ├── DiskFailed          the disk refuses writes for another reason, does not answer, or cannot be read
│   │   ├── CommitUnknown   it failed in the commit: whether that was stored is unknown
│   │   └── DatabaseDamaged the file cannot be read: what is to be done
│   │       └── ForeignDatabase it can, and is another deployment's
│   ├── Behind              the position that the client has seen has not arrived here yet
│   ├── Damaged             an object's bytes are not what they were when it was stored
│   ├── LogSpoiled          an entry of a log is not what it was when it was written
│   └── Unreachable         another process did not answer; the outcome is unknown
├── SwitchFailed            a step of a switch did not succeed; what was done can be run again
├── RepairFailed            a region cannot be copied anew from the other one now, or not without a loss
└── BadDeployment           the data folder, a port or the configuration cannot be used as they are
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class MultiregionError(Exception):
    """Base of the tree.

    `status` is the HTTP status, `code` the stable name for programs, `definite` whether the operation surely did not
    happen, and `facts` what goes beside the sentence into an answer.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"
    definite: ClassVar[bool] = True

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts: Mapping[str, Any] = facts


class InvalidInput(MultiregionError):
    status, code, title = 400, "invalid_input", "The request is not valid"


class UnsupportedMedia(InvalidInput):
    status, code, title = 415, "unsupported_media", "Not a picture that can be used here"


class TooLarge(InvalidInput):
    status, code, title = 413, "too_large", "Too large"


class Unauthorized(MultiregionError):
    status, code, title = 401, "unauthorized", "Sign in first"


class Forbidden(MultiregionError):
    status, code, title = 403, "forbidden", "Not allowed"


class Expired(Forbidden):
    code, title = "expired", "No longer valid"


class NotLocal(Forbidden):
    code, title = "not_local", "Not a local deployment"


class NotFound(MultiregionError):
    status, code, title = 404, "not_found", "Not found"


class Unneeded(NotFound):
    code, title = "unneeded", "No longer needed"


class UnknownUpload(NotFound):
    code, title = "unknown_upload", "Nothing was uploaded"


class UnknownApplication(NotFound):
    code, title = "unknown_application", "No such application"


class Conflict(MultiregionError):
    status, code, title = 409, "conflict", "Conflicts with what is stored"


class UnknownPosition(Conflict):
    code, title = "unknown_position", "Not in this region's history"


class Refused(MultiregionError):
    status, code, title = 409, "refused", "Refused in this state"


class Fenced(Refused):
    code, title = "fenced", "Writing is paused here"


class StaleEpoch(Refused):
    code, title = "stale_epoch", "The state has changed since"


class IllegalMove(Refused):
    code, title = "illegal_move", "This change of state is not safe"


class Unavailable(MultiregionError):
    status, code, title = 503, "unavailable", "Not available right now"


class NotReady(Unavailable):
    code, title = "not_ready", "The region is starting"


class Overloaded(Unavailable):
    code, title = "overloaded", "Too much at once"


class DiskFull(Unavailable):
    status, code, title = 507, "disk_full", "The disk is full"


class DiskFailed(Unavailable):
    code, title = "disk_failed", "The disk does not work"


class CommitUnknown(DiskFailed):
    code, title, definite = "commit_unknown", "Not known whether it was stored", False


class Behind(Unavailable):
    code, title = "behind", "This region has not got there yet"


class Damaged(Unavailable):
    code, title = "damaged", "Damaged"


class LogSpoiled(Unavailable):
    code, title = "log_damaged", "The log is damaged"


class DatabaseDamaged(DiskFailed):
    code, title = "database_damaged", "The database is damaged"


class ForeignDatabase(DatabaseDamaged):
    code, title = "foreign_database", "The database belongs to another deployment"


class Unreachable(Unavailable):
    code, title, definite = "unreachable", "No answer", False


class SwitchFailed(MultiregionError):
    status, code, title = 409, "switch_failed", "The switch did not finish"


class RepairFailed(MultiregionError):
    status, code, title = 409, "repair_failed", "The region was not repaired"


class BadDeployment(MultiregionError):
    code, title = "bad_deployment", "Cannot start"
