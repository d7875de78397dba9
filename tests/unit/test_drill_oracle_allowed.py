"""What looks like a broken promise and is none: the checker must not cry wolf."""

from collections.abc import Callable

import pytest

from multiregion.drills.facts import Facts
from tests.drill_edits import add, broken, enter, facts, first, items, keep, take


def unknown_is_there(found: Facts) -> None:
    keep(found, "add", add(found, out="unknown")["id"])


def unknown_is_not_there(found: Facts) -> None:
    add(found, out="unknown")


def unknown_then_acknowledged(found: Facts) -> None:
    row = add(found, out="unknown")
    add(found, k="repeat", t="add", id=row["id"])
    keep(found, "add", row["id"])


def refused_then_unknown_is_there(found: Facts) -> None:
    row = add(found, out="refused")
    add(found, k="repeat", t="add", id=row["id"], out="unknown")
    keep(found, "add", row["id"])


def repeated_elsewhere(found: Facts) -> None:
    """A frozen region wakes up, commits what had been asked of it, and undoes it: another region has acknowledged the same meanwhile."""
    row = add(found, out="unknown", epoch=None, region=None)
    add(found, k="repeat", t="add", id=row["id"], to="secondary", epoch=6, region="ap-northeast-1", position=[6, 5000])
    keep(found, "add", row["id"])
    enter(found, "add", row["id"])


def repeated_elsewhere_without_an_answer(found: Facts) -> None:
    row = add(found, out="unknown", epoch=None, region=None)
    add(found, k="repeat", t="add", id=row["id"], out="unknown", to="secondary", epoch=None, region=None)
    keep(found, "add", row["id"])
    enter(found, "add", row["id"])


def deleted_perhaps(found: Facts) -> None:
    item = items(found, "add")[0]["id"]
    add(found, k="delete", key=item, out="unknown")
    take(found, item)


def delete_is_lost(found: Facts) -> None:
    row = first(found.operations, k="delete", out="ok")
    keep(found, "add", row["key"])
    enter(found, "delete", row["key"], first=row["position"], last=row["position"])


def unknown_version_arrives_last(found: Facts) -> None:
    add(found, k="replace", key="r", value=1, out="unknown")
    add(found, k="replace", key="r", value=2)
    keep(found, "replace", "r", value=1)


def disk_is_lost(found: Facts) -> None:
    for number in range(3):
        add(found, epoch=5, position=[5, 7000 + number])
    enter(found, None, None, first=[5, 7000], last=[5, 7002])


def disk_is_lost_up_to_where_is_not_known(found: Facts) -> None:
    add(found, epoch=5, position=[5, 7001])
    enter(found, None, None, first=[5, 7000], last=None)


def answers_overlap(found: Facts) -> None:
    row = add(found, k="read", epoch=6)
    add(found, k="read", epoch=5, sent=row["sent"], told=row["told"] + 5)


def zombie_answers_late(found: Facts) -> None:
    new = min((row for row in found.operations if row.get("position") and row["epoch"] == 3), key=lambda row: int(row["told"]))
    row = add(found, epoch=1, sent=new["told"] - 1, told=new["told"] + 500)
    keep(found, "add", row["id"])


def applied_and_there(found: Facts) -> None:
    entry = first(found.ledger, k="add")
    entry["outcome"] = "applied"
    keep(found, "add", entry["item"])


def list_only(found: Facts) -> None:
    found.plan["return"] = {"loss": "list-only"}
    found.ledger[0]["outcome"] = "pending"


def reads_without_position(found: Facts) -> None:
    for value in (2, 1):
        add(found, k="read", key="r", value=value)


def lost_version_read_back(found: Facts) -> None:
    for value in (1, 2):
        add(found, k="replace", key="r", value=value)
    add(found, k="read", key="r", value=1, asked=[5, 1])
    enter(found, "replace", "r", value=2)
    keep(found, "replace", "r", value=1)


def password_change_is_lost(found: Facts) -> None:
    add(found, k="password", key="u", value=1)
    enter(found, "password", "u", value=1)
    add(found, k="sign_in", key="u", value=0)
    add(found, k="sign_in", key="u", value=1, out="refused", code="NotAuthorizedException")
    keep(found, "password", "u", accepts=[0])


def only_one_region_was_asked(found: Facts) -> None:
    for row in found.operations:
        if row["k"] == "read" and 6_000_000 <= row["due"] < 7_000_000:
            row |= {"out": "unknown", "tried": [], "to": "primary"}


ALLOWED = [
    unknown_is_there,
    unknown_is_not_there,
    unknown_then_acknowledged,
    refused_then_unknown_is_there,
    repeated_elsewhere,
    repeated_elsewhere_without_an_answer,
    deleted_perhaps,
    delete_is_lost,
    unknown_version_arrives_last,
    disk_is_lost,
    disk_is_lost_up_to_where_is_not_known,
    answers_overlap,
    zombie_answers_late,
    applied_and_there,
    list_only,
    reads_without_position,
    lost_version_read_back,
    password_change_is_lost,
    only_one_region_was_asked,
]


@pytest.mark.parametrize("allowed", ALLOWED, ids=lambda value: value.__name__)
def test_what_is_allowed_breaks_no_rule(allowed: Callable[[Facts], None]) -> None:
    found = facts()
    allowed(found)
    assert broken(found) == set()
