"""The other parts of the deployment over HTTP, as the interfaces that replication, controller and verification want."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import NoneType
from typing import Any, TypeVar

import httpx
import msgspec

from multiregion.api.documents import Routing, routing
from multiregion.api.frames import (
    WireCaller,
    WireDamage,
    WireFrame,
    WireHead,
    WireLoss,
    WireMark,
    WireOutlook,
    WireStanding,
    wire_change,
    wire_loss,
    wire_mark,
)
from multiregion.config import REGION_PURPOSE, Deployment
from multiregion.errors import (
    CommitUnknown,
    Conflict,
    Damaged,
    DatabaseDamaged,
    DiskFailed,
    DiskFull,
    Fenced,
    ForeignDatabase,
    InvalidInput,
    MultiregionError,
    NotFound,
    NotReady,
    Overloaded,
    RepairFailed,
    StaleEpoch,
    Unneeded,
    Unreachable,
)
from multiregion.health import WriteHealth
from multiregion.logs import Loss
from multiregion.objects import NeededBy, Repaired
from multiregion.predictions import Outlook
from multiregion.rebuild import Damage
from multiregion.replication import Frame, Standing
from multiregion.reports import Known, Report
from multiregion.states import Role, RoutingState
from multiregion.status import Said, Silent, said
from multiregion.stores import Change, Digest, Head, Mark, Position
from multiregion.tls import TRUST

CALL_SECONDS = 3.0
LEASE_CALL_SECONDS = 1.0
OUTLOOK_SECONDS = 1.0
CALLER_SECONDS = 0.7
NEEDED_SECONDS = 120.0
REPAIR_SECONDS = 600.0
AUDIT_SECONDS = 600.0
SOURCE_SECONDS, SET_ASIDE_SECONDS = 6.0, 9.0
KEPT_SECONDS = 30.0
"""For the first question a database that was set aside is read through."""

ENTER_SECONDS = 10.0
REPORT_CALL_SECONDS = 1.0
SILENCE_SECONDS = 3.0
FRAME_BYTES_MAX = 64 * 1024 * 1024
PIECE_BYTES = 256 * 1024
T = TypeVar("T")
BY_CODE: dict[str, type[MultiregionError]] = {
    kind.code: kind
    for kind in (
        *(CommitUnknown, Conflict, Damaged, DatabaseDamaged, DiskFailed, DiskFull, Fenced, InvalidInput, NotFound, NotReady),
        *(ForeignDatabase, Overloaded, RepairFailed, StaleEpoch, Unneeded),
    )
}


def client(base_url: str, deployment: Deployment) -> httpx.AsyncClient:
    """A client that speaks for this deployment. Takes no proxy from the environment: the parts talk to each other only."""
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"Authorization": f"Bearer {deployment.bearer(REGION_PURPOSE)}"},
        timeout=httpx.Timeout(CALL_SECONDS, read=SILENCE_SECONDS),
        trust_env=False,
        verify=TRUST,
    )


class Problem(msgspec.Struct):
    code: str
    detail: str


def refusal(response: httpx.Response) -> MultiregionError:
    """The error that an answer stands for, by its code; one without a code of ours says nothing certain."""
    try:
        problem = msgspec.json.decode(response.content, type=Problem)
    except msgspec.DecodeError:
        return Unreachable(f"{response.url.path} answered {response.status_code}")
    return BY_CODE.get(problem.code, Unreachable)(problem.detail)


def silence(error: httpx.HTTPError) -> Unreachable:
    return Unreachable(f"no answer ({type(error).__name__})")


async def ask(http: httpx.AsyncClient, method: str, path: str, type: type[T], *, seconds: float = CALL_SECONDS, **how: Any) -> T:
    """One call and its answer. Raises Unreachable without one in time, else what the answer stands for."""
    try:
        async with asyncio.timeout(seconds):
            response = await http.request(method, path, **how)
    except (httpx.HTTPError, TimeoutError) as error:
        raise Unreachable(f"no answer ({error.__class__.__name__})") from error
    if response.status_code not in (200, 204):
        raise refusal(response)
    return msgspec.json.decode(response.content or b"null", type=type)


async def losses_of(http: httpx.AsyncClient, after: int) -> Sequence[Loss]:
    found = await ask(http, "GET", "/internal/losses", list[WireLoss], params={"after": after})
    return [loss.value_of() for loss in found]


async def enter_into(http: httpx.AsyncClient, losses: Sequence[Loss]) -> None:
    order = msgspec.json.encode([wire_loss(loss) for loss in losses])
    await ask(http, "POST", "/internal/losses", NoneType, seconds=ENTER_SECONDS, content=order)


async def standing_of(http: httpx.AsyncClient) -> Standing:
    return (await ask(http, "GET", "/internal/standing", WireStanding)).value_of()


async def marks_of(http: httpx.AsyncClient, sequences: Sequence[int]) -> Sequence[Mark | None]:
    order = msgspec.json.encode(list(sequences))
    found = await ask(http, "POST", "/internal/marks", list[WireMark | None], content=order)
    return [None if mark is None else mark.value_of() for mark in found]


async def kept_of(http: httpx.AsyncClient, marks: Sequence[Mark]) -> str | None:
    how = {"seconds": KEPT_SECONDS, "timeout": KEPT_SECONDS}
    order = msgspec.json.encode([wire_mark(mark) for mark in marks])
    found: str | None = await ask(http, "POST", "/internal/kept", str | None, content=order, **how)  # type: ignore[arg-type]
    return found


class HttpPeer:
    """`Peer` at the other end of the wire."""

    def __init__(self, base_url: str, deployment: Deployment) -> None:
        self._client = client(base_url, deployment)

    async def follow(self, after: Mark, *, changes: bool) -> AsyncIterator[Frame]:
        position = after.position
        parameters: dict[str, str | int] = {"epoch": position.epoch, "sequence": position.sequence, "chain": after.chain}
        parameters["changes"] = int(changes)
        try:
            async with self._client.stream("GET", "/internal/changes", params=parameters) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise refusal(response)
                async for body in length_prefixed(response.aiter_raw()):
                    yield msgspec.msgpack.decode(body, type=WireFrame).value_of()
        except httpx.HTTPError as error:
            raise silence(error) from error
        raise Unreachable("the other region ended the stream")

    async def standing(self) -> Standing:
        return await standing_of(self._client)

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        return await marks_of(self._client, sequences)

    async def losses(self, after: int) -> Sequence[Loss]:
        return await losses_of(self._client, after)

    async def enter(self, losses: Sequence[Loss]) -> None:
        await enter_into(self._client, losses)

    async def share_attempts(self, attempts: Sequence[tuple[str, str]]) -> None:
        """Tell of failed sign-ins, by user name and address. Raises Unreachable."""
        await ask(self._client, "POST", "/internal/attempts", NoneType, content=msgspec.json.encode(attempts))

    async def acknowledge(self, position: Position) -> None:
        await ask(self._client, "POST", "/internal/acknowledge", NoneType, content=msgspec.json.encode((position.epoch, position.sequence)))

    async def kept(self, marks: Sequence[Mark]) -> str | None:
        return await kept_of(self._client, marks)

    async def damage(self) -> Damage:
        """Patient: it is asked once, before a repair."""
        how = {"seconds": SOURCE_SECONDS, "timeout": SOURCE_SECONDS}
        return (await ask(self._client, "GET", "/internal/damage", WireDamage, **how)).value_of()

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
        return await ask(self._client, method, path, type, seconds=seconds, **how)

    async def losses(self, after: int) -> Sequence[Loss]:
        return await losses_of(self._client, after)

    async def enter(self, losses: Sequence[Loss]) -> None:
        await enter_into(self._client, losses)

    async def settle(self, key: Mark, outcome: str, *, actor: str, applied: Position | None) -> str:
        where = (applied.epoch, applied.sequence) if applied else None
        order = {"key": wire_mark(key), "outcome": outcome, "actor": actor, "applied": where}
        return await self._ask("POST", "/internal/settle", str, content=msgspec.json.encode(order))

    async def restore(self, change: Change, expected: Position | None, *, actor: str, force: bool) -> Position:
        where = (expected.epoch, expected.sequence) if expected else None
        order = {"change": wire_change(change), "expected": where, "actor": actor, "force": force}
        return Position(*await self._ask("POST", "/internal/restore", tuple[int, int], seconds=60, content=msgspec.json.encode(order)))

    async def admit(self, state: RoutingState) -> RoutingState:
        answer = await self._ask("POST", "/internal/admit", Routing, content=msgspec.json.encode(routing(state)))
        return answer.value()

    async def head(self) -> Head:
        return (await self._ask("GET", "/internal/head", WireHead)).value_of()

    async def outlook(self) -> Outlook:
        return (await self._ask("GET", "/internal/outlook", WireOutlook, seconds=OUTLOOK_SECONDS)).value_of()

    async def sequence(self) -> int:
        return (await self.head()).position.sequence

    async def names(self, after: tuple[str, str]) -> Sequence[tuple[str, str, int, int, bool, str]]:
        parameters = {"partition": after[0], "id": after[1]}
        return await self._ask("GET", "/internal/names", list[tuple[str, str, int, int, bool, str]], params=parameters, seconds=30)

    async def needed(self, after: str, *, deep: bool) -> Sequence[tuple[str, int | None, bool]]:
        parameters = {"after": after, "deep": int(deep)}
        how = {"seconds": NEEDED_SECONDS, "timeout": NEEDED_SECONDS}  # reading a page of large objects takes a while
        return await self._ask("GET", "/internal/needed", list[tuple[str, int | None, bool]], params=parameters, **how)

    async def standing(self) -> Standing:
        return await standing_of(self._client)

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        return await marks_of(self._client, sequences)

    async def audit(self) -> Sequence[Position]:
        found = await self._ask("POST", "/internal/audit", list[tuple[int, int]], seconds=AUDIT_SECONDS, timeout=AUDIT_SECONDS)
        return [Position(*each) for each in found]

    async def damage(self) -> Damage:
        return (await self._ask("GET", "/internal/damage", WireDamage)).value_of()

    async def kept(self, marks: Sequence[Mark]) -> str | None:
        return await kept_of(self._client, marks)

    async def put_back(self) -> str:
        return await self._ask("POST", "/internal/put-back", str, seconds=KEPT_SECONDS, timeout=KEPT_SECONDS)

    async def hold(self, claim: str) -> None:
        await self._ask("POST", "/internal/hold", NoneType, content=msgspec.json.encode(claim))

    async def release(self, claim: str) -> None:
        await self._ask("POST", "/internal/release", NoneType, content=msgspec.json.encode(claim))

    async def check_source(self, claim: str) -> None:
        await self._of_source("/internal/check-source", NoneType, claim)

    async def set_aside(self, claim: str) -> str:
        return await self._of_source("/internal/set-aside", str, claim)

    async def _of_source(self, path: str, type: type[T], claim: str) -> T:
        """What the region answers after it has asked the other one."""
        how = {"seconds": SET_ASIDE_SECONDS, "timeout": SET_ASIDE_SECONDS}
        return await self._ask("POST", path, type, content=msgspec.json.encode(claim), **how)

    async def repair(self, digests: Sequence[Digest] | None = None) -> Repaired:
        """Have it put these objects there again; None: whatever it knows to be damaged or missing."""
        order = msgspec.json.encode({"digests": digests})
        return await self._ask("POST", "/internal/repair", Repaired, seconds=REPAIR_SECONDS, content=order, timeout=REPAIR_SECONDS)

    async def needed_by(self, digests: Sequence[Digest]) -> Mapping[Digest, NeededBy]:
        order = msgspec.json.encode(list(digests))
        return await self._ask("POST", "/internal/needed-by", dict[Digest, NeededBy], content=order, seconds=30)

    async def caller(self, id_token: str) -> WireCaller:
        body = msgspec.json.encode({"token": id_token})
        return await self._ask("POST", "/internal/caller", WireCaller, seconds=CALLER_SECONDS, content=body)

    async def key_set(self, user_pool_id: str) -> bytes:
        """The public keys of its user pool, as it publishes them."""
        found = await self._ask("GET", f"/{user_pool_id}/.well-known/jwks.json", msgspec.Raw, seconds=CALLER_SECONDS)
        return bytes(found)

    async def status(self) -> Said | Silent:
        try:
            return said(bytes(await self._ask("GET", "/internal/status", msgspec.Raw, seconds=1.5)))
        except MultiregionError as error:
            return Silent(error.detail)


class AuthorityClient:
    """The authority as a region sees it."""

    def __init__(self, base_url: str, deployment: Deployment) -> None:
        self._client = client(base_url, deployment)

    async def renew_lease(self, role: Role, epoch: int, *, degraded: bool, writing: WriteHealth) -> float:
        """The lease in seconds. Raises StaleEpoch if this region is not the writer at this epoch, NotReady if it gets none,
        Unreachable."""
        order = {"role": role, "epoch": epoch, "degraded": degraded, "writing": writing}
        return await ask(self._client, "POST", "/internal/lease", float, seconds=LEASE_CALL_SECONDS, content=msgspec.json.encode(order))

    async def known(self, role: Role) -> Known:
        return await ask(self._client, "GET", "/internal/known", Known, params={"role": role})

    async def report(self, role: Role, report: Report) -> None:
        order = {"role": role, "report": report}
        await ask(self._client, "POST", "/internal/report", NoneType, seconds=REPORT_CALL_SECONDS, content=msgspec.json.encode(order))

    async def found(self, store: str) -> RoutingState | None:
        found: Routing | None = await ask(self._client, "POST", "/internal/found", Routing | None, content=msgspec.json.encode(store))  # type: ignore[arg-type]
        return None if found is None else found.value()

    async def resume(self, role: Role, state: RoutingState, base: Mark, reason: str, *, alone: bool) -> RoutingState:
        order = {"role": role, "state": routing(state), "base": base, "reason": reason, "alone": alone}
        return (await ask(self._client, "POST", "/internal/resume", Routing, content=msgspec.json.encode(order))).value()

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
