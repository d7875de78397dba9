"""`multiregion aws …` as its user runs it: a process of its own, with credentials in its environment, against a simulated account."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multiregion.clock import SystemClock, pause

PROGRAM = (sys.executable, "-m", "multiregion", "aws")
SECONDS_MAX = 120
ADMIN = ("--admin-name", "maria", "--admin-email", "maria@example.com", "--admin-phone", "+12345678999")


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """Both outputs on one line."""
        return " ".join(f"{self.out} {self.err}".split())


class Operator:
    """Somebody at a terminal. `endpoint` is where all of AWS answers; `home` holds no configuration but what a test writes."""

    def __init__(self, endpoint: str, home: Path, **more: str) -> None:
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "COLUMNS": "80",
            "PYTHONPATH": os.pathsep.join(sys.path),
            **more,
        }

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, typed: str = "") -> Done:
        process = self.begin(*arguments)
        try:
            out, err = process.communicate(typed, timeout=SECONDS_MAX)
        finally:
            process.kill()
        return Done(process.returncode, out, err)

    def deploy(self, *arguments: str) -> Done:
        return self.run("deploy", *ADMIN, "--secondary-region", "ap-northeast-1", *arguments)

    def interrupted(self, *arguments: str, when: Callable[[], bool]) -> Done:
        """Run until something is true, then press Ctrl-C."""
        process = self.begin(*arguments)
        try:
            eventually(lambda: process.poll() is not None or when())
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=SECONDS_MAX)
        finally:
            process.kill()
        return Done(process.returncode, out, err)


def eventually(true: Callable[[], bool], seconds: float = SECONDS_MAX) -> None:
    clock = SystemClock()
    until = clock.monotonic() + seconds
    while not true():
        assert clock.monotonic() < until, "it never became true"
        pause(0.02)
