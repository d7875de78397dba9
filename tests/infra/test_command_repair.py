"""`multiregion aws verify --repair`: what only one region has is replicated once more, and nothing that was deleted comes back."""

from collections.abc import Iterator

import pytest
from moto.s3.models import s3_backends

from tests.infra.cloud.buckets import DELETE, PUT
from tests.infra.cloud.principals import ACCOUNT
from tests.infra.worlds import PRIMARY, SECONDARY, World, world


@pytest.fixture(scope="module")
def w(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("repair")) as made:
        done = made.deploy()
        assert done.code == 0, done.said
        yield made


def forget(w: World, role: str, *names: str) -> None:
    """Puts objects that S3 does not replicate: it gave up, or its rule is younger."""
    for name in names:
        PUT(s3_backends[ACCOUNT]["aws"], w.outputs()[f"{role}PhotosBucket"], name, b"bytes")


def test_what_one_region_lacks_is_replicated_by_a_job_of_the_other(w: World) -> None:
    forget(w, "Secondary", "photos/1/a, b.jpg", "photos/2/ü.jpg")
    forget(w, "Primary", "photos/3/c.jpg", "pending/4.jpg")
    with w.account_in_host():
        found = w.run("verify", "--wait", "0", "--repair", "--json")
        again = w.run("verify", "--wait", "0", "--repair")
    assert found.code == 1, found.said
    assert [(job["region"], job["objects"], job["left"]) for job in found.answer["jobs"]] == [(SECONDARY, 2, []), (PRIMARY, 1, [])]
    assert sorted(map(sorted, w.cloud.jobs.replicated.values())) == [["photos/1/a, b.jpg", "photos/2/ü.jpg"], ["photos/3/c.jpg"]]
    assert again.code == 0 and "Both regions hold the same" in again.said


def test_the_job_is_told_with_the_command_that_watches_it_and_asked_for_twice_is_one(w: World) -> None:
    forget(w, "Secondary", "photos/5/a.jpg")
    w.cloud.replication.isolate(SECONDARY)
    with w.account_in_host():
        first = w.run("verify", "--wait", "0", "--repair")
        second = w.run("verify", "--wait", "0", "--repair")
    w.cloud.replication.heal()
    jobs = len(w.cloud.jobs.replicated)
    assert (first.code, second.code) == (1, 1)
    watch = f"aws s3control describe-job --account-id {ACCOUNT} --job-id job-{jobs} --region {SECONDARY}"
    assert watch in first.said and watch in second.said
    assert w.run("verify", "--wait", "0").code == 0


def test_what_was_deleted_does_not_come_back(w: World) -> None:
    """A photograph whose deletion has not arrived is deleted in the other region, not made anew in this one."""
    w.cloud.client("s3", PRIMARY).put_object(Bucket=w.outputs()["PrimaryPhotosBucket"], Key="photos/6/a.jpg", Body=b"x")
    w.cloud.settle()
    DELETE(s3_backends[ACCOUNT]["aws"], w.outputs()["PrimaryPhotosBucket"], "photos/6/a.jpg")
    before = len(w.cloud.jobs.replicated)
    with w.account_in_host():
        found = w.run("verify", "--wait", "0", "--repair")
    assert found.code == 1 and len(w.cloud.jobs.replicated) == before
    assert f"not replicated again: photos/6/a.jpg: it was deleted in {PRIMARY}" in found.said


def test_without_being_asked_nothing_is_repaired(w: World) -> None:
    forget(w, "Secondary", "photos/7/a.jpg")
    before = len(w.cloud.jobs.replicated)
    found = w.run("verify", "--wait", "0", "--json")
    assert found.code == 1 and "jobs" not in found.answer and len(w.cloud.jobs.replicated) == before
