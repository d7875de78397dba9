"""What a region's process does about a database that is damaged, or on a disk that cannot be written: it reports it, and sets a damaged
one aside when that is ordered."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from multiregion import advice
from multiregion.api.asgi import Served
from multiregion.api.damaged import DamagedAPI
from multiregion.clock import Clock, SystemClock
from multiregion.config import PartConfig
from multiregion.embedded import aside
from multiregion.embedded.folders import why_not_made
from multiregion.errors import DatabaseDamaged, DiskFailed, DiskFull, ForeignDatabase, MultiregionError, RepairFailed
from multiregion.local.clients import HttpPeer
from multiregion.rebuild import Damage, check_source
from multiregion.status import damaged
from multiregion.stores import Mark

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
        self._sound: dict[Path, bool] = {}

    async def kept(self, marks: Sequence[Mark]) -> str | None:
        """The newest folder with a sound database whose log has one of these."""
        return await self._first(lambda file: any(aside.has(file, mark) for mark in marks))

    async def put_back(self, end: Mark) -> str:
        """The newest sound one that goes on from `end`, where the present log ends. Returns the folder that the present one is kept in.
        Raises RepairFailed."""
        folder = await self._first(lambda file: aside.has(file, end) and aside.end_in(file) != end)
        if folder is None:
            raise RepairFailed(
                "no database was set aside here that is sound and goes on from what this region has by now; nothing was changed"
            )
        kept = aside.order_put_back(self._database, folder, self._clock)
        self._restart()
        return kept

    async def _first(self, fits: Callable[[Path], bool]) -> str | None:
        for file in aside.kept(self._database):
            if fits(file) and await self._is_sound(file):
                return file.parent.name
        return None

    async def _is_sound(self, file: Path) -> bool:
        """It is read once, beside all else that this process does."""
        if file not in self._sound:
            self._sound[file] = await asyncio.to_thread(aside.is_sound, file)
        return self._sound[file]

    @property
    def held_for(self) -> str | None:
        return aside.held_for(self._database)

    def hold(self, claim: str) -> None:
        aside.hold(self._database, claim)

    def release(self, claim: str) -> None:
        aside.release(self._database, claim)

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
        self._peer = HttpPeer(config.peer or "", config.deployment)
        log.error("%s: %s", self._database, damage.detail)

    def application(self) -> Served:
        deployment = self._config.deployment
        status = damaged(deployment.place(self._role).region, self._role, self._damage.detail, advice.repair(self._role))
        return DamagedAPI(deployment, self, status, self._damage).application()

    async def damage(self) -> Damage:
        found = self._setting_aside
        end = None if isinstance(self._damage, ForeignDatabase) else aside.end_in(self._database)
        return Damage(end, self._damage.detail, found.newest, found.held_for)

    async def hold(self, claim: str) -> None:
        raise RepairFailed(self._damage.detail)

    async def release(self, claim: str) -> None:
        self._setting_aside.release(claim)

    async def check_source(self, claim: str) -> None:
        await check_source(self._peer, claim)

    async def kept(self, marks: Sequence[Mark]) -> str | None:
        return await self._setting_aside.kept(marks)

    async def put_back(self) -> str:
        end = aside.end_in(self._database)
        if end is None:
            raise RepairFailed("this region cannot read how far its own log goes; nothing was changed")
        return await self._setting_aside.put_back(end)

    async def set_aside(self, claim: str) -> str:
        await self.check_source(claim)
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

    async def hold(self, claim: str) -> None:
        raise RepairFailed(self._refusal.detail)

    async def release(self, claim: str) -> None:
        raise self._refusal

    async def check_source(self, claim: str) -> None:
        raise RepairFailed(self._refusal.detail)

    async def kept(self, marks: Sequence[Mark]) -> str | None:
        raise self._refusal

    async def put_back(self) -> str:
        raise RepairFailed(self._refusal.detail)

    async def set_aside(self, claim: str) -> str:
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
