"""Each figure of a drill, by hand: a few operations of which one can see what it must be."""

from typing import Any

import pytest

from multiregion.drills.facts import Facts, Row
from multiregion.drills.measures import duration, measure, objectives, outage
from tests.drill_edits import facts

SECOND = 1_000_000
MILLISECOND = 1_000


def operation(due: int, out: str = "ok", k: str = "add", took: int = 5 * MILLISECOND, **more: Any) -> Row:
    return {"i": 1, "c": 0, "k": k, "id": f"{k}-{due}", "due": due, "sent": due, "told": due + took, "to": "primary", "out": out, **more}


def steady(begin: int, end: int, **more: Any) -> list[Row]:
    """Ten operations a second."""
    return [operation(due, **more) for due in range(begin, end, SECOND // 10)]


def event(name: str, sent: int, **more: Any) -> Row:
    return {"i": 0, "event": name, "sent": sent, "done": sent, **more}


def run(operations: list[Row], *events: Row, **more: Any) -> Facts:
    header: Row = {"run": 1, "scenario": "crash", "rate": 10, "offsets": {}, "started": "2026-11-28T11:30:00.000Z"}
    clients = [{"c": 0, "conduct": "follows"}, {"c": 1, "conduct": "stale"}]
    fields: dict[str, Any] = {"plan": {}, "header": {**header, "clients": clients}, "finals": {}, "ledger": [], "authority": [], **more}
    return Facts(operations=operations, events=list(events), **fields)


FAULT = event("fault", 10 * SECOND)
CRASH = steady(0, 10 * SECOND) + steady(10 * SECOND, 12 * SECOND, out="unknown") + steady(12 * SECOND, 30 * SECOND)


def test_rto_is_from_when_the_first_that_failed_was_due_to_when_the_first_steady_answer_was_heard() -> None:
    rto = measure(run(CRASH, FAULT))["rto"]["write"]
    assert (rto["begin"], rto["end"]) == (10 * SECOND, 12 * SECOND + 5 * MILLISECOND)
    assert rto["microseconds"] == 2 * SECOND + 5 * MILLISECOND
    assert rto["resolution"] == SECOND // 10


def test_what_was_under_way_at_the_fault_and_failed_counts_from_when_it_was_due() -> None:
    late = operation(10 * SECOND - MILLISECOND, "unknown", took=2 * SECOND)
    assert measure(run(sorted([*CRASH, late], key=lambda row: row["due"]), FAULT))["rto"]["write"]["begin"] == 10 * SECOND - MILLISECOND


def test_what_failed_before_the_fault_is_not_its_doing() -> None:
    early = operation(3 * SECOND + 1, "unknown")
    assert measure(run([*CRASH, early], FAULT))["rto"]["write"]["begin"] == 10 * SECOND


def test_a_success_that_does_not_last_is_no_recovery() -> None:
    flickering = [row | {"out": "unknown"} if 13 * SECOND <= row["due"] < 14 * SECOND else row for row in CRASH]
    assert measure(run(flickering, FAULT))["rto"]["write"]["end"] == 14 * SECOND + 5 * MILLISECOND


def test_one_failure_in_a_hundred_is_steady() -> None:
    dense = [operation(due, "unknown" if due < 12 * SECOND else "ok") for due in range(10 * SECOND, 30 * SECOND, SECOND // 100)]
    dense[300]["out"] = "unknown"
    assert measure(run(dense, FAULT))["rto"]["write"]["end"] == 12 * SECOND + 5 * MILLISECOND


def test_five_seconds_that_the_run_does_not_have_are_not_steady() -> None:
    assert measure(run(CRASH[:165], FAULT))["rto"]["write"] | {"longest": 0, "resolution": 0} == {
        "measured": True,
        "begin": 10 * SECOND,
        "end": None,
        "microseconds": None,
        "longest": 0,
        "resolution": 0,
    }


def test_kinds_of_service_recover_apart() -> None:
    reads = steady(0, 30 * SECOND, k="read")
    photos = [row | {"k": "photo", "out": "refused" if 10 * SECOND <= row["due"] < 15 * SECOND else "ok"} for row in steady(0, 30 * SECOND)]
    rto = measure(run(reads + photos, FAULT))["rto"]
    assert rto["read"]["microseconds"] == 0 and rto["read"]["begin"] is None
    assert rto["object"]["microseconds"] == 5 * SECOND + 5 * MILLISECOND
    assert rto["sign_in"] == {"measured": False}


def test_clients_that_ignore_the_state_do_not_count() -> None:
    assert measure(run(CRASH + steady(12 * SECOND, 30 * SECOND, c=1, out="refused"), FAULT))["rto"]["write"]["end"] == 12_005_000


def test_the_pause_of_the_way_back_is_no_outage_of_the_fault() -> None:
    """The first takeover was too fast for anybody to notice."""
    rows = [row | {"out": "refused"} if 20 * SECOND <= row["due"] < 20.3 * SECOND else row for row in steady(0, 30 * SECOND)]
    found = measure(run(rows, FAULT, event("ordered", 20 * SECOND - 1, what="failback")))
    assert found["rto"]["write"]["microseconds"] == 0
    assert found["clocks"]["detected"] is None and found["clocks"]["validated"] is None
    assert found["reconstitution"]["failback"] == 305_000 and found["errors"]["failed_outside"] == 0


def test_no_failure_is_no_outage() -> None:
    assert outage(steady(0, SECOND), 0) is None


def test_the_four_clocks() -> None:
    events = [
        event("decided", 11 * SECOND, epoch=2),
        event("admitted", 10 * SECOND + 9, part="secondary", epoch=1),
        event("admitted", 11 * SECOND + 2, part="secondary", epoch=2),
        event("admitted", 25 * SECOND, part="secondary", epoch=4),
        event("operator", 10 * SECOND + 5),
    ]
    clocks = measure(run(CRASH, FAULT, *events))["clocks"]
    assert clocks == {
        "fault": 10 * SECOND,
        "detected": 10 * SECOND + 5 * MILLISECOND,
        "decided": 11 * SECOND,
        "executed": 11 * SECOND + 2,
        "validated": 12 * SECOND + 5 * MILLISECOND,
        "pauses": [[10 * SECOND + 5, 10 * SECOND + 5]],
    }


def test_a_new_writer_has_obeyed_too_when_it_says_so_itself() -> None:
    """Nobody tells the driver of an automatic takeover's steps."""
    told = event("state", 11 * SECOND, part="secondary", state="failover")
    fenced = event("state", 10 * SECOND + 7, part="secondary", state="fenced")
    assert measure(run(CRASH, FAULT, fenced, told))["clocks"]["executed"] == 11 * SECOND


def test_what_clients_feel_only_after_the_decision_has_detected_nothing() -> None:
    clocks = measure(run(CRASH, FAULT, event("decided", 10 * SECOND + 1, epoch=2)))["clocks"]
    assert clocks["detected"] is None and clocks["validated"] is not None


@pytest.mark.parametrize(
    ("status", "key", "is_outage"), [(404, "gone", False), (400, "gone", False), (404, "other", True), (409, "gone", True)]
)
def test_that_something_is_lost_is_no_outage(status: int, key: str, is_outage: bool) -> None:
    """Who deletes what a takeover has lost is answered: that is the RPO's."""
    rows = steady(0, 30 * SECOND)
    rows[150] |= {"out": "refused", "status": status, "k": "delete", "key": key}
    found = run(
        rows,
        FAULT,
        ledger=[{"id": "1.1", "region": "a", "k": "add", "item": "gone", "first": [1, 1], "last": [1, 1], "outcome": "pending"}],
    )
    measured = measure(found)
    assert (measured["rto"]["write"]["microseconds"] > 0) is is_outage
    assert measured["clocks"]["validated"] is None or is_outage


def test_the_authoritys_clock_decides_only_as_far_as_its_offset_is_known() -> None:
    found = run(CRASH, FAULT, authority=[{"at": "2026-11-28T11:30:11.250Z"}, {"at": "2026-11-28T11:30:05.000Z"}])
    assert measure(found)["clocks"]["decided"] is None
    found.header["offsets"]["authority"] = 50_000
    assert measure(found)["clocks"]["decided"] == 11_200_000


def lossy() -> Facts:
    """The last three acknowledgements of the old writer are lost."""
    rows = [row | {"epoch": 1, "region": "a", "position": [1, number]} for number, row in enumerate(steady(0, 10 * SECOND))]
    lost = rows[-3:]
    ledger = [
        {
            "id": f"1.{97 + number}",
            "region": "a",
            "k": "add",
            "item": row["id"],
            "first": row["position"],
            "last": row["position"],
            "bytes": 9,
        }
        | {"outcome": "discarded"}
        for number, row in enumerate(lost)
    ]
    return run(rows + CRASH[100:], FAULT, ledger=ledger)


def test_rpo_counts_writes_and_the_time_from_the_first_that_is_lost() -> None:
    rpo = measure(lossy())["rpo"]
    assert rpo["writes"] == 3 and rpo["kinds"] == {"add": 3} and rpo["changes"] == 3 and rpo["bytes"] == 27
    assert rpo["seconds"] == 2 * SECOND // 10


def test_nothing_lost_is_an_rpo_of_nothing() -> None:
    rpo = measure(run(CRASH, FAULT))["rpo"]
    assert (rpo["writes"], rpo["seconds"], rpo["changes"], rpo["bytes"]) == (0, 0, 0, 0)


def test_a_lost_disk_counts_by_positions_and_how_much_may_not_be_known() -> None:
    found = lossy()
    found.ledger[:] = [{"id": "1.90-?", "region": "a", "k": None, "item": None, "first": [1, 90], "last": None, "outcome": "discarded"}]
    rpo = measure(found)["rpo"]
    assert rpo["writes"] == 10 and rpo["changes"] is None and rpo["bytes"] is None
    assert rpo["seconds"] == 9 * SECOND // 10


def test_lost_credentials_are_named() -> None:
    found = lossy()
    found.ledger[0] |= {"k": "password", "item": "ada", "value": 2}
    assert measure(found)["rpo"]["credentials"] == ["ada"]


@pytest.mark.parametrize(("said", "outcome"), [(2, "under"), (3, "exact"), (4, "over"), (None, "unknown")])
def test_what_was_predicted_is_held_against_what_was_lost(said: int | None, outcome: str) -> None:
    found = lossy()
    found.events.append(event("prediction", 11 * SECOND, detail={"writes": said, "seconds": 0.0}))
    assert measure(found)["prediction"] == {"predicted": said, "seconds": 0.0, "since": 0, "lost": 3, "outcome": outcome}


def test_what_was_written_in_the_last_seconds_was_predicted_too() -> None:
    found = lossy()
    end = max(each["told"] for each in found.operations if each.get("region") == "a")
    found.events.append(event("decided", end, what="take over", epoch=2))
    for seconds, since, outcome in ((0.001, 1, "under"), (0.5, 6, "since"), (None, None, "since")):
        found.events.append(event("prediction", 11 * SECOND, detail={"writes": 1, "seconds": seconds}))
        found_out = measure(found)["prediction"]
        assert (found_out["since"], found_out["outcome"]) == (since, outcome)


def test_nothing_predicted_is_said_so() -> None:
    assert measure(lossy())["prediction"]["outcome"] == "not asked"


def test_errors_outside_of_every_outage_are_a_share_of_what_was_asked_there() -> None:
    rows = [*CRASH]
    rows[5] = rows[5] | {"out": "refused"}
    found = measure(run(rows, FAULT))["errors"]
    assert found["groups"]["write"] == {"ok": 279, "refused": 1, "unknown": 20}
    assert (found["outside"], found["failed_outside"]) == (279, 1)
    assert found["share_outside"] == round(1 / 279, 6)


def test_the_way_back_is_measured_apart() -> None:
    rows = [row | {"out": "refused"} if 20 * SECOND <= row["due"] < 20.3 * SECOND else row for row in CRASH]
    events = [FAULT, event("undo", 15 * SECOND), event("level", 12 * SECOND), event("level", 18 * SECOND)]
    found = measure(run(rows, *events, event("ordered", 20 * SECOND - 1, what="failback")))
    assert found["reconstitution"] == {"level": 8 * SECOND, "failback": 300 * MILLISECOND + 5 * MILLISECOND}
    assert found["errors"]["failed_outside"] == 0
    assert found["rto"]["write"]["end"] == 12_005_000


@pytest.mark.parametrize(
    ("text", "microseconds"), [("5s", 5 * SECOND), ("250ms", 250_000), ("2m", 120 * SECOND), ("<= 1.5s", 1_500_000), ("3 us", 3)]
)
def test_durations(text: str, microseconds: int) -> None:
    assert duration(text) == microseconds


def test_each_objective_has_its_figure_and_its_margin() -> None:
    found = lossy()
    found.plan["objective"] = {
        "rto_write": "3s",
        "rpo_writes": 2,
        "rpo_seconds": "100ms",
        "errors_outside_outage": "0.1%",
        "rto_sign_in": "1s",
    }
    judged = {each["objective"]: each for each in objectives(found, measure(found))}
    assert judged["rto_write"]["met"] and judged["rto_write"]["margin"] == SECOND - 5 * MILLISECOND
    assert not judged["rpo_writes"]["met"] and judged["rpo_writes"]["margin"] == -1
    assert not judged["rpo_seconds"]["met"] and judged["rpo_seconds"]["measured"] == 200_000
    assert judged["errors_outside_outage"]["met"] and judged["errors_outside_outage"]["limit"] == 0.001
    assert not judged["rto_sign_in"]["met"] and judged["rto_sign_in"]["measured"] is None


def test_a_model_with_a_known_outage_is_measured_right() -> None:
    """The model's takeover takes 1.2 s, and its clients learn of it within 60 ms."""
    for seed in range(6):
        rto = measure(facts("crash", seed))["rto"]["write"]
        assert abs(rto["microseconds"] - 1.2 * SECOND) <= 60 * MILLISECOND + 4 * rto["resolution"]
