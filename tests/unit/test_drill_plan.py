"""The plan of a drill: what is read is what was written, and a wrong field is named with its limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiregion.drills.plan import (
    KINDS,
    SCENARIOS,
    Drill,
    Fault,
    Objective,
    Plan,
    Stop,
    Workload,
    as_toml,
    check,
    lengths,
    objective_of,
    parse,
    seconds,
    share,
)
from multiregion.errors import InvalidInput

WHOLE = """
[drill]
title = "Q4 region loss"
scenario = "crash"
requested_by = "operator"
approved_by = "approver"
reason = "DORA Art. 11(6) yearly"
[objective]
rto_write = "5s"
rpo_writes = 100
errors_outside_outage = "0.1%"
[workload]
rate = 50
clients = 8
mix = {add = 50, replace = 10, photo = 5}
seed = 20261128
[fault]
after = "20s"
[decision]
by = "operator"
[return]
failback = true
loss = "list-only"
[stop]
if_error_rate_before_fault = ">1%"
"""


def test_a_whole_plan_is_read_field_by_field() -> None:
    plan = parse(WHOLE)
    assert (plan.drill.scenario, plan.drill.approved_by) == ("crash", "approver")
    assert (plan.objective.rto_write, plan.objective.rpo_writes, plan.objective.rto_read) == ("5s", 100, None)
    assert plan.workload.mix == {"add": 50, "replace": 10, "photo": 5}
    assert (plan.decision.by, plan.back.loss, lengths(plan).baseline) == ("operator", "list-only", 20)


@given(
    title=st.text(max_size=40),
    scenario=st.sampled_from(SCENARIOS),
    rate=st.floats(1, 1000),
    seed=st.integers(0, 2**53),
    mix=st.dictionaries(st.sampled_from(KINDS), st.floats(0.5, 99)),
)
def test_what_is_written_is_read_again(title: str, scenario: str, rate: float, seed: int, mix: dict[str, float]) -> None:
    plan = Plan(Drill(scenario, title=title), workload=Workload(rate=rate, seed=seed, mix=mix), objective=Objective(rpo_writes=3))
    assert parse(as_toml(plan)) == plan


WRONG = [
    ('[drill]\nscenario = "earthquake"', "drill.scenario must be one of planned, crash"),
    ('[drill]\nscenario = "crash"\n[workload]\nrate = 0', "workload.rate must be from 1 to 1,000, not 0"),
    ('[drill]\nscenario = "crash"\n[workload]\nclients = 3', "workload.clients must be from 4 to 200"),
    ('[drill]\nscenario = "crash"\n[workload]\nduration = "14s"', "workload.duration must be from 15 to 3,600"),
    ('[drill]\nscenario = "crash"\n[workload]\nduration = "soon"', "workload.duration must be a time such as 5s"),
    ('[drill]\nscenario = "crash"\n[workload]\nmix = {sing = 1}', "workload.mix must be one of add"),
    ('[drill]\nscenario = "crash"\n[workload]\nmix = {add = 0}', "workload.mix must have a kind that is made at all"),
    ('[drill]\nscenario = "crash"\n[objective]\nrto_write = "5"', "objective.rto_write must be a time such as 5s"),
    ('[drill]\nscenario = "crash"\n[objective]\nerrors_outside_outage = "5"', "objective.errors_outside_outage must be a percentage"),
    ('[drill]\nscenario = "crash"\n[objective]\nrto = "5s"', "nothing is called rto in objective"),
    ('[drill]\nscenario = "crash"\n[decision]\nby = "chance"', "decision.by must be one of automatic, operator, drill"),
    ('[drill]\nscenario = "crash"\n[return]\nloss = "forget"', "return.loss must be one of discard, apply, list-only"),
    ('[drill]\nscenario = "crash"\n[stop]\nmax_duration = "5s"', "stop.max_duration must be from 60 to 7,200"),
    ('[drill]\nscenario = "crash"\nreason = "' + "x" * 501 + '"', "drill.reason must have at most 500 characters"),
    ("[drill]", "scenario"),
    ("nonsense", "the plan is not TOML"),
    (f"a = {'9' * 5_000}", "the plan is not TOML"),
    (f"a = {'[' * 20_000}", "the plan is nested too deeply"),
    ("#" * 100_001, "the plan has more than 100,000 characters"),
    ('[drill]\nscenario = "crash"\n[fault]\npart = "secondary"\n', "nothing is called part in fault"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_a_wrong_field_is_named_with_its_limit(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(text)
    assert words in refused.value.detail


def test_one_objective_stands_for_all_of_its_kind() -> None:
    found = Objective(**objective_of(["rto=5s", "rpo=2s", "rpo=100", "rto_object=9s"]))
    assert (found.rto_write, found.rto_read, found.rto_sign_in, found.rto_object) == ("5s", "5s", "5s", "9s")
    assert (found.rpo_seconds, found.rpo_writes) == ("2s", 100)


@pytest.mark.parametrize("option", ["rto", "rto=", "speed=5s", "rpo_writes=many"])
def test_an_objective_that_is_none_is_refused(option: str) -> None:
    with pytest.raises(InvalidInput, match="--objective"):
        objective_of([option])


@pytest.mark.parametrize(("text", "value"), [("5s", 5), ("200ms", 0.2), ("15m", 900), (" 1.5s ", 1.5)])
def test_times(text: str, value: float) -> None:
    assert seconds("field", text) == pytest.approx(value)


@pytest.mark.parametrize(("text", "value"), [(">1%", 0.01), ("0.1%", 0.001), (">= 2 %", 0.02)])
def test_shares(text: str, value: float) -> None:
    assert share("field", text) == pytest.approx(value)


@pytest.mark.parametrize("duration", [15, 20, 60, 3600])
def test_there_is_time_to_see_that_service_is_good_again(duration: int) -> None:
    """It counts as good after 5 s of it."""
    plan = Plan(Drill("crash"), workload=Workload(duration=f"{duration}s"))
    check(plan)
    assert lengths(plan).after >= 6
    assert lengths(plan).baseline >= 4
    found = lengths(plan)
    assert found.baseline + found.outage + found.after == pytest.approx(duration)


def test_the_fault_waits_as_long_as_the_plan_says() -> None:
    plan = Plan(Drill("crash"), fault=Fault(after="90s"), stop=Stop())
    check(plan)
    assert lengths(plan).baseline == 90
