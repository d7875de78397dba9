"""What an engine's error means here: in our tree of errors, and whether what was asked surely did not happen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
)

from multiregion.errors import DiskFull, InvalidInput, MultiregionError, NotFound, Overloaded, Unavailable, Unreachable

THROTTLED = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
CONTESTED = frozenset(
    {
        "ConditionalRequestConflict",
        "OperationAborted",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
NOT_LET_IN = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
MISSING_STORE = frozenset({"NoSuchBucket", "ResourceNotFoundException"})
MISSING_OBJECT = frozenset({"404", "NoSuchKey", "NotFound"})
CONDITION = frozenset({"ConditionalCheckFailedException", "412", "PreconditionFailed"})
FULL = frozenset({"ItemCollectionSizeLimitExceeded", "ItemCollectionSizeLimitExceededException"})
NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, TokenRetrievalError)
ITEM_TOO_LARGE = "tem size"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one part of a transaction was refused: the engine's code (`None`: it was not), and the item that was there."""

    code: str
    message: str
    item: Mapping[str, Any] | None


class ConditionFailed(Exception):
    """The condition of a single write did not hold; `item` is what was there instead."""

    def __init__(self, item: Mapping[str, Any] | None = None) -> None:
        super().__init__("a condition did not hold")
        self.item = item


class Cancelled(Exception):
    """A transaction was refused as a whole; one reason for each of its parts, in their order."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__(", ".join(reason.code for reason in reasons))
        self.reasons = reasons


class Contested(Overloaded):
    """Another write was at the same item at the same moment: surely nothing happened, and it is worth while to try again."""


class EngineRefused(Unavailable):
    """A refusal that means nothing in particular here; `engine_code` is the engine's own name for it."""

    def __init__(self, engine_code: str) -> None:
        super().__init__(f"an engine refused: {engine_code or 'no reason given'}")
        self.engine_code = engine_code


def meaning(error: ClientError | BotoCoreError) -> Exception:
    """The error of ours that an engine's error stands for; ConditionFailed and Cancelled for those that callers look into."""
    if isinstance(error, ClientError):
        return refused(error.response)
    if isinstance(error, NO_CREDENTIALS):
        return Unavailable("this region has no credentials for its engines; they are found as for any AWS program")
    return Unreachable(f"an engine did not answer ({type(error).__name__})")


def refused(response: Mapping[str, Any]) -> Exception:
    code, message = str(response["Error"].get("Code", "")), str(response["Error"].get("Message", ""))
    if code == "TransactionCanceledException":
        return Cancelled([reason_of(each) for each in response.get("CancellationReasons", [])])
    if code in CONDITION:
        return ConditionFailed(response.get("Item"))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return translated(code, message, status)


def reason_of(reason: Mapping[str, Any]) -> Reason:
    code = str(reason.get("Code") or "None")
    return Reason(code.removesuffix("Exception"), str(reason.get("Message") or ""), reason.get("Item"))


def translated(code: str, message: str, status: int = 400) -> MultiregionError:
    """The error for an engine's code. Server errors leave the outcome open; every other refusal is certain."""
    if code in THROTTLED:
        return Overloaded(f"an engine takes no more at the moment ({code}); try again")
    if code in CONTESTED:
        return Contested("others write to the same record at the same moment; try again")
    if code in NOT_LET_IN:
        return Unavailable(f"an engine does not accept this region's credentials ({code})")
    if code in MISSING_STORE:
        return Unavailable(f"the table or the bucket of this region does not exist ({code})")
    if code in MISSING_OBJECT:
        return NotFound("there is no such object here")
    if code == "InvalidRange":
        return InvalidInput("the range is not in the object", field="range")
    if code in FULL:
        return DiskFull("a partition has reached the engine's limit of 10 GB: nothing was written; reading goes on")
    if code in ("ValidationException", "ValidationError") and ITEM_TOO_LARGE in message:
        return InvalidInput("a record is larger than the engine takes", field="value")
    if status >= 500 or not status:
        return Unreachable(f"an engine refused: {code or 'no reason given'}")
    return EngineRefused(code)
