"""What every region's process does, whatever keeps its data: it serves the application, and obeys the authority."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from multiregion import advice
from multiregion.accounts import Accounts
from multiregion.accounts.outbox import Outbox
from multiregion.api import identity as identity_api
from multiregion.api.applied import Applied, alive
from multiregion.api.asgi import OperationsAPI, Served, application
from multiregion.api.authentication import Authenticate
from multiregion.api.documents import StateDocuments
from multiregion.api.observation import ObservationAPI
from multiregion.api.routing import RoutingAPI, StateNews
from multiregion.application import Region, load
from multiregion.callers import Caller
from multiregion.clock import Clock
from multiregion.config import PartConfig, Settings
from multiregion.errors import MultiregionError
from multiregion.lag_history import LagHistory
from multiregion.local.clients import AuthorityClient, HttpPeer
from multiregion.predictions import Outlook
from multiregion.region import Region as Data
from multiregion.states import RoutingState
from multiregion.status import Said
from multiregion.stores import Lag, Links, Uploads
from multiregion.sweep import sweep

log = logging.getLogger("multiregion.region")

FOLLOW_PAUSE_SECONDS = 0.2
TIMES_HEARD = 2
ATTEMPTS_WAITING_MAX = 1_000
ATTEMPTS_TOLD_MAX = 100
Work = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Stores:
    """What keeps a region's data, how often it is swept, and how it is closed."""

    region: Data
    uploads: Uploads
    links: Links
    sweep_seconds: float
    close: Callable[[], None]


class HeardAuthority:
    """Whether the authority knows less than this region. Believed when it says so twice: what it said once may have been on its way
    since before the last decision."""

    def __init__(self) -> None:
        self._refused = 0
        self._told: RoutingState | None = None

    def says(self, told: RoutingState, admitted: RoutingState) -> None:
        self._refused = 0 if told.is_taken_by(admitted) else self._refused + 1
        self._told = told

    async def follow(
        self, words: AsyncIterator[RoutingState], admit: Callable[[RoutingState], Awaitable[RoutingState]]
    ) -> AsyncIterator[RoutingState]:
        """What the region obeys after each word. Ends after one that is refused first, so that the next is of another connection: on
        this one any number may have been on their way."""
        async for told in words:
            admitted = await admit(told)
            self.says(told, admitted)
            yield admitted
            if self._refused == 1:
                return

    def objection(self, admitted: RoutingState) -> str | None:
        """What an operator has to know, with the command that helps."""
        return advice.knows_less(admitted, self._told) if self._told is not None and self._refused >= TIMES_HEARD else None


