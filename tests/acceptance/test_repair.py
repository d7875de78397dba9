"""Storage that is damaged under real processes: what is wrong is never served, and everything has a way back, as its message says."""

import os
import re
import shutil
import sqlite3
import time
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.deployment import Deployment, until, upload
from tests.acceptance.pictures import picture

CONDITIONS = ("flipped", "removed")


def file_of(deployment: Deployment, role: str, digest: str) -> Path:
    return deployment.data / role / "objects" / "kept" / digest[:2] / digest


def spoil(deployment: Deployment, role: str, digest: str, how: str) -> None:
    file = file_of(deployment, role, digest)
    if how == "removed":
        file.unlink()
        return
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def is_sound(deployment: Deployment, role: str, digest: str) -> bool:
    file = file_of(deployment, role, digest)
    return file.exists() and sha256(file.read_bytes()).hexdigest() == digest


def add(deployment: Deployment, number: int = 1) -> dict[str, Any]:
    """A photo that both regions have, as the secondary shows it."""
    with deployment.region("primary") as http:
        added = upload(http, picture(number))
        assert added.status_code == 201, added.text
    until(deployment.level, "both regions have it")
    return shown(deployment, "secondary", added.json()["photoId"])


def shown(deployment: Deployment, role: str, photo_id: str) -> dict[str, Any]:
    with deployment.region(role) as http:
        (found,) = [photo for photo in http.get("/photos").json()["photos"] if photo["photoId"] == photo_id]
    return dict(found)


def get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, trust_env=False, timeout=30)


@pytest.mark.parametrize("how", CONDITIONS)
@pytest.mark.parametrize("role", ["primary", "secondary"])
def test_a_reader_gets_the_right_bytes_and_the_file_is_put_right(shared: Deployment, role: str, how: str) -> None:
    photo = shown(shared, role, add(shared)["photoId"])
    digest = photo["sha256"]
    spoil(shared, role, digest, how)
    part = get(photo["url"], Range="bytes=100-199")
    whole = get(photo["url"])
    assert (part.status_code, whole.status_code) == (206, 200)
    assert sha256(whole.content).hexdigest() == digest and part.content == whole.content[100:200]
    assert is_sound(shared, role, digest)


@pytest.mark.parametrize("how", CONDITIONS)
def test_while_the_other_region_is_away_nothing_wrong_is_served_and_no_switch_begins(fresh: Deployment, how: str) -> None:
    photo = add(fresh)
    fresh.cut(True)
    spoil(fresh, "secondary", photo["sha256"], how)
    answer = get(photo["url"])
    assert answer.status_code == 503 and "the other region does not answer" in answer.json()["detail"]
    before = fresh.ask("state", "get")
    refused = fresh.run("failover", "--writable", code=1)
    assert "lacks objects that it could not get" in refused.stderr and fresh.ask("state", "get") == before
    said = fresh.run("status", code=0).stdout
    assert "1 object missing or damaged, and not repaired: multiregion verify --repair says why" in " ".join(said.split())
    assert "does not answer" in fresh.run("verify", "--repair", code=1).stdout
    fresh.cut(False)
    moved = fresh.ask("failover", "--writable")
    (repair,) = [step for step in moved["steps"] if step["name"] == "repair"]
    assert repair["outcome"] == "done" and "ap-northeast-1: 1 repaired" in repair["detail"]
    assert is_sound(fresh, "secondary", photo["sha256"]) and get(photo["url"]).status_code == 200


def test_verify_says_what_is_wrong_repairs_it_and_says_what_it_could_not(fresh: Deployment) -> None:
    flipped, removed, photo = (add(fresh, number) for number in (1, 2, 3))
    flipped, removed, lost = (each["sha256"] for each in (flipped, removed, photo))
    spoil(fresh, "primary", flipped, "flipped")
    spoil(fresh, "secondary", removed, "removed")
    quick = fresh.run("verify", code=1).stdout
    assert f"object {removed}: missing in ap-northeast-1" in quick and flipped not in quick
    assert fresh.run("verify", "--quick", code=1).stdout == quick
    assert f"object {flipped}: damaged in us-east-1" in fresh.run("verify", "--deep", code=1).stdout
    assert "--quick" in fresh.run("verify", "--quick", "--repair", code=2).stderr
    repaired = fresh.run("verify", "--repair").stdout
    assert "2 objects repaired" in repaired and "Both regions hold the same" in repaired
    assert is_sound(fresh, "primary", flipped) and is_sound(fresh, "secondary", removed)
    spoil(fresh, "primary", lost, "flipped")
    spoil(fresh, "secondary", lost, "removed")
    found = fresh.ask("verify", "--repair", code=1)
    assert {each["problem"] for each in found["differences"]} == {
        "damaged in us-east-1, not repaired: the other region does not have it",
        "missing in ap-northeast-1, not repaired: damaged in the other region",
    }
    name = f"photos/{photo['photoId']}"
    assert [each["neededBy"] for each in found["differences"]] == [[name], [name]]
    said = fresh.run("verify", "--repair", code=1).stdout
    assert said.count(f"; needed by {name}\n") == 2 and said.count(lost) == 2
    assert fresh.run("status").stdout.count("not repaired") == 2
    assert fresh.ask("failover")["state"] == "failover"  # moving makes it no worse
    fresh.ask("failback")
    with fresh.region("primary") as http:
        assert http.delete(name).status_code == 204
    until(fresh.level, "both regions have the deletion")
    assert fresh.ask("verify", "--repair")["equal"] and "not repaired" not in fresh.run("status").stdout


