"""What the other region and the authority may ask of a region, with the deployment's secret: changes, objects, admission."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from hmac import compare_digest
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from multiregion.api.documents import Routing, routing
from multiregion.api.frames import (
    WireCaller,
    WireChange,
    WireLoss,
    WireMark,
    pack,
    wire_head,
    wire_loss,
    wire_mark,
    wire_outlook,
    wire_standing,
)
from multiregion.api.problems import JSON, Handler, read_json
from multiregion.callers import Caller
from multiregion.clock import Clock
from multiregion.config import REGION_PURPOSE, Deployment
from multiregion.errors import Conflict, InvalidInput, Unauthorized
from multiregion.objects import Condition, NeededBy
from multiregion.predictions import Outlook
from multiregion.region import LoggedRegion, Region
from multiregion.repair import Repairs
from multiregion.replication import frames, offered, standing_of
from multiregion.states import RoutingState
from multiregion.status import Status
from multiregion.stores import Change, Digest, Exposure, Key, Mark, Position

PAGE_MAX = 1_000
DEEP_PAGE_MAX = 20
NEEDED_BY_MAX = 20
LOSS_BYTES_MAX = 1024 * 1024
REPAIR_BYTES_MAX = 1024 * 1024
LEDGER_BYTES_MAX = 16 * LOSS_BYTES_MAX


class Settlement(msgspec.Struct, frozen=True):
    """What became of a loss."""

    key: WireMark
    outcome: str
    actor: str
    applied: tuple[int, int] | None = None


class Restoration(msgspec.Struct, frozen=True):
    """A lost write to make again; `expected` is the version that its record must have now (None: it must not exist)."""

    change: WireChange
    expected: tuple[int, int] | None
    actor: str
    force: bool = False


class RepairOrder(msgspec.Struct, frozen=True):
    """Which objects to repair; None: whatever is known to need it."""

    digests: list[Digest] | None = None


Restore = Callable[[Change, Position | None, str, bool], Awaitable[Position]]


class Bearer(msgspec.Struct, frozen=True):
    """An ID token that the authority or the edge was shown."""

    token: str


Identified = Callable[[str], Awaitable[Caller]]


async def identified(region: Region, identify: Identified, request: Request) -> WireCaller:
    """Whose ID token this is, null if it does not count here; and how much this region's word counts."""
    order = await read_json(request, Bearer)
    state = await region.records.admitted()
    found: Caller | None = None
    with suppress(Unauthorized):
        found = await identify(order.token)
    user, groups = (found.user, found.groups) if found else (None, ())
    return WireCaller(user, groups, state.epoch, state.leader is region.role)


class Comparable(Protocol):
    """What `verify` asks of a region's records beyond the interface."""

    async def names(self, after: Key, *, limit: int) -> Any: ...

    async def needed(self, after: str, *, limit: int) -> Any: ...

    async def needed_by(self, digest: Digest, *, limit: int) -> NeededBy: ...


