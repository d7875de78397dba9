"""What operators were told by their orders, held against what was decided afterwards."""

from collections.abc import Callable

from multiregion.orders import Request
from multiregion.states import RoutingState, State

Met = Callable[[RoutingState], bool]


class ToldOrders:
    """An order that was told success is undone only by one that began after it: whoever gave that one knew, or could know."""

    def __init__(self, check: Callable[[bool, str], None]) -> None:
        self._check = check
        self._count = 0
        self._begun: dict[str, int] = {}
        self._told: list[tuple[int, str, Met, RoutingState]] = []

    def begins(self, actor: str) -> None:
        """Each order of an operator has a name of its own; automatic mode has one at a time."""
        self._count += 1
        self._begun[actor] = self._count

    def succeeds(self, verb: str, request: Request, state: RoutingState) -> None:
        """An order ends well while the authority's state is `state`."""
        if verb == "recover":
            return
        met = moved if verb == "switchover" else request.is_met_by
        self._check(met(state), f"{request.actor} was told of success with {verb} to {request.to}, and the state is {state}")
        self._told.append((self._begun[request.actor], request.actor, met, state))

    def decided(self, state: RoutingState, actor: str) -> None:
        """Whatever the authority decides."""
        number = self._begun.get(actor, 0)
        for began, who, met, told in self._told:
            undone = began > number and told.epoch < state.epoch and not met(state)
            self._check(
                not undone, f"{who} was told of {told.state}, epoch {told.epoch}, and {actor}, who had begun before, undid it: {state}"
            )
        self._told = [each for each in self._told if each[2](state)]

    def restored(self) -> None:
        """Of what a backup does not know nothing can be said."""
        self._told.clear()


def moved(state: RoutingState) -> bool:
    """What a switchover comes to: the serving region writes."""
    return state.state is not State.FENCED and state.writer is state.serving