class ServedRegion(ABC):
    """Joins the parts that do not depend on what keeps the data."""

    region: Data

    def __init__(self, config: PartConfig, settings: Settings, clock: Clock, stores: Stores) -> None:
        assert config.peer is not None
        deployment = config.deployment
        self._clock, self._deployment, self._role = clock, deployment, stores.region.role
        self._settings = settings
        self.region = stores.region
        self._stores = stores
        self._peer = HttpPeer(config.peer, deployment)
        self._authority = AuthorityClient(deployment.authority, deployment)
        outbox = Outbox(config.folder / "outbox.jsonl", clock)
        self._accounts = Accounts(stores.region, clock, settings, deployment, outbox.deliver, self._share_attempt)
        self._application = load(config.application)
        self._authenticate = Authenticate(self._accounts, deployment, clock)
        self._seen = Region(self._application, stores.region, stores.uploads, stores.links, clock, settings, self._caller)
        self._built = self._application.build(self._seen)
        self._lags = LagHistory(self._lag, clock)
        self._news = StateNews()
        self._told = asyncio.Event()
        self._heard_authority = HeardAuthority()
        self._attempts: asyncio.Queue[tuple[str, str]] = asyncio.Queue(ATTEMPTS_WAITING_MAX)
        self._counts: Counter[tuple[str, int]] = Counter()

    # What depends on what keeps the data

    def _object_routes(self) -> Sequence[Any]:
        """Where objects are sent to and got from, if that is not an engine."""
        return []

    @abstractmethod
    def _internal_routes(self) -> Sequence[Any]:
        """What the other parts of the deployment ask."""

    @abstractmethod
    def _work(self) -> Sequence[Work]:
        """What goes on in the background besides what every region does."""

    @abstractmethod
    def _lag(self) -> Lag:
        """How far this region is behind the other one now."""

    def _around(self, built: Served, documents: StateDocuments) -> Served:
        """What stands between the application and its clients."""
        return built

    def _described(self) -> Mapping[str, Any]:
        """The application's part of the OpenAPI document; FastAPI makes one by itself."""
        describe = self._application.openapi or getattr(self._built, "openapi", None)
        return describe() if callable(describe) else {}

    async def _caller(self, authorization: str) -> Caller:
        return await self._authenticate.bearer_of(authorization)

    def _waits_because(self, state: RoutingState) -> list[str]:
        """What stands between this region and the authority, if anything does."""
        confirmed = self.region.records.confirmed
        found = [self._heard_authority.objection(state) or ("" if confirmed else "waits for the authority to confirm the state")]
        return [f"{reason}{'' if confirmed else '; reads are served, writes are not'}" for reason in found if reason]

    @abstractmethod
    async def status(self) -> Said:
        """For readiness, metrics, `multiregion status` and the console."""

    # What does not

    def application(self) -> Served:
        deployment, settings, records = self._deployment, self._settings, self.region.records
        documents = StateDocuments(deployment)
        authenticate = self._authenticate
        routing = RoutingAPI(deployment.app_id, records, self._news, documents, streams_max=settings.event_streams_max)
        routes = [
            *routing.routes(),
            *self._object_routes(),
            *(identity_api.routes(self._accounts, deployment, self._clock, authenticate) if self._application.accounts else []),
            *OperationsAPI(self.status, self._counts, self._described()).routes(),
            *ObservationAPI(self.status, lambda: self._lags.samples, authenticate).routes(),
            *self._internal_routes(),
        ]
        otherwise = Applied(self._around(self._built, documents), documents)
        more = getattr(self._built, "routes", [])
        return application(routes, documents, deployment.edge, self._lifespan, self._counts, otherwise=otherwise, more=more)

    @asynccontextmanager
    async def _lifespan(self) -> AsyncIterator[None]:
        work = (self._follow_authority, self._prepare, self._sweep, self._tell_attempts, self._lags.keep, *self._work())
        self._seen.bind()
        tasks = [asyncio.create_task(self._forever(each)) for each in work]
        try:
            async with alive(self._built):
                yield
        finally:
            await self._say_last_words()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._stores.close()

    async def _forever(self, work: Work) -> None:
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
        async with aclosing(self._authority.follow()) as words:  # type: ignore[type-var]
            async for admitted in self._heard_authority.follow(words, self.region.records.admit):
                self.note_admitted(admitted)
                self._told.set()

    async def _prepare(self) -> None:
        """What the first writer must make before anybody can sign in; begun again until it is done."""
        await self._told.wait()
        if self._application.accounts and (await self.region.records.admitted()).writer is self._role:
            await self._accounts.prepare()
            self._told.clear()

    async def _say_last_words(self) -> None:  # noqa: B027  most have nothing to say
        """Before an orderly end; it must not take long."""

    async def identify(self, id_token: str) -> Caller:
        return await self._accounts.identify(id_token)

    def note_attempt(self, user: str, address: str) -> None:
        self._accounts.count_elsewhere(user, address)

    @abstractmethod
    async def outlook(self) -> Outlook:
        """For whoever decides about a switch or a takeover."""

    def note_admitted(self, state: RoutingState) -> None:
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
        await self._clock.sleep(self._stores.sweep_seconds)
        await sweep(self._application, self._seen, self.region, self._stores.uploads)
