"""A disk that is really full: writes are refused and say so, reading goes on, and everything recovers when there is room."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.acceptance.deployment import Deployment, deployed, until, upload
from tests.acceptance.pictures import picture

DISK_BYTES = 48 * 1024 * 1024


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Deployment]:
    """Both regions on small disks of their own, in a mount namespace of their own, which needs no privilege."""
    data = tmp_path / "data"
    for role in ("primary", "secondary"):
        (data / role).mkdir(parents=True)
    script = "".join(f"mount -t tmpfs -o size={DISK_BYTES} tmpfs {data / role} && " for role in ("primary", "secondary")) + 'exec "$@"'
    with deployed(tmp_path, inside=("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "up")) as deployment:
        yield deployment


@contextmanager
def full(deployment: Deployment, role: str) -> Iterator[None]:
    """Not a byte is left on this region's disk while the block runs."""
    pid = deployment.pid(role)
    filler = Path(f"/proc/{pid}/root{deployment.data / role / 'filler'}")
    with filler.open("wb", buffering=0) as file:
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            while True:
                file.write(b"\0" * 4096)
        os.fsync(file.fileno())
    try:
        yield
    finally:
        filler.unlink()


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
