"""What an operator is told to do when an order does not succeed. Pure, so that each sentence can be tried: a drastic command is
named only where it helps."""

from collections.abc import Mapping, Sequence

from multiregion.errors import DatabaseDamaged, DiskFailed, DiskFull, MultiregionError
from multiregion.states import UNFOUNDED, Role, RoutingState, State, order_for
from multiregion.stores import Position

Names = Mapping[Role, str]


def listed(roles: Sequence[Role], names: Names) -> str:
    return " and ".join(names[role] for role in roles)


def why_silent(role: Role, error: BaseException | None, names: Names) -> str:
    return error.detail.rstrip(".") if isinstance(error, DiskFailed | DiskFull) else f"{names[role]} does not answer"


def without(dead: Role, state: RoutingState, names: Names) -> str:
    """What goes on if `dead` does not come back; nothing is needed where the other region writes."""
    survivor = dead.other
    if state.writer is survivor:
        return f"{names[survivor]} goes on"
    has_led = state.leader is survivor
    order = "state set active" if has_led and survivor is Role.PRIMARY else f"{order_for(survivor)}{' --region-lost' * (not has_led)}"
    said = f"If {names[dead]} is lost: `multiregion {order}`"
    if state.serving is survivor:
        return said
    reading = State.FAILOVER if survivor is Role.SECONDARY else State.FENCED
    return f"{said}; to read in {names[survivor]} and write nowhere: `multiregion state set {reading}`"


def neither(leader: Role, names: Names) -> str:
    """There is nobody to go on with."""
    return f"neither region answers. Start one, {names[leader]} if you can, as it wrote last; then run the same command again"


def not_answering(silent: Mapping[Role, BaseException], state: RoutingState, names: Names) -> str:
    """A planned switch from `state` is refused. To give up a region while the other one writes would help nobody."""
    damaged = any(isinstance(error, DatabaseDamaged) for error in silent.values())
    found = "; ".join(why_silent(role, error, names) for role, error in silent.items())
    what = "After that" if damaged else f"Start {'them' if len(silent) > 1 else 'it'}, then"
    why = f"{found}. A planned switch would not finish; nothing was changed. {what} run the same command again"
    dead = next(iter(silent))
    return why if len(silent) > 1 or state.writer is dead.other else f"{why}. {without(dead, state, names)}"


def no_object_list(target: Role, state: RoutingState, names: Names, errors: Mapping[Role, BaseException]) -> str:
    """A region that is to serve does not say what it has."""
    why = f"{names[target]} does not say whether it has every object ({errors[target]}); nothing was changed"
    return f"{why}; {neither(state.leader, names)}" if len(errors) > 1 else f"{why}. {without(target, state, names)}"


def no_survivor(survivor: Role, state: RoutingState, names: Names, *, other_answers: bool) -> str:
    """A takeover is refused: the region that it would go on with is silent."""
    if not other_answers:
        return f"{names[survivor]} does not answer either; nothing was changed: {neither(state.leader, names)}"
    why = f"{names[survivor]} does not answer, and {names[survivor.other]} does; nothing was changed"
    return f"{why}. {without(survivor, state, names)}"


def not_movable(why: str, state: RoutingState, answers: Mapping[Role, object], names: Names) -> str:
    """To make another region the writer at once is refused. `answers`: None of a region that is silent."""
    wanted, silent = state.leader.other, [role for role in Role if answers[role] is None]
    planned = f"`multiregion {order_for(wanted)}` does that first, and loses nothing"
    if not silent:
        return f"{why}. {planned}"
    if len(silent) > 1:
        return f"{why}; {neither(state.leader, names)}"
    (dead,) = silent
    return f"{why}, and {names[dead]} does not answer. When it answers, {planned}. {without(dead, state, names)}"


def not_recoverable(silent: Sequence[Role], errors: Mapping[Role, BaseException], names: Names) -> str:
    found = "; ".join(why_silent(role, errors.get(role), names) for role in silent)
    damaged = any(isinstance(errors.get(role), DatabaseDamaged) for role in silent)
    what = "To go on without what its file may say" if damaged else "Start it, or, if it is lost"
    return f"{found}. It may know of later decisions; nothing was changed. {what}: `{RECOVER} --region-lost`"


def not_drained(fenced: RoutingState, seconds: float, names: Names, silent: Mapping[Role, BaseException]) -> str:
    """The region that led, or the one that was to follow it, may have fallen silent after the fence."""
    leader = fenced.leader
    if len(silent) > 1:
        return f"the application stays fenced: {neither(leader, names)}"
    for role, error in silent.items():
        again = "After that, or when it answers," if isinstance(error, DatabaseDamaged) else "When it answers,"
        why = f"{why_silent(role, error, names)}, so the regions are not level; the application stays fenced"
        return f"{why}. {again} run the same command again. {without(role, fenced, names)}"
    back = "state set active" if leader is Role.PRIMARY else "failover --writable"
    return (
        f"{names[leader.other]} has not caught up with {names[leader]} within {seconds:g} s;"
        f" the application stays fenced. Run the same command again to go on waiting, or `multiregion {back}` to go back"
    )


def not_fit(survivor: Role, names: Names) -> str:
    return f"{names[survivor]} is not ready to serve; nothing was changed. `multiregion status` says why"


def not_ready(fenced: RoutingState, seconds: float, names: Names) -> str:
    return (
        f"{names[fenced.leader]} led and is not ready: it may lack writes that are known elsewhere. After {seconds:g} s the application"
        " stays fenced. `multiregion status` says what helps; then run the same command again"
    )


