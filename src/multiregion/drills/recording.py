"""A run while it is recorded: its clock, its history, and the events in it."""

from collections.abc import Callable
from typing import Any

from multiregion.clock import Clock
from multiregion.drills.history import Event, EventName, Operation, Writer

MICROSECONDS = 1_000_000
Tell = Callable[[dict[str, Any]], None]


class Recording:
    """Times are microseconds since it was made. `tell` hears of phases and notes as they happen, for whoever watches."""

    def __init__(self, clock: Clock, tell: Tell) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._tell = tell
        self._writer: Writer | None = None
        self.operations: list[Operation] = []
        self.phase = ""

    def now(self) -> int:
        return int((self._clock.monotonic() - self._began) * MICROSECONDS)

    def to(self, writer: Writer) -> None:
        self._writer = writer

    def restart(self) -> None:
        """Time begins now: nothing has been recorded yet."""
        self._began = self._clock.monotonic()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def operation(self, operation: Operation) -> None:
        self.operations.append(operation)
        self.line(operation)

    def line(self, line: Operation | Event) -> None:
        if self._writer is not None:
            self._writer.append(line)

    def event(self, event: EventName, *, sent: int | None = None, **more: Any) -> None:
        now = self.now()
        self.line(Event(event=event, sent=now if sent is None else sent, done=now, **more))

    def begin(self, phase: str) -> None:
        self.phase = phase
        self.event("phase", what=phase)
        self._tell({"phase": phase, "at": self.now()})

    def note(self, what: str) -> None:
        self.event("note", what=what)
        self._tell({"note": what, "at": self.now()})

    def say(self, **words: Any) -> None:
        """To whoever watches; not recorded."""
        self._tell({**words, "at": self.now()})
