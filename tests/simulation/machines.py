"""A machine on which one part runs, again and again: start, kill, freeze, thaw."""

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, Protocol

from multiregion.config import Settings
from multiregion.errors import DatabaseDamaged
from tests.simulation.clocks import MachineClock
from tests.simulation.journal import Journal
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import Network, Part
from tests.simulation.truth import Truth

Pause = Callable[[str, str], Awaitable[None]]


class Server(Protocol):
    """One run of a part."""

    async def prepare(self) -> None:
        """What is done before anybody is answered."""
        ...

    @property
    def work(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]: ...

    def close(self) -> None: ...


class Stage:
    """What all machines stand on."""

    def __init__(
        self, folder: Path, network: Network, loop: VirtualLoop, random: Random, settings: Settings, truth: Truth, journal: Journal
    ) -> None:
        self.folder, self.network, self.loop, self.random = folder, network, loop, random
        self.settings, self.truth, self.journal = settings, truth, journal
        self.repair: Callable[[str], None] = lambda name: None


class Machine:
    def __init__(self, name: str, stage: Stage) -> None:
        self.name = name
        self.stage = stage
        self.folder = stage.folder / name
        self.folder.mkdir()
        self.clock = MachineClock(stage.loop, stage.random)
        self.part = stage.network.parts[name] = Part()

    @property
    def file(self) -> Path:
        """Its database."""
        raise NotImplementedError

    def boot(self) -> Server:
        """The part's objects, opened from its files. Raises DatabaseDamaged if they are damaged."""
        raise NotImplementedError

    def copy(self, target: Path, *, raw: bool) -> None:
        """Its files as they are at this moment: with the database's log, or as SQLite backs a database up."""
        shutil.copytree(self.folder, target, ignore=shutil.ignore_patterns("*-shm"))
        if not raw and self.file.exists():
            copy = target / self.file.name
            copy.with_name(f"{copy.name}-wal").unlink(missing_ok=True)
            copy.unlink()
            with closing(sqlite3.connect(self.file)) as here, closing(sqlite3.connect(copy)) as there:
                here.backup(there)

    def replace_files(self, source: Path | None) -> None:
        """With those of a copy; None: they are lost."""
        shutil.rmtree(self.folder)
        if source is not None:
            shutil.copytree(source, self.folder)

    def start(self) -> None:
        if self.part.process is not None:
            return
        self.folder.mkdir(exist_ok=True)
        try:
            server = self.boot()
        except DatabaseDamaged:
            self.stage.repair(self.name)
            return
        self.stage.journal.note("started", self.name)
        process = self.stage.loop.start(self.name)
        self.part.process, self.part.server = process, server
        self.stage.loop.create_task(self._serve(server), context=process.context())

    async def _serve(self, server: Server) -> None:
        """Background work must not end."""
        try:
            await server.prepare()
            self.part.ready = True
            async with asyncio.TaskGroup() as tasks:
                for work in server.work:
                    tasks.create_task(work())
        except Exception as error:  # noqa: BLE001  whatever ends it is a failure
            self.stage.loop.fail(error)

    def kill(self, why: str) -> None:
        if self.part.process is None:
            return
        self.stage.journal.note("killed", self.name, why)
        self.part.process.dead = True
        self.part.server.close()
        self.stage.network.died(self.name)

    def freeze(self) -> Callable[[], None]:
        """Nothing of it runs while time goes on, until what is returned is called."""
        process = self.part.process
        if process is None or process.frozen:
            return lambda: None
        self.stage.journal.note("frozen", self.name)
        process.frozen = True
        return lambda: self.thaw() if self.part.process is process else None

    def thaw(self) -> None:
        process = self.part.process
        if process is not None and process.frozen:
            self.stage.journal.note("thawed", self.name, f"{len(process.parked)} calls wait")
            self.stage.loop.thaw(process)
