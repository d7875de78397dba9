"""Objects that are files on this machine, and what is found of one."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from multiregion.stores import Digest, Objects


class Condition(StrEnum):
    """What was found where an object should be. A `damaged` one has other bytes than were stored, or cannot be read."""

    SOUND = "sound"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Found:
    """An object as it was found in `path`. `stat` is None if it is missing."""

    condition: Condition
    path: Path
    stat: os.stat_result | None

    @property
    def size(self) -> int | None:
        return self.stat and self.stat.st_size


@dataclass(frozen=True, slots=True)
class NeededBy:
    """What needs an object, by the names that people know, and how many more there are."""

    names: Sequence[str]
    more: int = 0


@dataclass(slots=True)
class Repaired:
    """What a run of repairs came to: the objects that are here again; those that are not, though the other region may have them; and those
    that no region has any more; each with the reason, which does not name the object."""

    objects: list[Digest] = field(default_factory=list)
    failed: dict[Digest, str] = field(default_factory=dict)
    lost: dict[Digest, str] = field(default_factory=dict)


class LocalObjects(Objects, Protocol):
    """Objects that are files on this machine. What is given out has been read through and compared with its digest."""

    def path(self, digest: Digest) -> Path | None:
        """Where the bytes are, unread, or None if they are not here."""
        ...

    async def look(self, digest: Digest, *, deep: bool) -> Found:
        """What there is; `deep` reads it through, which otherwise counts as sound."""
        ...

    async def file(self, digest: Digest, *, mend: bool = True) -> Found:
        """The object, sound, to be served from its file. With `mend`, one that is not is fetched from the other region first.
        Raises NotFound, Damaged; Unavailable, Overloaded, DiskFull if it cannot be fetched now."""
        ...

    async def claim(self, digest: Digest) -> bool:
        """Whether the object is here. If so, it counts as put now: `discard` leaves it alone for as long as a new one."""
        ...
