"""`multiregion up` to both regions ready, and what a region takes of memory before and after work."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import MEBIBYTE, Beside, Row, at_most
from benchmarks.processes import resident_bytes
from benchmarks.stage import Stage
from tests.acceptance.deployment import Deployment, free_base

ROLES = ("primary", "secondary")


def interpreter_seconds() -> float:
    """What an interpreter takes that only loads what a region loads."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import multiregion.local.region, uvicorn"], check=True)
    return time.monotonic() - began


def started(deployment: Deployment) -> tuple[float, list[int]]:
    """The seconds until `up` says that both regions are up, and what each then has resident."""
    began = time.monotonic()
    deployment.start()
    seconds = time.monotonic() - began
    resident = [resident_bytes(deployment.pid(role)) for role in ROLES]
    deployment.stop()
    return seconds, resident


def start(stage: Stage) -> Iterator[Row]:
    fresh: list[float] = []
    again: list[float] = []
    resident: list[int] = []
    for _ in range(stage.times(5, 1)):
        with TemporaryDirectory(prefix="multiregion-bench-") as folder:
            deployment = Deployment(Path(folder) / "data", free_base())
            for found in (fresh, again):
                seconds, sizes = started(deployment)
                found.append(seconds)
                resident += sizes
    beside = Beside("an interpreter with a region's imports", min(interpreter_seconds() for _ in range(3)))
    note = f"worst of {len(fresh)}"
    yield Row("up to both regions ready, new folder", max(fresh), "s", at_most(3), beside, note)
    yield Row("up to both regions ready, existing folder", max(again), "s", at_most(3), beside, note)
    yield Row("memory of a region, just started", max(resident) / MEBIBYTE, "MB", at_most(120))


def memory(stage: Stage) -> Iterator[Row]:
    """Last, so that it shows what everything before it has left behind."""
    for role in ROLES:
        size = resident_bytes(stage.deployment.pid(role)) / MEBIBYTE
        yield Row(f"memory of the {role}, after this run", size, "MB", at_most(120))
