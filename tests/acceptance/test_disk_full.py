"""A disk that is really full: writes are refused and say so, reading goes on, and everything recovers when there is room."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.deployment import Deployment, until, upload
from tests.acceptance.disks import full, on_small_disks
from tests.acceptance.pictures import picture


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Deployment]:
    with on_small_disks(tmp_path) as deployment:
        yield deployment


def test_a_full_disk_refuses_writes_serves_reads_and_recovers(small: Deployment) -> None:
    with small.region("primary") as http:
        photo = upload(http, picture(1), caption="before").json()
        with full(small, "primary"):
            refused = until(lambda: first_refusal(http, photo["photoId"]), "a write is refused")
            assert (refused.status_code, refused.json()["code"]) == (507, "disk_full")
            assert upload(http, picture(2)).status_code == 507
            assert http.get("/photos").json()["photos"][0]["caption"] == "before"
            assert httpx.get(photo["url"], trust_env=False).status_code == 200
            seen = len(http.get(f"/comments/{photo['photoId']}", params={"limit": 100}).json()["comments"])
        until(lambda: http.post(f"/comments/{photo['photoId']}", json={"message": "room again"}).status_code == 201, "writing recovers")
        assert upload(http, picture(2)).status_code == 201
        assert len(http.get(f"/comments/{photo['photoId']}", params={"limit": 100}).json()["comments"]) == seen + 1
    until(small.level, "both regions are level")
    assert small.ask("verify")["equal"]


def reasons(deployment: Deployment) -> str:
    return str(deployment.ask("status", code=None)["status"]["secondary"]["reasons"])


def first_refusal(http: httpx.Client, photo_id: str) -> httpx.Response | None:
    """The store may have kept a little room of its own, so the first writes may still succeed."""
    answer = http.post(f"/comments/{photo_id}", json={"message": "x" * 1000})
    return answer if answer.status_code != 201 else None


def test_a_full_disk_in_the_other_region_only_delays_it(small: Deployment) -> None:
    with small.region("primary") as http:
        photo = upload(http, picture(1)).json()["photoId"]
        until(small.level, "level before")
        with full(small, "secondary"):
            assert upload(http, picture(2)).status_code == 201
            assert http.post(f"/comments/{photo}", json={"message": "meanwhile"}).status_code == 201
            until(lambda: "the disk is full" in reasons(small), "it says why it waits")
    until(small.level, "it has caught up")
    assert small.ask("verify")["equal"]
