"""Health is the ability to write: what a region says of itself, a planned switch away from it, and automatic mode."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.deployment import Deployment, answers, deployed, runs, until, upload
from tests.acceptance.disks import failing, full, inside, on_small_disks, stuck
from tests.acceptance.operators import Operator
from tests.acceptance.pictures import picture

UNHEALTHY_SECONDS = 2.0
FULL_SINCE = r"the disk is full(: [^,]+)?, since 20"
"""A folder on the disk may notice it before the database does, and then it is named."""
AUTOMATIC: dict[str, Any] = {
    "MULTIREGION_LEASE_SECONDS": "1",
    "MULTIREGION_UNHEALTHY_SECONDS": str(UNHEALTHY_SECONDS),
    "MULTIREGION_SLOW_WRITE_SECONDS": "1",
    "MULTIREGION_LOSS_SECONDS_MAX": "600",
}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Deployment]:
    with on_small_disks(tmp_path) as deployment:
        subject(deployment)
        yield deployment


@pytest.fixture
def small_automatic(tmp_path: Path) -> Iterator[Deployment]:
    with on_small_disks(tmp_path, "--automatic", **AUTOMATIC) as deployment:
        subject(deployment)
        yield deployment


@pytest.fixture
def automatic(tmp_path: Path) -> Iterator[Deployment]:
    with deployed(tmp_path, "--automatic", **AUTOMATIC) as deployment:
        subject(deployment)
        yield deployment


def subject(deployment: Deployment) -> None:
    with deployment.region("primary") as http:
        until(lambda: upload(http, picture(0), photoId="subject").status_code in (200, 201), "the first photo")
    until(deployment.level, "level")


def say(deployment: Deployment, role: str, id: str) -> httpx.Response:
    with deployment.region(role) as http:
        return http.post("/comments/subject", json={"message": "x" * 1000, "commentId": id})


def readiness(deployment: Deployment, role: str) -> tuple[int, dict[str, Any]]:
    answer = httpx.get(f"{deployment.url(role)}/readyz", timeout=5, trust_env=False)
    return answer.status_code, answer.json()


def region(deployment: Deployment, role: str) -> dict[str, Any]:
    found: dict[str, Any] = deployment.ask("status", code=None)["status"][role]
    return found


def cannot_write(deployment: Deployment, role: str, why: str) -> None:
    """Nobody writes to it meanwhile: it finds out by itself."""
    until(lambda: why in str(readiness(deployment, role)[1]["writing"]["problem"]), f"{role} says: {why}")


def states(deployment: Deployment, actor: str) -> list[tuple[str, Any]]:
    """What `actor` decided, newest first, each with the facts that only a takeover has."""
    lines = deployment.ask("state", "history")["history"]
    return [(line["state"], line["facts"]) for line in lines if line["actor"] == actor and line["what"] == "state"]


def moves(deployment: Deployment) -> list[str]:
    """What automatic mode did by planned switches, newest first: a takeover has a watermark."""
    return [state for state, facts in states(deployment, "automatic") if "watermark" not in facts]


def test_a_writer_on_a_full_disk_says_so_and_can_be_moved_away_from_without_loss(small: Deployment) -> None:
    assert readiness(small, "primary")[0] == 200
    with full(small, "primary"):
        cannot_write(small, "primary", "the disk is full")
        code, found = readiness(small, "primary")
        assert code == 503 and any(re.search(FULL_SINCE, reason) for reason in found["reasons"])
        metrics = httpx.get(f"{small.url('primary')}/metrics", timeout=5, trust_env=False).text
        assert "multiregion_ready 0.0" in metrics and "multiregion_writer 0.0" in metrics
        assert float(metrics.split("\nmultiregion_write_problem_seconds ")[1].split()[0]) > 0
        shown = region(small, "primary")
        assert not shown["ready"] and not shown["writes"] and "the disk is full" in str(shown["reasons"])
        assert "✗ cannot write" in small.run("status", code=1).stdout
        assert (say(small, "primary", "refused").status_code, say(small, "primary", "refused").json()["code"]) == (507, "disk_full")
        small.ask("failover", "--writable")
        assert say(small, "secondary", "there").status_code == 201
        shown = {role: region(small, role) for role in ("primary", "secondary")}
        assert [(shown[role]["writes"], shown[role]["epoch"]) for role in ("primary", "secondary")] == [(False, 3), (True, 3)]
        assert not inside(small, "primary", "reserve").exists(), "the fence was stored in the room of the reserve"
    until(small.level, "it catches up when there is room")
    until(lambda: inside(small, "primary", "reserve").exists(), "the reserve is kept again")
    assert inside(small, "primary", "reserve").stat().st_blocks * 512 >= 16 * 1024 * 1024
    assert small.ask("verify")["equal"]
    small.ask("failback")
    assert say(small, "primary", "again").status_code == 201


def test_it_is_ready_again_by_itself_as_soon_as_there_is_room(small: Deployment) -> None:
    with full(small, "primary"):
        cannot_write(small, "primary", "full")
    until(lambda: readiness(small, "primary")[0] == 200, "ready")
    assert say(small, "primary", "again").status_code == 201


def test_writing_is_not_moved_to_a_region_that_cannot_write(small: Deployment) -> None:
    with full(small, "secondary"):
        cannot_write(small, "secondary", "full")
        before = small.ask("state", "get")
        refused = small.run("failover", "--writable", code=1)
        assert re.search(rf"cannot write \({FULL_SINCE}", refused.stderr) and "nothing was changed" in refused.stderr
        assert small.ask("state", "get") == before
        assert say(small, "primary", "goes-on").status_code == 201
        assert readiness(small, "secondary")[0] == 200, "it serves reads"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_region_that_starts_on_a_full_disk_serves_and_tells_the_newest_epoch(small: Deployment, number: signal.Signals) -> None:
    with full(small, "primary"):
        cannot_write(small, "primary", "full")
        pid = small.pid("primary")
        os.kill(pid, number)
        until(lambda: not runs(pid), "it has ended")
        small.run("state", "set", "fenced", code=None)
        (small.data / "start-primary").touch()
        until(lambda: answers(f"{small.url('primary')}/healthz"), "it serves")
        until(lambda: small.state("primary")["epoch"] == 2, "it tells the newest epoch")
        shown = region(small, "primary")
        assert (shown["state"], shown["epoch"], shown["writes"]) == ("fenced", 2, False)
        with small.region("primary") as http:
            assert http.get("/photos").json()["photos"][0]["photoId"] == "subject"


def test_automatic_mode_moves_away_from_a_full_disk_by_a_planned_switch_and_not_back(small_automatic: Deployment) -> None:
    operator = Operator(small_automatic)
    with full(small_automatic, "primary"):
        until(lambda: say(small_automatic, "secondary", "successor").status_code == 201, "the secondary writes")
    assert moves(small_automatic) == ["failover", "fenced"]
    assert "the primary region cannot write: the disk is full" in json.dumps(operator.history())
    assert operator.automatic()["unacknowledged"]
    until(small_automatic.level, "level")
    assert operator.losses() == []
    assert operator.state()["state"] == "failover"
    operator.automatic("acknowledge")
    operator.change("failback")
    assert until(lambda: say(small_automatic, "primary", "home").status_code == 201, "home")


def test_automatic_mode_stays_while_nobody_could_write_in_its_place(small_automatic: Deployment) -> None:
    operator = Operator(small_automatic)
    with full(small_automatic, "secondary"), full(small_automatic, "primary"):
        until(lambda: "cannot write either" in (operator.automatic()["waitsBecause"] or ""), "it says why it stays")
        assert operator.state()["epoch"] == 1
        assert operator.report("primary")["leaseSeconds"] > 0
    until(lambda: say(small_automatic, "primary", "again").status_code == 201, "writing goes on where it was")
    assert operator.state()["epoch"] == 1


def test_a_failing_disk_is_no_internal_error_and_automatic_mode_moves_away(automatic: Deployment) -> None:
    operator = Operator(automatic)
    with failing(automatic, "primary"):
        answer = say(automatic, "primary", "maybe")
        assert (answer.status_code, answer.json()["code"]) == (503, "commit_unknown")
        assert "the disk cannot be written" in answer.json()["detail"]
        until(lambda: say(automatic, "secondary", "successor").status_code == 201, "the secondary writes")
        assert moves(automatic) == ["failover", "fenced"]
        shown = region(automatic, "primary")
        assert (shown["writes"], shown["epoch"], shown["state"]) == (False, 3, "failover"), "what it obeys, stored or not"
    until(automatic.level, "it catches up")
    assert operator.losses() == [] and automatic.ask("verify")["equal"]


def test_a_disk_that_does_not_answer_costs_the_primary_its_lease_and_is_taken_over_from(automatic: Deployment) -> None:
    """It could confirm no fence. What it had acknowledged is in the secondary, or it would not be taken over from."""
    operator = Operator(automatic)
    assert say(automatic, "primary", "before").status_code == 201
    until(automatic.level, "level")
    with stuck(automatic, "primary"):
        until(lambda: say(automatic, "secondary", "successor").status_code == 201, "the secondary writes")
        ((state, facts),) = states(automatic, "automatic")
        assert state == "failover" and facts["predictedLoss"]["changes"] == 0
    until(automatic.level, "it comes back")
    assert operator.losses() == []