def overwrite(file: Path, *, header: bool) -> None:
    """Damage a closed database: its header, or everything but it."""
    data = file.read_bytes()
    file.write_bytes(os.urandom(100) + data[100:] if header else data[:4096] + os.urandom(len(data) - 4096))


def in_one_file(file: Path) -> bool:
    """Bring what is in a closed database's journal into the database itself."""
    with closing(sqlite3.connect(file)) as db:
        try:
            return bool(db.execute("PRAGMA journal_mode = delete").fetchone() == ("delete",))
        except sqlite3.OperationalError:
            return False


def damage_database(deployment: Deployment, role: str, *, header: bool = True) -> None:
    deployment.kill(role)
    file = deployment.data / role / "region.db"
    until(lambda: in_one_file(file), "whoever was killed holds it no longer")
    overwrite(file, header=header)


def advised(said: str) -> list[str]:
    """The command that a message ends with, without `multiregion`."""
    found = re.search(r"multiregion (repair \w+)", " ".join(said.split()))
    assert found, said
    return found.group(1).split()


@pytest.mark.parametrize("header", [True, False])
def test_a_region_that_follows_is_copied_anew_by_the_command_that_its_message_names(fresh: Deployment, header: bool) -> None:
    photo = add(fresh)
    damage_database(fresh, "secondary", header=header)
    refused = fresh.run("chaos", "start", "secondary", code=1).stderr
    assert "the database of the secondary region is damaged" in refused
    pid = fresh.pid("secondary")
    with fresh.region("secondary", {}) as http:
        ready, read = http.get("/readyz"), http.get("/comments/x")
        assert ready.status_code == 503 and ready.json()["damaged"] and advised(ready.json()["reasons"][0]) == advised(refused)
        assert (read.status_code, read.json()["code"]) == (503, "database_damaged")
    assert advised(fresh.run("status", code=1).stdout) == advised(refused)
    done = fresh.ask(*advised(refused))
    assert [step["name"] for step in done["steps"]] == ["check", "set aside", "copy"]
    assert fresh.pid("secondary") == pid
    until(fresh.level, "it has everything again")
    assert fresh.ask("verify", "--deep")["equal"]
    assert get(shown(fresh, "secondary", photo["photoId"])["url"]).status_code == 200
    (kept,) = (fresh.data / "secondary").glob("set-aside-*")
    assert (kept / "region.db").exists() and fresh.ask("state", "history")["history"][0]["what"] == "repair"


def test_a_writer_that_is_damaged_is_given_up_only_on_the_operators_word(fresh: Deployment) -> None:
    add(fresh)
    damage_database(fresh, "primary")
    advice = advised(fresh.run("chaos", "start", "primary", code=1).stderr)
    fresh.kill("secondary")
    assert "ap-northeast-1 does not answer" in fresh.run(*advice, code=1).stderr
    fresh.restart("secondary")
    refused = fresh.run(*advice, code=1).stderr
    assert "cannot read its log" in refused and "--accept-loss" in refused
    assert not list((fresh.data / "primary").glob("set-aside*"))
    fresh.ask(*advice, "--accept-loss")
    until(fresh.level, "it has everything again")
    (loss,) = fresh.ask("loss", "list")["losses"]
    assert (loss["cause"], loss["what"], loss["writes"]) == ("disk lost", "an unknown number of writes, contents lost", None), loss
    with fresh.region("primary") as http:
        assert upload(http, picture(2)).status_code == 201
    until(fresh.level, "both have the new one")
    assert fresh.ask("verify", "--deep")["equal"]


