"""What a drill is made with on this machine: joined here, and only here."""

import platform
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from multiregion import __version__
from multiregion.application import load
from multiregion.clock import SystemClock
from multiregion.config import read_part
from multiregion.drills.evidence import Sealer
from multiregion.drills.faults import UndoFile
from multiregion.drills.operator import HttpOperator
from multiregion.drills.performance import Means
from multiregion.drills.target import HttpTarget
from multiregion.errors import BadDeployment
from multiregion.local.abandoned import key_file
from multiregion.local.deployment import DataFolder, made
from multiregion.local.drilling import LocalInjector


async def driver(stack: AsyncExitStack, folder: DataFolder, out: Path, actor: str, tell: Callable[[dict[str, Any]], None]) -> Means:
    """Raises BadDeployment if the application does not say how it is drilled."""
    deployment, clock = folder.read(), SystemClock()
    config = read_part(folder.folder / "config" / "authority.json")
    make_probe = load(config.application).drill
    if make_probe is None:
        raise BadDeployment(f"the application {config.application} does not say how it is drilled: Application(…, drill=…)")
    places = {"primary": deployment.primary, "secondary": deployment.secondary}
    token = deployment.authority.operator_token
    environment = {
        "multiregion": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "application": config.application,
        "settings_changed": config.settings,
        "topology": {role: {"region": place.region, "url": place.url} for role, place in places.items()},
        "clocks": "all parts and the driver share this machine's clock",
    }
    return Means(
        operator=await stack.enter_async_context(HttpOperator(deployment.authority.url, token, actor)),
        target=await stack.enter_async_context(HttpTarget(deployment.app_id, places, token)),
        injector=LocalInjector(folder, clock),
        undo=UndoFile(folder.folder),
        sealer=Sealer.open(key_file(folder)),
        make_probe=make_probe,
        clock=clock,
        tell=tell,
        out=made(out),
        environment=environment,
        offsets={"primary": 0, "secondary": 0, "authority": 0},
    )
