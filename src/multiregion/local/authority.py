"""The authority as a process: the state and its history, and the controller behind the operators' API."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from multiregion.api.documents import StateDocuments
from multiregion.api.operator import OperatorAPI
from multiregion.api.region import Application, application
from multiregion.api.routing import StateNews
from multiregion.clock import SystemClock
from multiregion.config import PartConfig, Settings
from multiregion.controller import Controller
from multiregion.embedded.authority import SqliteState
from multiregion.local.clients import RegionClient
from multiregion.states import Role, RoutingState
from multiregion.stores import Decision, StateStore
from multiregion.verification import Verification


class Announcing:
    """A StateStore that tells whoever waits as soon as something is decided."""

    def __init__(self, store: StateStore, news: StateNews) -> None:
        self._store = store
        self._news = news

    async def read(self) -> RoutingState:
        return await self._store.read()

    async def replace(self, old: RoutingState, new: RoutingState, *, actor: str, reason: str) -> RoutingState:
        state = await self._store.replace(old, new, actor=actor, reason=reason)
        self._news.publish(state)
        return state

    async def history(self, limit: int = 50) -> Sequence[Decision]:
        return await self._store.history(limit)


def authority_application(config: PartConfig, settings: Settings) -> Application:
    clock, deployment = SystemClock(), config.deployment
    config.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = SqliteState(config.folder / "authority.db", clock)
    news = StateNews()
    state = Announcing(store, news)
    regions = {role: RegionClient(deployment.place(role).url, deployment) for role in Role}
    names = {role: deployment.place(role).region for role in Role}
    controller = Controller(state, regions, names, clock, drain_seconds=settings.drain_seconds)

    def verification(deep: bool) -> Verification:
        sides = (regions[Role.PRIMARY], regions[Role.SECONDARY])
        return Verification(*sides, (names[Role.PRIMARY], names[Role.SECONDARY]), clock, deep=deep)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        await store.begin()
        news.publish(await store.read())
        try:
            yield
        finally:
            store.close()

    api = OperatorAPI(state, controller, regions, verification, deployment, news)
    return application(api.routes(), StateDocuments(deployment), deployment.edge, lifespan)
