"""Judges what clients were told against what both regions hold and the loss ledger says at the end: by the oracle of drills."""

from dataclasses import dataclass
from typing import Any

from multiregion.drills.facts import Facts, Row
from multiregion.drills.oracle import check
from tests.acceptance.clients import ROLES, Heard, everything
from tests.acceptance.deployment import Deployment
from tests.acceptance.operators import Operator

RULES = ("C1", "C2", "C3", "C7", "C8")
"""Those that need neither times nor epochs, which these clients do not record."""
KINDS = {"comments": "add", "photos": "photo"}


@dataclass(frozen=True)
class Held:
    """What the clients of one run left: in both regions, or lost according to the ledger."""

    comments: set[str]
    photos: set[str]
    lost: list[dict[str, Any]]

    def lost_writes(self, partition: str) -> set[str]:
        return {id_of(loss) for loss in self.lost if loss["record"].startswith(partition) and not loss["what"].startswith("delete")}

    def lost_deletes(self) -> set[str]:
        return {id_of(loss) for loss in self.lost if loss["what"] == "delete photo"}


def id_of(loss: dict[str, Any]) -> str:
    return str(loss["record"].rpartition("/")[2])


def ids_in(deployment: Deployment, role: str, subject: str, name: str) -> tuple[set[str], set[str]]:
    comments, photos = (ids(items) for items in listed(deployment, role, subject, name))
    return comments, photos


def ids(items: list[Row]) -> set[str]:
    return {item["id"] for item in items}


def listed(deployment: Deployment, role: str, subject: str, name: str) -> tuple[list[Row], list[Row]]:
    """Comments and photos of these clients, in the order in which the region answers them."""
    with deployment.region(role) as http:
        comments = [{"k": "add", "id": comment["commentId"]} for comment in everything(http, f"/comments/{subject}", "comments")]
        photos = [{"k": "photo", "id": photo["photoId"]} for photo in everything(http, "/photos", "photos")]
    mine, theirs = ([item for item in items if item["id"].startswith(f"{name}-")] for items in (comments, photos))
    return mine, theirs


def judge(deployment: Deployment, operator: Operator, subject: str, heard: Heard) -> Held:
    """Every acknowledged write is in both regions or in the ledger, never in neither nor both; nothing refused is in either;
    and whatever nobody was told about was at least asked for. Both regions hold the same. Returns what is there."""
    assert heard.surprises == []
    operator.until_level()
    assert operator.is_equal()
    there = {role: listed(deployment, role, subject, heard.name) for role in ROLES}
    losses = [loss for loss in operator.losses() if id_of(loss).startswith(f"{heard.name}-")]
    assert all(loss["outcome"] == "pending" for loss in losses)
    comments, photos = there[ROLES[0]]
    found = Held(ids(comments), ids(photos), losses)
    finals = {role: {"items": [*mine, *theirs]} for role, (mine, theirs) in there.items()}
    header: Row = {"run": 0, "scenario": "test"}
    facts = Facts({}, header, operations(heard), [], finals, [entry(loss) for loss in losses], [])
    broken = [finding for finding in check(facts, RULES) if finding.outcome == "broken"]
    assert not broken, "\n".join(f"{each.rule}, {each.count}: {[witness.text for witness in each.witnesses]}" for each in broken)
    more = (found.lost_writes("comments/") | found.lost_writes("photos/")) - heard.acknowledged
    assert more <= heard.unknown, f"losses that nobody asked for: {sorted(more - heard.unknown)[:20]}"
    return found


def operations(heard: Heard) -> list[Row]:
    """Of a write that was not acknowledged these clients remember the id, not of which kind it was: so it stands for both."""
    told = [("add", id, "ok") for id in heard.comments] + [("photo", id, "ok") for id in heard.photos]
    told += [(kind, id, "refused") for id in heard.refused for kind in KINDS.values()]
    told += [(kind, id, "unknown") for id in heard.unknown for kind in KINDS.values()]
    rows = [{"i": number, "k": kind, "id": id, "out": out} for number, (kind, id, out) in enumerate(told)]
    deleted = [(id, "ok") for id in heard.deleted] + [(id, "unknown") for id in heard.perhaps_deleted - heard.deleted]
    return rows + [{"i": len(rows), "k": "delete", "id": f"delete {id}", "key": id, "out": out} for id, out in deleted]


def entry(loss: dict[str, Any]) -> Row:
    partition, what = loss["record"].partition("/")[0], loss["what"]
    kind = KINDS.get(partition, partition) if not what.startswith("delete") else "delete" if what == "delete photo" else what
    row = {"id": loss["id"], "region": loss["region"], "k": kind, "item": id_of(loss), "first": [0, 0], "last": [0, 0]}
    return row | {"outcome": loss["outcome"], "by": loss["decidedBy"]}
