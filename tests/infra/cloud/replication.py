"""What travels between regions, and when: each change arrives after a lag, in order, unless the line is cut."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

Deliver = Callable[[], None]


class ModelledTime:
    """The machine's time plus what a test has wound it on by; only the simulation's engines see it."""

    def __init__(self) -> None:
        self._wound = 0.0

    def now(self) -> float:
        return time.time() + self._wound

    def wind(self, seconds: float) -> None:
        self._wound += seconds

    def reset(self) -> None:
        self._wound = 0.0


@dataclass
class Line:
    """One direction of one kind of replication."""

    lag_seconds: float = 0.0
    cut: bool = False
    waiting: deque[tuple[float, Deliver]] = field(default_factory=deque)


class Replication:
    """All lines. `pump` delivers what is due; whoever reads calls it first."""

    def __init__(self, clock: ModelledTime) -> None:
        self._clock = clock
        self._lines: dict[tuple[str, str, str], Line] = {}
        self._lock = RLock()
        self._pumping = False
        self._lag_seconds = 0.0
        self._isolated: set[str] = set()

    def __deepcopy__(self, memo: Any) -> "Replication":
        return self  # moto copies its tables to roll transactions back; there is one network

    def line(self, kind: str, source: str, target: str) -> Line:
        return self._lines.setdefault((kind, source, target), Line(self._lag_seconds))

    def send(self, kind: str, source: str, target: str, deliver: Deliver) -> None:
        with self._lock:
            line = self.line(kind, source, target)
            line.waiting.append((self._clock.now() + line.lag_seconds, deliver))

    def lag(self, seconds: float, kind: str | None = None) -> None:
        """For what is sent from now on."""
        self._lag_seconds = seconds if kind is None else self._lag_seconds
        for (each, _, _), line in self._lines.items():
            if kind in (None, each):
                line.lag_seconds = seconds

    def cut(self, source: str, target: str, kinds: tuple[str, ...] = ("tables", "objects")) -> None:
        for kind in kinds:
            self.line(kind, source, target).cut = True

    def isolate(self, region: str) -> None:
        """Cuts every line to and from a region, also those that are not in use yet."""
        self._isolated.add(region)

    def heal(self) -> None:
        self._isolated.clear()
        for line in self._lines.values():
            line.cut = False
        self.pump()

    def reset(self) -> None:
        """No lag, nothing cut, nothing on its way."""
        self.heal()
        self._lag_seconds = 0.0
        for line in self._lines.values():
            line.lag_seconds = 0.0
            line.waiting.clear()

    def pump(self) -> int:
        """Delivers what is due, and what follows from it. Returns how many."""
        with self._lock:
            if self._pumping:
                return 0
            self._pumping = True
            try:
                return self._deliver_due()
            finally:
                self._pumping = False

    def _deliver_due(self) -> int:
        delivered = 0
        while due := [line for ends, line in self._lines.items() if self._is_due(ends, line)]:
            for line in due:
                line.waiting.popleft()[1]()
                delivered += 1
        return delivered

    def _is_due(self, ends: tuple[str, str, str], line: Line) -> bool:
        broken = line.cut or not self._isolated.isdisjoint(ends[1:])
        return not broken and bool(line.waiting) and line.waiting[0][0] <= self._clock.now()

    def in_flight(self) -> int:
        return sum(len(line.waiting) for line in self._lines.values())

    def mark(self) -> list[tuple[Line, int]]:
        """How much each line holds, for `forget`."""
        return [(line, len(line.waiting)) for line in self._lines.values()]

    def forget(self, marks: list[tuple[Line, int]]) -> None:
        """Takes back what was sent since: a transaction that was rolled back has sent nothing."""
        held = {id(line): count for line, count in marks}
        for line in self._lines.values():
            while len(line.waiting) > held.get(id(line), 0):
                line.waiting.pop()
