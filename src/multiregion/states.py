"""The three states, who writes in each, and the only moves that are safe between them. Pure."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from multiregion.errors import IllegalMove, InvalidInput


class State(StrEnum):
    """The guide's application states; case-sensitive."""

    ACTIVE = "active"
    FENCED = "fenced"
    FAILOVER = "failover"


class Role(StrEnum):
    """What a region is to the other one; it does not change when writing moves."""

    PRIMARY = "primary"
    SECONDARY = "secondary"

    @property
    def other(self) -> "Role":
        return Role.SECONDARY if self is Role.PRIMARY else Role.PRIMARY


@dataclass(frozen=True, slots=True)
class RoutingState:
    """What the authority decided at one epoch.

    `leader` is the region that wrote last, and whose log is therefore the newest; it writes now only if `writer` says so.
    `writable` matters in `failover` alone: the guide's failover is read-only. `history` names the line of decisions: epochs are
    compared within one history only ("": nothing has been decided yet). It goes on from those in `succeeds`.
    """

    state: State
    epoch: int
    leader: Role
    writable: bool = False
    history: str = ""
    succeeds: tuple[str, ...] = field(default=(), compare=False)

    @property
    def serving(self) -> Role:
        """The region that the application points to."""
        return Role.SECONDARY if self.state is State.FAILOVER else Role.PRIMARY

    @property
    def writer(self) -> Role | None:
        if self.state is State.ACTIVE:
            return Role.PRIMARY
        if self.state is State.FAILOVER and self.writable:
            return Role.SECONDARY
        return None

    def supersedes(self, other: "RoutingState") -> bool:
        """Whether a region that obeys `other` has to obey this from now on."""
        if self.history == other.history:
            return self.epoch > other.epoch
        return not other.history or other.history in self.succeeds

    def is_taken_by(self, admitted: "RoutingState") -> bool:
        """Whether a region that obeys `admitted` obeys this as soon as it hears of it. If not, another authority decided, or this
        one before it was restored from an older copy."""
        return self == admitted or self.supersedes(admitted)

    def disputes(self, other: "RoutingState") -> bool:
        """Whether two things were decided under one number: the authority was restored from an older copy in between."""
        return (self.history, self.epoch) == (other.history, other.epoch) and self != other


UNFOUNDED = RoutingState(state=State.FENCED, epoch=0, leader=Role.PRIMARY)
"""Before the deployment is founded: nothing has been decided, nobody writes."""

FIRST = RoutingState(state=State.ACTIVE, epoch=1, leader=Role.PRIMARY)


def order_for(writer: Role) -> str:
    """The words of the order that makes a region the writer."""
    return "failback" if writer is Role.PRIMARY else "failover --writable"


def parse_state(name: object) -> State:
    """The state called exactly `name`. Raises InvalidInput, naming the three, for anything else, `Active` included."""
    for state in State:
        if state.value == name:
            return state
    raise InvalidInput(f"state must be one of active, fenced, failover (case-sensitive), not {name!r}", field="state")


def move(current: RoutingState, to: State, *, writable: bool = False, drained: bool = False, region_lost: bool = False) -> RoutingState:
    """The state after `to`, one epoch later.

    `drained`: the old writer is fenced and the other region has its log to the last change. `region_lost`: the operator's
    word that the leader is lost, or an expired lease. Raises IllegalMove if `to` names a writer other than the leader
    without either, because the two logs could then part unnoticed.
    """
    writer = replace(current, state=to, writable=writable).writer
    if writer is not None and writer is not current.leader and not (drained or region_lost):
        raise IllegalMove(
            f"{to} would make the {writer} region the writer, but the {current.leader} region wrote last and has not been"
            " fenced and drained"
        )
    return replace(current, state=to, epoch=current.epoch + 1, leader=writer or current.leader, writable=writer is Role.SECONDARY)
