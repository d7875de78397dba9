"""What each region tells the authority at least once a second: how far it has got. It outlives the region's silence."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from multiregion.states import Role, RoutingState
from multiregion.stores import BEGINNING, START, Exposure, Mark, Position

REPORT_SECONDS = 0.5
HEARD_SECONDS = 3.0
"""Who reported this short a time ago answers the authority."""

ACCEPTED = "accept-history"
"""What the history of decisions calls an operator's word that a region goes on with the history that it has."""


class Report(msgspec.Struct, frozen=True):
    """One region's word. `end` is where its log ends, or how far it had got once, if it lacks that now. `bytes` counts all change
    bytes ever logged. A region without `history` has never been told anything."""

    store: str
    history: str
    epoch: int
    end: Mark
    bytes: int
    whole: bool
    exposure: Exposure = Exposure()

    @property
    def is_empty(self) -> bool:
        return not self.history and self.end == BEGINNING


class Leadership(msgspec.Struct, frozen=True):
    """Since which epoch the present leader leads without a break, and where its log ended then. What was logged in earlier epochs
    beyond `base` is not of this history. `earlier`: the same of those before it, newest first, as far as the authority knows; without
    a base: an authority that was restored from an older copy has forgotten those epochs."""

    since: int
    base: Mark
    earlier: tuple[tuple[int, Mark | None], ...] = ()

    def shared(self, one: Mark, other: Mark) -> Position | None:
        """How far two logs agree that end with these marks; None: unknown. They part where the later one's leadership began, if that
        was before the other one's end."""
        while one.position.epoch != other.position.epoch:
            earlier, later = sorted((one, other), key=lambda mark: mark.position)
            if earlier == BEGINNING:
                return START
            since, base = self._at(later.position.epoch)
            if base is None:
                return None
            if since <= earlier.position.epoch:
                break
            one, other = base, earlier
        return min(one.position, other.position)

    def _at(self, epoch: int) -> tuple[int, Mark | None]:
        """The leadership that an epoch belongs to."""
        known = ((self.since, self.base), *self.earlier)
        return next(((since, base) for since, base in known if since <= epoch), (0, None))


def base_fact(mark: Mark) -> dict[str, Any]:
    """How the history of decisions keeps where a leadership began."""
    return {"epoch": mark.position.epoch, "sequence": mark.position.sequence, "chain": mark.chain}


def base_of(fact: Mapping[str, Any]) -> Mark:
    return Mark(Position(fact["epoch"], fact["sequence"]), fact["chain"])


class Known(msgspec.Struct, frozen=True):
    """What the authority knows when a region starts. `ends`: how far each region had got, in the file with
    that id of `stores`. `accepted`: an operator has accepted the history that this region has; `given_up`: what only its earlier
    file had, so that it goes on with all that the other region has, and not without it. `other_answers`: the authority hears the other
    region; `other_is_whole`: which has its records, as far as it has said."""

    leadership: Leadership
    ends: Mapping[Role, Mark]
    stores: Mapping[Role, str]
    accepted: bool
    given_up: bool = False
    other_answers: bool = False
    other_is_whole: bool = False


def must_hold(known: Known, owed: Mark) -> Sequence[Mark]:
    """What the log of a leader must hold: where its leadership began, and what has been reported of it since."""
    since = [mark for mark in (*known.ends.values(), owed) if mark.position.epoch >= known.leadership.since]
    return list(dict.fromkeys([known.leadership.base, *since]))


def newest(marks: Sequence[Mark]) -> Mark:
    return max(marks, key=lambda mark: mark.position)


class Claim(msgspec.Struct, frozen=True):
    """The right to copy a region anew, of which a deployment has one. It lasts until that region is whole, or the repair was refused."""

    role: Role
    id: str


class Claims(Protocol):
    """The authority's record of it; durable."""

    async def claimed(self) -> Claim | None: ...

    async def claim(self, old: Claim | None, new: Claim | None, *, actor: str, reason: str) -> None:
        """Raises RepairFailed unless `old` is in force; else `new` is from now on."""
        ...


class Reports(Protocol):
    """The authority's record of what the regions told it; durable."""

    async def report(self, role: Role, report: Report) -> None: ...

    async def reports(self) -> Mapping[Role, Report]:
        """The newest of each region that ever reported."""
        ...

    def has_heard(self, role: Role) -> bool:
        """Whether this region has reported since this process started."""
        ...

    def seconds_since(self, role: Role) -> float | None:
        """How long ago this region reported last, never too short; None: it never did."""
        ...

    async def leadership(self) -> Leadership: ...

    async def found(self, store: str) -> RoutingState | None:
        """Decide the first state, upon the file with this id. The same id gets the same answer for ever, any other None."""
        ...
