"""A drill that fills the primary's disk, which is its own and small."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.deployment import Deployment
from tests.acceptance.disks import inside, on_small_disks
from tests.acceptance.test_drills import LATE, RUN_SECONDS, SHORT, STARVED, TRIES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def drilled_inside(deployment: Deployment) -> subprocess.CompletedProcess[str]:
    """Whoever fills a disk has to see it."""
    there = ("nsenter", f"--target={deployment.pid('wire')}", "--user", "--mount", "--preserve-credentials")
    drill = (sys.executable, "-m", "multiregion", "drill", "run", "disk-full", *SHORT, "--json", "--data", str(deployment.data))
    return subprocess.run([*there, *drill], capture_output=True, text=True, timeout=RUN_SECONDS)


def test_writing_moves_away_from_a_full_disk_and_nothing_is_lost(tmp_path: Path) -> None:
    with on_small_disks(tmp_path) as deployment:
        done = drilled_inside(deployment)
        for _ in range(TRIES):
            if LATE in done.stderr:
                done = drilled_inside(deployment)
        assert done.stdout, done.stderr
        found = json.loads(done.stdout)
        assert [doubt for doubt in found["doubts"] if STARVED not in doubt] == [], done.stderr
        assert [rule for rule in found["rules"] if rule["outcome"] == "broken"] == []
        assert found["measures"]["rpo"]["writes"] == 0
        assert found["doubts"] or found["measures"]["rto"]["write"]["microseconds"] > 0
        assert not inside(deployment, "primary", "drill-filler").exists(), "the disk has room again"
        assert deployment.state("primary")["state"] == "active" and deployment.ask("verify", "--deep")["equal"]
