"""An application's API in both regions as its commands call it: for the deployment's operator, or for a user who signs in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec

from multiregion.clock import Clock, SystemClock
from multiregion.config import RegionPlace
from multiregion.errors import MultiregionError, Unreachable
from multiregion.local.deployment import LocalDeployment
from multiregion.tls import TRUST

CALL = httpx.Timeout(10.0, read=150.0, write=60.0)  # a commit waits for its place among the pictures to be decoded
STATE_SECONDS = 2.0
SIGN_IN = "AWSCognitoIdentityProviderService.InitiateAuth"


class Answer(MultiregionError):
    """A region's refusal: its own code and words, and the seconds after which it may be asked again."""

    title = "Refused"

    def __init__(self, response: httpx.Response) -> None:
        body = decoded(response)
        super().__init__(str(body.get("detail") or body.get("message") or f"{response.url.path} answered {response.status_code}"))
        self.http_status = response.status_code
        self.answer_code = str(body.get("code", ""))
        self.retry_after = float(response.headers.get("retry-after") or 0)


def decoded(response: httpx.Response) -> dict[str, Any]:
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


class Client:
    """An application's API in both regions of a deployment, which go by their names. Every call raises Unreachable or Answer."""

    def __init__(self, deployment: LocalDeployment, *, user: str | None = None, password: str = "", clock: Clock | None = None) -> None:
        self._deployment = deployment
        self.clock = clock or SystemClock()
        self._user, self._password = user, password
        self._token = None if user else deployment.authority.operator_token
        self._http = httpx.AsyncClient(timeout=CALL, trust_env=False, limits=httpx.Limits(max_connections=32), verify=TRUST)

    @property
    def user(self) -> str:
        return self._user or (self._deployment.admin.username if self._deployment.admin else "admin")

    @property
    def signs_in(self) -> bool:
        return self._user is not None

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def state(self) -> dict[str, Any]:
        """The state document: the primary's, else the secondary's."""
        why, answers = list[str](), False
        for place in (self._deployment.primary, self._deployment.secondary):
            try:
                answer = await self._http.get(f"{place.url}/state/{self._deployment.app_id}", timeout=STATE_SECONDS)
            except httpx.HTTPError:
                why.append(f"{place.region} does not answer")
                continue
            if answer.status_code == 200:
                return decoded(answer)
            why.append(Answer(answer).detail.rstrip("."))
            answers = True
        raise Unreachable(f"{'; '.join(why)}. {'`multiregion status` says what helps' if answers else 'Is `multiregion up` running?'}")

    async def serving(self) -> list[str]:
        """The region that the state points to, and then the other."""
        regions = [self._deployment.primary.region, self._deployment.secondary.region]
        return regions[::-1] if (await self.state())["state"] == "failover" else regions

    async def send(self, ticket: dict[str, Any], path: Path, content_type: str, sent: Callable[[int], None]) -> None:
        """Upload a file by the ticket that a region gave; `sent` is told of bytes as they go out."""
        with CountedFile(path, sent) as file:
            files = {"file": (path.name, file, content_type)}
            await self._answered(self._http.post(ticket["url"], data=ticket["fields"], files=files))  # type: ignore[arg-type]

    async def call(self, region: str, method: str, path: str, **more: Any) -> dict[str, Any]:
        """One request, answered with JSON. `more`: as httpx takes it, such as `json` and `params`."""
        places = (self._deployment.primary, self._deployment.secondary)
        place = next(place for place in places if place.region == region)
        if self._token is None:
            await self._sign_in(place)
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            return decoded(await self._answered(self._http.request(method, place.url + path, headers=headers, **more)))
        except Answer as refusal:
            if refusal.http_status == 401 and self._user:
                self._token = None  # it has expired: whoever tries again signs in again
            raise

    async def _sign_in(self, place: RegionPlace) -> None:
        body = {
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": place.client_id,
            "AuthParameters": {"USERNAME": self._user, "PASSWORD": self._password},
        }
        headers = {"X-Amz-Target": SIGN_IN, "Content-Type": "application/x-amz-json-1.1"}
        answer = decoded(await self._answered(self._http.post(place.url + "/", headers=headers, json=body)))
        if "AuthenticationResult" not in answer:
            raise MultiregionError(f"{self._user} has to set a new password first: sign in at {self._deployment.edge}")
        self._token = answer["AuthenticationResult"]["IdToken"]

    async def _answered(self, request: Any) -> httpx.Response:
        try:
            response: httpx.Response = await request
        except httpx.HTTPError as error:
            raise Unreachable(f"no answer ({type(error).__name__})") from error
        if response.status_code >= 400:
            raise Answer(response)
        return response


class CountedFile:
    """A file that tells how much of it has been read, and is never held in memory."""

    def __init__(self, path: Path, sent: Callable[[int], None]) -> None:
        self._file = path.open("rb")
        self._sent = sent

    def __enter__(self) -> "CountedFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def fileno(self) -> int:
        return self._file.fileno()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._sent(len(data))
        return data
