"""One region as a process whose data is in engines: a DynamoDB table and an S3 bucket, which replicate by themselves."""

import asyncio
from collections.abc import Sequence
from typing import Any

from multiregion import advice
from multiregion.api.guards import Guards
from multiregion.api.replicated import ReplicatedAPI
from multiregion.clock import Clock, SystemClock
from multiregion.config import PartConfig, Settings
from multiregion.dynamodb.heartbeats import Heartbeats
from multiregion.dynamodb.inventory import Inventory
from multiregion.dynamodb.objects import S3Objects
from multiregion.dynamodb.records import DynamoRecords
from multiregion.dynamodb.session import Engines
from multiregion.dynamodb.state import DynamoState
from multiregion.dynamodb.tables import prepare_bucket, prepare_table
from multiregion.dynamodb.tickets import S3Links, S3Uploads
from multiregion.errors import BadDeployment
from multiregion.lag_history import LastKnown
from multiregion.local.served import ServedRegion, Stores, Work
from multiregion.predictions import Outlook
from multiregion.region import Region
from multiregion.status import RegionStatus, missing_of
from multiregion.stores import Head, Lag, Position

COUNT_SECONDS, COUNT_SECONDS_PER_RECORD = 1.0, 0.01


def engines_of(config: PartConfig, settings: Settings) -> Engines:
    """Raises BadDeployment for settings that promise what engines that replicate by themselves cannot keep."""
    assert config.engines is not None
    for name, kept in (("failover", "manual"), ("durability", "async")):
        if getattr(settings, name) != kept:
            raise BadDeployment(f'`{name}` must be {kept} with store "aws": its engines replicate by themselves, and wait for nobody')
    return Engines(config.engines, call_seconds=settings.engine_call_seconds)


async def prepare_region(engines: Engines, edge: str) -> None:
    await prepare_table(engines, indexed=True)
    await prepare_bucket(engines, edge)


def authority_store(config: PartConfig, settings: Settings, clock: Clock) -> DynamoState:
    """The authority's state in a table of its own. Raises BadDeployment."""
    engines = engines_of(config, settings)
    asyncio.run(prepare_table(engines, indexed=False))
    return DynamoState(engines, config.deployment.app_id, clock)


class EngineRegion(ServedRegion):
    """Joins the parts of a region whose data is in engines. Any number of such processes may serve one region."""

    def __init__(self, config: PartConfig, settings: Settings) -> None:
        """Raises BadDeployment if the engines cannot be used as they are."""
        assert config.role is not None
        clock: Clock = SystemClock()
        name = config.deployment.place(config.role).region
        config.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        engines = engines_of(config, settings)
        asyncio.run(prepare_region(engines, config.deployment.edge))
        self._records = DynamoRecords(engines, config.role, name, clock)
        objects = S3Objects(engines, config.folder / "drafts", clock)
        uploads = S3Uploads(engines, config.folder / "uploads", clock, settings.ticket_seconds)
        links = S3Links(engines, clock, settings.link_seconds)
        self.region = Region(config.role, name, self._records, objects)
        super().__init__(config, settings, clock, Stores(self.region, uploads, links, settings.engine_sweep_seconds, engines.close))
        self._inventory = Inventory(engines, objects)
        self._heartbeats = Heartbeats(engines, name, clock)
        self._tallies: dict[str, tuple[float, int]] = {}

    def _internal_routes(self) -> Sequence[Any]:
        return ReplicatedAPI(self, self._inventory, Guards(self._deployment, self._accounts.identify)).routes()

    def _work(self) -> Sequence[Work]:
        return [self._beat]

    async def _beat(self) -> None:
        await self._heartbeats.beat()
        await self._clock.sleep(self._settings.engine_heartbeat_seconds)

    def _lag(self) -> Lag:
        return self._heartbeats.status()

    async def outlook(self) -> Outlook:
        """What may be lost is known by time only: so many seconds ago this region had all that the other had."""
        state = await self._records.admitted()
        return Outlook(Head(Position(state.epoch, 0), 0, ""), state, self._records.confirmed, self._last_known())

    def _last_known(self) -> LastKnown | None:
        seconds = self._lag().seconds
        return None if seconds is None else LastKnown(changes=0, bytes=0, seconds=seconds)

    async def _tally(self, partition: str) -> int:
        """How many records there are. Counting reads them all, so the more there are the less often it is done."""
        at, count = self._tallies.get(partition, (None, 0))
        if at is None or self._clock.monotonic() - at > COUNT_SECONDS + count * COUNT_SECONDS_PER_RECORD:
            count = await self._records.count(partition)
            self._tallies[partition] = (self._clock.monotonic(), count)
        return count

    async def status(self) -> RegionStatus:
        state = await self._records.admitted()
        ready = self._records.confirmed
        return RegionStatus(
            ready=ready,
            reasons=self._waits_because(state),
            needs=advice.RECOVER if self._heard_authority.objection(state) else None,
            region=self.region.name,
            role=self._role,
            state=state.state,
            epoch=state.epoch,
            history=state.history,
            writes=state.writer is self._role and ready,
            writing=None,
            log_epoch=state.epoch,
            sequence=None,
            chain=None,
            content="",
            lag=self._lag(),
            replicating=None,
            missing=missing_of(self._last_known()),
            uploads_in_flight=None,
            counts={partition: await self._tally(partition) for partition in self._application.counted},
            objects=None,
            losses=0,
            durability=self._settings.durability,
            degraded_since=None,
            lease_seconds=None,
        )