def not_lost(region: Role, names: Names, order: str) -> str:
    return (
        f"{names[region]} answers, so it is not lost: without --region-lost the switch loses nothing: `multiregion {order}`."
        f" With --accept-loss it is taken from it all the same: `multiregion {order} --region-lost --accept-loss`"
    )


def all_the_same(order: str) -> str:
    """How an operator goes on though more than the limit may be lost."""
    return f"Nothing was changed; `multiregion {order} --region-lost --accept-loss` goes on all the same"


def verb(to: State, *, writable: bool) -> str:
    """The words of the order, without what makes it a takeover."""
    return "failback" if to is State.ACTIVE else f"failover{' --writable' * writable}"


def not_confirmed(region: Role, state: RoutingState, names: Names, silent: Mapping[Role, BaseException]) -> str:
    """`silent`: the regions that have not confirmed, `region` among them."""
    error = silent[region]
    why = error.detail.rstrip(".") if isinstance(error, MultiregionError) else str(error)
    decided = f"{names[region]} has not confirmed the {state.state} state, which is decided (epoch {state.epoch}): {why}"
    if len(silent) > 1:
        return f"{decided}; {neither(state.leader, names)}"
    again = "After that" if isinstance(error, DatabaseDamaged) else "When it answers"
    return f"{decided}. {again}, run the same command again. {without(region, state, names)}"


def not_asked(region: Role, state: RoutingState, names: Names, error: MultiregionError) -> str:
    """An order about one region, which does not answer."""
    why = f"{why_silent(region, error, names)}, so it takes no word"
    return f"{why}. When it answers, run the same command again. {without(region, state, names)}"


def not_any_more(survivor: Role, names: Names, error: MultiregionError) -> str:
    """It answered a moment ago, and the other region is lost: there is nobody else to go on with."""
    return f"{names[survivor]} does not answer any more ({error.detail}). When it does, run the same command again"


RECOVER = "multiregion authority recover"


def no_history(obeyed: Sequence[RoutingState]) -> str:
    """What an authority says that has decided nothing; `obeyed`: what the regions that answer obey."""
    if any(state.history for state in obeyed):
        return f"the authority has lost its history, so it decides nothing. `{RECOVER}` begins a new one from what the regions know"
    return "the deployment is not founded yet: both regions have to tell the authority first that they are empty"


LATER = "it will learn the state when it is back"
OLD_OR_FOREIGN = "the authority was restored from an old backup, or a region's files were replaced by those of a copy of this deployment"
FROM = "if files were replaced, add `--from` and the other region, whose log then counts"


def outdated(obeyed: RoutingState, decided: RoutingState) -> str:
    """Said only after the authority was read again, later than the region was asked."""
    return (
        f"a region obeys epoch {obeyed.epoch} ({obeyed.state}), which the authority, at epoch {decided.epoch}, has not decided:"
        f" {OLD_OR_FOREIGN}. `{RECOVER}` begins a new history from what the regions know; {FROM}"
    )


def knows_less(obeyed: RoutingState, told: RoutingState) -> str:
    """The same, as a region says it of itself."""
    if told.epoch == UNFOUNDED.epoch:
        return f"the authority has lost its history, and decides nothing before `{RECOVER}`"
    return (
        f"the authority knows only epoch {told.epoch}, and this region obeys epoch {obeyed.epoch}: {OLD_OR_FOREIGN};"
        f" nothing can be decided before `{RECOVER}`; {FROM}"
    )


def nothing_but_set_aside(name: str, kept: str) -> str:
    return (
        f"no region that answers has any data, but {name} keeps a database that was set aside, in {kept}. Nothing was changed. Put it back"
        f" first: `multiregion repair {name} --put-back`. To begin with nothing: `{RECOVER} --accept-loss`"
    )


def spoiled(places: Sequence[Position]) -> str:
    """Entries of a log that no region has whole: nobody can copy it beyond them."""
    first = f"change {places[0].sequence} of epoch {places[0].epoch}"
    more = f" and {len(places) - 1:,} more" if len(places) > 1 else ""
    return f"{first}{more} in its log is damaged, and no region that answered has it whole; nothing can be copied from here beyond it"


def repair(region: str) -> str:
    return f"multiregion repair {region}"


MEND_LINE = "mend the line between the regions"


def not_to_give_up(region: str, other: str, writes: int | None) -> str:
    """Nobody's history is accepted that lacks what the other region would send it."""
    return (
        f"{other} answers, and has what {region} lacks: {writes_of(writes)}. Nothing was changed: {MEND_LINE}, and {region} copies it and"
        " leads; `multiregion status` shows when"
    )


def gives_up(region: str, other: str, writes: int | None, *, answers: bool) -> str:
    """What goes with an operator's word."""
    there = f"{other} does not have it either" if answers else f"{other}, which may have it, does not answer: start it if it is not lost"
    return f"{region} lacks {writes_of(writes)} that the authority knows of; {there}"


def writes_of(count: int | None) -> str:
    return "an unknown number of writes" if count is None else f"{count:,} {'write' if count == 1 else 'writes'}"


def put_back(region: str) -> str:
    return f"multiregion repair {region} --put-back"


def kept(region: str, word: str) -> str:
    return f"a database has which was set aside in the {region} region: `{word}` puts it back"


def start(part: str) -> str:
    return f"multiregion chaos start {part}"


def accept_history(region: str) -> str:
    return f"multiregion authority accept-history {region}"
