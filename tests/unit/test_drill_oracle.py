"""Each rule of the checker: it is kept by what a sound deployment leaves, and broken by the smallest thing that breaks it."""

from collections.abc import Callable

import pytest

from multiregion.drills.facts import Facts
from multiregion.drills.oracle import BROKEN, PASS, RULES
from multiregion.drills.verdict import derive
from tests.drill_edits import add, broken, enter, facts, first, items, keep, take

SOUND = [("crash", 1), ("crash", 2), ("freeze", 3), ("partition", 4), ("planned", 5)]


@pytest.mark.parametrize(("scenario", "seed"), SOUND)
def test_a_sound_deployment_keeps_every_rule(scenario: str, seed: int) -> None:
    found = derive(facts(scenario, seed))
    assert found["verdict"] == PASS, found
    assert len(found["rules"]) == 13


def test_a_crash_loses_something_or_the_other_tests_prove_little() -> None:
    assert len(facts().ledger) >= 3
    assert {entry["k"] for seed in range(6) for entry in facts(seed=seed).ledger} >= {"add", "replace"}


# Each breaks one promise, by hand and as little as possible.


def vanished(found: Facts) -> None:
    take(found, items(found, "add")[3]["id"])


def acknowledged_once_vanished(found: Facts) -> None:
    """What nobody heard of a later try does not take the acknowledgement back."""
    row = add(found)
    add(found, k="repeat", t="add", id=row["id"], out="unknown")


def vanished_from_one(found: Facts) -> None:
    take(found, items(found, "photo")[0]["id"], "secondary")


def not_listed(found: Facts) -> None:
    found.ledger.remove(next(entry for entry in found.ledger if entry["k"] == "add"))


def lost_elsewhere(found: Facts) -> None:
    """The ledger has what another region lost of it, not what was acknowledged."""
    row = add(found, out="unknown", epoch=None, region=None)
    add(found, k="repeat", t="add", id=row["id"], to="secondary", epoch=6, region="ap-northeast-1", position=[6, 5000])
    enter(found, "add", row["id"])


def register_older(found: Facts) -> None:
    for role in found.finals:
        items(found, "replace", role)[0]["value"] = 1


def lost_and_there(found: Facts) -> None:
    enter(found, "add", items(found, "add")[0]["id"])


def lost_version_and_there(found: Facts) -> None:
    register = items(found, "replace")[0]
    enter(found, "replace", register["id"], value=register["value"])


def range_lost_and_there(found: Facts) -> None:
    row = first(found.operations, id=items(found, "add")[0]["id"])
    enter(found, None, None, first=row["position"], last=row["position"])


def there_twice(found: Facts) -> None:
    keep(found, "add", items(found, "add")[0]["id"], sha256=items(found, "add")[0]["sha256"])


def refused_wrote(found: Facts) -> None:
    keep(found, "add", add(found, out="refused", status=409)["id"])


def refused_at_every_try_wrote(found: Facts) -> None:
    row = add(found, out="refused")
    add(found, k="repeat", t="add", id=row["id"], out="refused")
    keep(found, "add", row["id"])


def refused_version_wrote(found: Facts) -> None:
    add(found, k="replace", key="r", value=1, out="refused")
    keep(found, "replace", "r", value=1)


def refused_is_listed(found: Facts) -> None:
    enter(found, "add", add(found, out="refused")["id"])


def invented(found: Facts) -> None:
    keep(found, "add", "drill-7-0-x")


def invented_version(found: Facts) -> None:
    keep(found, "replace", "nobody", value=4)


def invented_loss(found: Facts) -> None:
    enter(found, "add", "drill-7-0-x")


def other_contents(found: Facts) -> None:
    for role in found.finals:
        items(found, "add", role)[2]["sha256"] = "0" * 64


def planned_loss(found: Facts) -> None:
    found.header["scenario"] = "planned"


def two_writers(found: Facts) -> None:
    keep(found, "add", add(found, region="ap-northeast-1")["id"])


def epoch_falls(found: Facts) -> None:
    add(found, k="read", epoch=6)
    add(found, k="read", epoch=5)


def zombie(found: Facts) -> None:
    new = first(found.operations, k="add", out="ok", epoch=3)
    keep(found, "add", add(found, epoch=1, sent=new["told"] + 1, told=new["told"] + 500)["id"])


def resurrected(found: Facts) -> None:
    keep(found, "add", first(found.operations, k="delete", out="ok")["key"])


def one_region_only(found: Facts) -> None:
    keep(found, "add", add(found, out="unknown")["id"], "primary")


def other_order(found: Facts) -> None:
    here = found.finals["primary"]["items"]
    here[0], here[1] = here[1], here[0]


def verified_unequal(found: Facts) -> None:
    found.environment["verification"] = {"equal": False, "differences": [{"kind": "record"}]}


def no_bytes(found: Facts) -> None:
    for role in found.finals:
        items(found, "photo", role)[0]["bytes"] = None


