"""The verdict, what makes a run inconclusive, and the checker that checks itself."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from multiregion.drills.corruptions import DEFECTS, Defect, self_check
from multiregion.drills.facts import Facts
from multiregion.drills.oracle import BROKEN, INCONCLUSIVE, MISSED, PASS, RULES, check, doubts
from multiregion.drills.verdict import derive
from tests.drill_edits import add, facts, first, keep


def no_fault(found: Facts) -> None:
    found.events[:] = [event for event in found.events if event["event"] not in ("fault", "ordered")]


def errors_before(found: Facts) -> None:
    for row in found.operations[:10]:
        row["out"] = "unknown"


def nothing_before(found: Facts) -> None:
    first(found.events, event="fault")["sent"] = 0


def starved(found: Facts) -> None:
    for row in found.operations[:60]:
        row["sent"] += 60_000
        row["told"] += 60_000


def nothing_felt(found: Facts) -> None:
    for row in found.operations:
        row |= {"out": "ok", "told": row["sent"] + 1000}


def final_missing(found: Facts) -> None:
    del found.finals["secondary"]


DOUBTFUL: list[tuple[Callable[[Facts], None], str]] = [
    (no_fault, "nothing was injected"),
    (errors_before, "before the fault"),
    (nothing_before, "no operation was answered before"),
    (starved, "the driver starved"),
    (nothing_felt, "did not bite"),
    (final_missing, "no final read of the secondary"),
]


@pytest.mark.parametrize(("doubtful", "reason"), DOUBTFUL, ids=lambda value: getattr(value, "__name__", ""))
def test_a_run_that_shows_nothing_says_why(doubtful: Callable[[Facts], None], reason: str) -> None:
    found = facts()
    assert doubts(found) == []
    doubtful(found)
    assert any(reason in doubt for doubt in doubts(found))


def test_of_a_run_that_was_stopped_that_alone_is_said_and_it_never_passes() -> None:
    found = facts()
    found.environment["stopped"] = "this machine is late"
    assert doubts(found) == ["the run was stopped: this machine is late"]
    final_missing(found)
    assert derive(found)["doubts"] == ["the run was stopped: this machine is late"] and derive(found)["verdict"] == INCONCLUSIVE


@pytest.mark.parametrize("doubtful", [no_fault, starved, final_missing])
def test_a_run_that_shows_nothing_never_passes(doubtful: Callable[[Facts], None]) -> None:
    found = facts("planned")
    doubtful(found)
    assert derive(found)["verdict"] == INCONCLUSIVE


def test_a_planned_switch_without_a_fence_shows_nothing() -> None:
    found = facts("planned")
    for row in found.operations:
        row["status"] = 200
    for event in found.events:
        event.pop("state", None)
    assert doubts(found) == ["no client saw the fence"]


def test_waiting_is_feeling_the_fault() -> None:
    found = facts()
    nothing_felt(found)
    row = next(row for row in found.operations if row["c"] == 0 and row["due"] > 4_000_000)
    row["told"] = row["due"] + 300_000
    assert doubts(found) == []


def objective(found: Facts, **limits: Any) -> str:
    found.plan["objective"] = limits
    return str(derive(found)["verdict"])


def test_a_missed_objective_is_not_a_broken_promise() -> None:
    found = facts()
    assert objective(found, rto_write="5s", rpo_writes=100) == PASS
    assert objective(found, rto_write="100ms") == MISSED
    assert objective(found, rpo_writes=0) == MISSED
    keep(found, "add", "drill-7-0-x")
    assert objective(found, rto_write="100ms") == BROKEN


def test_figures_in_doubt_count_for_nothing_and_a_broken_promise_counts_all_the_same() -> None:
    found = facts()
    starved(found)
    assert objective(found, rto_write="100ms") == INCONCLUSIVE
    keep(found, "add", "drill-7-0-x")
    assert objective(found, rto_write="100ms") == BROKEN


def test_an_objective_that_could_not_be_measured_is_missed() -> None:
    found = facts()
    for row in found.operations:
        if row["told"] > 4_000_000:
            row["out"] = "unknown"
    (judged,) = (each for each in derive(found)["objectives"] if each["objective"] == "rto_write")
    assert judged["measured"] is None and not judged["met"]


@pytest.mark.parametrize(("scenario", "seed"), [("crash", 1), ("crash", 8), ("planned", 2), ("partition", 3)])
def test_all_planted_defects_are_noticed_in_every_run(scenario: str, seed: int) -> None:
    checked = self_check(facts(scenario, seed))
    assert len(checked) == 20
    assert [each for each in checked if not each["noticed"]] == []
    assert {each["rule"] for each in checked} == {rule for rule, _, _ in RULES}


def test_they_are_noticed_in_an_empty_run_too() -> None:
    found = facts()
    empty = Facts(found.plan, found.header, [], [], {role: {**final, "items": []} for role, final in found.finals.items()}, [], [])
    assert all(each["noticed"] for each in self_check(empty))


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_breaks_its_rule_and_leaves_the_facts_alone(defect: Any) -> None:
    found = facts()
    before = copy.deepcopy(found)
    outcome = {finding.rule: finding.outcome for finding in check(defect.plant(found))}
    assert outcome[defect.rule] == "broken"
    assert found == before


def test_a_checker_that_overlooks_a_defect_passes_nothing() -> None:
    overlooked = Defect("C1", "nothing at all", lambda found: found)
    found = derive(facts(), [*DEFECTS, overlooked])
    assert found["verdict"] == INCONCLUSIVE
    assert found["doubts"] == ["the checker did not notice a planted defect: nothing at all"]


def test_the_smallest_witness_comes_first_and_names_its_lines() -> None:
    found = facts()
    rows = [add(found, k="replace", key="r", value=1), add(found)]
    (finding,) = check(found, ["C1"])
    assert finding.count == 3
    assert finding.witnesses[0].ids == (rows[1]["id"],) or finding.witnesses[0].ids == ("r",)
    assert set(finding.witnesses[0].lines) <= {row["i"] for row in rows}
    assert [witness.size for witness in finding.witnesses] == sorted(witness.size for witness in finding.witnesses)


def test_rules_that_have_nothing_to_judge_say_so() -> None:
    outcomes = {finding.rule: (finding.outcome, finding.text) for finding in check(facts("planned"))}
    assert outcomes["C13"] == ("not judged", "the ledger is empty")
    assert outcomes["C4"] == ("kept", "")
    assert {finding.rule: finding.outcome for finding in check(facts("crash"))}["C4"] == "not judged"


def test_what_needs_final_reads_is_not_judged_without_them() -> None:
    found = facts()
    found.finals.clear()
    outcomes = {each["rule"]: each["outcome"] for each in derive(found)["rules"]}
    assert {rule for rule, outcome in outcomes.items() if outcome == "kept"} == {"C5", "C6", "C10", "C12"}
    assert outcomes["C1"] == outcomes["C8"] == "not judged"
