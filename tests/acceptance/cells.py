"""Every way in which storage fails, one store or two at once, in every state: the cells of the table in expectations.py."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product


class Store(StrEnum):
    PRIMARY = "primary"
    SECONDARY = "secondary"
    AUTHORITY = "authority"


class Place(StrEnum):
    """What a store is at the moment."""

    LEADER = "the region that wrote last"
    FOLLOWER = "the other region"
    AUTHORITY = "the authority"


class Fault(StrEnum):
    """What is found when a process starts again, or what becomes of the disk while it runs."""

    LOST = "lost"
    OLD = "an old copy"
    DAMAGED = "damaged"
    FULL = "full"
    FAILING = "failing"
    SLOW = "slow"


FILES = (Fault.LOST, Fault.OLD, Fault.DAMAGED)
DISKS = (Fault.FULL, Fault.FAILING, Fault.SLOW)


class Situation(StrEnum):
    ACTIVE = "active"
    FENCED = "fenced"
    FAILOVER = "failover"
    WRITABLE = "writable failover"
    AUTOMATIC = "automatic"

    @property
    def leader(self) -> Store:
        return Store.SECONDARY if self is Situation.WRITABLE else Store.PRIMARY

    @property
    def writer(self) -> Store | None:
        return None if self in (Situation.FENCED, Situation.FAILOVER) else self.leader


@dataclass(frozen=True)
class Cell:
    faults: tuple[tuple[Store, Fault], ...]
    situation: Situation
    cut: bool

    def __str__(self) -> str:
        faults = "+".join(f"{store} {fault.value.removeprefix('an ')}" for store, fault in self.faults)
        return f"{faults}, {self.situation}, line {'cut' if self.cut else 'up'}".replace(" ", "-").replace(",", "")

    def place(self, store: Store) -> Place:
        if store is Store.AUTHORITY:
            return Place.AUTHORITY
        return Place.LEADER if store is self.situation.leader else Place.FOLLOWER

    @property
    def places(self) -> dict[Place, Fault]:
        return {self.place(store): fault for store, fault in self.faults}

    def fault_of(self, store: Store) -> Fault | None:
        return dict(self.faults).get(store)

    def stores_with(self, *kinds: Fault) -> list[Store]:
        return [store for store, fault in self.faults if fault in kinds]


def cells() -> Iterator[Cell]:
    """One store after another, then two at once, each in every situation, with the line up and cut. A disk that is full, failing or
    slow beside another store is tried with the line up: a cut one would be a third failure, and hides what the two do."""
    one = [((store, fault),) for store, fault in product(Store, Fault)]
    two = [((first, here), (second, there)) for first, second in combinations(Store, 2) for here, there in product(Fault, Fault)]
    for faults, situation, cut in product([*one, *two], Situation, (False, True)):
        if len(faults) == 1 or not cut or all(fault in FILES for _, fault in faults):
            yield Cell(faults, situation, cut)
