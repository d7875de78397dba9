"""Repairs beside each other, beside a line that is cut, and beside a disk that is lost: no file goes that is still needed."""

import os
import re
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.acceptance.deployment import Deployment, until, upload
from tests.acceptance.pictures import picture

RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbook.md"


def add(deployment: Deployment, number: int = 1) -> None:
    with deployment.region("primary") as http:
        assert upload(http, picture(number)).status_code == 201
    until(deployment.level, "both regions have it")


def set_aside(deployment: Deployment) -> list[Path]:
    return [file for role in ("primary", "secondary") for file in (deployment.data / role).glob("set-aside-*/region.db")]


def said_by(deployment: Deployment, role: str) -> str:
    return str(deployment.ask("status", code=None)["status"][role])


def test_of_two_repairs_at_the_same_moment_one_is_refused_and_everything_is_there(fresh: Deployment) -> None:
    add(fresh)
    os.kill(fresh.pid("authority"), signal.SIGSTOP)
    with ThreadPoolExecutor() as both:
        orders = [both.submit(fresh.run, "repair", region, code=None) for region in ("us-east-1", "ap-northeast-1")]
        time.sleep(2)  # both orders wait at the authority
        os.kill(fresh.pid("authority"), signal.SIGCONT)
        done = [order.result() for order in orders]
    assert sorted(each.returncode for each in done) == [0, 1], [each.stderr for each in done]
    assert "one region at a time; nothing was changed" in " ".join("".join(each.stderr for each in done).split())
    until(fresh.level, "both hold the same")
    assert len(set_aside(fresh)) == 1 and fresh.ask("verify", "--deep")["equal"]
    assert fresh.ask("loss", "list")["losses"] == []
    with fresh.region("primary") as http:
        assert len(http.get("/photos").json()["photos"]) == 1


def test_nothing_is_set_aside_while_the_line_is_cut(fresh: Deployment) -> None:
    """One way is enough."""
    add(fresh)
    fresh.cut(True, "secondary")
    refused = " ".join(fresh.run("repair", "ap-northeast-1", code=1).stderr.split())
    assert "ap-northeast-1: the other region does not answer over the line between the regions" in refused
    assert "nothing was changed. Mend the line" in refused and set_aside(fresh) == []
    fresh.cut(False)
    fresh.ask("repair", "ap-northeast-1")
    until(fresh.level, "it has everything again")


def test_while_only_the_line_is_cut_no_history_is_accepted_that_lacks_what_the_other_region_has(fresh: Deployment) -> None:
    add(fresh)
    fresh.kill("primary")
    shutil.copytree(fresh.data / "primary", fresh.data.parent / "old")
    fresh.restart("primary")
    add(fresh, 2)
    time.sleep(1)  # as long as it takes that the authority has been told
    fresh.cut(True)
    fresh.kill("primary")
    shutil.rmtree(fresh.data / "primary")
    shutil.copytree(fresh.data.parent / "old", fresh.data / "primary")
    (fresh.data / "start-primary").touch()
    until(lambda: "mend the line between the regions" in said_by(fresh, "primary"), "it says what to do", 30)
    told = fresh.ask("status", code=None)["status"]["primary"]
    assert told["needs"] is None and "does not answer" not in str(told["reasons"])
    assert "accept-history" not in fresh.run("status", code=1).stdout
    for options in ((), ("--accept-loss",)):
        refused = " ".join(fresh.run("authority", "accept-history", "us-east-1", *options, code=1).stderr.split())
        assert "ap-northeast-1 answers, and has what us-east-1 lacks" in refused and "Nothing was changed: mend the line" in refused
    fresh.cut(False)
    until(fresh.level, "it has copied what it lacked")
    assert fresh.ask("loss", "list")["losses"] == [] and fresh.ask("verify")["equal"]
    with fresh.region("primary") as http:
        assert len(http.get("/photos").json()["photos"]) == 2


def test_a_disk_that_is_lost_while_the_other_region_is_repaired_loses_nothing(fresh: Deployment) -> None:
    add(fresh)
    fresh.delay(400)
    with ThreadPoolExecutor() as background:
        repair = background.submit(fresh.run, "repair", "us-east-1", code=None)
        until(lambda: set_aside(fresh), "its database is set aside", 30)
        fresh.kill("secondary")
        shutil.rmtree(fresh.data / "secondary")
        fresh.cut(False)
        (fresh.data / "start-secondary").touch()
        until(lambda: "--put-back" in said_by(fresh, "primary"), "it says what to do", 30)
        time.sleep(3)
        assert fresh.ask("loss", "list", code=None)["losses"] == [], "nothing is written off by itself"
        refused = " ".join(fresh.run("authority", "accept-history", "us-east-1", code=1).stderr.split())
        assert "puts it back" in refused and "Nothing was changed; --accept-loss" in refused
        found = re.search(r"Run: multiregion (repair \w+ --put-back)", " ".join(fresh.run("status", code=1).stdout.split()))
        assert found and "multiregion repair us-east-1 --put-back" in RUNBOOK.read_text()
        (step,) = fresh.ask(*found.group(1).split())["steps"]
        assert step["name"] == "put back"
        until(fresh.level, "both have everything", 60)
        assert fresh.ask("loss", "list")["losses"] == [] and fresh.ask("verify")["equal"]
        with fresh.region("primary") as http:
            assert len(http.get("/photos").json()["photos"]) == 1
        assert "no database was set aside here" in fresh.run("repair", "us-east-1", "--put-back", code=1).stderr.replace("\n", " ")
        assert "has begun again with another database" in repair.result().stderr