class InternalAPI:
    def __init__(
        self,
        region: LoggedRegion,
        comparable: Comparable,
        deployment: Deployment,
        status: Status,
        clock: Clock,
        *,
        admitted: Callable[[RoutingState], None],
        acknowledged: Callable[[Position], None],
        attempted: Callable[[str, str], None],
        restore: Restore,
        repairs: Repairs,
        audit: Callable[[], Awaitable[Sequence[Position]]],
        outlook: Callable[[], Awaitable[Outlook]],
        exposure: Callable[[], Exposure],
        identify: Identified,
        heartbeat_seconds: float,
    ) -> None:
        self._region = region
        self._comparable = comparable
        self._secret = deployment.bearer(REGION_PURPOSE)
        self._status = status
        self._audit = audit
        self._clock = clock
        self._admitted = admitted
        self._acknowledged = acknowledged
        self._attempted = attempted
        self._restore = restore
        self._repairs = repairs
        self._outlook = outlook
        self._exposure = exposure
        self._identify = identify
        self._heartbeat_seconds = heartbeat_seconds

    def routes(self) -> list[Mount]:
        guarded = self._guarded
        return [
            Mount(
                "/internal",
                routes=[
                    Route("/changes", guarded(self.changes), methods=["GET"]),
                    Route("/objects/{digest}", guarded(self.object), methods=["GET"]),
                    Route("/head", guarded(self.head), methods=["GET"]),
                    Route("/outlook", guarded(self.outlook), methods=["GET"]),
                    Route("/standing", guarded(self.standing), methods=["GET"]),
                    Route("/marks", guarded(self.marks), methods=["POST"]),
                    Route("/acknowledge", guarded(self.acknowledge), methods=["POST"]),
                    Route("/attempts", guarded(self.attempts), methods=["POST"]),
                    Route("/losses", guarded(self.losses), methods=["GET"]),
                    Route("/losses", guarded(self.enter), methods=["POST"]),
                    Route("/settle", guarded(self.settle), methods=["POST"]),
                    Route("/restore", guarded(self.restore), methods=["POST"]),
                    Route("/status", guarded(self.status), methods=["GET"]),
                    Route("/caller", guarded(self.caller), methods=["POST"]),
                    Route("/admit", guarded(self.admit), methods=["POST"]),
                    Route("/names", guarded(self.names), methods=["GET"]),
                    Route("/needed", guarded(self.needed), methods=["GET"]),
                    Route("/needed-by", guarded(self.needed_by), methods=["POST"]),
                    Route("/repair", guarded(self.repair), methods=["POST"]),
                    Route("/audit", guarded(self.audit), methods=["POST"]),
                ],
            )
        ]

    def _guarded(self, handler: Handler) -> Handler:
        expected = f"Bearer {self._secret}".encode()

        async def check(request: Request) -> Response:
            if not compare_digest(request.headers.get("authorization", "").encode(), expected):
                raise Unauthorized("only the other parts of this deployment may ask this")
            return await handler(request)

        return check

    async def changes(self, request: Request) -> Response:
        position = Position(number(request, "epoch"), number(request, "sequence"))
        after = Mark(position, request.query_params.get("chain", ""))
        wants_changes = number(request, "changes") == 1
        if wants_changes:
            self._region.records.changes(position, limit=1, chain=after.chain)  # another history is refused before the stream begins
        return StreamingResponse(self._frames(after, wants_changes), media_type="application/octet-stream")

    async def _frames(self, after: Mark, changes: bool) -> AsyncIterator[bytes]:
        records, heartbeat = self._region.records, self._heartbeat_seconds
        with suppress(Conflict):  # this log was rewound below what is followed: the stream ends, and the next begins with a refusal
            async for frame in frames(records, after, self._clock, heartbeat_seconds=heartbeat, changes=changes, exposure=self._exposure):
                yield pack(frame)

    async def object(self, request: Request) -> Response:
        found = await offered(self._region, Digest(request.path_params["digest"]))
        return FileResponse(found.path, media_type="application/octet-stream", stat_result=found.stat)

    async def head(self, request: Request) -> Response:
        return JSON(wire_head(await self._region.records.head()))

    async def outlook(self, request: Request) -> Response:
        return JSON(wire_outlook(await self._outlook()))

    async def standing(self, request: Request) -> Response:
        return JSON(wire_standing(await standing_of(self._region.records)))

    async def marks(self, request: Request) -> Response:
        sequences = (await read_json(request, list[int]))[:PAGE_MAX]
        return JSON([mark and wire_mark(mark) for mark in await self._region.records.marks(sequences)])

    async def acknowledge(self, request: Request) -> Response:
        self._acknowledged(Position(*await read_json(request, tuple[int, int])))
        return Response(status_code=204)

    async def attempts(self, request: Request) -> Response:
        for user, address in await read_json(request, list[tuple[str, str]]):
            self._attempted(user, address)
        return Response(status_code=204)

    async def losses(self, request: Request) -> Response:
        found = await self._region.records.losses(after=number(request, "after"), limit=PAGE_MAX)
        return JSON([wire_loss(loss) for loss in found])

    async def enter(self, request: Request) -> Response:
        losses = await read_json(request, list[WireLoss], LEDGER_BYTES_MAX)
        await self._region.records.merge([loss.value_of() for loss in losses])
        return Response(status_code=204)

    async def settle(self, request: Request) -> Response:
        order = await read_json(request, Settlement)
        applied = Position(*order.applied) if order.applied else None
        await self._region.records.settle(order.key.value_of(), order.outcome, actor=order.actor, applied=applied)
        return Response(status_code=204)

    async def restore(self, request: Request) -> Response:
        order = await read_json(request, Restoration, LOSS_BYTES_MAX)
        expected = Position(*order.expected) if order.expected else None
        position = await self._restore(order.change.value_of(), expected, order.actor, order.force)
        return JSON((position.epoch, position.sequence))

    async def status(self, request: Request) -> Response:
        return JSON(await self._status())

    async def caller(self, request: Request) -> Response:
        return JSON(await identified(self._region, self._identify, request))

    async def admit(self, request: Request) -> Response:
        state = await self._region.records.admit((await read_json(request, Routing)).value())
        self._admitted(state)
        return JSON(routing(state))

    async def names(self, request: Request) -> Response:
        query = request.query_params
        after = Key(query.get("partition", ""), query.get("id", ""))
        found = await self._comparable.names(after, limit=PAGE_MAX)
        return JSON([(key.partition, key.id, version.epoch, version.sequence, gone, f"{mark:064x}") for key, version, gone, mark in found])

    async def needed(self, request: Request) -> Response:
        """Which objects the records need: digest, size in bytes (null: missing), and with `deep` whether the bytes are intact."""
        deep, after = request.query_params.get("deep") == "1", request.query_params.get("after", "")
        if not after:  # what is known to be bad and no longer needed is on no page
            await self._repairs.review()
        page = await self._comparable.needed(after, limit=DEEP_PAGE_MAX if deep else PAGE_MAX)
        return JSON([await self._examine(digest, deep) for digest in page])

    async def needed_by(self, request: Request) -> Response:
        """What makes each of these objects needed: a few names, and how many more."""
        digests = (await read_json(request, list[Digest], REPAIR_BYTES_MAX))[:PAGE_MAX]
        return JSON({digest: await self._comparable.needed_by(digest, limit=NEEDED_BY_MAX) for digest in digests})

    async def _examine(self, digest: Digest, deep: bool) -> tuple[str, int | None, bool]:
        found = await self._region.objects.look(digest, deep=deep)
        if deep and found.condition is Condition.SOUND:
            self._repairs.note_sound(digest)
        return digest, found.size, found.condition is Condition.SOUND

    async def audit(self, request: Request) -> Response:
        """Read the whole log; answers with the entries that are damaged and could not be put back."""
        return JSON([(position.epoch, position.sequence) for position in await self._audit()])

    async def repair(self, request: Request) -> Response:
        """Put these objects here again, or all that are known to be damaged or found to be missing."""
        order = await read_json(request, RepairOrder, REPAIR_BYTES_MAX)
        repairs = self._repairs
        done = await (repairs.run_all() if order.digests is None else repairs.run(order.digests, deep=True))
        return JSON(done)


def number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not text.isdecimal() or len(text) > 18:
        raise InvalidInput(f"{name} must be a whole number, not {text!r}", field=name)
    return int(text)
