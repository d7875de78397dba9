"""What may become of a store's files: lost, or an old copy of them. The processes are real, and do not know."""

import os
import shutil
import signal
from pathlib import Path

from tests.acceptance.deployment import Deployment


def copy_files(deployment: Deployment, part: str, to: Path) -> None:
    """The files of one moment, taken while the part runs, as a copy of its disk would be."""
    pid = deployment.pid(part)
    os.kill(pid, signal.SIGSTOP)
    try:
        shutil.copytree(deployment.data / part, to)
    finally:
        os.kill(pid, signal.SIGCONT)


def lose_files(deployment: Deployment, part: str) -> None:
    """All that it kept; it must not run."""
    shutil.rmtree(deployment.data / part)


def put_back(deployment: Deployment, part: str, copy: Path) -> None:
    """In place of all that it kept; it must not run."""
    lose_files(deployment, part)
    shutil.copytree(copy, deployment.data / part)
