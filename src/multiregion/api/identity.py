"""Sign-in at `POST /` of a region: the Cognito user-pool JSON protocol, so that AWS clients work against it unmodified."""

import logging
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from multiregion import errors
from multiregion.accounts import Accounts, refusals
from multiregion.api.authentication import Authenticate
from multiregion.api.identity_operations import Operation, OperatorOperations, UserOperations, check_place
from multiregion.api.identity_shapes import Shape
from multiregion.api.problems import JSON, read_body
from multiregion.clock import Clock
from multiregion.config import Deployment
from multiregion.shapes import in_words

log = logging.getLogger("multiregion.api")
TARGET = "AWSCognitoIdentityProviderService."
JWKS_SECONDS = 300

# The first line that fits names the error. Cognito answers all of its own with 400.
NAMES: tuple[tuple[type[errors.MultiregionError], str, int], ...] = (
    (refusals.TooManyAttempts, "TooManyRequestsException", 400),
    (refusals.ResetRequired, "PasswordResetRequiredException", 400),
    (refusals.UnknownUser, "UserNotFoundException", 400),
    (refusals.UserExists, "UsernameExistsException", 400),
    (refusals.NotInvited, "UnsupportedUserStateException", 400),
    (refusals.WeakPassword, "InvalidPasswordException", 400),
    (refusals.WrongCode, "CodeMismatchException", 400),
    (refusals.WrongTokenKind, "UnsupportedTokenTypeException", 400),
    (errors.Unauthorized, "NotAuthorizedException", 400),
    (errors.Forbidden, "AccessDeniedException", 400),
    (errors.TooLarge, "RequestTooLargeException", 413),
    (errors.InvalidInput, "InvalidParameterException", 400),
    (errors.NotFound, "ResourceNotFoundException", 400),
    (errors.Refused, "FencedException", 409),
    (errors.Conflict, "ConcurrentModificationException", 400),
    (errors.DiskFull, "ServiceUnavailableException", 507),
    (errors.Unavailable, "ServiceUnavailableException", 503),
    (errors.MultiregionError, "InternalErrorException", 500),
)


class Malformed(errors.InvalidInput):
    """Not JSON at all; Cognito has another name for that than for a wrong field."""


class UnknownOperation(errors.InvalidInput):
    pass


class AWSJSON(JSON):
    media_type = "application/x-amz-json-1.1"


class IdentityAPI:
    def __init__(self, accounts: Accounts, deployment: Deployment, clock: Clock, authenticate: Authenticate) -> None:
        self._accounts = accounts
        self._deployment = deployment
        self._clock = clock
        self._authenticate = authenticate
        self._operations: dict[str, Operation] = UserOperations(accounts).table() | OperatorOperations(accounts).table()

    def routes(self) -> list[Route]:
        return [
            Route("/", self.identity, methods=["POST"]),
            Route("/{pool}/.well-known/jwks.json", self.jwks, methods=["GET"]),
        ]

    async def identity(self, request: Request) -> Response:
        id = {"x-amzn-requestid": self._clock.new_id()}
        try:
            return AWSJSON(await self._answer(request), headers=id)
        except errors.MultiregionError as error:
            return refusal(error, id)
        except Exception:
            log.exception("sign-in failed")
            return shown("InternalErrorException", "Something went wrong; the region's log says what.", 500, id)

    async def jwks(self, request: Request) -> Response:
        """Either region's keys: they are the same."""
        if request.path_params["pool"] not in (self._deployment.primary.user_pool_id, self._deployment.secondary.user_pool_id):
            raise errors.NotFound("there is no such user pool here")
        return JSON(await self._accounts.keys.public(), headers={"Cache-Control": f"public, max-age={JWKS_SECONDS}"})

    async def _answer(self, request: Request) -> dict[str, Any]:
        target = request.headers.get("x-amz-target", "")
        operation = self._operations.get(target.removeprefix(TARGET)) if target.startswith(TARGET) else None
        body = await read_body(request)
        if operation is None:
            raise UnknownOperation(f"there is no operation {target[:128]!r} here", field="X-Amz-Target")
        # Nobody but an operator learns from an error what a field should have been.
        caller = await self._authenticate.signed_operator(request, body) if operation.operators_only else None
        wanted = decoded(body, operation.shape)
        check_place(wanted, self._deployment)
        return await operation.work(wanted, caller or address_of(request))


def address_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def decoded(body: bytes, shape: type[Shape]) -> Shape:
    """Raises Malformed if the body is not JSON in UTF-8, and InvalidInput, naming the field, if it is not of the shape."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise errors.InvalidInput(in_words(error), field="body") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not valid JSON in UTF-8: {error}", field="body") from error


def refusal(error: errors.MultiregionError, headers: dict[str, str]) -> Response:
    if isinstance(error, errors.Unavailable):
        headers = {**headers, "Retry-After": str(error.facts.get("retry_after_seconds", 1))}
    name, status = named(error)
    return shown(name, error.detail, status, headers)


def named(error: errors.MultiregionError) -> tuple[str, int]:
    if isinstance(error, Malformed):
        return "SerializationException", 400
    if isinstance(error, UnknownOperation):
        return "UnknownOperationException", 400
    return next((name, status) for kind, name, status in NAMES if isinstance(error, kind))


def shown(name: str, message: str, status: int, headers: dict[str, str]) -> Response:
    return AWSJSON({"__type": name, "message": message}, status, {**headers, "x-amzn-errortype": name})


def routes(accounts: Accounts, deployment: Deployment, clock: Clock, authenticate: Authenticate) -> list[Route]:
    return IdentityAPI(accounts, deployment, clock, authenticate).routes()
