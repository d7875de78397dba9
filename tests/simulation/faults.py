"""What goes wrong, how often, and for how long: each seed has its own mixture."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from multiregion.states import Role
from tests.simulation.loop import OUTSIDE, VirtualLoop
from tests.simulation.network import DELAY_SECONDS, Network
from tests.simulation.pasts import AUTHORITY
from tests.simulation.writer import BEFORE_AN_OBJECT

if TYPE_CHECKING:
    from tests.simulation.world import World

PRIMARY, SECONDARY = Role.PRIMARY.value, Role.SECONDARY.value
ROUTES = [
    (PRIMARY, SECONDARY),
    (PRIMARY, AUTHORITY),
    (SECONDARY, AUTHORITY),
    ("client", PRIMARY),
    ("client", SECONDARY),
    ("operator", AUTHORITY),
]
STEP_SECONDS_MAX, SLOW_STEP_SECONDS_MAX, SLOW_DISK_SECONDS_MAX, OBJECT_SECONDS_MAX = 0.003, 0.3, 0.8, 4.0
ISOLATION_SECONDS_MAX, FROZEN_SECONDS_MAX = 14.0, 12.0
BETWEEN_REGIONS = [(PRIMARY, SECONDARY)] * 3


class Faults:
    def __init__(self, world: "World", loop: VirtualLoop, network: Network, random: Random) -> None:
        self._world, self._loop, self._network, self._random = world, loop, network, random
        self._every_seconds = random.choice([0.6, 1.2, 2.5, 5.0])
        self._inside = random.choice([0.0, 0.002, 0.006])
        self._slow: set[str] = set()
        self.calm = False
        kinds: list[tuple[int, Callable[[], None]]] = [
            (6, self.kill), (4, self.kill_authority), (6, self.freeze), (2, self.freeze_authority), (6, self.cut), (4, self.cut_one_way),
            (8, self.isolate), (5, self.slow), (4, self.lossy), (3, self.fill_disk), (3, self.slow_disk), (4, self.fail_disk),
            (2, self.set_clock),
            *world.storage.kinds(self._later),
            *world.damage.kinds(),
        ]  # fmt: skip
        self._kinds = [(weight, strike) for weight, strike in kinds if random.random() < 0.7] or kinds

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._random.expovariate(1 / self._every_seconds))
            if self.calm:
                return
            ((_, strike),) = self._random.choices(self._kinds, [weight for weight, _ in self._kinds])
            strike()

    def _later(self, seconds: float, then: Callable[[], object]) -> None:
        self._loop.call_later(seconds, then, context=OUTSIDE)

    def _while(self, longest: float = 8.0) -> float:
        return self._random.uniform(0.05, self._random.choice([1.0, 3.0, longest]))

    # Processes

    async def pause(self, name: str, where: str) -> None:
        """Between two steps of a transaction; once in a while the process stops right here."""
        if not self.calm and where != BEFORE_AN_OBJECT and self._random.random() < self._inside:
            self.strike_inside(name, where)
        await asyncio.sleep(self._random.uniform(0, self._longest(name, where)))

    def _longest(self, name: str, where: str) -> float:
        if self.calm:
            return STEP_SECONDS_MAX
        if name in self._slow:
            return SLOW_DISK_SECONDS_MAX
        if where == BEFORE_AN_OBJECT and self._random.random() < 0.1:
            self._world.journal.count("object late")
            return OBJECT_SECONDS_MAX
        return SLOW_STEP_SECONDS_MAX if self._random.random() < 0.02 else STEP_SECONDS_MAX

    def strike_inside(self, name: str, where: str) -> None:
        machine = self._world.machine(name)
        if self._random.random() < 0.5:
            self._loop.call_soon(self._kill, name, where, context=OUTSIDE)
        else:
            self._loop.call_soon(lambda: self._later(self._while(FROZEN_SECONDS_MAX), machine.freeze()), context=OUTSIDE)
        self._world.journal.count(f"struck {where}")

    def between_calls(self, name: str) -> None:
        """A process may end when it has sent or received something."""
        if not self.calm and name in self._network.parts and self._random.random() < self._inside / 4:
            self._world.journal.count("struck between calls")
            self._loop.call_soon(self._kill, name, "between two calls", context=OUTSIDE)

    def _kill(self, name: str, why: str) -> None:
        machine = self._world.machine(name)
        machine.kill(why)
        self._later(self._while(10.0), machine.start)

    def kill(self) -> None:
        self._kill(self._random.choice([PRIMARY, SECONDARY]), "by chance")

    def kill_authority(self) -> None:
        self._kill(AUTHORITY, "by chance")

    def freeze(self) -> None:
        self._later(self._while(FROZEN_SECONDS_MAX), self._world.machine(self._random.choice([PRIMARY, PRIMARY, SECONDARY])).freeze())

    def freeze_authority(self) -> None:
        self._later(self._while(5.0), self._world.machine(AUTHORITY).freeze())

    # Links

    def _route(self) -> tuple[str, str]:
        a, b = self._random.choice(ROUTES + BETWEEN_REGIONS)
        return (a, b) if self._random.random() < 0.5 else (b, a)

    def cut(self) -> None:
        a, b = self._route()
        self._cut(a, b)
        self._cut(b, a)

    def cut_one_way(self) -> None:
        self._cut(*self._route())

    def isolate(self) -> None:
        """A region that only clients reach: it does not learn that another writes by now."""
        region = self._random.choice([Role.PRIMARY, Role.PRIMARY, Role.PRIMARY, Role.SECONDARY])
        seconds = self._random.uniform(1.0, ISOLATION_SECONDS_MAX)
        for other in (region.other.value, AUTHORITY):
            self._cut(region, other, seconds)
            self._cut(other, region, seconds)
        self._world.journal.count("isolated")

    def _cut(self, source: str, target: str, seconds: float | None = None) -> None:
        link = self._network.link(source, target)
        link.cut = True
        self._world.journal.note("link cut", source, f"to {target}")
        self._later(seconds or self._while(), lambda: setattr(link, "cut", False))

    def slow(self) -> None:
        source, target = self._route()
        link = self._network.link(source, target)
        link.delay = (0.0, self._random.choice([0.2, 0.8, 2.5]))
        self._world.journal.note("link slow", source, f"to {target}")
        self._later(self._while(), lambda: setattr(link, "delay", DELAY_SECONDS))

    def lossy(self) -> None:
        source, target = self._route()
        link = self._network.link(source, target)
        link.loss, link.repeats = self._random.choice([0.02, 0.1, 0.3]), self._random.choice([0.0, 0.1, 0.3])
        self._world.journal.note("link lossy", source, f"to {target}")
        self._later(self._while(), link.mend)

    # Disks, clocks

    def fill_disk(self) -> None:
        disk = self._world.machine(self._random.choice([PRIMARY, SECONDARY])).disk
        disk.full = True
        self._world.journal.note("disk full", "")
        self._later(self._while(3.0), lambda: setattr(disk, "full", False))

    def slow_disk(self) -> None:
        name = self._random.choice([PRIMARY, SECONDARY, AUTHORITY])
        self._slow.add(name)
        self._world.journal.note("disk slow", name)
        self._later(self._while(), lambda: self._slow.discard(name))

    def fail_disk(self) -> None:
        disk = self._world.machine(self._random.choice([PRIMARY, PRIMARY, SECONDARY])).disk
        disk.failing = True
        self._world.journal.note("disk failing", "")
        self._later(self._while(), lambda: setattr(disk, "failing", False))

    def set_clock(self) -> None:
        self._world.machine(self._random.choice([PRIMARY, SECONDARY, AUTHORITY])).clock.set_wrong()
        self._world.journal.note("wall clock set", "")

    def heal(self) -> None:
        """Nothing goes wrong any more, and what was wrong is mended."""
        self.calm = True
        for link in self._network.links.values():
            link.cut, link.delay, link.loss, link.repeats = False, DELAY_SECONDS, 0.0, 0.0
        for name in (AUTHORITY, PRIMARY, SECONDARY):
            machine = self._world.machine(name)
            machine.disk.full = machine.disk.failing = False
            if machine.disk.damaged:
                machine.kill("to be looked at")
                machine.disk.damaged = False
            machine.thaw()
            machine.start()
