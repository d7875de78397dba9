"""A delete deletes: what was deleted is on the disk of neither region any more."""

import json
import os
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.acceptance.deployment import PASSWORD, Deployment, until, upload
from tests.acceptance.pictures import picture

ROLES = ("primary", "secondary")
LONG_AGO = 7200.0


def kept(deployment: Deployment, role: str) -> list[Path]:
    return [file for file in (deployment.data / role / "objects" / "kept").rglob("*") if file.is_file()]


def age(files: list[Path]) -> None:
    for file in files:
        there = file.stat()
        os.utime(file, (there.st_atime - LONG_AGO, there.st_mtime - LONG_AGO))


def on_disk(deployment: Deployment, role: str, what: bytes) -> list[str]:
    """The files of a region in which these bytes are."""
    files = [file for file in (deployment.data / role).rglob("*") if file.is_file()]
    return [file.name for file in files if what in contents(file)]


def contents(file: Path) -> bytes:
    """A canary comes and goes."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def has_swept(deployment: Deployment, role: str) -> bool:
    return len(kept(deployment, role)) < 2


def has_left(deployment: Deployment, role: str, what: bytes) -> bool:
    return not on_disk(deployment, role, what)


def password_of(deployment: Deployment, name: str) -> bytes:
    """What is kept of a user's password."""
    with closing(sqlite3.connect(deployment.data / "primary" / "region.db")) as db:
        (value,) = db.execute("SELECT value FROM record WHERE partition = 'users' AND id = ?", (name,)).fetchone()
    return str(json.loads(value)["password"]).encode()


@pytest.mark.parametrize("writer", ROLES)
def test_the_bytes_of_a_deleted_photo_go_in_both_regions_and_those_of_another_stay(fresh: Deployment, writer: str) -> None:
    if writer == "secondary":
        fresh.ask("failover", "--writable")
    with fresh.region(writer) as http:
        doomed, stays = (upload(http, picture(number)).json() for number in (1, 2))
        until(fresh.level, "both regions have them")
        assert http.delete(f"/photos/{doomed['photoId']}").status_code == 204
    for role in ROLES:
        assert len(kept(fresh, role)) == 2
        age(kept(fresh, role))
    for role in ROLES:
        until(partial(has_swept, fresh, role), f"{role} has swept", 150)
        assert [file.name for file in kept(fresh, role)] == [stays["sha256"]]


def test_the_password_of_a_deleted_user_and_one_that_was_replaced_leave_the_disks_of_both_regions(shared: Deployment) -> None:
    pool = shared.described()["primary"]["userPoolId"]
    for name in ("hopper", "lovelace"):
        shared.invite(name)
    until(shared.level, "both regions have them")
    gone = [password_of(shared, name) for name in ("hopper", "lovelace")]
    until(
        lambda: all(on_disk(shared, role, hash) for role in ROLES for hash in gone),
        "both have them on disk, wherever a checkpoint puts them",
    )
    token = shared.sign_in("primary", "lovelace", PASSWORD)["AccessToken"]
    changed = shared.cognito(
        "primary", "ChangePassword", AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword="an-entirely-new-1"
    )
    deleted = shared.cognito("primary", "AdminDeleteUser", shared.operator, UserPoolId=pool, Username="hopper")
    assert (changed.status_code, deleted.status_code) == (200, 200)
    for role in ROLES:
        for what in (*gone, b"hopper@example.com"):
            until(partial(has_left, shared, role, what), f"{what!r} has left {role}")
        until(partial(on_disk, shared, role, b"lovelace@example.com"), "who was not deleted is still there")
