"""What the last drill came to, in a sentence for whoever is about to give the same order in earnest."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec

from multiregion.drills.faults import scenario
from multiregion.drills.oracle import BROKEN, INCONCLUSIVE, MISSED
from multiregion.drills.runs import ABORTED, UNDER_WAY, Run, runs_in

PLANNED, TAKEOVER = "planned", "lost"
"""How writing moves, as `faults.Scenario.takes_over` has it."""
WORDS = {BROKEN: "; it broke a promise", MISSED: "; it missed an objective"}
SPANS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


class Experience(msgspec.Struct, frozen=True):
    """`rto`: microseconds until writes worked again, None if that was not measured. `lost`: acknowledged writes."""

    rto: Annotated[int, msgspec.Meta(ge=0)] | None
    lost: Annotated[int, msgspec.Meta(ge=0)]


def experience(derived: Mapping[str, Any]) -> dict[str, Any] | None:
    """Of a run's result, an `Experience` as it is noted. None for a run that says nothing."""
    if derived["verdict"] == INCONCLUSIVE:
        return None
    measures = derived["measures"]
    return {"rto": measures["rto"]["write"].get("microseconds"), "lost": measures["rpo"]["writes"]}


def last_drill(lines: Sequence[Mapping[str, Any]], takes_over: str, now: float) -> str | None:
    """The newest run in which writing moved in this way, and that says something. `now` in seconds since 1970."""
    for run in reversed(runs_in(lines)):
        found = noted(run)
        if found and moved(run) == takes_over:
            return sentence(run, found, now)
    return None


def noted(run: Run) -> Experience | None:
    """None where a run noted nothing, or what this release does not know."""
    try:
        return None if run.outcome in (ABORTED, UNDER_WAY) else msgspec.convert(run.facts.get("experience"), Experience | None)
    except msgspec.ValidationError:
        return None


def moved(run: Run) -> str:
    try:
        return scenario(run.scenario, 0).takes_over
    except KeyError:  # of another release
        return ""


def sentence(run: Run, found: Experience, now: float) -> str:
    seconds = now - datetime.fromisoformat(run.at).timestamp()
    back = "the time without writes not measured" if found.rto is None else f"{found.rto / 1_000_000:.1f} s without writes"
    return f"Last drill ({run.scenario}, {ago(seconds)}): {back}, {lost(found.lost, run.outcome)}{WORDS.get(run.outcome, '')}."


def lost(writes: int, outcome: str) -> str:
    if not writes:
        return "nothing lost"
    listed = "" if outcome == BROKEN else ", all listed" if writes > 1 else ", and listed"
    return f"{writes:,} {'write' if writes == 1 else 'writes'} lost{listed}"


def ago(seconds: float) -> str:
    for length, name in SPANS:
        if (count := int(seconds // length)) > 0:
            return f"{count:,} {name}{'s' * (count > 1)} ago"
    return "just now"
