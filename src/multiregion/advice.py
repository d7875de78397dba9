"""What an operator is told to do when an order does not succeed. Pure, so that each sentence can be tried: a drastic command is
named only where it helps."""

from collections.abc import Mapping, Sequence

from multiregion.errors import DatabaseDamaged, DiskFailed, DiskFull
from multiregion.states import UNFOUNDED, Role, RoutingState, State
from multiregion.stores import Position

Names = Mapping[Role, str]


def listed(roles: Sequence[Role], names: Names) -> str:
    return " and ".join(names[role] for role in roles)


def why_silent(role: Role, error: BaseException | None, names: Names) -> str:
    return error.detail.rstrip(".") if isinstance(error, DiskFailed | DiskFull) else f"{names[role]} does not answer"


def not_answering(silent: Mapping[Role, BaseException], state: RoutingState, target: RoutingState, names: Names) -> str:
    """A planned switch from `state` to `target` is refused. To give up the region that was meant to serve would help nobody."""
    damaged = any(isinstance(error, DatabaseDamaged) for error in silent.values())
    found = "; ".join(why_silent(role, error, names) for role, error in silent.items())
    why = f"{found}. A planned switch would not finish; nothing was changed."
    if list(silent) != [state.leader]:
        return f"{why} {'After that' if damaged else 'Start it, then'} run the same command again"
    verb = f"failover{' --writable' * target.writable}" if target.state is State.FAILOVER else "failback"
    lost = f"{why} If it is lost: `multiregion {verb} --region-lost`"
    if state.serving is target.serving:
        return lost
    reading = State.FAILOVER if target.state is State.FAILOVER else State.FENCED
    return f"{lost}; to read in {names[target.serving]} and write nowhere: `multiregion state set {reading}`"


def not_recoverable(silent: Sequence[Role], errors: Mapping[Role, BaseException], names: Names) -> str:
    found = "; ".join(why_silent(role, errors.get(role), names) for role in silent)
    damaged = any(isinstance(errors.get(role), DatabaseDamaged) for role in silent)
    what = "To go on without what its file may say" if damaged else "Start it, or, if it is lost"
    return f"{found}. It may know of later decisions; nothing was changed. {what}: `{RECOVER} --region-lost`"


def not_drained(leader: Role, seconds: float, names: Names) -> str:
    back = "state set active" if leader is Role.PRIMARY else "failover --writable"
    return (
        f"{names[leader.other]} has not caught up with {names[leader]} within {seconds:g} s;"
        f" the application stays fenced. Run the same command again to go on waiting, or `multiregion {back}` to go back"
    )


def not_ready(leader: Role, seconds: float, names: Names) -> str:
    return (
        f"{names[leader]} led and is not ready: it may lack writes that are known elsewhere. After {seconds:g} s the application stays"
        " fenced. `multiregion status` says what helps; then run the same command again"
    )


def not_lost(region: Role, names: Names) -> str:
    return (
        f"{names[region]} answers, so it is not lost: without --region-lost the switch loses nothing."
        " With --accept-loss it is taken from it all the same"
    )


def not_confirmed(region: Role, state: RoutingState, names: Names, error: object) -> str:
    decided = f"{names[region]} has not confirmed the {state.state} state, which is decided (epoch {state.epoch})"
    return f"{decided}: {error.detail}" if isinstance(error, DatabaseDamaged) else f"{decided}; run the same command again"


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


def spoiled(places: Sequence[Position]) -> str:
    """Entries of a log that no region has whole: nobody can copy it beyond them."""
    first = f"change {places[0].sequence} of epoch {places[0].epoch}"
    more = f" and {len(places) - 1:,} more" if len(places) > 1 else ""
    return f"{first}{more} in its log is damaged, and no region has it whole; nothing can be copied from here beyond it"


def repair(region: str) -> str:
    return f"multiregion repair {region}"


def start(part: str) -> str:
    return f"multiregion chaos start {part}"


def accept_history(region: str) -> str:
    return f"multiregion authority accept-history {region}"
