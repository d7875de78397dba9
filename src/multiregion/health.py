"""How writing to a region's disk goes, by the outcome of real writes: a disk that is full, fails or is slow gives no other sign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from multiregion.clock import Clock, iso
from multiregion.errors import SwitchFailed
from multiregion.states import Role, order_for

SLOW_WRITE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WriteHealth:
    """`failing`: writes fail; `stuck`: one has begun and does not end; `slow`: they succeed, but take too long.

    `problem` says why, None while all is well; `seconds` for how long, by a clock that only grows; `since` the time at which it
    began, in seconds since 1970; `last_seconds` how long the last successful write took, None before the first."""

    condition: Literal["well", "slow", "failing", "stuck"] = "well"
    problem: str | None = None
    seconds: float = 0.0
    since: float | None = None
    last_seconds: float | None = None

    @property
    def refuses(self) -> bool:
        """Whether a write would not succeed now."""
        return self.condition in ("failing", "stuck")

    def sentence(self) -> str:
        """For an operator: why, and since when. Only while there is a problem."""
        assert self.since is not None
        return f"{self.problem}, since {iso(self.since)}"


WELL = WriteHealth()
CONDITIONS = ("well", "slow", "failing", "stuck")


def with_folders(records: WriteHealth, folders: Sequence[WriteHealth]) -> WriteHealth:
    """A region's health: that of its records or of a folder of its files, whichever is worst. A folder that does not answer counts as
    one that fails, since a fence needs the records alone."""
    capped = [replace(each, condition="failing") if each.condition == "stuck" else each for each in folders]
    worst = max((records, *capped), key=lambda each: CONDITIONS.index(each.condition))
    return replace(worst, last_seconds=records.last_seconds)


class HasHealth(Protocol):
    @property
    def writing(self) -> WriteHealth: ...


def refuse_unable(writer: Role | None, fenced: Role | None, outlooks: Mapping[Role, HasHealth | None], names: Mapping[Role, str]) -> None:
    """Before anything is changed. Raises SwitchFailed if `writer`, who is to write next, cannot, or if the disk of `fenced`, who is to
    confirm the fence, does not answer. A region that did not answer is not judged here."""
    health = {role: outlook.writing for role, outlook in outlooks.items() if outlook is not None}
    if writer is not None and (able := health.get(writer, WELL)).refuses:
        raise SwitchFailed(
            f"{names[writer]} cannot write ({able.sentence()}), so it is not made the writer; nothing was changed. It is enough that the"
            " disk takes writes again"
        )
    if fenced is not None and (stuck := health.get(fenced, WELL)).condition == "stuck":
        raise SwitchFailed(
            f"{names[fenced]} cannot confirm a fence ({stuck.sentence()}), so a planned switch would not finish; nothing was changed."
            f" If it does not recover, stop it, and run `multiregion {order_for(fenced.other)} --region-lost`"
        )


@dataclass(frozen=True, slots=True)
class Trouble:
    """Since when writes do not go well (on the growing clock, and on the wall), and why."""

    from_monotonic: float
    since: float
    condition: Literal["slow", "failing"]
    problem: str


class WriteMeter:
    """Keeps what came of the last writes. The writing thread tells it, and any thread may ask: each value is set in one step."""

    def __init__(self, clock: Clock, *, slow_seconds: float = SLOW_WRITE_SECONDS) -> None:
        self._clock = clock
        self._slow_seconds = slow_seconds
        self._began: tuple[float, float] | None = None
        self._trouble: Trouble | None = None
        self._ended_at: float | None = None
        self._last_seconds: float | None = None

    def began(self) -> None:
        self._began = (self._clock.monotonic(), self._clock.now())

    def wrote_nothing(self) -> None:
        """What was begun ended without a write, which says nothing about the disk."""
        self._began = None

    def succeeded(self) -> None:
        seconds = self._clock.monotonic() - self._beginning()[0]
        self._last_seconds = seconds
        if seconds > self._slow_seconds:
            self._note("slow", f"the disk is slow: a write took {seconds:.1f} s")
        else:
            self._trouble = None
        self._end()

    def failed(self, problem: str) -> None:
        self._note("failing", problem)
        self._end()

    def quiet_seconds(self) -> float | None:
        """How long ago the last write ended; None if none has, or one is under way."""
        return None if self._ended_at is None or self._began is not None else self._clock.monotonic() - self._ended_at

    def now(self) -> WriteHealth:
        began, trouble, now = self._began, self._trouble, self._clock.monotonic()
        if began is not None and now - began[0] > self._slow_seconds:
            first, since = (trouble.from_monotonic, trouble.since) if trouble else began
            problem = f"the disk does not answer: a write began {now - began[0]:.1f} s ago"
            return WriteHealth("stuck", problem, now - first, since, self._last_seconds)
        if trouble is None:
            return WriteHealth(last_seconds=self._last_seconds)
        return WriteHealth(trouble.condition, trouble.problem, now - trouble.from_monotonic, trouble.since, self._last_seconds)

    def _beginning(self) -> tuple[float, float]:
        return self._began or (self._clock.monotonic(), self._clock.now())

    def _note(self, condition: Literal["slow", "failing"], problem: str) -> None:
        first, since = (self._trouble.from_monotonic, self._trouble.since) if self._trouble else self._beginning()
        self._trouble = Trouble(first, since, condition, problem)

    def _end(self) -> None:
        self._ended_at = self._clock.monotonic()
        self._began = None
