"""Judges what clients were told against what both regions hold, and what the loss ledger says, at the end."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.acceptance.clients import ROLES, Heard, everything
from tests.acceptance.deployment import Deployment
from tests.acceptance.operators import Operator


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


def held(deployment: Deployment, operator: Operator, subject: str, name: str) -> Held:
    """What there is of the ids that begin with `name`, after making sure that both regions hold the same."""
    operator.until_level()
    assert operator.is_equal()
    here, there = (ids_in(deployment, role, subject, name) for role in ROLES)
    assert here == there
    losses = [loss for loss in operator.losses() if id_of(loss).startswith(f"{name}-")]
    assert all(loss["outcome"] == "pending" for loss in losses)
    return Held(*here, losses)


def ids_in(deployment: Deployment, role: str, subject: str, name: str) -> tuple[set[str], set[str]]:
    with deployment.region(role) as http:
        comments = [comment["commentId"] for comment in everything(http, f"/comments/{subject}", "comments")]
        photos = [photo["photoId"] for photo in everything(http, "/photos", "photos")]
    assert len(comments) == len(set(comments)) and len(photos) == len(set(photos))
    return {id for id in comments if id.startswith(f"{name}-")}, {id for id in photos if id.startswith(f"{name}-")}


def judge(deployment: Deployment, operator: Operator, subject: str, heard: Heard) -> Held:
    """Every acknowledged write is in both regions or in the ledger, never in neither nor both; nothing refused is in either;
    and whatever nobody was told about was at least asked for. Returns what is there."""
    assert heard.surprises == []
    there = held(deployment, operator, subject, heard.name)
    judge_kind("comment", set(heard.comments), there.comments, there.lost_writes(f"comments/{subject}/"), heard)
    gone = heard.perhaps_deleted - there.photos - there.lost_writes("photos/")
    judge_kind("photo", set(heard.photos), there.photos | gone, there.lost_writes("photos/"), heard)
    back = heard.deleted & there.photos
    assert back <= there.lost_deletes(), f"deleted photos came back: {back - there.lost_deletes()}"
    return there


def judge_kind(kind: str, acknowledged: set[str], there: set[str], lost: set[str], heard: Heard) -> None:
    assert acknowledged <= there | lost, f"{kind}s vanished: {shown(acknowledged - there - lost)}"
    assert not there & lost, f"{kind}s are there and lost at once: {shown(there & lost)}"
    more = (there | lost) - acknowledged
    assert not more & set(heard.refused), f"{kind}s that were refused are there: {shown(more & set(heard.refused))}"
    assert more <= heard.unknown, f"{kind}s that nobody asked for: {shown(more - heard.unknown)}"


def shown(ids: Iterable[str]) -> list[str]:
    return sorted(ids)[:20]
