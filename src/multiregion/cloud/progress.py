"""How an operation on the deployment goes: the events of its stack and of the regional ones, read anew at each look.

Nothing is kept that could not be read again, so whoever looks later sees the same.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from multiregion.cloud.account import Account, AwsFailure, is_missing
from multiregion.cloud.stack import Place, Stack, find_stack, regional_stacks
from multiregion.cloud.template import STACK_SET
from multiregion.errors import NotFound, Unavailable

LOOK_SECONDS, LOOK_SECONDS_MAX, LOOK_GROWTH = 0.25, 4.0, 1.5
LOOKS_MAX = 3_600
SILENCES_MAX = 20
STACK = "AWS::CloudFormation::Stack"
STARTS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})
CANCELLED = re.compile(r"cancell?ed", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one resource, or to a stack itself."""

    id: str
    at: datetime
    region: str
    resource: str
    physical_id: str
    type: str
    status: str
    reason: str
    of_stack: bool

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED") and not CANCELLED.search(self.reason)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An operation as it stands: the stack, and all events since it began, oldest first."""

    stack: Stack
    events: Sequence[Event]

    @property
    def latest(self) -> dict[tuple[str, str], Event]:
        """What happened last to each resource, by region and logical id."""
        return {(event.region, event.resource): event for event in self.events if not event.of_stack}

    def finished(self) -> int:
        return len([event for event in self.latest.values() if event.status.endswith("_COMPLETE")])

    def working_on(self) -> list[Event]:
        """The resources that are being made, changed or removed, the newest last."""
        found = [event for event in self.latest.values() if event.status.endswith("_IN_PROGRESS") and event.type != STACK_SET]
        return sorted(found, key=lambda event: event.at)

    @property
    def rolls_back(self) -> bool:
        return "ROLLBACK" in self.stack.status

    def first_failure(self) -> Event | None:
        """The cause: in whichever region a resource failed first, by itself and not because another did."""
        failed = [event for event in self.events if event.failed and not event.of_stack]
        return next((event for event in failed if event.type != STACK_SET), None) or next(iter(failed), None)

    def stated(self) -> str:
        """What AWS says of the stack itself, where no resource is to blame; it may be nothing."""
        said = [event.reason for event in self.events if event.of_stack and event.reason and event.status not in STARTS]
        return self.stack.reason or next(iter(said), "")


@dataclass
class Watch:
    """Looks at one operation until it ends. `pause` blocks for some seconds."""

    account: Account
    stack_id: str
    pause: Callable[[float], None]
    _places: dict[str, Place] = field(default_factory=dict)

    def looks(self) -> Iterator[Snapshot]:
        """What each look finds; the last one is final. A few failed looks in a row are borne, an operation does not depend on them."""
        silences, wait = 0, LOOK_SECONDS
        for _ in range(LOOKS_MAX):
            try:
                snapshot = self.look()
                silences = 0
            except Unavailable:
                silences += 1
                if silences > SILENCES_MAX:
                    raise
            else:
                yield snapshot
                if not snapshot.stack.runs:
                    return
            self.pause(wait)
            wait = min(wait * LOOK_GROWTH, LOOK_SECONDS_MAX)
        raise Unavailable(f"the operation goes on in AWS after {LOOKS_MAX} looks; run the same command again to watch it")

    def look(self) -> Snapshot:
        stack = find_stack(self.account, self.stack_id)
        if stack is None:
            raise NotFound(f"there is no stack {self.stack_id}")
        hub = list(self._since_start(stack))
        if not hub:
            return Snapshot(stack, [])
        began = hub[-1].at
        self._find_regional(stack, began)
        regional = [event for place in self._places.values() for event in self._after(place, began)]
        return Snapshot(stack, sorted([*hub, *regional], key=lambda event: event.at))

    def _since_start(self, stack: Stack) -> Iterator[Event]:
        """The events of the newest operation, newest first, with the one that began it."""
        for event in self._events(Place(stack.region, stack.id)):
            yield event
            if event.of_stack and event.status in STARTS:
                return

    def _after(self, place: Place, began: datetime) -> Iterator[Event]:
        for event in self._events(place):
            if event.at < began:
                return
            yield event

    def _find_regional(self, stack: Stack, began: datetime) -> None:
        for place in regional_stacks(self.account, stack, stack.regions, began):
            self._places[place.name] = place

    def _events(self, place: Place) -> Iterator[Event]:
        try:
            for found in self.account.pages("cloudformation", "describe_stack_events", "StackEvents", place.region, StackName=place.name):
                yield Event(
                    id=found["EventId"],
                    at=found["Timestamp"],
                    region=place.region,
                    resource=found["LogicalResourceId"],
                    physical_id=found.get("PhysicalResourceId", ""),
                    type=found["ResourceType"],
                    status=found["ResourceStatus"],
                    reason=found.get("ResourceStatusReason", "") or "",
                    of_stack=found["ResourceType"] == STACK and found.get("PhysicalResourceId") == found["StackId"],
                )
        except AwsFailure as error:
            if not is_missing(error):
                raise
