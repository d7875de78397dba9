"""What an operator is told of the last drill before giving the order in earnest."""

from typing import Any

import pytest

from multiregion.drills.experience import PLANNED, TAKEOVER, experience, last_drill
from multiregion.drills.oracle import BROKEN, INCONCLUSIVE, MISSED, PASS
from multiregion.drills.runs import check
from multiregion.errors import InvalidInput

AT = "2026-11-18T12:00:00.000000Z"
THEN = 1_795_003_200.0
"""The same moment."""
DAY = 86_400.0


def line(run: int, word: str, **facts: Any) -> dict[str, Any]:
    return {"actor": "ops", "at": AT, "facts": {"run": run, "word": word, **facts}}


def ran(run: int, scenario: str, verdict: str = PASS, **noted: Any) -> list[dict[str, Any]]:
    return [line(run, "begun", scenario=scenario), line(run, "sealed", verdict=verdict, seal="s", **noted)]


def measured(rto: Any, lost: Any) -> dict[str, Any]:
    return {"experience": {"rto": rto, "lost": lost}}


def test_the_newest_drill_of_the_same_kind_of_move_is_told() -> None:
    lines = [
        *ran(1, "crash", **measured(1_900_000, 3)),
        *ran(2, "planned", **measured(300_000, 0)),
        *ran(3, "return", **measured(None, 0)),
    ]
    assert (
        last_drill(lines, TAKEOVER, THEN + 12 * DAY) == "Last drill (crash, 12 days ago): 1.9 s without writes, 3 writes lost, all listed."
    )
    assert last_drill(lines, PLANNED, THEN + 3_600) == "Last drill (planned, 1 hour ago): 0.3 s without writes, nothing lost."


@pytest.mark.parametrize(
    ("verdict", "noted", "said"),
    [
        (PASS, measured(None, 1), "the time without writes not measured, 1 write lost, and listed."),
        (MISSED, measured(9_000_000, 2), "9.0 s without writes, 2 writes lost, all listed; it missed an objective."),
        (BROKEN, measured(1_000_000, 2), "1.0 s without writes, 2 writes lost; it broke a promise."),
    ],
)
def test_what_it_came_to_is_said(verdict: str, noted: dict[str, Any], said: str) -> None:
    assert last_drill(ran(1, "crash", verdict, **noted), TAKEOVER, THEN) == f"Last drill (crash, just now): {said}"


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ran(2, "crash"),
        ran(2, "earthquake", **measured(1, 1)),
        ran(2, "crash", **measured("soon", 1)),
        ran(2, "crash", **measured(-1, 1)),
        ran(2, "crash", experience=[]),
        [line(2, "begun", scenario="crash")],
        [line(2, "begun", scenario="crash"), line(2, "aborted", verdict="aborted", seal="s", **measured(1, 1))],
    ],
)
def test_a_run_that_says_nothing_is_passed_over(lines: list[dict[str, Any]]) -> None:
    assert last_drill(lines, TAKEOVER, THEN) is None
    said = last_drill([*ran(1, "freeze", **measured(2_000_000, 0)), *lines], TAKEOVER, THEN)
    assert said == "Last drill (freeze, just now): 2.0 s without writes, nothing lost."


def test_a_result_says_what_is_noted_of_it_and_an_inconclusive_one_nothing() -> None:
    measures = {"rto": {"write": {"measured": True, "microseconds": 5}}, "rpo": {"writes": 2}}
    assert experience({"verdict": PASS, "measures": measures}) == {"rto": 5, "lost": 2}
    assert experience({"verdict": INCONCLUSIVE, "measures": measures}) is None


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"run": True, "word": "begun", "scenario": "crash"}, "facts.run"),
        ({"run": 1, "word": "ended"}, "facts.word"),
        ({"run": 1, "word": ["begun"]}, "facts.word"),
        ({"run": 1, "word": "begun"}, "facts.scenario"),
        ({"run": 1, "word": "sealed", "verdict": PASS}, "facts.seal"),
        ({"run": 1, "word": "aborted", "seal": "s"}, "facts.verdict"),
    ],
)
def test_a_line_that_no_run_has_is_refused(facts: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(facts)
    assert refused.value.facts["field"] == field
