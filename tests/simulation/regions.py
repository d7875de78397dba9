"""A region as a machine that starts, freezes, dies and loses its disk: the real region's parts and background work in it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from multiregion.api.routing import StateNews
from multiregion.audit import Audit
from multiregion.config import Settings
from multiregion.continuity import Continuity, Course
from multiregion.durability import ASYNC, RemoteCopies
from multiregion.embedded.objects import FileObjects
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import Conflict, Unreachable
from multiregion.exchange import LedgerExchange
from multiregion.health import WriteHealth
from multiregion.leases import Lease
from multiregion.local.clients import LEASE_CALL_SECONDS, AuthorityClient, HttpPeer
from multiregion.local.region import RegionProcess
from multiregion.local.served import HeardAuthority
from multiregion.logs import Loss
from multiregion.objects import Condition, Repaired
from multiregion.region import LoggedRegion
from multiregion.repair import Repairs
from multiregion.replication import Frame, Replicator, Standing, frames, offered, standing_of
from multiregion.reports import Known, Report
from multiregion.scrub import Pace, Scrub
from multiregion.states import Role, RoutingState
from multiregion.stores import Change, Digest, Exposure, Head, Key, Mark, Position, Write
from tests.simulation.loop import OUTSIDE
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
        self._objects = FileObjects(machine.folder / "objects", clock, self._mend)
        self.region = LoggedRegion(role, role.value, self._records, self._objects)
        self._folders = ()  # one disk has everything
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
        self.exposure = Exposure  # type: ignore[assignment]
        self.repairs = Repairs(self._records, self._objects, self._peer, clock)
        pace = Pace(settings.scrub_days, settings.scrub_bytes_per_second)
        self._audit = Audit(self._records, self._peer, clock)
        self._scrub = Scrub(self._records, self._objects, self.repairs, clock, machine.folder / "scrub.json", pace)
        self._news = StateNews()
        self._disk = machine.disk
        self.truth, self._journal = machine.stage.truth, machine.stage.journal
        self._set_aside = partial(machine.stage.loop.call_soon, machine.stage.repair, machine.name, context=OUTSIDE)
        self._told = asyncio.Event()
        self._heard_authority = HeardAuthority()

    @property
    def work(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
        return [partial(self._forever, work) for work in (self._follow_authority, *self._work())]

    async def prepare(self) -> None:
        """A region answers at once."""

    def close(self) -> None:
        self._journal.counts["object mended"] += self.repairs.repaired
        self._journal.counts["damage met"] += self._records.damage is not None
        self._records.close()

    def note_admitted(self, state: RoutingState) -> None:
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
        found = await offered(self.region, digest)
        await self._disk.pause(BEFORE_AN_OBJECT)
        try:
            data = found.path.read_bytes()
        except FileNotFoundError as error:  # lost since it was looked at
            raise Unreachable("the other region broke off") from error
        for start in range(0, len(data), 8):
            yield data[start : start + 8]

    async def losses(self, after: int) -> Sequence[Loss]:
        return await self._records.losses(after=after, limit=PAGE)

    async def settle(self, key: Mark, outcome: str, actor: str, applied: Position | None) -> str:
        return await self._records.settle(key, outcome, actor=actor, applied=applied)

    async def restore(self, change: Change, expected: Position | None, actor: str, force: bool) -> Position:
        self.truth.restores(change, actor)
        position = await super().restore(change, expected, actor, force)
        self.truth.made_again(self._role, change, position)
        return position

    async def names(self, after: tuple[str, str]) -> Sequence[tuple[str, str, int, int, bool, str]]:
        found = await self._records.names(Key(*after), limit=PAGE)
        return [(key.partition, key.id, version.epoch, version.sequence, gone, f"{mark:x}") for key, version, gone, mark in found]

    async def needed(self, after: str, deep: bool) -> Sequence[tuple[str, int | None, bool]]:
        page = await self._records.needed(after, limit=PAGE)
        looks = [await self._objects.look(digest, deep=deep) for digest in page]
        return [(digest, look.size, look.condition is Condition.SOUND) for digest, look in zip(page, looks, strict=True)]

    async def repair(self, digests: Sequence[Digest] | None) -> Repaired:
        return await (self.repairs.run_all() if digests is None else self.repairs.run(digests, deep=True))

    async def reaches(self, mark: Mark) -> bool | None:
        reached = await self._records.reaches(mark.position, chain=mark.chain)
        self.truth.check((reached is True) is (mark in self.truth.regions[self._role].held), f"{mark} is reached: {reached}")
        return reached

    async def waits_for_word(self) -> bool:
        """Whether it says that it does not lead without an operator's word."""
        return self._continuity._course is Course.WAIT and not self._records.proved

    async def view(self, key: Key) -> None:
        """A record as a reader gets it, with the objects that it names."""
        found = await self._records.get(key)
        self.truth.reads(self._role, key, found)
        for digest in sorted(self.truth.regions[self._role].table[key].needs) if found else ():
            data = b"".join([piece async for piece in self._objects.open(Digest(digest))])
            self.truth.check(sha256(data).hexdigest() == digest, f"damaged bytes of {digest} were served by the {self._role} region")
            self._journal.count("object served")

    async def set_aside_if_damaged(self) -> None:
        """As the command does that every message about a damaged page names."""
        if self._records.damage is not None:
            self._set_aside()

    async def version_of(self, key: Key) -> Position | None:
        record = await self._records.get(key)
        return record.version if record else None

    async def write(self, writes: Sequence[Write], objects: Sequence[bytes], epoch: int | None, actor: str) -> Mark:
        for data in objects:
            await self._objects.put(data)
        position = await self._records.commit(writes, epoch=epoch, actor=actor)
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
        self.disk.die = self._die

    @property
    def file(self) -> Path:
        return self.folder / "region.db"

    @property
    def region(self) -> SimulatedRegion | None:
        return cast(SimulatedRegion | None, self.part.server)

    def _die(self) -> None:
        self.kill("upon a damaged page")
        self.stage.loop.call_soon(self.start, context=OUTSIDE)

    def boot(self) -> SimulatedRegion:
        self.stage.truth.started(self.role)
        region = SimulatedRegion(self, self.stage.settings)
        self.disk.damaged = False  # it would have been told
        return region
