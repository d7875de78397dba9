"""The authority's side of a region's start: what it keeps of each region, upon which file it was founded, who resumes."""

from dataclasses import replace
from typing import Any

from multiregion.errors import NotReady, StaleEpoch
from multiregion.reports import ACCEPTED, HEARD_SECONDS, Known, Report, Reports, base_fact
from multiregion.states import UNFOUNDED, Role, RoutingState
from multiregion.stores import Decision, Mark, StateStore

WORDS_LOOKED_AT = 20


async def note_report(authority: StateStore, reports: Reports, role: Role, report: Report) -> None:
    """A file that has been told nothing yet does not speak for the region that was founded or lost before it: not after the
    founding, nor where an authority that lost its history has heard since of what the region had."""
    if not report.history:
        known = (await reports.reports()).get(role)
        if (await authority.read()).epoch != UNFOUNDED.epoch or not (known is None or known.is_empty):
            return
    await reports.report(role, report)


async def known_of(authority: StateStore, reports: Reports, role: Role) -> Known:
    said = await reports.reports()
    ends, stores = {each: report.end for each, report in said.items()}, {each: report.store for each, report in said.items()}
    words = await words_about(authority, role)
    accepted, given_up = (any(word.facts.get("beside", False) is beside for word in words) for beside in (False, True))
    silent_seconds = reports.seconds_since(role.other)
    other_answers = silent_seconds is not None and silent_seconds <= HEARD_SECONDS
    other = said.get(role.other)
    return Known(await reports.leadership(), ends, stores, accepted, given_up, other_answers, other is not None and other.whole)


async def words_about(authority: StateStore, role: Role) -> list[Decision]:
    """An operator's word counts for the epoch it was given at."""
    state = await authority.read()
    words = await authority.history(WORDS_LOOKED_AT, about=ACCEPTED)
    return [word for word in words if word.state == state and word.facts.get("role") == role]


async def founded_upon(authority: StateStore, reports: Reports, store: str) -> RoutingState | None:
    """Raises NotReady until both regions have said that they are empty: an authority without history decides nothing else. What its
    file says of them does not count: it may be a copy from before the founding."""
    if (await authority.read()).epoch == UNFOUNDED.epoch:
        said = await reports.reports()
        if any(not reports.has_heard(role) or not said[role].is_empty for role in Role):
            raise NotReady("both regions must have told the authority that they are empty before the deployment is founded")
    return await reports.found(store)


async def resumed(
    authority: StateStore, role: Role, state: RoutingState, base: Mark, reason: str, history: str | None = None
) -> RoutingState:
    """The same state under a new epoch, led by `role` with a log that ends at `base`; `history` names a new one. Raises StaleEpoch
    unless `state` is in force."""
    if state.leader is not role:
        raise StaleEpoch(f"the {role} region does not lead at epoch {state.epoch}", state=state)
    new = replace(state, epoch=state.epoch + 1)
    facts: dict[str, Any] = {"base": base_fact(base)}
    if history is not None:
        new = replace(new, history=history, succeeds=(*state.succeeds, state.history))
        facts["succeeds"] = new.succeeds
    return await authority.replace(state, new, actor="multiregion", reason=reason, facts=facts)
