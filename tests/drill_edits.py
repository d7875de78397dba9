"""Changes to the facts of a drill, as small as can be, for tests of what judges them."""

import copy
from functools import cache
from typing import Any

from multiregion.drills.facts import Facts, Row
from multiregion.drills.oracle import check
from tests.drill_histories import Shape, facts_of


@cache
def short(scenario: str, seed: int) -> Facts:
    return facts_of(seed, Shape.short(scenario))


def facts(scenario: str = "crash", seed: int = 1) -> Facts:
    """A short run that breaks no rule, to be changed."""
    return copy.deepcopy(short(scenario, seed))


def broken(found: Facts) -> set[str]:
    return {finding.rule for finding in check(found) if finding.outcome == "broken"}


def first(rows: list[Row], **wanted: Any) -> Row:
    return next(row for row in rows if all(row.get(name) == value for name, value in wanted.items()))


def add(found: Facts, **more: Any) -> Row:
    """One more operation, after all others, by a client that follows."""
    last = max(row["told"] for row in found.operations)
    row = {"i": 9_000 + len(found.operations), "c": 0, "k": "add", "id": f"drill-7-0-{90_000 + len(found.operations)}", "to": "primary"}
    row |= {"due": last + 10, "sent": last + 20, "told": last + 30, "out": "ok", "epoch": 5, "region": "us-east-1", **more}
    found.operations.append(row)
    return row


def keep(found: Facts, k: str, id: str, *roles: str, **more: Any) -> None:
    for role in roles or ("primary", "secondary"):
        found.finals[role]["items"].append({"k": k, "id": id, **more})


def enter(found: Facts, k: str | None, item: str | None, **more: Any) -> Row:
    entry = {"id": "1.999", "region": "us-east-1", "k": k, "item": item, "value": None, "first": [1, 9999], "last": [1, 9999], "bytes": 1}
    entry |= {"cause": "", "outcome": "discarded", "by": "drill", "at": "2026-11-28T11:31:00.000Z", **more}
    found.ledger.append(entry)
    return entry


def items(found: Facts, k: str, role: str = "primary") -> list[Row]:
    return [item for item in found.finals[role]["items"] if item["k"] == k]


def take(found: Facts, id: str, *roles: str) -> None:
    for role in roles or ("primary", "secondary"):
        found.finals[role]["items"] = [item for item in found.finals[role]["items"] if item["id"] != id]
