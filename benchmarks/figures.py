"""Figures: what was measured, what it should be at least or at most, and what it stands beside. Nothing here measures anything."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec
from rich.table import Table

MEBIBYTE = 1024 * 1024


class Target(msgspec.Struct, frozen=True):
    value: float
    at_most: bool = False

    def met_by(self, value: float) -> bool:
        return value <= self.value if self.at_most else value >= self.value


class Beside(msgspec.Struct, frozen=True):
    """A peer or a limit, measured in the same run, in the row's unit."""

    what: str
    value: float


class Row(msgspec.Struct, frozen=True):
    what: str
    value: float
    unit: str
    target: Target | None = None
    beside: Beside | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times the peer's figure this one is."""
        return self.value / self.beside.value if self.beside and self.beside.value else None

    @property
    def met(self) -> bool | None:
        return self.target.met_by(self.value) if self.target else None


def at_least(value: float) -> Target:
    return Target(value)


def at_most(value: float) -> Target:
    return Target(value, at_most=True)


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that `percent` of all values do not exceed. Raises ValueError if there is none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, min(len(ordered) - 1, -int(-len(ordered) * percent // 100) - 1))]


def gaps(times: Sequence[float], begin: float, end: float) -> list[float]:
    """The seconds between one time and the next, for those pairs that touch the span from `begin` to `end`."""
    return [later - earlier for earlier, later in pairwise(times) if later >= begin and earlier <= end]


def first_reached(seen: Sequence[tuple[float, int]], sequence: int, start: int = 0) -> int:
    """Where in `seen`, (time, sequence) in order, `sequence` is reached first, looking from `start`; its length if it never is."""
    while start < len(seen) and seen[start][1] < sequence:
        start += 1
    return start


def lags(acknowledged: Sequence[float], base: int, seen: Sequence[tuple[float, int]]) -> list[float]:
    """For each write, in the order of its acknowledgement, the seconds until the other side was seen to have it. Writes are numbered
    from `base` + 1; those that were never seen raise ValueError, because a lag without end is no figure."""
    found, at = [], 0
    for number, acknowledged_at in enumerate(acknowledged, base + 1):
        at = first_reached(seen, number, at)
        if at == len(seen):
            raise ValueError(f"change {number} was never seen")
        found.append(max(0.0, seen[at][0] - acknowledged_at))
    return found


def number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def shown_target(row: Row) -> str:
    if row.target is None:
        return ""
    mark = "[green]✓[/]" if row.met else "[bold red]✗[/]"
    return f"{mark} {'≤' if row.target.at_most else '≥'} {number(row.target.value)}"


def table() -> Table:
    made = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("what", "figure", "unit", "target", "beside", "", "×", "note"):
        made.add_column(heading, justify="right" if heading in ("figure", "", "×") else "left", overflow="fold")
    return made


def add(to: Table, row: Row) -> None:
    beside = (row.beside.what, number(row.beside.value)) if row.beside else ("", "")
    ratio = number(row.ratio) if row.ratio is not None else ""
    to.add_row(row.what, f"[bold]{number(row.value)}[/]", row.unit, shown_target(row), *beside, ratio, f"[dim]{row.note}[/]")
