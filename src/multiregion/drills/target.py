"""The deployment that a drill talks to, as its clients do: over HTTP, with a deadline for each operation."""

import json as jsons
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, Protocol, Self

import httpx

from multiregion.drills.facts import ROLES
from multiregion.probes import Answer, Call
from multiregion.tls import TRUST

CALL_SECONDS = 2.0
PATIENT_SECONDS = 30.0
"""Of what the drill itself has to know or do, before and after the load."""
FORGOTTEN_CONNECTIONS_SECONDS = 5.0
POSITION = "multiregion-position"
NO_CONNECTION = "no_connection"


class Silent(Exception):
    """No answer. `definite`: the request was never sent, so surely nothing came of it."""

    def __init__(self, code: str, *, definite: bool) -> None:
        super().__init__(code)
        self.code, self.definite = code, definite


class Target(Protocol):
    """What the workload needs of a deployment."""

    def call(self, role: str, headers: Mapping[str, str], *, seconds: float = CALL_SECONDS) -> Call:
        """`headers` go along with each request. What the call makes raises Silent if there is no answer within `seconds`."""
        ...

    def address(self, role: str) -> str: ...

    async def state(self, role: str) -> dict[str, Any]:
        """Raises Silent."""
        ...

    def states(self, role: str) -> AsyncIterator[dict[str, Any]]:
        """Each state that a region admits, as it does. Raises Silent when that ends."""
        ...


class Place(Protocol):
    """A region in `deployment.json`."""

    @property
    def url(self) -> str: ...

    @property
    def client_id(self) -> str: ...

    @property
    def user_pool_id(self) -> str: ...


class HttpTarget:
    """Both regions of a deployment."""

    def __init__(self, app_id: str, places: Mapping[str, Place], operator_token: str) -> None:
        self._path = f"/state/{app_id}"
        self._places = places
        self.operator = {"Authorization": f"Bearer {operator_token}"}
        self._stack = AsyncExitStack()
        self._http: dict[str, httpx.AsyncClient] = {}

    async def __aenter__(self) -> Self:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=FORGOTTEN_CONNECTIONS_SECONDS)
        for role in ROLES:
            how: dict[str, Any] = {"timeout": CALL_SECONDS, "limits": limits, "trust_env": False, "verify": TRUST}
            http = httpx.AsyncClient(base_url=self.address(role), **how)
            self._http[role] = await self._stack.enter_async_context(http)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    def address(self, role: str) -> str:
        return self._places[role].url

    def call(self, role: str, headers: Mapping[str, str], *, seconds: float = CALL_SECONDS) -> Call:
        return RegionCall(self._http[role], self._places[role], self.operator, headers, seconds)

    async def state(self, role: str) -> dict[str, Any]:
        answer = await self.call(role, {})("GET", self._path)
        if not answer.good:
            raise Silent(f"status {answer.status}", definite=True)
        return answer.json()

    async def states(self, role: str) -> AsyncIterator[dict[str, Any]]:
        unhurried = httpx.Timeout(CALL_SECONDS, read=30.0)
        try:
            async with self._http[role].stream("GET", f"{self._path}/events", timeout=unhurried) as stream:
                async for line in stream.aiter_lines():
                    if line.startswith("data:"):
                        yield jsons.loads(line[5:])
        except httpx.HTTPError as error:
            raise silence(error) from error


class RegionCall:
    """One client's requests of one region."""

    def __init__(
        self, http: httpx.AsyncClient, place: Place, operator: Mapping[str, str], headers: Mapping[str, str], seconds: float
    ) -> None:
        self._http, self._headers, self._seconds = http, headers, seconds
        self.operator = operator
        self.client_id, self.pool_id = place.client_id, place.user_pool_id

    async def __call__(
        self, method: str, path: str, *, json: Any = None, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        body = jsons.dumps(json).encode() if json is not None else content
        all_headers = {**self._headers, **(headers or {})}
        try:
            answer = await self._http.request(method, path, content=body, headers=all_headers, timeout=self._seconds)
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise silence(error) from error
        return Answer(answer.status_code, answer.headers, answer.content)

    async def position(self) -> tuple[int, int] | None:
        try:
            found = (await self("GET", "/operator/report", headers=self.operator)).json()
        except Silent:
            return None
        return (found["logEpoch"], found["sequence"]) if found.get("sequence") is not None else None


def silence(error: Exception) -> Silent:
    """A connection that could not be made has carried nothing; of any other nobody knows."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Silent(NO_CONNECTION, definite=True)
    return Silent("timeout" if isinstance(error, httpx.TimeoutException) else "reset", definite=False)


def position_in(answer: Answer) -> tuple[int, int] | None:
    """What a write's answer says of the region's log."""
    epoch, _, rest = answer.headers.get(POSITION, "").partition(".")
    sequence = rest.partition(".")[0]
    return (int(epoch), int(sequence)) if epoch.isdecimal() and sequence.isdecimal() else None
