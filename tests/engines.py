"""The engines of `tests.engine_server` for tests: started once, a table and a bucket of its own for whoever asks."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from multiregion.config import EnginesConfig

FAULTS = "/engine-server/faults"
CALLS = "/engine-server/calls"
ROOT = Path(__file__).resolve().parents[1]
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_EC2_METADATA_DISABLED": "true"}
NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class EngineProcess:
    """A running engine server."""

    url: str

    def config(self, region: str = "us-east-1", name: str = "") -> EnginesConfig:
        """Where a region's engines are; with the same `name` they are the same ones again."""
        name = name or fresh_name()
        bucket = f"{name}-{region}"
        return EnginesConfig(region, name, bucket, self.url, self.url, create=True)

    def fail(self, operation: str, kind: str, times: int = 1) -> None:
        """From now on let the next calls of an operation fail; and count the calls anew."""
        httpx.post(self.url + FAULTS, json=[{"operation": operation, "kind": kind, "times": times}], trust_env=False).raise_for_status()

    def calls(self) -> list[str]:
        """The operations that have been called since `fail`."""
        found: list[str] = httpx.get(self.url + CALLS, trust_env=False).raise_for_status().json()
        return found


def fresh_name() -> str:
    return f"multiregion-{os.getpid()}-{next(NUMBERS)}"


@contextmanager
def engine_process() -> Iterator[EngineProcess]:
    process = subprocess.Popen([sys.executable, "-m", "tests.engine_server"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = process.stdout.readline().strip()
        assert port.isdecimal(), f"the engine server does not start: {port!r}"
        yield EngineProcess(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()
