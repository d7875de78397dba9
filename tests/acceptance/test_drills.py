"""Drills against real processes: the verdict, the bundle, everything as before; and a driver that is stopped or killed in the middle."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from multiregion.cli.deployment import Authority
from tests.acceptance.clients import ROLES, everything
from tests.acceptance.deployment import Deployment, deployed, until

SHORT = ("--duration", "15", "--rate", "10", "--clients", "5")
RUN_SECONDS = 280
TRIES = 6
LATE, STARVED = "nothing was injected. Ask for a lower --rate", "the driver starved"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("drills")) as made:
        yield made


def drilled(deployment: Deployment, scenario: str, *options: str) -> tuple[dict[str, Any], Path]:
    """What a short drill came to, and its bundle. On a machine that is busy with other tests its driver may be late: it is run again if
    it injected nothing then; else it says so, and nothing else, and the rules are judged all the same."""
    command = ("drill", "run", scenario, *SHORT, *options, "--json")
    done = deployment.run(*command, code=None, timeout=RUN_SECONDS)
    for _ in range(TRIES):
        if LATE in done.stderr:
            done = deployment.run(*command, code=None, timeout=RUN_SECONDS)
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert [doubt for doubt in found["doubts"] if STARVED not in doubt] == [], done.stderr
    assert [rule for rule in found["rules"] if rule["outcome"] == "broken"] == []
    assert found["verdict"] == ("inconclusive" if found["doubts"] else "pass")
    assert done.returncode == (3 if found["doubts"] else 0)
    assert all(each["noticed"] for each in found["self_check"]) and len(found["self_check"]) >= 20
    return found, Path(found["bundle"])


def assert_as_before(deployment: Deployment) -> None:
    """Both regions run, hold the same, and nothing of a drill; the link is whole; nothing is left to undo."""
    assert deployment.state("primary")["state"] == "active"
    assert deployment.ask("verify", "--deep")["equal"]
    for link in deployment.as_region("wire", "GET", "/wire").values():
        assert not any(line["cut"] or line["delayMilliseconds"] for line in link.values())
    assert not (deployment.data / "drill.undo").exists()
    for role in ROLES:
        with deployment.region(role) as http:
            assert everything(http, "/photos", "photos") == []
        pool = deployment.described()[role]["userPoolId"]
        users = deployment.cognito(role, "ListUsers", deployment.operator, UserPoolId=pool).json()["Users"]
        assert [user["Username"] for user in users] == ["admin"]
    assert [loss for loss in deployment.ask("loss", "list")["losses"] if loss["outcome"] == "pending"] == []


def newest(deployment: Deployment) -> dict[str, Any]:
    found: dict[str, Any] = deployment.ask("drill", "list")["runs"][-1]
    return found


def test_a_crash_is_survived_and_the_bundle_proves_it(deployment: Deployment, tmp_path: Path) -> None:
    found, bundle = drilled(deployment, "crash", "--objective", "rto=600s", "--junit", str(tmp_path / "drill.xml"))
    assert_as_before(deployment)
    history = [json.loads(line) for line in (bundle / "history.jsonl").read_text().splitlines()]
    assert {"add", "read", "replace"} <= {line["k"] for line in history if "k" in line}
    assert any(line.get("to") == "secondary" and line.get("out") == "ok" and line["k"] == "add" for line in history if "k" in line)
    assert found["measures"]["rto"]["write"]["microseconds"] > 0
    assert json.loads((bundle / "authority.json").read_text())
    assert subprocess.run([sys.executable, "-m", "multiregion", "drill", "verify", str(bundle)], timeout=60).returncode == 0
    assert ElementTree.parse(tmp_path / "drill.xml").getroot().get("failures") == "0"  # noqa: S314  (ours)
    alone = subprocess.run([sys.executable, "-I", "verify.py"], cwd=bundle, capture_output=True, text=True, timeout=60)
    assert alone.returncode == 0, alone.stdout + alone.stderr
    assert newest(deployment) | {"outcome": found["verdict"]} == newest(deployment)


def test_a_planned_switch_loses_nothing(deployment: Deployment) -> None:
    found, bundle = drilled(deployment, "planned")
    assert_as_before(deployment)
    assert found["measures"]["rpo"]["writes"] == 0
    assert json.loads((bundle / "ledger.json").read_text()) == []
    (kept,) = [rule for rule in found["rules"] if rule["rule"] == "C4"]
    assert kept["outcome"] == "kept"


def test_a_region_that_freezes_and_wakes_up_is_no_second_writer(deployment: Deployment) -> None:
    drilled(deployment, "freeze")
    assert_as_before(deployment)


def test_a_partition_loses_what_the_ledger_lists(deployment: Deployment) -> None:
    found, bundle = drilled(deployment, "partition")
    assert_as_before(deployment)
    listed = [entry for entry in json.loads((bundle / "ledger.json").read_text()) if entry["k"]]
    assert found["measures"]["rpo"]["writes"] <= len(listed)
    assert listed and all(entry["outcome"] == "discarded" and entry["by"] and entry["at"] for entry in listed)


def test_what_speaks_against_a_drill_is_listed_at_once_and_no_number_is_used(deployment: Deployment) -> None:
    before = len(deployment.ask("drill", "list")["runs"])
    deployment.run("state", "set", "fenced")
    try:
        refused = deployment.run("drill", "run", "disk-full", *SHORT, "--json", code=1)
        found = json.loads(refused.stdout)["refused"]
        assert any("the state is fenced" in reason for reason in found) and any("disk-full" in reason for reason in found)
        assert "the state is fenced" in refused.stderr
    finally:
        deployment.run("state", "set", "active")
    assert len(deployment.ask("drill", "list")["runs"]) == before


def run_of(deployment: Deployment, scenario: str) -> str:
    """The number of a sealed drill of this scenario; one is run if there is none yet."""
    done = [run["number"] for run in deployment.ask("drill", "list")["runs"] if run["scenario"] == scenario and run["bundle"]]
    if not done:
        drilled(deployment, scenario)
        done = [newest(deployment)["number"]]
    return str(done[-1])


def test_runs_of_two_scenarios_are_compared_with_a_warning(deployment: Deployment) -> None:
    words = deployment.run("drill", "compare", run_of(deployment, "crash"), run_of(deployment, "planned")).stdout
    assert "two scenarios" in words and "scenario" in words and "crash" in words and "planned" in words


def test_an_order_begins_with_what_the_last_drill_of_its_kind_measured(deployment: Deployment) -> None:
    authority = Authority.of(deployment.data)
    lines = authority.get("/operator/drills")["drills"]
    run = max((line["facts"]["run"] for line in lines), default=0) + 1
    begun = {"run": run, "word": "begun", "scenario": "planned"}
    sealed = {"run": run, "word": "sealed", "verdict": "pass", "seal": "", "experience": {"rto": 300_000, "lost": 0}}
    for after, facts in enumerate((begun, sealed), start=len(lines)):
        authority.post("/operator/drills", after=after, reason="a drill elsewhere", facts=facts)
    for order in (("failover", "--writable"), ("failback",)):
        said = deployment.run(*order).stdout
        assert said.startswith("Last drill (planned, ") and "0.3 s without writes, nothing lost." in said


def test_a_wrong_call_is_told_from_a_refusal(deployment: Deployment) -> None:
    assert "workload.rate must be from 1 to 1,000" in deployment.run("drill", "run", "crash", "--rate", "0", code=2).stderr
    assert "drill.scenario must be one of" in deployment.run("drill", "run", "earthquake", code=2).stderr
    plan = deployment.data / "plan.toml"
    plan.write_text(
        subprocess.run([sys.executable, "-m", "multiregion", "drill", "plan"], capture_output=True, text=True, timeout=60).stdout
    )
    beside = deployment.run("drill", "run", "crash", "--plan", str(plan), "--rate", "5", code=2).stderr
    assert "--rate is what the plan says" in beside
    assert "cannot be written" in deployment.run("drill", "run", "crash", "--junit", "/nowhere/drill.xml", code=2).stderr
    command = [sys.executable, "-m", "multiregion", "drill", "verify", str(deployment.data), "--key", "/nowhere"]
    unreadable = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "cannot be read" in unreadable.stderr and unreadable.returncode == 2


class Driver:
    """A drill in the background, at the moment in which its fault lasts."""

    def __init__(self, deployment: Deployment, scenario: str) -> None:
        self.output, self.deployment = deployment.data.parent / f"{scenario}.log", deployment
        for _ in range(TRIES):
            self.begin(scenario)
            if not self.ended():
                return
            assert LATE in self.output.read_text()
        raise AssertionError(f"this machine was too busy for a drill {TRIES} times in a row")

    def begin(self, scenario: str) -> None:
        command = [sys.executable, "-m", "multiregion", "drill", "run", scenario, *SHORT, "--data", str(self.deployment.data)]
        with self.output.open("w") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, "COLUMNS": "200"})
        undo = self.deployment.data / "drill.undo"
        until(lambda: self.ended() or (undo.exists() and json.loads(undo.read_text())["deeds"]), "the fault lasts", RUN_SECONDS)

    def ended(self) -> bool:
        return self.process.poll() is not None


def test_ctrl_c_undoes_everything_and_the_run_is_listed(deployment: Deployment) -> None:
    driver = Driver(deployment, "freeze")
    driver.process.send_signal(signal.SIGINT)
    assert driver.process.wait(120) == 130, driver.output.read_text()
    assert_as_before(deployment)
    assert newest(deployment)["outcome"] == "aborted"


def test_what_a_killed_driver_has_done_is_undone_by_the_next_command(deployment: Deployment) -> None:
    driver = Driver(deployment, "partition")
    number = newest(deployment)["number"]
    assert "is under way" in deployment.run("drill", "run", "planned", *SHORT, code=1).stderr
    driver.process.kill()
    driver.process.wait(30)
    listed = newest(deployment)
    assert (listed["number"], listed["outcome"]) == (number, "aborted")
    assert not any(line["cut"] for link in deployment.as_region("wire", "GET", "/wire").values() for line in link.values())
    assert "drill abort" in deployment.run("drill", "run", "planned", *SHORT, code=1).stderr
    assert deployment.ask("drill", "abort")["run"] == number
    assert_as_before(deployment)
    assert deployment.ask("drill", "abort") == {"run": None, "undone": 0}
    assert newest(deployment)["outcome"] == "aborted"
