"""One region as a process that keeps its data itself: its files, and the tasks that follow the other region's log."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from multiregion import advice, reapply
from multiregion.api.asgi import Served
from multiregion.api.between_regions import InternalAPI
from multiregion.api.documents import StateDocuments
from multiregion.api.guards import Guards
from multiregion.api.objects import object_routes
from multiregion.api.positions import Positions
from multiregion.api.rebuild import RebuildAPI
from multiregion.audit import Audit
from multiregion.clock import Clock, SystemClock, iso
from multiregion.config import PartConfig, Settings
from multiregion.continuity import Continuity, report_of
from multiregion.durability import REMOTE, RemoteCopies
from multiregion.embedded.database import QUIET_SECONDS
from multiregion.embedded.links import SignedLinks
from multiregion.embedded.objects import FileObjects
from multiregion.embedded.pending import PendingUploads
from multiregion.embedded.records import SqliteRecords
from multiregion.embedded.reserve import Reserve
from multiregion.errors import DatabaseDamaged, DiskFailed, MultiregionError, RepairFailed
from multiregion.exchange import LedgerExchange
from multiregion.health import WriteHealth, with_folders
from multiregion.leases import Lease
from multiregion.local.damaged import SettingAside
from multiregion.local.exposure import RegionExposure
from multiregion.local.served import ServedRegion, Stores, Work
from multiregion.objects import Condition
from multiregion.predictions import Outlook
from multiregion.rebuild import Damage, check_source
from multiregion.region import LoggedRegion
from multiregion.repair import Repairs
from multiregion.replication import COMPARES, Replicator
from multiregion.reports import REPORT_SECONDS
from multiregion.scrub import Pace, Scrub
from multiregion.states import UNFOUNDED, Role, RoutingState
from multiregion.status import RegionStatus, Said, damaged, missing_of, writing_of
from multiregion.stores import UNKNOWN_LAG, Change, Digest, Lag, Mark, Position

SWEEP_SECONDS = 60.0
LEASE_PAUSE_SECONDS_MAX = 1.0
EXPUNGE_SECONDS = 1.0


class RegionProcess(ServedRegion):
    """Joins a region's parts. The only place where they all are known."""

    region: LoggedRegion
    _folders: Sequence[FileObjects | PendingUploads]
    """What can be on a disk of its own, beside the records."""

    def __init__(self, config: PartConfig, settings: Settings, restart: Callable[[], None]) -> None:
        """`restart` has this made anew in the same process. Raises DatabaseDamaged, DiskFull, DiskFailed, OSError."""
        assert config.role is not None
        clock: Clock = SystemClock()
        deployment = config.deployment
        config.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lease = Lease(clock)
        self._renewing = asyncio.Lock()
        self._began_at: Position | None = None
        lease = self._lease.holds if settings.failover == "automatic" else None
        self._copies = RemoteCopies(clock, settings.durability, settings.remote_seconds, self._announce_degradation)
        self._setting_aside = SettingAside(database := config.folder / "region.db", restart, clock)
        self._records = SqliteRecords(
            database,
            config.role,
            clock,
            guarded=True,
            history=deployment.first_history,
            deployment=deployment.app_id,
            lease=lease,
            durability=self._copies,
            reserve=Reserve(config.folder / "reserve", settings.reserve_bytes),
            slow_seconds=settings.slow_write_seconds,
        )
        self._open_folders(config, settings, config.role, clock)
        self.region = LoggedRegion(config.role, deployment.place(config.role).region, self._records, self._objects)
        self._links = SignedLinks(deployment.place(config.role).url, deployment.key("object-link"), clock, settings.link_seconds)
        super().__init__(config, settings, clock, Stores(self.region, self._uploads, self._links, SWEEP_SECONDS, self._records.close))
        acknowledges = settings.durability != "async"
        self._replicator = Replicator(
            self.region,
            self._peer,
            clock,
            heartbeat_seconds=settings.heartbeat_seconds,
            acknowledges=acknowledges,
            catches_up=lambda: self._continuity.catches_up(),
        )
        self.exposure = RegionExposure(self._records, self._uploads, self._application.uploads)
        self._continuity = Continuity(self.region, self._peer, self._authority, clock, settings.loss_changes_max, self._kept_anywhere)
        self._exchange = LedgerExchange(self.region, self._peer, clock)
        self.repairs = Repairs(self._records, self._objects, self._peer, clock)
        pace = Pace(settings.scrub_days, settings.scrub_bytes_per_second)
        self.comparable = self._records
        self._audit = Audit(self._records, self._peer, clock)
        self._scrub = Scrub(self._records, self._objects, self.repairs, clock, config.folder / "scrub.json", pace)

    def _open_folders(self, config: PartConfig, settings: Settings, role: Role, clock: Clock) -> None:
        """After the records, which know whose folder this is. Raises DiskFailed."""
        url, key = config.deployment.place(role).url, config.deployment.key("upload-ticket")
        slow_seconds = settings.slow_write_seconds
        try:
            self._objects = FileObjects(config.folder / "objects", clock, self._mend, slow_seconds)
            self._uploads = PendingUploads(config.folder / "pending", url, key, clock, settings.ticket_seconds, slow_seconds)
        except DiskFailed:
            self._records.close()
            raise
        self._folders = self._objects, self._uploads

    def _object_routes(self) -> Sequence[Any]:
        return object_routes(self._uploads, self._links, self._objects, self._settings.upload_bytes_max)

    def _internal_routes(self) -> Sequence[Any]:
        guards = Guards(self._deployment, self._accounts.identify)
        internal = InternalAPI(self, guards, self._clock, self._settings.heartbeat_seconds)
        return [*RebuildAPI(self, guards).routes(), *internal.routes()]

    def _work(self) -> Sequence[Work]:
        starting = [self._continuity.run, self._exchange.run, self._tell_authority, self._expunge]
        objects = [self._scrub.scrub, self._scrub.watch_presence, self._scrub.watch_known, self._audit.keep, self._audit.watch_spoiled]
        return [self._prove_writing, self._prove_folders, self._keep_lease, self._replicator.run, *starting, *objects]

    def _lag(self) -> Lag:
        return self._replicator.status()

    def _around(self, built: Served, documents: StateDocuments) -> Served:
        return Positions(built, self._records, documents, self._clock, self._settings.position_seconds)

    async def _prove_writing(self) -> None:
        await self._records.prove_writing()
        await self._clock.sleep(QUIET_SECONDS)

    async def _prove_folders(self) -> None:
        """Beside the records: a folder that does not answer must not keep them from being tried."""
        await asyncio.gather(*(folder.prove_writing() for folder in self._folders))
        await self._clock.sleep(QUIET_SECONDS)

    def _writing(self) -> WriteHealth:
        return with_folders(self._records.writing(), [folder.writing() for folder in self._folders])

    async def _keep_lease(self) -> None:
        """In automatic mode, ask for the lease again and again while this region is the writer, well before it runs out."""
        state = await self._records.admitted()
        if self._settings.failover == "automatic" and state.writer is self._role and await self._records.leads():
            await self._renew_lease(state)
        await self._clock.sleep(min(self._settings.lease_seconds / 4, LEASE_PAUSE_SECONDS_MAX))

    async def _renew_lease(self, state: RoutingState, *, degraded: bool = False) -> None:
        # One at a time: an older `not degraded` must not arrive after a newer `degraded`.
        async with self._renewing:
            if self._began_at is None:
                self._began_at = (await self._records.head()).position
            # What was acknowledged without the other region before this process started is not known.
            unknown = self._settings.durability == REMOTE and not self._copies.has_copied(self._began_at)
            degraded = degraded or unknown or self._copies.degraded_since is not None
            writing = self._writing()
            await self._lease.renew(lambda: self._authority.renew_lease(self._role, state.epoch, degraded=degraded, writing=writing))

    async def _announce_degradation(self) -> None:
        """The authority must know before a write is acknowledged that only this region has: it then takes over no more by itself."""
        if self._settings.failover == "automatic":
            await self._renew_lease(await self._records.admitted(), degraded=True)

    async def _expunge(self) -> None:
        while await self._records.expunge(await self._replicator.passed()):
            pass
        await self._clock.sleep(EXPUNGE_SECONDS)

    async def _say_last_words(self) -> None:
        with suppress(MultiregionError):
            await self._report()

    async def _tell_authority(self) -> None:
        await self._report()
        await self._clock.sleep(REPORT_SECONDS)

    async def _report(self) -> None:
        """How far this region has got, for the day that it falls silent."""
        if not await self._continuity.may_report():
            return
        report = await report_of(self._records, self.exposure())
        await self._authority.report(self._role, report)

    async def _mend(self, digest: Digest, condition: Condition) -> None:
        await self.repairs.for_reader(digest, condition)

    def note_copied(self, position: Position) -> None:
        self._copies.acknowledge(position)

    async def audit(self) -> Sequence[Position]:
        return await self._audit.run()

    async def mend_log(self) -> None:
        await self._audit.mend()

    async def restore(self, lost: Change, expected: Position | None, actor: str, force: bool) -> Position:
        return await reapply.restore(self.region, self._peer, lost, expected, actor=actor, force=force)

    async def damage(self) -> Damage:
        try:
            end = (await self._records.head()).mark
        except DatabaseDamaged:
            end = None
        damage = self._records.damage
        return Damage(end, damage.detail if damage else None, self._setting_aside.newest, self._setting_aside.held_for)

    async def hold(self, claim: str) -> None:
        if not (await self.outlook()).ready:
            raise RepairFailed("this region is not whole itself")
        self._setting_aside.hold(claim)

    async def release(self, claim: str) -> None:
        self._setting_aside.release(claim)

    async def check_source(self, claim: str) -> None:
        await check_source(self._peer, claim)

    async def kept(self, marks: Sequence[Mark]) -> str | None:
        return await self._setting_aside.kept(marks)

    async def put_back(self) -> str:
        return await self._setting_aside.put_back((await self._records.head()).mark)

    async def _kept_anywhere(self, marks: Sequence[Mark], both: bool) -> Role | None:
        if await self.kept(marks) is not None:
            return self._role
        return self._role.other if both and await self._peer.kept(marks) is not None else None

    async def set_aside(self, claim: str) -> str:
        await self.check_source(claim)
        return self._setting_aside.order()

    async def outlook(self) -> Outlook:
        undamaged = self._records.damage is None
        ready = undamaged and self._records.confirmed and self._records.proved and await self._records.is_whole()
        return Outlook(await self._records.head(), await self._records.admitted(), ready, self._replicator.last_known, self._writing())

    def _needed_word(self, state: RoutingState) -> str | None:
        """The command that an operator has to run before this region goes on, if there is one."""
        return advice.RECOVER if self._records.is_disputed or self._heard_authority.objection(state) else self._continuity.needs

    async def status(self) -> Said:
        with suppress(DatabaseDamaged):
            status = await self._own_status()
            if self._records.damage is None:
                return status
        damage = self._records.damage
        assert damage is not None
        return damaged(self.region.name, self._role, damage.detail, advice.repair(self._role))

    async def _own_status(self) -> RegionStatus:
        state, head = await self._records.admitted(), await self._records.head()
        whole, writing, refusal = await self._records.is_whole(), self._writing(), await self._records.refusal()
        reasons = self._waits_because(state)
        lost = "has lost its records and " if self._continuity.lost_disk else ""
        begins = self._continuity.founds or (state.epoch == UNFOUNDED.epoch and self._setting_aside.newest is None)
        reasons += [] if whole or begins else [f"{lost}copies everything from the other region"]
        reasons += [self._continuity.reason] if self._continuity.reason else []
        proved = self._records.proved
        writer = state.writer is self._role
        needs_lease = writer and self._settings.failover == "automatic" and not self._lease.holds()
        reasons += ["holds no lease from the authority; reads are served, writes are not"] if needs_lease else []
        reasons += [writing.sentence()] if writing.problem else []
        reasons += [advice.spoiled(self._audit.spoiled)] if self._audit.spoiled else []
        reasons += [f"does not accept writes: {refusal.detail}"] if writer and refusal and not reasons else []
        ready = self._records.confirmed and whole and proved and not needs_lease and not (writer and writing.problem)
        turns = self._replicator.turns(state)
        problem = COMPARES if turns else self._replicator.problem
        reasons += [f"replication: {problem}"] if problem and not self._continuity.is_cut else []
        reasons += ["the other region has changes that are not in this log; it undoes them and follows"] if self._replicator.parted else []
        return RegionStatus(
            ready=ready,
            needs=self._needed_word(state),
            reasons=reasons,
            region=self.region.name,
            role=self._role,
            state=state.state,
            epoch=state.epoch,
            writes=refusal is None,
            writing=writing_of(writing),
            log_epoch=head.position.epoch,
            sequence=head.position.sequence,
            chain=head.chain,
            history=state.history,
            content=head.content,
            lag=UNKNOWN_LAG if turns else self._lag(),
            replicating=self._replicator.problem is None and not turns,
            missing=missing_of(self._replicator.last_known),
            uploads_in_flight=self.exposure.uploads(),
            counts={partition: await self._records.count(partition) for partition in self._application.counted},
            objects=self._scrub.status(),
            losses=await self._records.pending_losses(),
            durability=self._settings.durability,
            degraded_since=iso(self._copies.degraded_since) if self._copies.degraded_since else None,
            lease_seconds=self._lease.remaining() if self._settings.failover == "automatic" else None,
        )