def other_bytes(found: Facts) -> None:
    for role in found.finals:
        items(found, "photo", role)[0]["bytes"] = "0" * 64


def own_write_not_read(found: Facts) -> None:
    add(found, k="replace", key="r", value=1)
    add(found, k="read", key="r", value=0, asked=[5, 1])
    keep(found, "replace", "r", value=1)


def read_went_back(found: Facts) -> None:
    for value in (1, 2):
        add(found, c=1, k="replace", key="r", value=value)
    for value in (2, 1):
        add(found, k="read", key="r", value=value, asked=[5, 1])
    keep(found, "replace", "r", value=2)


def two_passwords(found: Facts) -> None:
    for role in found.finals:
        items(found, "password", role)[0]["accepts"].append(0)


def no_password(found: Facts) -> None:
    keep(found, "password", "user", accepts=[])


def session_gone(found: Facts) -> None:
    for role in found.finals:
        items(found, "session", role)[0]["good"] = False


def session_refused(found: Facts) -> None:
    add(found, k="session", key="session-0", out="refused", status=400, code="NotAuthorizedException")


def old_password_accepted(found: Facts) -> None:
    add(found, k="password", key="u", value=1)
    add(found, k="sign_in", key="u", value=0)
    keep(found, "password", "u", accepts=[1])


def new_password_refused(found: Facts) -> None:
    add(found, k="password", key="u", value=1)
    add(found, k="sign_in", key="u", value=1, out="refused", code="NotAuthorizedException")
    keep(found, "password", "u", accepts=[1])


def a_second_without_reads(found: Facts) -> None:
    for row in found.operations:
        if row["k"] == "read" and 6_000_000 <= row["due"] < 7_000_000:
            row |= {"out": "unknown", "tried": ["primary", "secondary"]}


def still_pending(found: Facts) -> None:
    found.ledger[0]["outcome"] = "pending"


def nobody_settled(found: Facts) -> None:
    found.ledger[0]["by"] = None


def applied_and_absent(found: Facts) -> None:
    first(found.ledger, k="add")["outcome"] = "applied"


def applied_delete_and_there(found: Facts) -> None:
    item = items(found, "add")[0]["id"]
    add(found, k="delete", key=item, out="unknown")
    enter(found, "delete", item, outcome="applied")


def applied_and_older(found: Facts) -> None:
    add(found, k="replace", key="r", value=1)
    keep(found, "replace", "r", value=1)
    add(found, k="replace", key="r", value=2)
    enter(found, "replace", "r", value=2, outcome="applied")


BREAKING: list[tuple[Callable[[Facts], None], set[str]]] = [
    (vanished, {"C1"}),
    (acknowledged_once_vanished, {"C1"}),
    (vanished_from_one, {"C1", "C8"}),
    (not_listed, {"C1"}),
    (lost_elsewhere, {"C1"}),
    (register_older, {"C1"}),
    (lost_and_there, {"C1", "C13"}),
    (lost_version_and_there, {"C1"}),
    (range_lost_and_there, {"C1"}),
    (there_twice, {"C1"}),
    (refused_wrote, {"C2"}),
    (refused_at_every_try_wrote, {"C2"}),
    (refused_version_wrote, {"C2"}),
    (refused_is_listed, {"C2"}),
    (invented, {"C3"}),
    (invented_version, {"C3"}),
    (invented_loss, {"C3"}),
    (other_contents, {"C3"}),
    (planned_loss, {"C4"}),
    (two_writers, {"C5"}),
    (epoch_falls, {"C5"}),
    (zombie, {"C6"}),
    (resurrected, {"C7"}),
    (one_region_only, {"C8"}),
    (other_order, {"C8"}),
    (verified_unequal, {"C8"}),
    (no_bytes, {"C9"}),
    (other_bytes, {"C9"}),
    (own_write_not_read, {"C10"}),
    (read_went_back, {"C10"}),
    (two_passwords, {"C11"}),
    (no_password, {"C11"}),
    (session_gone, {"C11"}),
    (session_refused, {"C11"}),
    (old_password_accepted, {"C11"}),
    (new_password_refused, {"C11"}),
    (a_second_without_reads, {"C12"}),
    (still_pending, {"C13"}),
    (nobody_settled, {"C13"}),
    (applied_and_absent, {"C13"}),
    (applied_delete_and_there, {"C13"}),
    (applied_and_older, {"C13"}),
]


@pytest.mark.parametrize(("breaking", "rules"), BREAKING, ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_promise_is_noticed_by_its_rule(breaking: Callable[[Facts], None], rules: set[str]) -> None:
    found = facts()
    breaking(found)
    assert broken(found) == rules
    assert derive(found)["verdict"] == BROKEN


def test_every_rule_is_broken_by_some_test() -> None:
    assert {rule for _, rules in BREAKING for rule in rules} == {rule for rule, _, _ in RULES}
