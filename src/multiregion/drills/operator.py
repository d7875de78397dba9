"""The authority of a deployment, as the drill's operator asks it: over HTTP, with what the drill needs of the answers."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol, Self

import httpx
import msgspec

from multiregion.errors import Conflict, MultiregionError, SwitchFailed, Unreachable
from multiregion.tls import TRUST

CALL_SECONDS = 15.0
ORDER_SECONDS = 150.0
HISTORY_MAX = 1_000
ANSWERS: Mapping[int, type[MultiregionError]] = {409: Conflict}


class Operator(Protocol):
    """What a course asks of the authority. Every call raises Unreachable if it does not answer, and else its own words."""

    async def get(self, path: str) -> dict[str, Any]: ...

    async def post(self, path: str, **body: Any) -> dict[str, Any]: ...

    def order(self, path: str, **body: Any) -> AsyncIterator[dict[str, Any]]:
        """What happens, line by line. Raises SwitchFailed with the reason if it says no, before or in the middle."""
        ...

    async def all(self, path: str, **body: Any) -> list[dict[str, Any]]: ...

    async def history(self) -> list[dict[str, Any]]:
        """Newest first."""
        ...


class HttpOperator:
    """`actor`: who the authority's history names."""

    def __init__(self, url: str, token: str, actor: str) -> None:
        self.actor = actor
        timeout = httpx.Timeout(CALL_SECONDS, connect=2.0)
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout, trust_env=False, verify=TRUST)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._http.aclose()

    async def get(self, path: str) -> dict[str, Any]:
        """Raises Unreachable, and the authority's own words."""
        return await self._ask("GET", path)

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        return await self._ask("POST", path, content=msgspec.json.encode({"actor": self.actor, **body}))

    async def _ask(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        try:
            answer = await self._http.request(method, f"/operator/{path}", **how)
        except httpx.HTTPError as error:
            raise Unreachable(f"the authority does not answer ({error!r})") from error
        return self._body(answer)

    def _body(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            body: dict[str, Any] = msgspec.json.decode(answer.content, type=dict[str, Any])
        except msgspec.DecodeError:
            body = {}
        if answer.status_code >= 400:
            raise ANSWERS.get(answer.status_code, SwitchFailed)(str(body.get("detail") or f"the authority answered {answer.status_code}"))
        return body

    async def order(self, path: str, **body: Any) -> AsyncIterator[dict[str, Any]]:
        """What happens, line by line. Raises SwitchFailed with the reason if it says no, before or in the middle."""
        content = msgspec.json.encode({"actor": self.actor, **body})
        timeout = httpx.Timeout(CALL_SECONDS, read=ORDER_SECONDS)
        try:
            async with self._http.stream("POST", f"/operator/{path}", content=content, timeout=timeout) as answer:
                if answer.status_code != 200:
                    await answer.aread()
                    self._body(answer)
                async for line in answer.aiter_lines():
                    event = msgspec.json.decode(line, type=dict[str, Any])
                    if "error" in event:
                        raise SwitchFailed(event["error"]["detail"])
                    yield event
        except httpx.HTTPError as error:
            raise Unreachable(f"the authority does not answer ({error!r})") from error

    async def all(self, path: str, **body: Any) -> list[dict[str, Any]]:
        return [event async for event in self.order(path, **body)]

    async def drills(self) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = (await self.get("drills"))["drills"]
        return found

    async def note_drill(self, after: int, *, actor: str, reason: str, facts: Mapping[str, Any]) -> None:
        await self._ask("POST", "drills", content=msgspec.json.encode({"after": after, "actor": actor, "reason": reason, "facts": facts}))

    async def history(self) -> list[dict[str, Any]]:
        """Newest first."""
        found: list[dict[str, Any]] = (await self.get(f"history?limit={HISTORY_MAX}"))["history"]
        return found
