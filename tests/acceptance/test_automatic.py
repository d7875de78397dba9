"""Automatic mode over real processes: who may write when, by leases that really run out, and what is left to people."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.clients import more_writes, writing
from tests.acceptance.deployment import Deployment, deployed, until, upload
from tests.acceptance.operators import Operator
from tests.acceptance.pictures import picture
from tests.acceptance.verdict import judge

LEASE_SECONDS = 1.0
CHANGES_MAX = 2
PATIENT_SECONDS_MAX = 600.0


@contextmanager
def automatic(folder: Path, **settings: Any) -> Iterator[Deployment]:
    """However long a slow machine takes from a failure to the word that lets it be taken over: that is not too far behind."""
    with deployed(
        folder,
        "--automatic",
        MULTIREGION_LEASE_SECONDS=str(LEASE_SECONDS),
        MULTIREGION_LOSS_SECONDS_MAX=str(PATIENT_SECONDS_MAX),
        **settings,
    ) as deployment:
        with deployment.region("primary") as http:
            until(lambda: upload(http, picture(0), photoId="subject").status_code in (200, 201), "the first photo")
        yield deployment


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with automatic(tmp_path_factory.mktemp("automatic")) as deployment:
        yield deployment


@pytest.fixture
def operator(running: Deployment) -> Iterator[Operator]:
    """Someone at the authority of a deployment that is active, level and acknowledged; and that is so again afterwards."""
    someone = Operator(running)
    someone.until_level()
    yield someone
    for part in ("primary", "secondary", "authority"):
        running.bring_back(part)
    running.change_wire(cut=False)
    for word in ("resume", "acknowledge"):
        someone.automatic(word)
    someone.until_level()
    someone.settle_all()
    someone.change("failback")
    until(lambda: say(running, "primary", f"again-{time.monotonic_ns()}") == 201, "the primary writes again")


def say(deployment: Deployment, role: str, id: str) -> int:
    with deployment.region(role) as http:
        return http.post("/comments/subject", json={"message": f"I am {id}", "commentId": id}).status_code


def is_taken_over(operator: Operator) -> bool:
    return bool(operator.state()["state"] == "failover")


def waits_because(operator: Operator, reason: str) -> dict[str, Any]:
    """The reason has to stand; meanwhile nothing may happen."""
    until(lambda: reason in (operator.automatic()["waitsBecause"] or ""), reason)
    time.sleep(2 * LEASE_SECONDS)
    assert reason in operator.automatic()["waitsBecause"]
    return operator.state()


def test_a_killed_primary_is_taken_over_from_when_its_lease_has_run_out_and_never_automatically_given_back(
    running: Deployment, operator: Operator
) -> None:
    asked_at = time.monotonic()
    lease = operator.report("primary")["leaseSeconds"]
    running.kill("primary")
    until(lambda: say(running, "secondary", "successor") == 201, "the secondary writes")
    assert time.monotonic() >= asked_at + lease, "another region wrote while the lease ran"
    newest = operator.history()[0]
    assert (newest["actor"], newest["state"]) == ("automatic", "failover")
    assert newest["facts"]["watermark"]["sequence"] > 0
    assert operator.automatic()["unacknowledged"]
    running.restart("primary")
    operator.until_level()
    time.sleep(2 * LEASE_SECONDS)
    assert is_taken_over(operator) and say(running, "primary", "late") == 409


def test_a_second_failure_waits_until_somebody_has_acknowledged_the_first(running: Deployment, operator: Operator) -> None:
    running.kill("primary")
    until(lambda: is_taken_over(operator), "the first takeover")
    running.restart("primary")
    operator.until_level()
    operator.change("failback")
    until(lambda: say(running, "primary", "between") == 201, "the primary writes again")
    operator.until_level()
    running.kill("primary")
    assert waits_because(operator, "has not been acknowledged")["state"] == "active"
    assert "automatic acknowledge" in running.run("automatic", "status").stdout
    shown = running.run("status", code=1).stdout
    assert shown.startswith("✗ us-east-1 does not answer") and "Takeover is automatic" in shown and "not acknowledged" in shown
    assert "not" in running.run("automatic", "acknowledge", "--epoch", "1", code=1).stderr
    said = running.run("automatic", "acknowledge").stdout
    assert "Once it is acknowledged, writing moves again at once" in said and "✓ Acknowledged: the automatic takeover of" in said
    assert "has not been acknowledged" not in said
    until(lambda: is_taken_over(operator), "the second takeover")
    running.restart("primary")


def test_hold_down_and_pause_outlast_a_long_history(running: Deployment, operator: Operator) -> None:
    """A hundred decisions later the authority still knows that it is paused, and after a restart of its own, too."""
    operator.automatic("pause")
    for _ in range(60):
        operator.change("state", state="fenced")
        operator.change("state", state="active")
    running.kill("authority")
    running.restart("authority")
    assert operator.automatic()["paused"]
    until(lambda: say(running, "primary", "before-pause") in (200, 201), "the primary has its lease again")
    operator.until_level()
    running.kill("primary")
    assert waits_because(operator, "paused")["state"] == "active"
    operator.automatic("resume")
    until(lambda: is_taken_over(operator), "the takeover after resuming")
    running.restart("primary")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_without_the_authority_the_writer_stops_by_itself_and_reads_go_on(
    running: Deployment, operator: Operator, number: signal.Signals
) -> None:
    """Neither region can be reached by anybody but clients: nobody else may write, and soon nobody does."""
    epoch = operator.state()["epoch"]
    pid = running.pid("authority")
    with writing(running, "subject", 2, readers=1, name=f"alone{number}") as heard:
        os.kill(pid, number)
        gone_at = time.monotonic()
        until(lambda: heard.told and heard.told[-1].outcome == "refused", "the primary stops accepting")
        time.sleep(LEASE_SECONDS)
        back_at = time.monotonic()
        if number is signal.SIGKILL:
            running.restart("authority")
        else:
            os.kill(pid, signal.SIGCONT)
        until(lambda: heard.told[-1].outcome == "acknowledged", "the primary writes again")
    late = [told for told in heard.told if gone_at + LEASE_SECONDS < told.asked_at and told.told_at < back_at]
    assert late and all(told.outcome == "refused" for told in late)
    assert heard.unserved == [] and heard.reads > 10
    assert operator.state()["epoch"] == epoch
    judge(running, operator, "subject", heard)


def test_a_primary_frozen_for_longer_than_its_lease_writes_nothing_afterwards(running: Deployment, operator: Operator) -> None:
    pid = running.pid("primary")
    heirs = writing(running, "subject", 2, readers=1, follow=True, name="heir")
    with writing(running, "subject", 4, name="zombie") as zombie, heirs as heir:
        more_writes(zombie, 20)
        os.kill(pid, signal.SIGSTOP)
        more_writes(heir, 5, "secondary")
        os.kill(pid, signal.SIGCONT)
        before = zombie.count("refused")
        until(lambda: zombie.count("refused") > before + 20, "the primary answers again")
    first = min(told.told_at for told in heir.told if told.outcome == "acknowledged" and told.role == "secondary")
    late = [told for told in zombie.told if told.asked_at > first and told.outcome == "acknowledged"]
    assert late == []
    assert heir.unserved == []
    for heard in (zombie, heir):
        judge(running, operator, "subject", heard)


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Deployment]:
    with automatic(tmp_path, MULTIREGION_LOSS_CHANGES_MAX=str(CHANGES_MAX)) as deployment:
        yield deployment


def test_a_secondary_that_is_too_far_behind_does_not_take_over_whatever_it_has_heard_itself(impatient: Deployment) -> None:
    running, operator = impatient, Operator(impatient)
    operator.until_level()
    running.change_wire(cut=True)
    only_here = [f"only-here-{n}" for n in range(CHANGES_MAX + 1)]
    assert [say(running, "primary", id) for id in only_here] == [201] * len(only_here)
    until(running.is_reported, "the authority knows of them")
    running.kill("primary")
    assert waits_because(operator, f"too far behind: {len(only_here)} changes")["state"] == "active"
    running.kill("secondary")
    running.restart("secondary")  # it has heard nothing since
    assert waits_because(operator, f"too far behind: {len(only_here)} changes")["state"] == "active"
    operator.takes_over()
    running.change_wire(cut=False)
    running.restart("primary")
    operator.until_level()
    assert [loss["what"] for loss in operator.losses() if loss["outcome"] == "pending"] == [f"comment: I am {id}" for id in only_here]


def test_a_read_only_failover_and_a_fence_are_left_alone(running: Deployment, operator: Operator) -> None:
    """Nobody holds a lease then, and nobody is to write."""
    for state in ("fenced", "failover"):
        operator.change("state", state=state)
        assert waits_because(operator, "never automatic")["state"] == state
        operator.change("state", state="active")
