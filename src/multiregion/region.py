"""One region as a value: its role, its name, and its stores."""

from dataclasses import dataclass

from multiregion.logs import LoggedRecords
from multiregion.objects import LocalObjects
from multiregion.states import Role
from multiregion.stores import Objects, Records


@dataclass(frozen=True, slots=True)
class Region:
    """What the application needs of a region, whatever replicates it."""

    role: Role
    name: str
    records: Records
    objects: Objects


@dataclass(frozen=True, slots=True)
class LoggedRegion(Region):
    """A region that the other one follows by its change log."""

    records: LoggedRecords
    objects: LocalObjects
