"""What an operator is told to do when an order does not succeed. Pure, so that each sentence can be tried: a drastic command is
named only where it helps."""

from collections.abc import Mapping, Sequence

from multiregion.states import UNFOUNDED, Role, RoutingState, State

Names = Mapping[Role, str]


def listed(roles: Sequence[Role], names: Names) -> str:
    return " and ".join(names[role] for role in roles)


def not_answering(silent: Sequence[Role], state: RoutingState, target: RoutingState, names: Names) -> str:
    """A planned switch from `state` to `target` is refused. To give up the region that was meant to serve would help nobody."""
    why = f"{listed(silent, names)} does not answer, so a planned switch would not finish; nothing was changed."
    if list(silent) != [state.leader]:
        return f"{why} Start it, then run the same command again"
    verb = f"failover{' --writable' * target.writable}" if target.state is State.FAILOVER else "failback"
    lost = f"{why} If it is lost: `multiregion {verb} --region-lost`"
    if state.serving is target.serving:
        return lost
    reading = State.FAILOVER if target.state is State.FAILOVER else State.FENCED
    return f"{lost}; to read in {names[target.serving]} and write nowhere: `multiregion state set {reading}`"


def not_drained(leader: Role, seconds: float, names: Names) -> str:
    back = "state set active" if leader is Role.PRIMARY else "failover --writable"
    return (
        f"{names[leader.other]} has not caught up with {names[leader]} within {seconds:g} s;"
        f" the application stays fenced. Run the same command again to go on waiting, or `multiregion {back}` to go back"
    )


def not_lost(region: Role, names: Names) -> str:
    return (
        f"{names[region]} answers, so it is not lost: without --region-lost the switch loses nothing."
        " With --accept-loss it is taken from it all the same"
    )


def not_confirmed(region: Role, state: RoutingState, names: Names) -> str:
    return f"{names[region]} has not confirmed the {state.state} state, which is decided (epoch {state.epoch}); run the same command again"


RECOVER = "multiregion authority recover"


def no_history(obeyed: Sequence[RoutingState]) -> str:
    """What an authority says that has decided nothing; `obeyed`: what the regions that answer obey."""
    if any(state.history for state in obeyed):
        return f"the authority has lost its history, so it decides nothing. `{RECOVER}` begins a new one from what the regions know"
    return "the deployment is not founded yet: both regions have to tell the authority first that they are empty"


def outdated(obeyed: RoutingState, decided: RoutingState) -> str:
    """Said only after the authority was read again, later than the region was asked."""
    return (
        f"a region obeys epoch {obeyed.epoch} ({obeyed.state}), which the authority, at epoch {decided.epoch}, has not decided: it was"
        f" restored from an old backup. `{RECOVER}` begins a new history from what the regions know"
    )


def knows_less(obeyed: RoutingState, told: RoutingState) -> str:
    """The same, as a region says it of itself."""
    if told.epoch == UNFOUNDED.epoch:
        return f"the authority has lost its history, and decides nothing before `{RECOVER}`"
    return (
        f"the authority knows only epoch {told.epoch}, and this region obeys epoch {obeyed.epoch}: it was restored from an old backup;"
        f" nothing can be decided before `{RECOVER}`"
    )


def accept_history(region: str) -> str:
    return f"multiregion authority accept-history {region}"
