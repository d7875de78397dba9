"""One region as a process: its stores, its HTTP API, and the tasks that follow the authority and the other region."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any

from multiregion.accounts import Accounts
from multiregion.accounts.outbox import Outbox
from multiregion.api import application as application_api
from multiregion.api import identity as identity_api
from multiregion.api.authentication import Authenticate
from multiregion.api.documents import StateDocuments
from multiregion.api.internal import InternalAPI
from multiregion.api.positions import positions
from multiregion.api.region import Application, OperationsAPI, application
from multiregion.api.routing import RoutingAPI, StateNews
from multiregion.clock import Clock, SystemClock, iso
from multiregion.config import PartConfig, Settings
from multiregion.controller import Outlook
from multiregion.durability import RemoteCopies
from multiregion.embedded.links import SignedLinks
from multiregion.embedded.objects import FileObjects
from multiregion.embedded.pending import PendingUploads
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import MultiregionError
from multiregion.leases import Lease
from multiregion.local.clients import AuthorityClient, HttpPeer
from multiregion.photos.comments import Comments
from multiregion.photos.gallery import Photos
from multiregion.recovery import restore
from multiregion.region import LoggedRegion
from multiregion.replication import Replicator
from multiregion.states import RoutingState
from multiregion.stores import Change, Position

log = logging.getLogger("multiregion.region")

FOLLOW_PAUSE_SECONDS = 0.2
SWEEP_SECONDS = 60.0
LEASE_PAUSE_SECONDS_MAX = 1.0
ATTEMPTS_WAITING_MAX = 1_000
ATTEMPTS_TOLD_MAX = 100


class RegionProcess:
    """Joins a region's parts. The only place where they all are known."""

    def __init__(self, config: PartConfig, settings: Settings) -> None:
        assert config.role is not None and config.peer is not None
        clock: Clock = SystemClock()
        deployment = config.deployment
        self._clock, self._deployment, self._role = clock, deployment, config.role
        config.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._authority = AuthorityClient(deployment.authority, deployment)
        self._peer = HttpPeer(config.peer, deployment)
        self._lease = Lease(clock)
        self._renewing = asyncio.Lock()
        lease = self._lease.holds if settings.failover == "automatic" else None
        self._copies = RemoteCopies(clock, settings.durability, settings.remote_seconds, self._announce_degradation)
        self._records = SqliteRecords(
            config.folder / "region.db", config.role, clock, founding=config.founding, lease=lease, durability=self._copies
        )
        self._objects = FileObjects(config.folder / "objects", clock)
        self.region = LoggedRegion(config.role, deployment.place(config.role).region, self._records, self._objects)
        url = deployment.place(config.role).url
        self._links = SignedLinks(url, deployment.key("object-link"), clock, settings.link_seconds)
        self._uploads = PendingUploads(config.folder / "pending", url, deployment.key("upload-ticket"), clock, settings.ticket_seconds)
        outbox = Outbox(config.folder / "outbox.jsonl", clock)
        self._accounts = Accounts(self.region, clock, settings, deployment, outbox.deliver, self._share_attempt)
        self._photos = Photos(self.region, self._uploads, self._links, clock, settings)
        self._comments = Comments(self.region, clock, settings)
        acknowledges = settings.durability != "async"
        self._replicator = Replicator(
            self.region, self._peer, clock, heartbeat_seconds=settings.heartbeat_seconds, acknowledges=acknowledges
        )
        self._news = StateNews()
        self._told = asyncio.Event()
        self._attempts: asyncio.Queue[tuple[str, str]] = asyncio.Queue(ATTEMPTS_WAITING_MAX)
        self._counts: Counter[tuple[str, int]] = Counter()
        self._settings = settings

    def application(self) -> Application:
        deployment, settings = self._deployment, self._settings
        documents = StateDocuments(deployment)
        authenticate = Authenticate(self._accounts, deployment, self._clock)
        routing = RoutingAPI(deployment.app_id, self._records, self._news, documents, streams_max=settings.event_streams_max)
        internal = InternalAPI(
            self.region,
            self._records,
            deployment,
            self.report,
            self._clock,
            admitted=self._on_admitted,
            acknowledged=self._copies.acknowledge,
            attempted=self._accounts.count_elsewhere,
            restore=self._restore,
            outlook=self.outlook,
            heartbeat_seconds=settings.heartbeat_seconds,
        )
        routes = [
            *routing.routes(),
            *application_api.routes(
                self._photos, self._comments, authenticate, settings, uploads=self._uploads, links=self._links, objects=self._objects
            ),
            *identity_api.routes(self._accounts, deployment, self._clock, authenticate),
            *OperationsAPI(self.report, self._counts).routes(),
            *internal.routes(),
        ]
        reading = positions(self._records, documents, self._clock, settings.position_seconds)
        return application(routes, documents, deployment.edge, self._lifespan, self._counts, [reading])

    @asynccontextmanager
    async def _lifespan(self) -> AsyncIterator[None]:
        work = (self._follow_authority, self._keep_lease, self._replicator.run, self._prepare, self._sweep, self._tell_attempts)
        tasks = [asyncio.create_task(self._forever(each)) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._photos.close()
            self._records.close()

    async def _forever(self, work: Callable[[], Awaitable[None]]) -> None:
        """A background task must neither end nor take the region with it: what it raises is logged, and it is begun again."""
        while True:
            try:
                await work()
            except MultiregionError as error:
                log.info("%s: %s", work.__name__, error.detail)
            except Exception:
                log.exception("%s failed and is started again", work.__name__)
            await self._clock.sleep(FOLLOW_PAUSE_SECONDS)

    async def _follow_authority(self) -> None:
        async for state in self._authority.follow():
            self._on_admitted(await self._records.admit(state))
            self._told.set()

    async def _prepare(self) -> None:
        """What the first writer must make before anybody can sign in; begun again until it is done."""
        await self._told.wait()
        if (await self._records.admitted()).writer is self._role:
            await self._accounts.prepare()
            self._told.clear()

    def _on_admitted(self, state: RoutingState) -> None:
        if self._news.newest is None or self._news.newest.epoch < state.epoch:
            log.info("admitted %s, epoch %d", state.state, state.epoch)
        self._news.publish(state)

    def _share_attempt(self, user: str, address: str) -> None:
        """For the other region, if it can be told in time: while the link is cut, the newest are forgotten first."""
        with suppress(asyncio.QueueFull):
            self._attempts.put_nowait((user, address))

    async def _tell_attempts(self) -> None:
        attempts = [await self._attempts.get()]
        while not self._attempts.empty() and len(attempts) < ATTEMPTS_TOLD_MAX:
            attempts.append(self._attempts.get_nowait())
        await self._peer.share_attempts(attempts)

    async def _sweep(self) -> None:
        await self._clock.sleep(SWEEP_SECONDS)
        await self._photos.sweep()

    async def _keep_lease(self) -> None:
        """In automatic mode, ask for the lease again and again while this region is the writer, well before it runs out."""
        state = await self._records.admitted()
        if self._settings.failover == "automatic" and state.writer is self._role:
            await self._renew_lease(state)
        await self._clock.sleep(min(self._settings.lease_seconds / 4, LEASE_PAUSE_SECONDS_MAX))

    async def _renew_lease(self, state: RoutingState, *, degraded: bool = False) -> None:
        # One at a time: an older `not degraded` must not arrive after a newer `degraded`.
        async with self._renewing:
            degraded = degraded or self._copies.degraded_since is not None
            asked_at = self._lease.asking()
            self._lease.granted(asked_at, await self._authority.renew_lease(self._role, state.epoch, degraded=degraded))

    async def _announce_degradation(self) -> None:
        """The authority must know before a write is acknowledged that only this region has: it then takes over no more by itself."""
        if self._settings.failover == "automatic":
            await self._renew_lease(await self._records.admitted(), degraded=True)

    async def _restore(self, lost: Change, expected: Position | None, actor: str, force: bool) -> Position:
        return await restore(self.region, self._peer, lost, expected, actor=actor, force=force)

    async def outlook(self) -> Outlook:
        ready = self._records.confirmed and await self._records.is_whole()
        return Outlook(await self._records.head(), await self._records.admitted(), ready, self._replicator.last_known)

    async def report(self) -> dict[str, Any]:
        """What this region says of itself: for readiness, metrics and `multiregion status`."""
        state, head = await self._records.admitted(), await self._records.head()
        whole = await self._records.is_whole()
        reasons = [] if self._records.confirmed else ["waits for the authority to confirm the state; reads are served, writes are not"]
        reasons += [] if whole else ["has lost its records and is copying everything from the other region"]
        writer = state.writer is self._role
        needs_lease = writer and self._settings.failover == "automatic" and not self._lease.holds()
        reasons += ["holds no lease from the authority; reads are served, writes are not"] if needs_lease else []
        ready = self._records.confirmed and whole and not needs_lease
        return {
            "ready": ready,
            "reasons": reasons + ([f"replication: {self._replicator.problem}"] if self._replicator.problem else []),
            "region": self.region.name,
            "role": self._role,
            "state": state.state,
            "epoch": state.epoch,
            "writes": writer and ready,
            "logEpoch": head.position.epoch,
            "sequence": head.position.sequence,
            "content": head.content,
            "lag": asdict(self._replicator.status()),
            "photos": await self._records.count("photos"),
            "users": await self._records.count("users"),
            "losses": await self._records.pending_losses(),
            "durability": self._settings.durability,
            "degradedSince": iso(self._copies.degraded_since) if self._copies.degraded_since else None,
            "leaseSeconds": self._lease.remaining() if self._settings.failover == "automatic" else None,
        }
