"""Who makes a request: a user by an ID token, or the operator by the deployment's operator token."""

from hmac import compare_digest

from starlette.requests import Request

from multiregion.accounts import Accounts
from multiregion.api import sigv4
from multiregion.callers import OPERATORS, Caller
from multiregion.clock import Clock
from multiregion.config import Deployment
from multiregion.errors import Forbidden, Unauthorized

ADMINISTRATOR = Caller("admin", (OPERATORS,))
ACCESS_KEY_ID = "operator"


class Authenticate:
    """Reads the `Authorization` header: a token, bare as a Cognito authorizer takes it or after `Bearer`."""

    def __init__(self, accounts: Accounts, deployment: Deployment, clock: Clock) -> None:
        self._accounts = accounts
        self._operator_token = deployment.operator_token
        self._operator_bytes = deployment.operator_token.encode()
        self._clock = clock

    async def caller(self, request: Request) -> Caller:
        """Raises Unauthorized."""
        return await self.bearer_of(request.headers.get("authorization", ""))

    async def bearer_of(self, authorization: str) -> Caller:
        """Whose Authorization header this is. Raises Unauthorized."""
        token = bearer(authorization)
        if compare_digest(token.encode(), self._operator_bytes):
            return ADMINISTRATOR
        return await self._accounts.identify(token)

    async def operator(self, request: Request) -> Caller:
        """Raises Unauthorized, and Forbidden for a user who is not in the group operators."""
        caller = await self.caller(request)
        if not caller.is_operator:
            raise Forbidden(f"{caller.user} is not in the group {OPERATORS}")
        return caller

    async def signed_operator(self, request: Request, body: bytes) -> Caller:
        """As `operator`; an AWS signature over the request and its body counts too."""
        authorization = request.headers.get("authorization", "")
        if not authorization.startswith(sigv4.ALGORITHM):
            return await self.operator(request)
        sigv4.verify(signed_parts(request, body), authorization, {ACCESS_KEY_ID: self._operator_token}, self._clock)
        return ADMINISTRATOR


def bearer(authorization: str) -> str:
    """The token. Raises Unauthorized if there is none."""
    scheme, _, rest = authorization.strip().partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else authorization.strip()
    if not token:
        raise Unauthorized("sign in first: there is no token in the Authorization header")
    return token


def signed_parts(request: Request, body: bytes) -> sigv4.SignedRequest:
    scope = request.scope
    return sigv4.SignedRequest(request.method, scope["path"], scope["query_string"].decode("latin-1"), request.headers.getlist, body)
