"""What every command shares: the data folder's option, the deployment in it, and calls of the authority."""

import getpass
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import msgspec
import typer

from multiregion.config import data_of, default_data
from multiregion.errors import MultiregionError, Unreachable
from multiregion.local.deployment import DataFolder, LocalDeployment

CALL_SECONDS = 10.0
SILENCE_SECONDS = 150.0

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", help="The deployment's folder.", metavar="DIR", envvar="MULTIREGION_DATA", show_default=".multiregion", parser=data_of
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer with JSON, for scripts.")]


class Failure(MultiregionError):
    """An answer that says no, in the answer's own words."""

    status, code, title = 400, "refused_by_deployment", "Refused"


def open_deployment(data: Path | None) -> LocalDeployment:
    """Raises BadDeployment, saying what to do, if there is none."""
    return DataFolder(data or default_data()).read()


class Authority:
    """The operators' API of a deployment's authority. Every call raises Unreachable if it does not answer."""

    def __init__(self, deployment: LocalDeployment) -> None:
        self._url = deployment.authority.url
        self._headers = {"Authorization": f"Bearer {deployment.authority.operator_token}"}

    def _client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self._url, headers=self._headers, timeout=httpx.Timeout(CALL_SECONDS, read=SILENCE_SECONDS), trust_env=False
        )

    def get(self, path: str) -> dict[str, Any]:
        with self._client() as http:
            try:
                response = http.get(path)
            except httpx.HTTPError as error:
                raise self._silent(error) from error
        return answer(response)

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        with self._client() as http:
            try:
                response = http.post(path, content=msgspec.json.encode(body))
            except httpx.HTTPError as error:
                raise self._silent(error) from error
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
                raise self._silent(error) from error

    def _silent(self, error: httpx.HTTPError) -> Unreachable:
        return Unreachable(
            f"The authority at {self._url} does not answer ({type(error).__name__}). Is `multiregion up` running?"
            " Regions go on reading and writing without it; only changes of state wait"
        )


def answer(response: httpx.Response) -> dict[str, Any]:
    """The body of a good answer. Raises Failure with the problem's own words for any other."""
    try:
        body = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        body = {}
    if response.status_code >= 400:
        raise Failure(str(body.get("detail") or f"{response.url} answered {response.status_code}"))
    return body
