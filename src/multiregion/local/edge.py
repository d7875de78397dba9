"""The edge as a process: the web app, and, where `multiregion up` runs every part, the faults that its console can make."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

from multiregion.api.asgi import Served
from multiregion.api.edge import edge_application
from multiregion.api.faults import FaultsAPI
from multiregion.api.guards import Guards
from multiregion.application import load
from multiregion.clock import SystemClock
from multiregion.config import GALLERY, PartConfig, Settings
from multiregion.local.clients import RegionClient
from multiregion.local.deployment import DataFolder
from multiregion.local.faults import Faults
from multiregion.local.operators import Operators
from multiregion.states import Role


def edge_process(config: PartConfig, settings: Settings, *, supervised: bool) -> Served:
    """`supervised`: a supervisor on this machine runs it, and with it all other parts."""
    clock, deployment = SystemClock(), config.deployment
    regions = {role: RegionClient(deployment.place(role).url, deployment) for role in Role}
    operators = Operators(config.folder, deployment, regions, clock)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        keeping_up = asyncio.create_task(operators.keyring.keep_up())
        try:
            yield
        finally:
            keeping_up.cancel()
            await asyncio.gather(keeping_up, return_exceptions=True)

    faults = Faults(DataFolder(config.folder.parent), clock) if supervised else None
    routes = FaultsAPI(faults, Guards(deployment, operators.identify)).routes()
    web = Path(str(files("multiregion").joinpath("web")))
    application, own = load(config.application), config.application != GALLERY
    limits = application.limits(settings) if application.limits else {}
    return edge_application(
        deployment, settings, web, routes, lifespan, local=supervised, own=own, site=application.site if own else None, limits=limits
    )
