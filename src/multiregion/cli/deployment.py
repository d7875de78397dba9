"""Calls of a deployment's authority."""

import getpass
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

from multiregion.cli.silence import Silence, silence
from multiregion.commands.options import open_deployment
from multiregion.config import default_data
from multiregion.errors import MultiregionError
from multiregion.local.deployment import LocalDeployment
from multiregion.tls import TRUST

CALL_SECONDS = 10.0
SILENCE_SECONDS = 150.0
STATUS_SECONDS = 6.0
CHANGES_NOTHING = "/operator/verify"


class Failure(MultiregionError):
    """An answer that says no, in the answer's own words."""

    status, code, title = 400, "refused_by_deployment", "Refused"


class Authority:
    """The operators' API of a deployment's authority. Every call raises Silence if it does not answer."""

    def __init__(self, folder: Path, deployment: LocalDeployment) -> None:
        self._folder, self._deployment = folder, deployment
        self._url = deployment.authority.url
        self._headers = {"Authorization": f"Bearer {deployment.authority.operator_token}"}

    @classmethod
    def of(cls, data: Path | None) -> "Authority":
        """Raises BadDeployment, saying what to do, if there is no deployment."""
        return cls(data or default_data(), open_deployment(data))

    def _client(self, seconds: float = SILENCE_SECONDS) -> httpx.Client:
        timeout = httpx.Timeout(CALL_SECONDS, read=seconds)
        return httpx.Client(base_url=self._url, headers=self._headers, timeout=timeout, trust_env=False, verify=TRUST)

    def status(self) -> dict[str, Any]:
        """How both regions are: asked by the authority, or, while that does not answer, here."""
        try:
            return self.get("/operator/status", seconds=STATUS_SECONDS)
        except Silence as silent:
            return silent.found

    def get(self, path: str, *, seconds: float = SILENCE_SECONDS) -> dict[str, Any]:
        with self._client(seconds) as http:
            try:
                response = http.get(path)
            except httpx.HTTPError as error:
                raise silence(self._folder, self._deployment, error, changes=False) from error
        return answer(response)

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        with self._client() as http:
            try:
                response = http.post(path, content=msgspec.json.encode(body))
            except httpx.HTTPError as error:
                raise silence(self._folder, self._deployment, error, changes=True) from error
        return answer(response)

    def order(self, path: str, **body: Any) -> Iterator[dict[str, Any]]:
        """What happens, line by line; the last line has `end`. Raises Failure for a refusal, before or in the middle."""
        body = {"actor": getpass.getuser(), **body}
        with self._client() as http:
            try:
                with http.stream("POST", path, content=msgspec.json.encode(body)) as response:
                    if response.status_code != 200:
                        response.read()
                        answer(response)
                    for line in response.iter_lines():
                        event = msgspec.json.decode(line, type=dict[str, Any])
                        if "error" in event:
                            raise Failure(event["error"]["detail"])
                        yield event
            except httpx.HTTPError as error:
                raise silence(self._folder, self._deployment, error, changes=not path.startswith(CHANGES_NOTHING)) from error


def answer(response: httpx.Response) -> dict[str, Any]:
    """The body of a good answer. Raises Failure with the problem's own words for any other."""
    try:
        body = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        body = {}
    if response.status_code >= 400:
        raise Failure(str(body.get("detail") or f"{response.url} answered {response.status_code}"))
    return body
