"""One run: two regions, an authority, clients, operators and everything that goes wrong, all from one seed."""

import asyncio
import gc
import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from random import Random

from multiregion.config import Settings
from multiregion.states import Role
from multiregion.stores import Digest
from tests.simulation.authorities import AuthorityMachine
from tests.simulation.clients import Client
from tests.simulation.damage import Damage
from tests.simulation.faults import Faults
from tests.simulation.healing import Healing
from tests.simulation.journal import Journal, Violation
from tests.simulation.loop import VirtualLoop
from tests.simulation.machines import Stage
from tests.simulation.network import Network
from tests.simulation.operators import Operator
from tests.simulation.pasts import AUTHORITY
from tests.simulation.regions import RegionMachine
from tests.simulation.storage import Storage
from tests.simulation.truth import Truth

CLIENTS, OPERATORS = 3, 2
TROUBLE_SECONDS = 30.0
MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run went; `failure` None: every promise held."""

    seed: int
    journal: Journal
    failure: BaseException | None


class World:
    def __init__(self, seed: int, folder: Path) -> None:
        self.random = random = Random(seed)
        self.loop = VirtualLoop(random)  # type: ignore[abstract]
        self.journal = Journal(self.loop.time)
        self.settings = settings_for(random)
        self.truth = Truth(self.journal, self.settings, self.loop.time, self.loop.fail)
        self.network = Network(self.loop, random, self.journal)
        self.storage = Storage(self, folder / "copies", random)
        self.damage = Damage(self, random)
        self.faults = Faults(self, self.loop, self.network, random)
        stage = Stage(folder, self.network, self.loop, random, self.settings, self.truth, self.journal)
        stage.repair = self.storage.repair
        self.regions = {role: RegionMachine(role, stage, self.faults.pause) for role in Role}
        self.authority = AuthorityMachine(stage, self.faults.pause)
        self.network.crash_between = self.faults.between_calls
        self.truth.has_object = self._has_object
        self.clients = [Client(f"client-{n}", self.network, random, self.truth, self.journal) for n in range(CLIENTS)]
        automatic = self.settings.failover == "automatic"
        self.operators = [
            Operator(f"operator-{n}", self.network, random, self.truth, self.journal, automatic=automatic) for n in range(OPERATORS)
        ]

    def _has_object(self, role: Role, digest: Digest) -> bool:
        region = self.regions[role].region
        return region is not None and region.has_object(digest)

    def machine(self, name: str) -> RegionMachine | AuthorityMachine:
        return self.authority if name == AUTHORITY else self.regions[Role(name)]

    async def run(self) -> None:
        for machine in (self.authority, *self.regions.values()):
            machine.start()
        runs = [*(each.run() for each in self.clients), *(each.run() for each in self.operators), self.faults.run()]
        tasks = [asyncio.ensure_future(each) for each in runs]
        await asyncio.sleep(TROUBLE_SECONDS)
        self.journal.note("healing", "")
        self.faults.heal()
        for task in tasks:
            task.cancel()
        await Healing(self).run()


def settings_for(random: Random) -> Settings:
    return Settings(
        failover=random.choice(["manual", "automatic", "automatic"]),
        durability=random.choice(["async", "async", "remote", "remote-strict"]),
        heartbeat_seconds=0.25,
        remote_seconds=random.choice([0.3, 1.0]),
        lease_seconds=random.choice([1.0, 1.0, 3.0, 6.0]),
        loss_changes_max=20,
        loss_seconds_max=random.choice([5.0, 10.0]),
        drain_seconds=3.0,
        unhealthy_seconds=random.choice([1.0, 3.0, 10.0]),
    )


class Unexpected(logging.Handler):
    """What the code under test logs as an error is one of ours to look at: it would go on, a simulation does not."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__(logging.ERROR)
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._loop.fail(error or Violation(record.getMessage()))


def simulate(seed: int) -> Outcome:
    """Run one seed. The same seed gives the same run, wherever and however often."""
    place = MEMORY if MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=place))
    world = World(seed, folder)
    handler = Unexpected(world.loop)
    logger = logging.getLogger("multiregion")
    logger.addHandler(handler)
    gc.disable()
    failure: BaseException | None = None
    try:
        world.loop.run(world.run())
    except Exception as error:  # noqa: BLE001  whatever it is, the seed has failed
        failure = error
    finally:
        logger.removeHandler(handler)
        for machine in (world.authority, *world.regions.values()):
            machine.kill("the end")
        gc.enable()
        shutil.rmtree(folder)
    return Outcome(seed, world.journal, failure)