def test_writes_that_only_the_damaged_region_has_are_counted_before_they_are_given_up(fresh: Deployment) -> None:
    """Where its log ends can still be read: the region runs, and its database is not trusted any more."""
    add(fresh)
    fresh.cut(True)
    with fresh.region("primary") as http:
        assert upload(http, picture(2)).status_code == 201
    refused = fresh.run("repair", "us-east-1", code=1).stderr
    assert "us-east-1 may have 1 write that ap-northeast-1 does not have" in refused
    fresh.cut(False)
    until(fresh.level, "caught up")
    fresh.ask("state", "set", "fenced")
    fresh.ask("repair", "us-east-1")
    until(fresh.level, "it has everything again")
    assert "not 'europe'" in fresh.run("repair", "europe", code=1).stderr


def test_what_only_a_damaged_writer_had_is_in_the_ledger_with_its_count(fresh: Deployment) -> None:
    photo = add(fresh)
    fresh.cut(True)
    with fresh.region("primary") as http:
        for number in range(3):
            assert http.post(f"/comments/{photo['photoId']}", json={"message": str(number)}).status_code == 201
    time.sleep(2)  # as long as it takes that the authority has been told
    damage_database(fresh, "primary")
    fresh.run("chaos", "start", "primary", code=1)
    fresh.cut(False)
    fresh.ask("repair", "primary", "--accept-loss")
    until(fresh.level, "it has everything again")
    (loss,) = fresh.ask("loss", "list")["losses"]
    assert (loss["cause"], loss["writes"], loss["outcome"]) == ("disk lost", 3, "pending"), loss


def test_beside_a_damaged_writer_the_rest_is_told_and_every_order_says_what_helps(fresh: Deployment) -> None:
    photo = add(fresh)
    fresh.cut(True)
    with fresh.region("primary") as http:
        assert upload(http, picture(2)).status_code == 201
    fresh.kill("primary")
    fresh.ask("failover", "--writable", "--region-lost", "--accept-loss")
    fresh.cut(False)
    fresh.restart("primary")
    until(lambda: fresh.ask("loss", "list", "--check", code=None)["losses"], "what was lost is listed")
    fresh.ask("failback")
    damage_database(fresh, "primary", header=False)
    fresh.run("chaos", "start", "primary", code=1)
    listed = fresh.run("loss", "list")
    assert "1 entry of the loss ledger to decide about" in listed.stdout and "us-east-1 cannot be asked" in listed.stdout
    assert photo["photoId"] in fresh.run("photo", "list").stdout
    for order in (("failover", "--writable"), ("failover",), ("switchover",)):
        refused = " ".join(fresh.run(*order, code=1).stderr.split())
        assert "the database of the primary region is damaged" in refused and "multiregion repair primary" in refused
        assert "does not answer" not in refused and fresh.ask("state", "get")["state"] == "active"


def test_everything_starts_with_a_damaged_region_and_says_what_to_do(fresh: Deployment) -> None:
    fresh.sign_in("primary", "admin", fresh.described()["admin"]["temporaryPassword"])
    add(fresh)
    fresh.stop()
    overwrite(fresh.data / "primary" / "region.db", header=True)
    fresh.launch()
    until(lambda: "A region has to be repaired" in fresh.said() and "Ctrl-C" in fresh.said(), "up", 40)
    assert "the one you chose" in fresh.said() and "temporaryPassword" not in fresh.described()["admin"]
    advice = advised(fresh.said())
    with fresh.region("secondary") as http:
        assert len(http.get("/photos").json()["photos"]) == 1
    fresh.ask(*advice, "--accept-loss")
    until(fresh.level, "it has everything again")


def test_a_damaged_writer_and_a_lost_authority_are_mended_as_the_messages_say(fresh: Deployment) -> None:
    photo = add(fresh)
    fresh.kill("authority")
    shutil.rmtree(fresh.data / "authority")
    damage_database(fresh, "primary")
    fresh.run("chaos", "start", "primary", code=1)
    fresh.run("chaos", "start", "authority")
    refused = " ".join(fresh.run("authority", "recover", code=1).stderr.split())
    assert "the database of the primary region is damaged" in refused and "authority recover --region-lost" in refused
    fresh.run("authority", "recover", "--region-lost", code=1)  # decided, and not yet told to the region that is meant to serve
    until(lambda: fresh.ask("status", code=None)["status"]["secondary"]["ready"], "the secondary leads under the new history")
    refused = " ".join(fresh.run("repair", "primary", code=1).stderr.split())
    assert "To give that up and go on: `multiregion repair us-east-1 --accept-loss`" in refused
    fresh.run("repair", "primary", "--accept-loss")
    fresh.run("failback")
    until(fresh.level, "both regions hold the same")
    assert get(shown(fresh, "primary", photo["photoId"])["url"]).status_code == 200
