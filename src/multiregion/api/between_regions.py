"""What the other region and the authority may ask of a region, with the deployment's secret: changes, objects, admission."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Mount

from multiregion.api.frames import (
    WireChange,
    WireLoss,
    WireMark,
    pack,
    wire_head,
    wire_loss,
    wire_mark,
    wire_standing,
)
from multiregion.api.guards import Guards
from multiregion.api.parts import PartsAPI, Serving, named
from multiregion.api.problems import JSON, read_json
from multiregion.clock import Clock
from multiregion.errors import Conflict, InvalidInput
from multiregion.objects import Condition, NeededBy
from multiregion.region import LoggedRegion
from multiregion.repair import Repairs
from multiregion.replication import frames, offered, standing_of
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


class Comparable(Protocol):
    """What `verify` asks of a region's records beyond the interface."""

    async def names(self, after: Key, *, limit: int) -> Any: ...

    async def needed(self, after: str, *, limit: int) -> Any: ...

    async def needed_by(self, digest: Digest, *, limit: int) -> NeededBy: ...


class LoggedServing(Serving, Protocol):
    """The process of a region that the other one follows by its change log."""

    @property
    def region(self) -> LoggedRegion: ...

    @property
    def comparable(self) -> Comparable: ...

    @property
    def repairs(self) -> Repairs: ...

    def note_copied(self, position: Position) -> None:
        """The other region has the log durably up to there."""
        ...

    def exposure(self) -> Exposure: ...

    async def restore(self, lost: Change, expected: Position | None, actor: str, force: bool) -> Position:
        """Make a lost write again, as `multiregion.reapply` does."""
        ...

    async def audit(self) -> Sequence[Position]:
        """Read the whole log. The entries that are damaged and could not be put back."""
        ...

    async def mend_log(self) -> None:
        """Try again to put back the entries that are known to be damaged."""
        ...


class InternalAPI(PartsAPI):
    def __init__(self, serving: LoggedServing, guards: Guards, clock: Clock, heartbeat_seconds: float) -> None:
        super().__init__(serving, guards)
        self._logged = serving
        self._region = serving.region
        self._clock = clock
        self._heartbeat_seconds = heartbeat_seconds

    def routes(self) -> list[Mount]:
        return self.mounted(
            [
                ("GET", "/changes", self.changes),
                ("GET", "/objects/{digest}", self.object),
                ("GET", "/head", self.head),
                ("GET", "/standing", self.standing),
                ("POST", "/marks", self.marks),
                ("POST", "/acknowledge", self.acknowledge),
                ("GET", "/losses", self.losses),
                ("POST", "/losses", self.enter),
                ("POST", "/settle", self.settle),
                ("POST", "/restore", self.restore),
                ("GET", "/names", self.names),
                ("GET", "/needed", self.needed),
                ("POST", "/needed-by", self.needed_by),
                ("POST", "/repair", self.repair),
                ("POST", "/audit", self.audit),
            ]
        )

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
            async for frame in frames(
                records, after, self._clock, heartbeat_seconds=heartbeat, changes=changes, exposure=self._logged.exposure
            ):
                yield pack(frame)

    async def object(self, request: Request) -> Response:
        found = await offered(self._region, Digest(request.path_params["digest"]))
        return FileResponse(found.path, media_type="application/octet-stream", stat_result=found.stat)

    async def head(self, request: Request) -> Response:
        return JSON(wire_head(await self._region.records.head()))

    async def standing(self, request: Request) -> Response:
        return JSON(wire_standing(await standing_of(self._region.records)))

    async def marks(self, request: Request) -> Response:
        sequences = (await read_json(request, list[int]))[:PAGE_MAX]
        return JSON([mark and wire_mark(mark) for mark in await self._region.records.marks(sequences)])

    async def acknowledge(self, request: Request) -> Response:
        self._logged.note_copied(Position(*await read_json(request, tuple[int, int])))
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
        return JSON(await self._region.records.settle(order.key.value_of(), order.outcome, actor=order.actor, applied=applied))

    async def restore(self, request: Request) -> Response:
        order = await read_json(request, Restoration, LOSS_BYTES_MAX)
        expected = Position(*order.expected) if order.expected else None
        position = await self._logged.restore(order.change.value_of(), expected, order.actor, order.force)
        return JSON((position.epoch, position.sequence))

    async def names(self, request: Request) -> Response:
        query = request.query_params
        after = Key(query.get("partition", ""), query.get("id", ""))
        return named(await self._logged.comparable.names(after, limit=PAGE_MAX))

    async def needed(self, request: Request) -> Response:
        """Which objects the records need: digest, size in bytes (null: missing), and with `deep` whether the bytes are intact."""
        deep, after = request.query_params.get("deep") == "1", request.query_params.get("after", "")
        if not after:  # what is known to be bad and no longer needed is on no page
            await self._logged.repairs.review()
        page = await self._logged.comparable.needed(after, limit=DEEP_PAGE_MAX if deep else PAGE_MAX)
        return JSON([await self._examine(digest, deep) for digest in page])

    async def needed_by(self, request: Request) -> Response:
        """What makes each of these objects needed: a few names, and how many more."""
        digests = (await read_json(request, list[Digest], REPAIR_BYTES_MAX))[:PAGE_MAX]
        return JSON({digest: await self._logged.comparable.needed_by(digest, limit=NEEDED_BY_MAX) for digest in digests})

    async def _examine(self, digest: Digest, deep: bool) -> tuple[str, int | None, bool]:
        found = await self._region.objects.look(digest, deep=deep)
        if deep and found.condition is Condition.SOUND:
            self._logged.repairs.note_sound(digest)
        return digest, found.size, found.condition is Condition.SOUND

    async def audit(self, request: Request) -> Response:
        """Read the whole log; answers with the entries that are damaged and could not be put back."""
        return JSON([(position.epoch, position.sequence) for position in await self._logged.audit()])

    async def repair(self, request: Request) -> Response:
        """Put these objects here again, or everything that is known to be damaged or found to be missing, entries of the log as well."""
        order = await read_json(request, RepairOrder, REPAIR_BYTES_MAX)
        repairs = self._logged.repairs
        if order.digests is None:
            await self._logged.mend_log()
        done = await (repairs.run_all() if order.digests is None else repairs.run(order.digests, deep=True))
        return JSON(done)


def number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not text.isdecimal() or len(text) > 18:
        raise InvalidInput(f"{name} must be a whole number, not {text!r}", field=name)
    return int(text)
