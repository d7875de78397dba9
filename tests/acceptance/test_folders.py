"""Folders of real deployments: one that is read-only, one of another deployment, one whose objects alone cannot be written."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.deployment import Deployment, deployed, until, upload
from tests.acceptance.disks import mend_read_only, on_small_disks, read_only, with_read_only
from tests.acceptance.pictures import picture


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with deployed(tmp_path) as made:
        with made.region("primary") as http:
            assert upload(http, picture(0), photoId="subject").status_code == 201
        until(made.level, "level")
        yield made


def say(deployment: Deployment, role: str, id: str) -> int:
    with deployment.region(role) as http:
        return http.post("/comments/subject", json={"message": id, "commentId": id}).status_code


def begin(deployment: Deployment, headline: str) -> None:
    deployment.launch()
    process = deployment.process
    assert process is not None
    until(lambda: headline in deployment.said() or process.poll() is not None, headline, 60)
    assert process.poll() is None, deployment.said()


def test_beside_a_region_on_a_read_only_disk_the_other_one_writes(deployment: Deployment) -> None:
    deployment.stop()
    deployment.inside = with_read_only(deployment, "secondary")
    begin(deployment, "A region has to be repaired")
    until(lambda: say(deployment, "primary", "meanwhile") == 201, "the other region writes")
    told = f"the folder {deployment.data}/secondary of the secondary region cannot be written (Read-only file system)"
    said = deployment.ask("status", code=1)["status"]["secondary"]
    assert told in str(said) and "multiregion chaos start secondary" in str(said)
    assert "multiregion chaos start secondary" in deployment.said()
    refused = deployment.run("switchover", code=1)
    assert told in " ".join((refused.stdout + refused.stderr).split())
    again = deployment.run("chaos", "start", "secondary", code=1)
    assert told in " ".join((again.stdout + again.stderr).split())
    mend_read_only(deployment, "secondary")
    deployment.run("chaos", "start", "secondary")
    until(deployment.level, "level")
    assert deployment.ask("verify")["equal"]


def test_without_an_authority_whose_disk_is_read_only_both_regions_serve_reads(deployment: Deployment) -> None:
    deployment.stop()
    deployment.inside = with_read_only(deployment, "authority")
    begin(deployment, "without their authority")
    assert f"the folder {deployment.data}/authority of the authority cannot be written" in " ".join(deployment.said().split())
    for role in ("primary", "secondary"):
        with deployment.region(role, {}) as http:
            assert http.get(f"/state/{deployment.described()['appId']}").status_code == 200
    assert say(deployment, "primary", "too-early") == 503
    mend_read_only(deployment, "authority")
    deployment.run("chaos", "start", "authority")
    until(lambda: say(deployment, "primary", "again") == 201, "it writes again")


def test_the_folder_of_another_deployment_is_refused_and_nothing_is_learned_from_it(deployment: Deployment, tmp_path: Path) -> None:
    with deployed(tmp_path / "other") as other:
        with other.region("primary") as http:
            assert upload(http, picture(1), photoId="foreign").status_code == 201
        until(other.level, "level")
        foreign_id = other.described()["appId"]
        other.stop()
    deployment.stop()
    shutil.rmtree(deployment.data / "secondary")
    shutil.copytree(other.data / "secondary", deployment.data / "secondary")
    begin(deployment, "A region has to be repaired")
    until(lambda: say(deployment, "primary", "meanwhile") == 201, "the other region writes")
    said = deployment.ask("status", code=1)
    assert f"belongs to another deployment, {foreign_id}" in str(said["status"]["secondary"])
    assert "authority recover" not in str(said)
    deployment.run("switchover", code=1)
    deployment.run("repair", "secondary")
    until(deployment.level, "level")
    with deployment.region("secondary") as http:
        assert [photo["photoId"] for photo in http.get("/photos").json()["photos"]] == ["subject"]
        assert [each["commentId"] for each in http.get("/comments/subject").json()["comments"]] == ["meanwhile"]
    assert deployment.ask("loss", "list", code=None)["losses"] == []


def test_a_disk_that_is_read_only_under_the_objects_alone_is_told_and_not_switched_to(tmp_path: Path) -> None:
    with on_small_disks(tmp_path) as deployment:
        with deployment.region("primary") as http:
            assert upload(http, picture(0), photoId="subject").status_code == 201
        until(deployment.level, "level")
        with read_only(deployment, "secondary", "objects"):
            until(lambda: "objects" in problem(deployment, "secondary"), "it is told")
            before = deployment.ask("state", "get")["epoch"]
            refused = deployment.run("switchover", code=1)
            said = " ".join((refused.stdout + refused.stderr).split())
            assert "cannot write (the disk cannot be written (Read-only file system)" in said and "nothing was changed" in said
            assert deployment.ask("state", "get")["epoch"] == before
            assert deployment.ask("verify")["equal"]
        until(lambda: not problem(deployment, "secondary"), "it is well again")
        with read_only(deployment, "primary", "objects"), deployment.region("primary") as http:
            answer = upload(http, picture(1))
            assert (answer.status_code, answer.json()["code"]) == (503, "disk_failed")
            assert say(deployment, "primary", "goes-on") == 201
            until(lambda: httpx.get(f"{deployment.url('primary')}/readyz", trust_env=False).status_code == 503, "it is not ready")
            deployment.run("switchover")
            with deployment.region("secondary") as there:
                assert upload(there, picture(2)).status_code == 201
        until(deployment.level, "level")


def problem(deployment: Deployment, role: str) -> str:
    return str((deployment.ask("status", code=None)["status"][role]["writing"] or {}).get("problem") or "")
