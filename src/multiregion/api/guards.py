"""Who may ask: operators, by the deployment's operator token or their own ID token; and the deployment's own regions."""

from hmac import compare_digest
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from multiregion.api.authentication import bearer
from multiregion.api.problems import Handler
from multiregion.automatic import ACTOR as AUTOMATIC
from multiregion.callers import OPERATORS, Caller
from multiregion.config import REGION_PURPOSE, Deployment
from multiregion.errors import Forbidden, InvalidInput, Unauthorized

ACTOR_CHARACTERS_MAX = 128  # as long as a user name may be


class Identify(Protocol):
    async def __call__(self, id_token: str) -> Caller:
        """Whose ID token this is. Raises Unauthorized if it does not count."""
        ...


class Guards:
    def __init__(self, deployment: Deployment, identify: Identify) -> None:
        self._operator_token = deployment.operator_token.encode()
        self._regions = f"Bearer {deployment.bearer(REGION_PURPOSE)}".encode()
        self._identify = identify

    def operators(self, handler: Handler) -> Handler:
        """For operators only; `actor` then tells who it is."""

        async def check(request: Request) -> Response:
            request.state.operator = await self._operator(request)
            return await handler(request)

        check.__name__ = handler.__name__
        return check

    def regions(self, handler: Handler) -> Handler:
        async def check(request: Request) -> Response:
            if not compare_digest(request.headers.get("authorization", "").encode(), self._regions):
                raise Unauthorized("only the other parts of this deployment may ask this")
            return await handler(request)

        check.__name__ = handler.__name__
        return check

    async def _operator(self, request: Request) -> str | None:
        """The user's name; None for the operator token, which is nobody's own. Raises Unauthorized, Forbidden."""
        token = bearer(request.headers.get("authorization", ""))
        if compare_digest(token.encode(), self._operator_token):
            return None
        caller = await self._identify(token)
        if not caller.is_operator:
            raise Forbidden(f"{caller.user} is not in the group {OPERATORS}")
        return caller.user


def actor(request: Request, said: str) -> str:
    """Who the history names: the token's user; only whoever holds the operator token says who is asking.
    Raises InvalidInput for a name that is too long, or that would pass for the automatic mode's own."""
    own: str | None = request.state.operator
    name = said if own is None else own
    if len(name) > ACTOR_CHARACTERS_MAX:
        raise InvalidInput(f"actor has more than {ACTOR_CHARACTERS_MAX} characters", field="actor", limit=ACTOR_CHARACTERS_MAX)
    if name == AUTOMATIC:
        raise InvalidInput(f"actor must not be {AUTOMATIC}: that is how the history calls takeovers that nobody ordered", field="actor")
    return name
