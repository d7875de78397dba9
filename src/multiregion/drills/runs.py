"""Every run of a drill, numbered without gaps: two lines in the authority's history, one before its result is known and one after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from multiregion.errors import Conflict, InvalidInput

WHAT = "drill"
BEGUN, SEALED, ABORTED = "begun", "sealed", "aborted"
UNDER_WAY = "under way"


class RunLog(Protocol):
    """The lines about drills in the authority's history, oldest first; durable."""

    async def drills(self) -> Sequence[Mapping[str, Any]]: ...

    async def note_drill(self, after: int, *, actor: str, reason: str, facts: Mapping[str, Any]) -> None:
        """Add a line, if there are exactly `after` of them. Raises Conflict if there are more or fewer."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `outcome`: the verdict, "aborted", or "under way"."""

    number: int
    scenario: str
    actor: str
    at: str
    outcome: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def check(facts: Mapping[str, Any]) -> None:
    """Raises InvalidInput for a line that no run has."""
    if type(facts.get("run")) is not int:
        raise InvalidInput("facts.run must be a whole number", field="facts.run")
    if facts.get("word") not in (BEGUN, SEALED, ABORTED):
        raise InvalidInput(f"facts.word must be {BEGUN}, {SEALED} or {ABORTED}", field="facts.word")
    texts = ("scenario",) if facts["word"] == BEGUN else ("verdict", "seal")
    for name in texts:
        if not isinstance(facts.get(name), str):
            raise InvalidInput(f"facts.{name} must be text", field=f"facts.{name}")


def runs_in(lines: Sequence[Mapping[str, Any]]) -> list[Run]:
    """Oldest first. `lines`: each with `actor`, `at` and `facts`."""
    found: dict[int, Run] = {}
    for line in lines:
        facts = line["facts"]
        number = facts["run"]
        if facts["word"] == BEGUN:
            found[number] = Run(number, facts["scenario"], line["actor"], line["at"], UNDER_WAY, facts)
        elif number in found:
            before = found[number]
            outcome = facts.get("verdict") or ABORTED
            found[number] = Run(number, before.scenario, before.actor, before.at, outcome, {**before.facts, **facts})
    return [found[number] for number in sorted(found)]


def under_way(lines: Sequence[Mapping[str, Any]]) -> Run | None:
    """The run that has begun and not ended. There is at most one: whoever begins says how many lines there were."""
    return next((run for run in reversed(runs_in(lines)) if run.outcome == UNDER_WAY), None)


def seal_before(lines: Sequence[Mapping[str, Any]], number: int) -> str | None:
    """The digest of the newest seal before this run."""
    seals = [run.facts["seal"] for run in runs_in(lines) if run.number < number and run.facts.get("seal")]
    return str(seals[-1]) if seals else None


async def begin(log: RunLog, *, actor: str, scenario: str, plan: str, nonce: str) -> int:
    """The number of a new run. Raises Conflict, naming it, if one is under way, or somebody begins one at this moment."""
    lines = await log.drills()
    if run := under_way(lines):
        raise Conflict(f"drill {run.number} ({run.scenario}, by {run.actor}) is under way. Wait for it, or end it: multiregion drill abort")
    number = max((run.number for run in runs_in(lines)), default=0) + 1
    facts = {"run": number, "word": BEGUN, "scenario": scenario, "plan": plan, "nonce": nonce}
    await log.note_drill(len(lines), actor=actor, reason=f"run {number} ({scenario}) begins", facts=facts)
    return number


async def end(log: RunLog, number: int, *, actor: str, verdict: str, seal: str, experience: Mapping[str, Any] | None = None) -> None:
    """`verdict` "aborted": it was broken off. `experience`: what it measured, as `drills.experience` makes it. Raises Conflict if the run
    is not under way."""
    lines = await log.drills()
    run = under_way(lines)
    if run is None or run.number != number:
        raise Conflict(f"drill {number} is not under way")
    word = ABORTED if verdict == ABORTED else SEALED
    facts = {"run": number, "word": word, "verdict": verdict, "seal": seal, **({"experience": experience} if experience else {})}
    await log.note_drill(len(lines), actor=actor, reason=f"run {number}: {verdict}", facts=facts)
