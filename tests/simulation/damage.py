"""Damage under a running region: its objects are lost or get other bytes, a page of its database is written over."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from multiregion.states import Role
from multiregion.stores import Digest
from tests.simulation.truth import is_founded

if TYPE_CHECKING:
    from tests.simulation.world import World

PAGE_BYTES = 4096
OBJECTS_MAX = 3


class Damage:
    def __init__(self, world: "World", random: Random) -> None:
        self._world, self._random = world, random

    def kinds(self) -> Sequence[tuple[int, Callable[[], None]]]:
        often = self._random.choice([1, 2, 4])
        return [(often, self.lose_objects), (often, self.flip_objects), (3 * often, self.damage_page)]

    def lose_objects(self) -> None:
        for role, path in self._some_objects():
            path.unlink()
            self._note(role, path, "object lost")

    def flip_objects(self) -> None:
        for role, path in self._some_objects():
            data = bytearray(path.read_bytes())
            data[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)
            path.write_bytes(data)
            self._note(role, path, "object flipped")

    def _some_objects(self) -> Sequence[tuple[Role, Path]]:
        """Of one region; once in a while the same of both, which nobody has then."""
        roles = list(Role) if self._random.random() < 0.1 else [self._random.choice(list(Role))]
        found = sorted(path.name for path in self._kept(roles[0]).glob("*/*"))
        names = self._random.sample(found, min(len(found), self._random.randint(1, OBJECTS_MAX)))
        paths = [(role, self._kept(role) / name[:2] / name) for role in roles for name in names]
        return [(role, path) for role, path in paths if path.is_file()]

    def _kept(self, role: Role) -> Path:
        return self._world.regions[role].folder / "objects" / "kept"

    def _note(self, role: Role, path: Path, what: str) -> None:
        self._world.truth.objects_hit.add((role, Digest(path.name)))
        self._world.journal.note(what, role, path.name[:6])

    def damage_page(self) -> None:
        """It is told when somebody comes upon it, or at the next start."""
        role = self._random.choice(list(Role))
        machine = self._world.regions[role]
        if machine.region is None or not is_founded(self._world.truth) or not self._world.storage.may_hit(role):
            return
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(machine.file, timeout=0)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # or nobody would read the page, but the newer one in the log
        pages = machine.file.stat().st_size // PAGE_BYTES
        if pages > 1:
            with machine.file.open("r+b") as file:
                file.seek(PAGE_BYTES * self._random.randrange(1, pages))
                file.write(self._random.randbytes(PAGE_BYTES))
            machine.disk.damaged = True
            self._world.journal.note("page damaged", role)
