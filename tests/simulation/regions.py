"""A region as a machine that starts, freezes, dies and loses its disk: the real region's parts and background work in it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from multiregion.api.routing import StateNews
from multiregion.config import Settings
from multiregion.continuity import Continuity, Course
from multiregion.durability import ASYNC, RemoteCopies
from multiregion.embedded.objects import FileObjects
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import Conflict, NotFound, Unreachable
from multiregion.exchange import LedgerExchange
from multiregion.health import WriteHealth
from multiregion.leases import Lease
from multiregion.local.clients import LEASE_CALL_SECONDS, AuthorityClient, HttpPeer
from multiregion.local.region import RegionProcess
from multiregion.local.served import HeardAuthority
from multiregion.logs import Loss
from multiregion.region import LoggedRegion
from multiregion.replication import Frame, Replicator, Standing, frames, standing_of
from multiregion.reports import Known, Report
from multiregion.states import Role, RoutingState
from multiregion.stores import Change, Digest, Exposure, Head, Key, Mark, Position, Write
from tests.simulation.machines import Machine, Pause, Stage
from tests.simulation.network import Network
from tests.simulation.pasts import AUTHORITY
from tests.simulation.truth import Truth
from tests.simulation.writer import BEFORE_AN_OBJECT, Disk

PAGE = 100


class FarAuthority:
    """The authority as a region reaches it."""

    def __init__(self, network: Network, role: Role, truth: Truth) -> None:
        self._network = network
        self._role = role
        self._truth = truth

    async def renew_lease(self, role: Role, epoch: int, *, degraded: bool, writing: WriteHealth) -> float:
        return await self._network.call(
            self._role, AUTHORITY, lambda server: server.renew_lease(role, epoch, degraded, writing), seconds=LEASE_CALL_SECONDS
        )

    async def known(self, role: Role) -> Known:
        return await self._network.call(self._role, AUTHORITY, lambda server: server.known(role))

    async def report(self, role: Role, report: Report) -> None:
        await self._network.call(self._role, AUTHORITY, lambda server: server.report(role, report))

    async def found(self, store: str) -> RoutingState | None:
        return await self._network.call(self._role, AUTHORITY, lambda server: server.found(store))

    async def resume(self, role: Role, state: RoutingState, base: Mark, reason: str, *, alone: bool) -> RoutingState:
        return await self._network.call(self._role, AUTHORITY, lambda server: server.resume(role, state, base, reason, alone))

    async def follow(self) -> AsyncIterator[RoutingState]:
        async for state in self._network.stream(self._role, AUTHORITY, lambda server: server.follow()):
            self._truth.told(self._role, state)
            yield state


class FarRegion:
    """The other region: what replication asks of it."""

    def __init__(self, network: Network, role: Role) -> None:
        self._network = network
        self._role = role

    async def follow(self, after: Mark, *, changes: bool) -> AsyncIterator[Frame]:
        async for frame in self._network.stream(self._role, self._role.other, lambda server: server.follow(after, changes)):
            yield frame
        raise Unreachable("the other region ended the stream")

    async def fetch(self, digest: Digest) -> AsyncIterator[bytes]:
        async for piece in self._network.stream(self._role, self._role.other, lambda server: server.fetch(digest)):
            yield piece

    async def standing(self) -> Standing:
        return await self._network.call(self._role, self._role.other, lambda server: server.standing())

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        return await self._network.call(self._role, self._role.other, lambda server: server.marks(sequences))

    async def losses(self, after: int) -> Sequence[Loss]:
        return await self._network.call(self._role, self._role.other, lambda server: server.losses(after))

    async def enter(self, losses: Sequence[Loss]) -> None:
        await self._network.call(self._role, self._role.other, lambda server: server.enter(losses))

    async def acknowledge(self, position: Position) -> None:
        await self._network.call(self._role, self._role.other, lambda server: server.acknowledge(position))


class SimulatedRegion(RegionProcess):
    """The background work of a real region over parts of the simulation. It does not start what its parent would."""

    def __init__(self, machine: "RegionMachine", settings: Settings) -> None:
        clock, role = machine.clock, machine.role
        self._clock, self._role, self._settings = clock, role, settings
        self._authority = cast(AuthorityClient, FarAuthority(machine.stage.network, role, machine.stage.truth))
        self._peer = cast(HttpPeer, FarRegion(machine.stage.network, role))
        self._lease = Lease(clock)
        self._renewing = asyncio.Lock()
        self._began_at = None
        lease = self._lease.holds if settings.failover == "automatic" else None
        self._copies = RemoteCopies(clock, settings.durability, settings.remote_seconds, self._announce_degradation)
        self._records = SqliteRecords(
            machine.folder / "region.db",
            role,
            clock,
            guarded=True,
            lease=lease,
            durability=self._copies,
            writer=machine.disk.writer,
        )
        self._objects = FileObjects(machine.folder / "objects", clock)
        self.region = LoggedRegion(role, role.value, self._records, self._objects)
        acknowledges = settings.durability != ASYNC
        self._replicator = Replicator(
            self.region,
            self._peer,
            clock,
            heartbeat_seconds=settings.heartbeat_seconds,
            acknowledges=acknowledges,
            catches_up=lambda: self._continuity.catches_up(),
        )
        self._continuity = Continuity(self.region, self._peer, self._authority, clock, settings.loss_changes_max)
        self._exchange = LedgerExchange(self.region, self._peer, clock)
        self._exposure = Exposure  # type: ignore[assignment]
        self._news = StateNews()
        self._disk = machine.disk
        self.truth = machine.stage.truth
        self._told = asyncio.Event()
        self._heard_authority = HeardAuthority()

    @property
    def work(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
        return [partial(self._forever, work) for work in (self._follow_authority, *self._work())]

    async def prepare(self) -> None:
        """A region answers at once."""

    def close(self) -> None:
        self._records.close()

    def _on_admitted(self, state: RoutingState) -> None:
        self._news.publish(state)

    # What it answers, as its HTTP API does.

    async def admit(self, state: RoutingState) -> RoutingState:
        self.truth.told(self._role, state)
        obeyed = await self._records.admit(state)
        self.truth.obeys(self._role, obeyed)
        return obeyed

    async def admitted(self) -> RoutingState:
        return await self._records.admitted()

    async def head(self) -> Head:
        return await self._records.head()

    async def standing(self) -> Standing:
        return await standing_of(self._records)

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        return await self._records.marks(sequences)

    async def enter(self, losses: Sequence[Loss]) -> None:
        await self._records.merge(losses)

    async def acknowledge(self, position: Position) -> None:
        self._copies.acknowledge(position)

    async def follow(self, after: Mark, changes: bool) -> AsyncIterator[Frame]:
        if changes:
            self._records.changes(after.position, limit=1, chain=after.chain)
        heartbeat = self._settings.heartbeat_seconds
        with suppress(Conflict):
            async for frame in frames(self._records, after, self._clock, heartbeat_seconds=heartbeat, changes=changes):
                yield frame

    async def fetch(self, digest: Digest) -> AsyncIterator[bytes]:
        path = self._objects.path(digest)
        if path is None:
            raise NotFound("no such object here")
        await self._disk.pause(BEFORE_AN_OBJECT)
        data = path.read_bytes()
        for start in range(0, len(data), 8):
            yield data[start : start + 8]

    async def losses(self, after: int) -> Sequence[Loss]:
        return await self._records.losses(after=after, limit=PAGE)

    async def settle(self, key: Mark, outcome: str, actor: str, applied: Position | None) -> None:
        await self._records.settle(key, outcome, actor=actor, applied=applied)

    async def restore(self, change: Change, expected: Position | None, actor: str, force: bool) -> Position:
        self.truth.restores(change, actor)
        position = await self._restore(change, expected, actor, force)
        self.truth.made_again(self._role, change, position)
        return position

    async def names(self, after: tuple[str, str]) -> Sequence[tuple[str, str, int, int, bool, str]]:
        found = await self._records.names(Key(*after), limit=PAGE)
        return [(key.partition, key.id, version.epoch, version.sequence, gone, f"{mark:x}") for key, version, gone, mark in found]

    async def needed(self, after: str) -> Sequence[tuple[str, int | None, bool]]:
        page = await self._records.needed(after, limit=PAGE)
        return [(digest, path.stat().st_size if (path := self._objects.path(digest)) else None, path is not None) for digest in page]

    async def reaches(self, mark: Mark) -> bool | None:
        reached = await self._records.reaches(mark.position, chain=mark.chain)
        self.truth.check((reached is True) is (mark in self.truth.regions[self._role].held), f"{mark} is reached: {reached}")
        return reached

    async def waits_for_word(self) -> bool:
        """Whether it says that it does not lead without an operator's word."""
        return self._continuity._course is Course.WAIT and not self._records.proved

    async def version_of(self, key: Key) -> Position | None:
        record = await self._records.get(key)
        return record.version if record else None

    async def write(
        self, writes: Sequence[Write], objects: Sequence[bytes], epoch: int | None, actor: str, requires: Sequence[Key]
    ) -> Mark:
        for data in objects:
            await self._objects.put(data)
        position = await self._records.commit(writes, epoch=epoch, actor=actor, requires=requires)
        positions = [Position(position.epoch, position.sequence - n) for n in range(len(writes))]
        degraded = self._copies.degraded_since is not None
        return self.truth.acknowledges(self._role, positions, actor=actor, epoch=epoch, degraded=degraded)

    def has_object(self, digest: Digest) -> bool:
        return self._objects.path(digest) is not None


class RegionMachine(Machine):
    """Where one region runs."""

    def __init__(self, role: Role, stage: Stage, pause: Pause) -> None:
        super().__init__(role, stage)
        self.role = role
        truth = stage.truth
        self.disk = Disk(stage.loop, lambda where: pause(role, where), lambda db: truth.committed(role, db))
        self.disk.starts = lambda: truth.transaction_starts(role)

    @property
    def file(self) -> Path:
        return self.folder / "region.db"

    @property
    def region(self) -> SimulatedRegion | None:
        return cast(SimulatedRegion | None, self.part.server)

    def boot(self) -> SimulatedRegion:
        self.stage.truth.started(self.role)
        return SimulatedRegion(self, self.stage.settings)
