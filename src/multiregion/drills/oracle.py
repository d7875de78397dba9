"""The verdict of a drill, from nothing but what clients were told, what both regions answer at the end, and the loss ledger. Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from multiregion.drills.conduct import no_stale_read, no_zombie, one_writer, reads_throughout, sign_in_survives
from multiregion.drills.contents import (
    LOSSLESS,
    deleted_stays_deleted,
    ledger_is_settled,
    nothing_is_invented,
    nothing_lost_on_purpose,
    nothing_vanished,
    photos_have_bytes,
    refusals_wrote_nothing,
    regions_are_equal,
)
from multiregion.drills.facts import ROLES, Facts, Row
from multiregion.drills.index import Index, Witness

PASS = "pass"  # noqa: S105
BROKEN = "promise broken"
MISSED = "objective missed"
INCONCLUSIVE = "inconclusive"

WITNESSES_MAX = 20
LATENESS_MICROSECONDS_MAX = 50_000
WAITED_MICROSECONDS = 250_000
STEADY_ERRORS_MAX = 0.01
BITING = ("crash", "partition", "freeze", "lost-disk")
"""Scenarios whose fault clients must have felt, or it did not bite."""

NEEDS_FINALS = ("C1", "C2", "C3", "C4", "C7", "C8", "C9", "C11", "C13")

Rule = Callable[[Index], Iterator[Witness]]
RULES: tuple[tuple[str, str, Rule], ...] = (
    ("C1", "Every acknowledged write is there, or in the loss ledger, and not both", nothing_vanished),
    ("C2", "Nothing that was refused was written", refusals_wrote_nothing),
    ("C3", "Nothing is there that nobody asked for", nothing_is_invented),
    ("C4", "A planned switch loses nothing", nothing_lost_on_purpose),
    ("C5", "At one epoch one region accepts writes, and epochs never fall", one_writer),
    ("C6", "The old writer accepts nothing once the new one has", no_zombie),
    ("C7", "What was deleted stays deleted, or its delete is in the ledger", deleted_stays_deleted),
    ("C8", "Both regions hold the same, item by item", regions_are_equal),
    ("C9", "Every visible photo answers with its own bytes", photos_have_bytes),
    ("C10", "A client that sends its position never reads an older state", no_stale_read),
    ("C11", "Sessions and passwords survive, or their change is in the ledger", sign_in_survives),
    ("C12", "Reads are answered in every second by some region", reads_throughout),
    ("C13", "Every entry of the ledger is settled as it says, by somebody known", ledger_is_settled),
)


@dataclass(frozen=True)
class Finding:
    """What one rule found: `kept`, `broken`, or `not judged` with the reason in `text`. `witnesses`: the smallest first, not all of
    `count` if there are many."""

    rule: str
    promise: str
    outcome: str
    count: int = 0
    witnesses: tuple[Witness, ...] = ()
    text: str = ""


def check(facts: Facts, only: Iterable[str] = ()) -> list[Finding]:
    """Every rule, or those named."""
    wanted = set(only) or {rule for rule, _, _ in RULES}
    index = Index(facts)
    return [judged(index, rule, promise, find) for rule, promise, find in RULES if rule in wanted]


def judged(index: Index, rule: str, promise: str, find: Rule) -> Finding:
    if reason := not_applicable(rule, index.facts):
        return Finding(rule, promise, "not judged", text=reason)
    found = sorted(find(index), key=lambda witness: witness.size)
    return Finding(rule, promise, "broken" if found else "kept", len(found), tuple(found[:WITNESSES_MAX]))


def not_applicable(rule: str, facts: Facts) -> str:
    """Why a rule has nothing to say of this run, or nothing."""
    if rule in NEEDS_FINALS and not all(role in facts.finals for role in ROLES):
        return "there are no final reads"
    if rule == "C4" and facts.header["scenario"] not in LOSSLESS:
        return "the scenario is not a planned switch"
    if rule == "C13" and not facts.ledger:
        return "the ledger is empty"
    kinds = {"C9": ("photo",), "C10": ("replace",), "C11": ("password", "sign_in", "session")}.get(rule)
    if kinds and not any(operation["k"] in kinds for operation in facts.operations):
        return f"the workload has no {' or '.join(kinds).replace('_', '-')}"
    return ""


def doubts(facts: Facts) -> list[str]:
    """Every reason why the run says nothing: no steady state, a driver that starved, a fault that did not bite, a part that is missing.
    All of that follows where the run was stopped."""
    if stopped := facts.environment.get("stopped"):
        return [f"the run was stopped: {stopped}"]
    found = [f"there is no final read of the {role} region" for role in ROLES if role not in facts.finals]
    found += [reason for reason in (not_steady(facts), starved(facts), not_bitten(facts)) if reason]
    return found


def not_steady(facts: Facts) -> str:
    """Before the fault clients were served; the stale and the pinned are not counted, they are refused by design."""
    fault = beginning(facts)
    if fault is None:
        return "nothing was injected or ordered"
    before = [each for each in following(facts) if each["told"] < fault]
    if not before:
        return "no operation was answered before the fault"
    share = sum(each["out"] != "ok" for each in before) / len(before)
    most = percentage(facts.plan.get("stop", {}).get("if_error_rate_before_fault"), STEADY_ERRORS_MAX)
    return f"before the fault {share:.1%} of operations failed, more than {most:.1%}" if share > most else ""


def starved(facts: Facts) -> str:
    late = sorted(each["sent"] - each["due"] for each in facts.operations)
    p99 = late[int(len(late) * 0.99)] if late else 0
    if p99 <= LATENESS_MICROSECONDS_MAX:
        return ""
    return f"the driver starved: operations went out {p99 / 1000:.0f} ms late (p99), more than {LATENESS_MICROSECONDS_MAX / 1000:.0f} ms"


def not_bitten(facts: Facts) -> str:
    scenario = facts.header["scenario"]
    if scenario == "planned":
        return "" if any(is_fence(row) for row in (*facts.operations, *facts.events)) else "no client saw the fence"
    if scenario not in BITING:
        return ""
    start = moment(facts, "fault")
    end = moment(facts, "undo", last=True)
    felt = any(
        (each["out"] != "ok" or each["told"] - each["due"] > WAITED_MICROSECONDS)
        for each in following(facts)
        if start is not None and each["told"] >= start and (end is None or each["due"] <= end)
    )
    # A writer that is only cut off answers everybody: what its clients feel is what it loses.
    bitten = felt or (scenario == "partition" and bool(facts.ledger))
    return "" if bitten else "the fault did not bite: no operation failed or waited while it lasted"


def is_fence(row: Row) -> bool:
    return row.get("state") == "fenced" or (row.get("out") == "refused" and row.get("status") == 409)


def moment(facts: Facts, event: str, *, last: bool = False) -> int | None:
    """When the first, or the last, event of this name began."""
    times = [int(each["sent"]) for each in facts.events if each["event"] == event]
    return (max if last else min)(times) if times else None


def beginning(facts: Facts) -> int | None:
    """When the fault was injected; for a planned switch, when it was ordered."""
    fault = moment(facts, "fault")
    return moment(facts, "ordered") if fault is None else fault


def following(facts: Facts) -> list[Row]:
    """Operations of clients that go where the state says."""
    clients = {client["c"] for client in facts.header["clients"] if client["conduct"] == "follows"}
    return [each for each in facts.operations if each["c"] in clients]


def percentage(text: str | None, default: float) -> float:
    """`>1%`, `1%` or `0.01` as a share."""
    if text is None:
        return default
    number = str(text).lstrip("<>= ")
    return float(number.removesuffix("%")) / 100 if number.endswith("%") else float(number)


def verdict(findings: Iterable[Finding], doubts: Iterable[str], missed: Iterable[object]) -> str:
    """A broken promise counts whatever else is in doubt; a figure in doubt counts for nothing."""
    if any(finding.outcome == "broken" for finding in findings):
        return BROKEN
    if any(True for _ in doubts):
        return INCONCLUSIVE
    return MISSED if any(True for _ in missed) else PASS
