"""What a region's process does about a database that is damaged, or on a disk that cannot be written: it reports it, and sets a damaged
one aside when that is ordered."""

import logging
from collections.abc import Callable
from pathlib import Path

from multiregion import advice
from multiregion.api.asgi import Served
from multiregion.api.damaged import DamagedAPI
from multiregion.clock import Clock, SystemClock
from multiregion.config import PartConfig
from multiregion.embedded import aside
from multiregion.embedded.folders import why_not_made
from multiregion.errors import DatabaseDamaged, DiskFailed, DiskFull, ForeignDatabase, MultiregionError
from multiregion.rebuild import Damage
from multiregion.status import damaged

log = logging.getLogger("multiregion.region")


class SettingAside:
    """A region's database as it was found at this start, and the order to begin again without it."""

    def __init__(self, database: Path, restart: Callable[[], None], clock: Clock) -> None:
        """Carries out what was ordered before this start."""
        aside.carry_out(database)
        self._database = database
        self._restart = restart
        self._clock = clock
        self.newest = aside.newest(database)

    def order(self) -> str:
        folder = aside.order(self._database, self._clock)
        self._restart()
        return folder


class DamagedRegion:
    """Runs in place of a region whose database cannot be opened, or is another deployment's: nothing in it is served or told."""

    def __init__(self, config: PartConfig, damage: DatabaseDamaged, restart: Callable[[], None]) -> None:
        assert config.role is not None
        self._config = config
        self._role = config.role
        self._damage = damage
        self._database = config.folder / "region.db"
        self._setting_aside = SettingAside(self._database, restart, SystemClock())
        log.error("%s: %s", self._database, damage.detail)

    def application(self) -> Served:
        deployment = self._config.deployment
        status = damaged(deployment.place(self._role).region, self._role, self._damage.detail, advice.repair(self._role))
        return DamagedAPI(deployment, self, status, self._damage).application()

    async def damage(self) -> Damage:
        end = None if isinstance(self._damage, ForeignDatabase) else aside.end_in(self._database)
        return Damage(end, self._damage.detail, self._setting_aside.newest)

    async def set_aside(self) -> str:
        return self._setting_aside.order()


class UnwritableRegion:
    """Runs in place of a region whose folder cannot be written: it does not even read, as SQLite cannot open its journal there."""

    def __init__(self, config: PartConfig, error: OSError | DiskFailed | DiskFull) -> None:
        assert config.role is not None
        self._config = config
        self._role = config.role
        self._refusal = unwritable(config, config.role, error)
        log.error("%s", self._refusal.detail)

    def application(self) -> Served:
        deployment = self._config.deployment
        status = damaged(deployment.place(self._role).region, self._role, self._refusal.detail, advice.start(self._role))
        return DamagedAPI(deployment, self, status, self._refusal).application()

    async def damage(self) -> Damage:
        return Damage(None, self._refusal.detail, None)

    async def set_aside(self) -> str:
        raise self._refusal


def unwritable(config: PartConfig, part: str, error: OSError | DiskFailed | DiskFull) -> DiskFailed | DiskFull:
    """What an operator is told of a part that cannot start upon its folder, and what to do."""
    why = error.detail if isinstance(error, MultiregionError) else why_not_made(config.folder, error)
    kind = DiskFull if isinstance(error, DiskFull) else DiskFailed
    return kind(
        f"the folder {config.folder} of the {called(part)} cannot be written ({why.rstrip('.')}). Mount it writable again, or mend it;"
        f" then: {advice.start(part)}"
    )


def called(part: str) -> str:
    return "authority" if part == "authority" else f"{part} region"
