"""What a comparison of two regions finds, whatever it compares them by."""

from dataclasses import asdict, dataclass, field
from typing import Any

from multiregion.objects import NeededBy

DIFFERENCES_MAX = 1_000
REPAIRED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One record or object that is not the same in both regions, and how. `needed_by`: what needs the object, where that is known."""

    kind: str
    name: str
    problem: str
    needed_by: NeededBy | None = None

    def document(self) -> dict[str, Any]:
        """As answers have it. `neededBy`, of an object where it is known: the names of some that need it; `neededByMore`: how many more."""
        needed_by = {"neededBy": list(self.needed_by.names), "neededByMore": self.needed_by.more} if self.needed_by else {}
        return {"kind": self.kind, "name": self.name, "problem": self.problem, **needed_by}


@dataclass(slots=True)
class Verdict:
    """How far the comparison is, and at the end what it found. `complete` is False when it stopped at DIFFERENCES_MAX; `repaired` were
    differences and are none any more, as far as REPAIRED_MAX; `repairs` counts them all."""

    records: int = 0
    objects: int = 0
    bytes: int = 0
    complete: bool = True
    differences: list[Difference] = field(default_factory=list)
    repairs: int = 0
    repaired: list[Difference] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return self.complete and not self.differences

    def document(self) -> dict[str, Any]:
        lists = {"differences": self.differences, "repaired": self.repaired}
        return {**asdict(self), **{name: [each.document() for each in found] for name, found in lists.items()}, "equal": self.equal}

    def add(self, difference: Difference) -> None:
        if self.complete:
            self.differences.append(difference)
            self.complete = len(self.differences) < DIFFERENCES_MAX

    def note_repaired(self, difference: Difference) -> None:
        self.repairs += 1
        if len(self.repaired) < REPAIRED_MAX:
            self.repaired.append(difference)
