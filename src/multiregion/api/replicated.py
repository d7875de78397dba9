"""What the other parts of a deployment may ask of a region whose engines replicate by themselves: there is no log to follow."""

from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from multiregion.api.between_regions import DEEP_PAGE_MAX, PAGE_MAX, REPAIR_BYTES_MAX, RepairOrder
from multiregion.api.frames import wire_head
from multiregion.api.guards import Guards
from multiregion.api.parts import PartsAPI, Serving, named
from multiregion.api.problems import JSON, read_json
from multiregion.objects import Repaired
from multiregion.states import RoutingState
from multiregion.stores import Digest, Head, Key


class Holdings(Protocol):
    """What a region holds, to be compared with the other's."""

    async def head(self, state: RoutingState) -> Head: ...

    async def names(self, after: Key, *, limit: int) -> Any: ...

    async def needed(self, after: str, *, limit: int) -> Any: ...

    async def examine(self, digest: Digest, *, deep: bool) -> Any: ...


class ReplicatedAPI(PartsAPI):
    def __init__(self, serving: Serving, holdings: Holdings, guards: Guards) -> None:
        super().__init__(serving, guards)
        self._holdings = holdings

    def routes(self) -> list[Mount]:
        return self.mounted(
            [
                ("GET", "/head", self.head),
                ("GET", "/losses", self.losses),
                ("GET", "/names", self.names),
                ("GET", "/needed", self.needed),
                ("POST", "/needed-by", self.needed_by),
                ("POST", "/repair", self.repair),
                ("POST", "/audit", self.audit),
            ]
        )

    async def head(self, request: Request) -> Response:
        return JSON(wire_head(await self._holdings.head(await self._serving.region.records.admitted())))

    async def losses(self, request: Request) -> Response:
        """None: an engine takes back no write. What the other region never got arrives there when it can be reached again."""
        return JSON([])

    async def names(self, request: Request) -> Response:
        query = request.query_params
        return named(await self._holdings.names(Key(query.get("partition", ""), query.get("id", "")), limit=PAGE_MAX))

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
