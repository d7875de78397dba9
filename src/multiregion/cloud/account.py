"""The user's AWS account: credentials from the usual places, one way to call it, and its errors as this package's.

boto3 is imported at the first call, so that commands that do not need it do not wait for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from multiregion import __version__
from multiregion.errors import BadDeployment, Forbidden, InvalidInput, MultiregionError, Overloaded, Unauthorized, Unreachable

CONNECT_SECONDS = 5
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"})
BAD_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
BUSY = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown"})
SIGN_IN_HELP = "sign in again (aws sso login, or new access keys), or choose another profile with --profile"


class AwsFailure(MultiregionError):
    """AWS said no. `reason` is its code for programs."""

    status, code, title = 502, "aws_failure", "AWS said no"

    def __init__(self, detail: str, reason: str) -> None:
        super().__init__(detail)
        self.reason = reason


class NotReached(Unreachable):
    """Nobody was there to be asked, so nothing has happened."""

    code, definite = "not_reached", True


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an answer may take, and how often is asked."""

    seconds: int
    attempts: int


USUAL = Patience(60, 5)
ONCE = Patience(330, 1)
"""Longer than a function may run, so that silence means that it is not known what it did."""
GLANCE = Patience(5, 2)
"""At what may be lost: whoever looks wants to know it soon."""


@dataclass(frozen=True, slots=True)
class Identity:
    account: str
    arn: str

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`; regions of different partitions cannot replicate to each other."""
        return self.arn.split(":")[1]


class Account:
    """Calls of AWS as one user in one region, and in others when they are named.

    Every call raises Unauthorized, Forbidden, Overloaded, Unreachable or AwsFailure, each with a sentence that says what to do.
    """

    def __init__(self, profile: str | None = None, region: str | None = None) -> None:
        self._profile = profile
        self._wanted = region
        self._session: Any = None
        self._clients: dict[tuple[str, str, Patience], Any] = {}

    @property
    def region(self) -> str:
        """The region that was asked for, else the profile's. Raises InvalidInput if there is neither."""
        found = self._wanted or self._opened().region_name
        if not found:
            raise InvalidInput("name the primary region with --region; the profile has none", field="--region")
        return str(found)

    def identity(self) -> Identity:
        found = self.call("sts", "get_caller_identity")
        return Identity(found["Account"], found["Arn"])

    def call(
        self, service: str, operation: str, region: str | None = None, *, patience: Patience = USUAL, **arguments: Any
    ) -> dict[str, Any]:
        with sensible(f"{service} {operation}"):
            answer: dict[str, Any] = getattr(self.client(service, region, patience), operation)(**arguments)
            return answer

    def pages(
        self, service: str, operation: str, key: str, region: str | None = None, *, patience: Patience = USUAL, **arguments: Any
    ) -> Iterator[Any]:
        """Every entry of a list that AWS gives by the page, `key` naming the list in its answers."""
        with sensible(f"{service} {operation}"):
            for page in self.client(service, region, patience).get_paginator(operation).paginate(**arguments):
                yield from page.get(key, ())

    def client(self, service: str, region: str | None = None, patience: Patience = USUAL) -> Any:
        place = (service, region or self.region, patience)
        if place not in self._clients:
            from botocore.config import Config

            config = Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=patience.seconds,
                retries={"mode": "standard", "total_max_attempts": patience.attempts},
                user_agent_extra=f"multiregion/{__version__}",
            )
            self._clients[place] = self._opened().client(service, region_name=place[1], config=config)
        return self._clients[place]

    def _opened(self) -> Any:
        if self._session is None:
            import boto3
            from botocore.exceptions import ProfileNotFound

            try:
                self._session = boto3.Session(profile_name=self._profile)
            except ProfileNotFound as error:
                raise InvalidInput(f"there is no AWS profile {self._profile!r}: aws configure list-profiles", field="--profile") from error
        return self._session


@contextmanager
def sensible(what: str) -> Iterator[None]:
    """Foreign errors as ours."""
    from botocore import exceptions as foreign
    from botocore.parsers import ResponseParserError

    try:
        yield
    except foreign.ClientError as error:
        raise refusal(what, error.response.get("Error", {})) from error
    except (foreign.NoCredentialsError, foreign.PartialCredentialsError, foreign.TokenRetrievalError, foreign.SSOError) as error:
        raise Unauthorized(f"there are no usable AWS credentials: {SIGN_IN_HELP}") from error
    except (foreign.EndpointConnectionError, foreign.ConnectTimeoutError) as error:
        raise NotReached(f"no answer to {what}: {error}") from error
    except (foreign.HTTPClientError, foreign.ConnectionError) as error:
        raise Unreachable(f"no answer to {what}: {error}") from error
    except ResponseParserError as error:
        raise Unreachable(f"the answer to {what} is not one of AWS's; is there a proxy between?") from error
    except (foreign.ParamValidationError, foreign.InvalidRegionError) as error:
        raise InvalidInput(f"{what}: {error}") from error
    except foreign.BotoCoreError as error:
        raise BadDeployment(f"{what}: {error}") from error


def refusal(what: str, error: dict[str, Any]) -> MultiregionError:
    reason, message = str(error.get("Code", "")), str(error.get("Message", "")).strip() or "no reason given"
    if reason in DENIED:
        return Forbidden(f"your credentials may not do this ({what}): {message}")
    if reason in BAD_CREDENTIALS:
        return Unauthorized(f"AWS does not accept the credentials ({reason}): {SIGN_IN_HELP}")
    if reason in BUSY:
        return Overloaded(f"AWS asks to slow down ({what}, {reason}); run the command again in a minute")
    return AwsFailure(f"{what}: {message} ({reason})", reason)


def is_missing(error: AwsFailure) -> bool:
    """Whether AWS says that a stack, a bucket, an object or a resource is not there."""
    unknown_stack = error.reason == "ValidationError" and "does not exist" in error.detail
    return unknown_stack or error.reason in MISSING


MISSING = frozenset(
    {
        "404",
        "NoSuchBucket",
        "NoSuchEntity",
        "NoSuchKey",
        "ReplicationConfigurationNotFoundError",
        "NotFound",
        "ResourceNotFoundException",
        "StackInstanceNotFoundException",
        "StackSetNotFoundException",
    }
)
