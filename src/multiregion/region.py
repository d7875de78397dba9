"""One region as a value: its role, its name, and its stores."""

from dataclasses import dataclass

from multiregion.states import Role
from multiregion.stores import Objects, Records


@dataclass(frozen=True, slots=True)
class Region:
    role: Role
    name: str
    records: Records
    objects: Objects
