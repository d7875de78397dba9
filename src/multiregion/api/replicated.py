"""What the other parts of a deployment may ask of a region whose engines replicate by themselves: there is no log to follow."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from multiregion.api.between_regions import DEEP_PAGE_MAX, PAGE_MAX, REPAIR_BYTES_MAX, Identified, RepairOrder, identified
from multiregion.api.documents import Routing, routing
from multiregion.api.frames import wire_head, wire_outlook
from multiregion.api.guards import Guards
from multiregion.api.problems import JSON, read_json
from multiregion.objects import Repaired
from multiregion.predictions import Outlook
from multiregion.region import Region
from multiregion.states import RoutingState
from multiregion.status import Status
from multiregion.stores import Digest, Head, Key


class Holdings(Protocol):
    """What a region holds, to be compared with the other's."""

    async def head(self, state: RoutingState) -> Head: ...

    async def names(self, after: Key, *, limit: int) -> Any: ...

    async def needed(self, after: str, *, limit: int) -> Any: ...

    async def examine(self, digest: Digest, *, deep: bool) -> Any: ...


class ReplicatedAPI:
    def __init__(
        self,
        region: Region,
        holdings: Holdings,
        guards: Guards,
        status: Status,
        *,
        admitted: Callable[[RoutingState], None],
        attempted: Callable[[str, str], None],
        outlook: Callable[[], Awaitable[Outlook]],
        identify: Identified,
    ) -> None:
        self._region = region
        self._records = region.records
        self._holdings = holdings
        self._guards = guards
        self._status = status
        self._admitted = admitted
        self._attempted = attempted
        self._outlook = outlook
        self._identify = identify

    def routes(self) -> list[Mount]:
        guarded = self._guards.regions
        return [
            Mount(
                "/internal",
                routes=[
                    Route("/head", guarded(self.head), methods=["GET"]),
                    Route("/outlook", guarded(self.outlook), methods=["GET"]),
                    Route("/attempts", guarded(self.attempts), methods=["POST"]),
                    Route("/losses", guarded(self.losses), methods=["GET"]),
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

    async def head(self, request: Request) -> Response:
        return JSON(wire_head(await self._holdings.head(await self._records.admitted())))

    async def outlook(self, request: Request) -> Response:
        return JSON(wire_outlook(await self._outlook()))

    async def attempts(self, request: Request) -> Response:
        for user, address in await read_json(request, list[tuple[str, str]]):
            self._attempted(user, address)
        return Response(status_code=204)

    async def losses(self, request: Request) -> Response:
        """None: an engine takes back no write. What the other region never got arrives there when it can be reached again."""
        return JSON([])

    async def status(self, request: Request) -> Response:
        return JSON(await self._status())

    async def caller(self, request: Request) -> Response:
        return JSON(await identified(self._region, self._identify, request))

    async def admit(self, request: Request) -> Response:
        state = await self._records.admit((await read_json(request, Routing)).value())
        self._admitted(state)
        return JSON(routing(state))

    async def names(self, request: Request) -> Response:
        query = request.query_params
        found = await self._holdings.names(Key(query.get("partition", ""), query.get("id", "")), limit=PAGE_MAX)
        return JSON([(key.partition, key.id, version.epoch, version.sequence, gone, f"{mark:064x}") for key, version, gone, mark in found])

    async def needed(self, request: Request) -> Response:
        deep = request.query_params.get("deep") == "1"
        page = await self._holdings.needed(request.query_params.get("after", ""), limit=DEEP_PAGE_MAX if deep else PAGE_MAX)
        return JSON([await self._holdings.examine(digest, deep=deep) for digest in page])

    async def needed_by(self, request: Request) -> Response:
        """Not told: whoever wants to know asks S3 Inventory and the table."""
        return JSON({})

    async def audit(self, request: Request) -> Response:
        """There is no log."""
        return JSON([])

    async def repair(self, request: Request) -> Response:
        """Nothing can be repaired from here: S3 checks and replicates objects by itself."""
        order = await read_json(request, RepairOrder, REPAIR_BYTES_MAX)
        return JSON(Repaired(failed=dict.fromkeys(order.digests or (), "S3 keeps and replicates objects by itself")))
