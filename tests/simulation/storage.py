"""What happens to the stores: copies are taken and put back, files are lost, pages damaged; one store, or two at once."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from multiregion.states import Role
from tests.simulation.pasts import AUTHORITY
from tests.simulation.truth import is_founded

if TYPE_CHECKING:
    from tests.simulation.world import World

STORES = [Role.PRIMARY.value, Role.SECONDARY.value, AUTHORITY]
STORES_HIT_MAX = 2
"""All three put back together nobody can notice."""
COPIES_KEPT = 6
AWAY_SECONDS_MAX = 6.0
PAGE_BYTES = 4096
Later = Callable[[float, Callable[[], object]], None]


class Storage:
    def __init__(self, world: "World", folder: Path, random: Random) -> None:
        self._world, self._folder, self._random = world, folder, random
        self._copies: list[dict[str, Path]] = []
        self._number = 0
        self._later: Later = lambda seconds, then: None

    def kinds(self, later: Later) -> Sequence[tuple[int, Callable[[], None]]]:
        self._later = later
        often = self._random.choice([1, 3, 6])
        strikes = [(2, self.copy), (3, self.put_back), (1, self.put_back_two), (1, self.lose), (1, self.lose_two), (1, self.damage)]
        return [(often * weight, strike) for weight, strike in strikes]

    def copy(self) -> None:
        """Of all stores at this moment, each for itself to be put back."""
        taken = {}
        raw = self._random.random() < 0.5
        for name in STORES:
            machine = self._world.machine(name)
            if machine.file.exists():
                self._number += 1
                taken[name] = self._folder / str(self._number)
                machine.copy(taken[name], raw=raw)
        self._copies = [*self._copies, taken][-COPIES_KEPT:]
        self._world.journal.note("copied", "", "as they are" if raw else "by backup")

    def put_back(self) -> None:
        self._put_back(1)

    def put_back_two(self) -> None:
        self._put_back(2)

    def _put_back(self, count: int) -> None:
        if not self._copies:
            return
        copies = self._random.choice(self._copies)
        for name in self._random.sample(STORES, count):
            if name in copies and self.may_hit(name):
                self._change(name, copies[name], "put back")

    def lose(self) -> None:
        self._lose(self._random.choice(STORES))

    def lose_two(self) -> None:
        """The authority's folder, and the primary's file."""
        self._lose(AUTHORITY)
        self._lose(Role.PRIMARY)

    def _lose(self, name: str) -> None:
        if self.may_hit(name):
            self._change(name, None, "disk lost")

    def damage(self) -> None:
        """A page of a region's file is written over. It is told at the next start, and the file is set aside."""
        role = self._random.choice(list(Role))
        if not self.may_hit(role):
            return
        machine = self._world.regions[role]
        machine.kill("its disk is damaged")
        with machine.file.open("r+b") as file:
            pages = machine.file.stat().st_size // PAGE_BYTES
            file.seek(PAGE_BYTES * self._random.randrange(pages))
            file.write(self._random.randbytes(PAGE_BYTES))
        machine.disk.damaged = True
        self._world.journal.note("damaged", role)
        self._later(self._random.uniform(0, AWAY_SECONDS_MAX), machine.start)

    def repair(self, name: str) -> None:
        """As an operator does who has been told of the damage."""
        self._world.journal.note("damage told", name)
        self._change(name, None, "set aside")

    def may_hit(self, name: str) -> bool:
        truth = self._world.truth
        damaged = {role.value for role, machine in self._world.regions.items() if machine.disk.damaged}
        return is_founded(truth) and len(truth.past.hits | damaged | {name}) <= STORES_HIT_MAX

    def _change(self, name: str, source: Path | None, what: str) -> None:
        machine = self._world.machine(name)
        machine.kill(what)
        machine.disk.damaged = False
        self._world.truth.store_changed(name, lambda: machine.replace_files(source), machine.file)
        self._world.journal.note(what, name, contents(machine.file))
        self._later(self._random.uniform(0, AWAY_SECONDS_MAX), machine.start)
        if self._world.faults.calm:
            return
        if self._random.random() < 0.4:
            self._world.faults.isolate()
        if self._random.random() < 0.2:
            self._world.faults.kill()


def contents(file: Path) -> str:
    """What a trace says of a store."""
    if not file.exists():
        return "nothing"
    db = sqlite3.connect(file)
    try:
        table = "region" if file.name == "region.db" else "decision"
        row = db.execute(f"SELECT max(epoch) FROM {table}").fetchone()
        last = db.execute("SELECT log_epoch, log_sequence FROM region").fetchone() if table == "region" else ()
        return f"epoch {row[0]} {last}"
    finally:
        db.close()
