"""The other parts of the deployment over HTTP, as the interfaces that replication, controller and verification want."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

import httpx
import msgspec

from multiregion.api.documents import Routing, routing
from multiregion.api.internal import WireFrame, WireHead
from multiregion.config import REGION_PURPOSE, Deployment
from multiregion.errors import Conflict, InvalidInput, MultiregionError, NotFound, Unreachable
from multiregion.replication import Frame
from multiregion.states import RoutingState
from multiregion.stores import Digest, Head, Position

CALL_SECONDS = 3.0
SILENCE_SECONDS = 3.0
FRAME_BYTES_MAX = 64 * 1024 * 1024
PIECE_BYTES = 256 * 1024
T = TypeVar("T")


def client(base_url: str, deployment: Deployment) -> httpx.AsyncClient:
    """A client that speaks for this deployment. Takes no proxy from the environment: the parts talk to each other only."""
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"Authorization": f"Bearer {deployment.bearer(REGION_PURPOSE)}"},
        timeout=httpx.Timeout(CALL_SECONDS, read=SILENCE_SECONDS),
        trust_env=False,
    )


def refusal(response: httpx.Response) -> MultiregionError:
    """The error that an answer stands for."""
    kinds = {404: NotFound, 409: Conflict, 400: InvalidInput}
    try:
        detail = msgspec.json.decode(response.content)["detail"]
    except (msgspec.DecodeError, KeyError, TypeError):
        detail = response.text[:200]
    return kinds.get(response.status_code, Unreachable)(f"{response.url.path} answered {response.status_code}: {detail}")


def silence(error: httpx.HTTPError) -> Unreachable:
    return Unreachable(f"no answer ({type(error).__name__})")


class HttpPeer:
    """`Peer` at the other end of the wire."""

    def __init__(self, base_url: str, deployment: Deployment) -> None:
        self._client = client(base_url, deployment)

    async def follow(self, after: Position, *, changes: bool) -> AsyncIterator[Frame]:
        parameters = {"epoch": after.epoch, "sequence": after.sequence, "changes": int(changes)}
        try:
            async with self._client.stream("GET", "/internal/changes", params=parameters) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise refusal(response)
                async for body in length_prefixed(response.aiter_raw()):
                    frame = msgspec.msgpack.decode(body, type=WireFrame)
                    yield Frame([change.value_of() for change in frame.changes], frame.head.value_of())
        except httpx.HTTPError as error:
            raise silence(error) from error
        raise Unreachable("the other region ended the stream")

    async def fetch(self, digest: Digest) -> AsyncIterator[bytes]:
        try:
            async with self._client.stream("GET", f"/internal/objects/{digest}") as response:
                if response.status_code != 200:
                    await response.aread()
                    raise refusal(response)
                async for piece in response.aiter_raw(PIECE_BYTES):
                    yield piece
        except httpx.HTTPError as error:
            raise silence(error) from error


async def length_prefixed(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The frames in a stream of bytes: four bytes of length, then that many. Raises Unreachable for an impossible length."""
    buffer = bytearray()
    async for piece in pieces:
        buffer += piece
        while len(buffer) >= 4:
            end = 4 + int.from_bytes(buffer[:4])
            if end > FRAME_BYTES_MAX:
                raise Unreachable(f"a frame of {end} bytes is over the limit of {FRAME_BYTES_MAX}")
            if len(buffer) < end:
                break
            yield bytes(buffer[4:end])
            del buffer[:end]


class RegionClient:
    """One region as the controller, the verification and the status see it."""

    def __init__(self, base_url: str, deployment: Deployment) -> None:
        self._client = client(base_url, deployment)

    async def _ask(self, method: str, path: str, type: type[T], *, seconds: float = CALL_SECONDS, **how: Any) -> T:
        try:
            async with asyncio.timeout(seconds):
                response = await self._client.request(method, path, **how)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unreachable(f"no answer ({error.__class__.__name__})") from error
        if response.status_code != 200:
            raise refusal(response)
        return msgspec.json.decode(response.content, type=type)

    async def admit(self, state: RoutingState) -> RoutingState:
        answer = await self._ask("POST", "/internal/admit", Routing, content=msgspec.json.encode(routing(state)))
        return answer.value()

    async def head(self) -> Head:
        return (await self._ask("GET", "/internal/head", WireHead)).value_of()

    async def sequence(self) -> int:
        return (await self.head()).position.sequence

    async def names(self, after: tuple[str, str]) -> Sequence[tuple[str, str, int, int, bool, str]]:
        parameters = {"partition": after[0], "id": after[1]}
        return await self._ask("GET", "/internal/names", list[tuple[str, str, int, int, bool, str]], params=parameters, seconds=30)

    async def needed(self, after: str, *, deep: bool) -> Sequence[tuple[str, int | None, bool]]:
        parameters = {"after": after, "deep": int(deep)}
        return await self._ask("GET", "/internal/needed", list[tuple[str, int | None, bool]], params=parameters, seconds=120)

    async def report(self) -> dict[str, Any]:
        try:
            return {"answers": True, **await self._ask("GET", "/internal/status", dict[str, Any], seconds=1.5)}
        except MultiregionError as error:
            return {"answers": False, "detail": error.detail}


class AuthorityClient:
    """The authority as a region sees it."""

    def __init__(self, base_url: str, deployment: Deployment) -> None:
        self._client = client(base_url, deployment)

    async def follow(self) -> AsyncIterator[RoutingState]:
        """The state, again and again, until the connection breaks. Raises Unreachable."""
        try:
            async with self._client.stream("GET", "/internal/follow") as response:
                if response.status_code != 200:
                    await response.aread()
                    raise refusal(response)
                async for line in response.aiter_lines():
                    yield msgspec.json.decode(line, type=Routing).value()
        except httpx.HTTPError as error:
            raise silence(error) from error
