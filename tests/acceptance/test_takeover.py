"""The primary is lost for real: what a takeover says before, what the ledger says after, and what comes home."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.clients import everything, writing
from tests.acceptance.deployment import Deployment, deployed, until, upload
from tests.acceptance.pictures import picture


@pytest.fixture
def subject(fresh: Deployment) -> str:
    with fresh.region("primary") as http:
        made = str(upload(http, picture(0), photoId="subject").json()["photoId"])
    until(fresh.level, "level at the beginning")
    return made


def say(deployment: Deployment, role: str, subject: str, id: str) -> int:
    with deployment.region(role) as http:
        return http.post(f"/comments/{subject}", json={"message": f"I am {id}", "commentId": id}).status_code


def said(deployment: Deployment, role: str, subject: str) -> set[str]:
    with deployment.region(role) as http:
        return {comment["commentId"] for comment in everything(http, f"/comments/{subject}", "comments")}


def lose_a_tail(deployment: Deployment, subject: str, count: int) -> list[str]:
    """Writes that only the primary has, acknowledged before it dies."""
    deployment.cut(True)
    lost = [f"lost-{n}" for n in range(count)]
    assert [say(deployment, "primary", subject, id) for id in lost] == [201] * count
    deployment.kill("primary")
    deployment.cut(False)
    return lost


def losses(deployment: Deployment) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = deployment.ask("loss", "list", code=None)["losses"]
    return found


def test_a_writable_takeover_loses_exactly_what_the_ledger_says(fresh: Deployment, subject: str) -> None:
    assert say(fresh, "primary", subject, "kept") == 201
    until(fresh.level, "level")
    lost = lose_a_tail(fresh, subject, 5)
    answer = fresh.ask("failover", "--writable", "--region-lost", "--reason", "storm")
    assert (answer["state"], answer["writer"]) == ("failover", "ap-northeast-1")
    assert any(step["name"] == "predict" for step in answer["steps"])
    newest = fresh.ask("state", "history")["history"][0]
    assert newest["reason"] == "storm" and newest["facts"]["watermark"]["sequence"] > 0 and newest["facts"]["predictedLoss"] is not None

    assert say(fresh, "secondary", subject, "during") == 201
    fresh.restart("primary")
    until(fresh.level, "the primary has come back under the secondary's history")
    assert said(fresh, "primary", subject) == said(fresh, "secondary", subject) == {"kept", "during"}
    entries = losses(fresh)
    assert [entry["what"] for entry in entries] == [f"comment: I am {id}" for id in lost]
    assert all("took over after change" in entry["reason"] and entry["outcome"] == "pending" for entry in entries)
    fresh.run("loss", "list")
    fresh.run("loss", "list", "--check", code=1)

    assert fresh.run("loss", "apply", entries[0]["id"], entries[1]["id"]).returncode == 0
    fresh.run("loss", "discard", "--all")
    assert [entry["outcome"] for entry in losses(fresh)] == ["applied", "applied", "discarded", "discarded", "discarded"]
    fresh.run("loss", "list", "--check")
    fresh.run("failback")
    until(fresh.level, "level after failback")
    assert said(fresh, "primary", subject) == {"kept", "during", "lost-0", "lost-1"}
    assert fresh.ask("verify")["equal"]
    assert {line["what"] for line in fresh.ask("state", "history")["history"]} == {"state", "loss"}


def test_a_read_only_takeover_loses_nothing_the_tail_comes_later(fresh: Deployment, subject: str) -> None:
    lost = lose_a_tail(fresh, subject, 3)
    fresh.run("failover", "--region-lost")
    fresh.restart("primary")
    until(fresh.level, "the tail has arrived")
    assert losses(fresh) == []
    fresh.run("failback")
    assert set(lost) <= said(fresh, "primary", subject)
    assert fresh.ask("verify")["equal"]


def test_everything_made_in_the_secondary_comes_home_deletes_included(fresh: Deployment, subject: str) -> None:
    with fresh.region("primary") as http:
        upload(http, picture(1), photoId="doomed")
    fresh.run("failover", "--writable")
    with fresh.region("secondary") as http:
        assert upload(http, picture(2), photoId="made-there").status_code == 201
        assert http.delete("/photos/doomed").status_code == 204
    assert say(fresh, "secondary", subject, "said-there") == 201
    fresh.run("user", "add", "zoe", "--email", "zoe@example.com")
    fresh.run("failback")
    with fresh.region("primary") as http:
        assert {photo["photoId"] for photo in everything(http, "/photos", "photos")} == {"subject", "made-there"}
        assert upload(http, picture(3), photoId="doomed").status_code == 409
    assert said(fresh, "primary", subject) == {"said-there"}
    assert "zoe" in fresh.run("user", "list").stdout
    assert fresh.ask("verify")["equal"]


def test_switchover_goes_there_and_back_under_load(fresh: Deployment, subject: str) -> None:
    with writing(fresh, subject, 4) as heard:
        for _ in range(3):
            time.sleep(0.3)
            assert fresh.ask("switchover")["writer"] == "ap-northeast-1"
            assert fresh.ask("switchover")["writer"] == "us-east-1"
    assert heard.surprises == []
    until(fresh.level, "level")
    assert set(heard.comments) <= said(fresh, "secondary", subject)
    assert fresh.ask("verify")["equal"] and losses(fresh) == []


def test_a_takeover_over_the_limit_needs_the_operators_word(tmp_path: Path) -> None:
    """The survivor has heard of none of it: what counts is what the lost region had reported to the authority."""
    with deployed(tmp_path, MULTIREGION_LOSS_CHANGES_MAX="2", MULTIREGION_LOSS_SECONDS_MAX="3600") as small:
        with small.region("primary") as http:
            assert upload(http, picture(0), photoId="subject").status_code == 201
        until(small.level, "level at the beginning")
        small.cut(True)
        assert [say(small, "primary", "subject", f"lost-{n}") for n in range(3)] == [201] * 3
        until(small.is_reported, "the authority knows of them")
        small.kill("secondary")
        small.restart("secondary")
        small.kill("primary")
        before = small.ask("state", "get")
        done = small.run("failover", "--writable", "--region-lost", code=1)
        assert "the limit of 2 changes" in done.stderr and "3 changes" in done.stderr and "--accept-loss" in done.stderr
        assert small.ask("state", "get") == before
        answer = small.ask("failover", "--writable", "--region-lost", "--accept-loss")
        assert answer["writer"] == "ap-northeast-1"
        assert small.ask("state", "history")["history"][0]["facts"]["acceptedLoss"] is True


def test_a_region_that_answers_is_not_lost(fresh: Deployment) -> None:
    done = fresh.run("failover", "--writable", "--region-lost", code=1)
    assert "us-east-1 answers, so it is not lost" in done.stderr
    assert fresh.ask("state", "get")["state"] == "active"


def test_a_frozen_primary_that_wakes_up_writes_nothing(fresh: Deployment, subject: str) -> None:
    pid = fresh.pid("primary")
    os.kill(pid, signal.SIGSTOP)
    assert "us-east-1 could not be told" in fresh.run("failover", "--writable", "--region-lost").stderr
    fresh.run("loss", "list")
    assert "us-east-1 cannot be asked" in fresh.run("loss", "list", "--check", code=1).stdout
    assert say(fresh, "secondary", subject, "during") == 201
    os.kill(pid, signal.SIGCONT)
    until(lambda: fresh.state("primary")["state"] == "failover", "the primary has heard")
    assert say(fresh, "primary", subject, "late") == 409
    until(fresh.level, "level")
    assert said(fresh, "primary", subject) == {"during"}


def test_an_authority_from_an_old_backup_is_noticed_and_mended(fresh: Deployment) -> None:
    fresh.kill("authority")
    folder = fresh.data / "authority"
    backup = {file.name: file.read_bytes() for file in folder.iterdir()}
    fresh.restart("authority")
    for state in ("fenced", "active", "fenced"):
        fresh.run("state", "set", state)
    fresh.kill("authority")
    for file in folder.iterdir():
        file.unlink()
    for name, content in backup.items():
        (folder / name).write_bytes(content)
    fresh.restart("authority")
    done = fresh.run("state", "set", "active", code=1)
    assert "obeys epoch 4" in done.stderr and "multiregion authority recover" in done.stderr
    assert fresh.state("primary")["epoch"] == 4
    history = fresh.state("primary")["history"]
    fresh.run("authority", "recover")
    recovered = fresh.ask("state", "get")
    assert (recovered["state"], recovered["epoch"], recovered["succeeds"]) == ("fenced", 14, [history])
    assert recovered == fresh.state("primary") == fresh.state("secondary")
    fresh.run("state", "set", "active")
    assert fresh.state("secondary")["epoch"] == 15
