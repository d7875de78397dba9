"""The authority as a process: the state and its history, and the controller behind the operators' API."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from multiregion.accepting import Histories
from multiregion.api.asgi import Served, application
from multiregion.api.authority import AuthorityAPI, AutomaticAPI
from multiregion.api.console import ConsoleAPI
from multiregion.api.documents import StateDocuments
from multiregion.api.drills import DrillsAPI
from multiregion.api.guards import Guards
from multiregion.api.losses import LossAPI
from multiregion.api.operator import OperatorAPI
from multiregion.api.routing import StateNews
from multiregion.application import load
from multiregion.automatic import Automatic
from multiregion.clock import Clock, SystemClock
from multiregion.config import PartConfig, Settings
from multiregion.durability import REMOTE
from multiregion.embedded.authority import SqliteState
from multiregion.embedded.database import QUIET_SECONDS
from multiregion.embedded.reserve import Reserve
from multiregion.leases import Leases
from multiregion.local.clients import RegionClient
from multiregion.local.operators import Operators
from multiregion.losses import LossLedger
from multiregion.predictions import InformedRegion, RegionControl
from multiregion.progress import Progress, WatchedController
from multiregion.rebuild import Rebuild
from multiregion.rehearsal import Rehearsals
from multiregion.reports import Reports
from multiregion.states import Role, RoutingState
from multiregion.stores import Decision, Entries, StateStore
from multiregion.verification import Verification


class KeptState(StateStore, Entries, Protocol):
    """The authority's store that this process opens, begins and closes."""

    async def begin(self) -> None: ...

    def close(self) -> None: ...


class Announcing:
    """A StateStore that tells whoever waits as soon as something is decided."""

    def __init__(self, store: StateStore, news: StateNews) -> None:
        self._store = store
        self._news = news

    async def read(self) -> RoutingState:
        return await self._store.read()

    async def replace(
        self, old: RoutingState, new: RoutingState, *, actor: str, reason: str, facts: Mapping[str, Any] | None = None
    ) -> RoutingState:
        state = await self._store.replace(old, new, actor=actor, reason=reason, facts=facts)
        self._news.publish(state)
        return state

    async def note(self, what: str, *, actor: str, reason: str, facts: Mapping[str, Any]) -> None:
        await self._store.note(what, actor=actor, reason=reason, facts=facts)

    async def history(self, limit: int = 50, *, about: str | None = None) -> Sequence[Decision]:
        return await self._store.history(limit, about=about)


def leases_of(clock: Clock, settings: Settings) -> Leases | None:
    """Those that an authority which has just started grants; None where failover is manual."""
    if settings.failover != "automatic":
        return None
    # It is not known whether the writer has degraded; what is not known counts as if it had.
    return Leases(clock, settings.lease_seconds, degraded=settings.durability == REMOTE)


def state_store(config: PartConfig, settings: Settings, clock: Clock) -> KeptState:
    if config.store == "aws":
        from multiregion.local.engines import authority_store

        return authority_store(config, settings, clock)
    return SqliteState(
        config.folder / "authority.db",
        clock,
        history=config.deployment.first_history,
        deployment=config.deployment.app_id,
        reserve=Reserve(config.folder / "reserve", settings.reserve_bytes),
        slow_seconds=settings.slow_write_seconds,
    )


async def keep_trying(store: SqliteState, clock: Clock) -> None:
    """The authority writes seldom, and has to know whether it could."""
    while True:
        await store.prove_writing()
        await clock.sleep(QUIET_SECONDS)


def informed(
    regions: Mapping[Role, RegionControl], state: StateStore, reports: Reports | None, leases: Leases | None
) -> Mapping[Role, RegionControl]:
    """Regions on engines report nothing."""
    return regions if reports is None else {role: InformedRegion(region, role, state, reports, leases) for role, region in regions.items()}


def verifying(clients: Mapping[Role, RegionClient], names: Mapping[Role, str], clock: Clock) -> Callable[[bool, bool], Verification]:
    def verification(deep: bool, repair: bool) -> Verification:
        sides = (clients[Role.PRIMARY], clients[Role.SECONDARY])
        return Verification(*sides, (names[Role.PRIMARY], names[Role.SECONDARY]), clock, deep=deep, repair=repair)

    return verification


def authority_application(config: PartConfig, settings: Settings) -> Served:
    clock, deployment = SystemClock(), config.deployment
    config.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = state_store(config, settings, clock)
    news = StateNews()
    state = Announcing(store, news)
    clients = {role: RegionClient(deployment.place(role).url, deployment) for role in Role}
    names = {role: deployment.place(role).region for role in Role}
    operators = Operators(config.folder, deployment, clients, clock)
    leases = leases_of(clock, settings)
    own = store if isinstance(store, SqliteState) else None
    regions = informed(clients, state, own, leases)
    progress = Progress(clock)
    histories = Histories(state, own, clients, names, settings.loss_changes_max) if own else None
    controller = WatchedController(progress, state, regions, names, clock, settings, leases, histories)
    obstacle = own.obstacle if own else None
    automatic = Automatic(state, controller, regions, leases, clock, settings, obstacle) if leases else None

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        await store.begin()
        news.publish(await store.read())
        watching = [asyncio.create_task(operators.keyring.keep_up())]
        watching += [asyncio.create_task(keep_trying(own, clock))] if own else []
        watching += [asyncio.create_task(automatic.run())] if automatic else []
        try:
            yield
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            store.close()

    documents = StateDocuments(deployment)
    guards = Guards(deployment, operators.identify)
    rebuild = Rebuild(state, own, own, clients, names, clock) if own else None
    rehearsals = Rehearsals(state, regions, names, clock, settings)
    about_automatic = AutomaticAPI(state, automatic, guards)
    parts = controller, clients, verifying(clients, names, clock), rebuild, documents, guards
    routes = [
        *OperatorAPI(state, store, about_automatic.document, *parts, own.writing if own else None).routes(),
        *ConsoleAPI(rehearsals, progress, names, settings, documents, guards, own, clock).routes(),
        *LossAPI(LossLedger(clients, names, state), load(config.application), documents, guards).routes(),
        *AuthorityAPI(state, own, news, leases, guards, clock).routes(),
        *about_automatic.routes(),
        *DrillsAPI(own, documents, guards).routes(),
    ]
    return application(routes, documents, deployment.edge, lifespan)
