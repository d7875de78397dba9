"""What may become of a store's files: lost, damaged, or an old copy of them. The processes are real, and do not know."""

import os
import shutil
import signal
from pathlib import Path

from tests.acceptance.deployment import Deployment
from tests.acceptance.disks import inside


def copy_files(deployment: Deployment, part: str, to: Path) -> None:
    """The files of one moment, taken while the part runs, as a copy of its disk would be."""
    pid = deployment.pid(part)
    os.kill(pid, signal.SIGSTOP)
    try:
        shutil.copytree(inside(deployment, part), to)
    finally:
        os.kill(pid, signal.SIGCONT)


def lose_files(deployment: Deployment, part: str) -> None:
    """All that it kept, with its folder unless that is a disk of its own; it must not run."""
    folder = inside(deployment, part)
    for found in folder.iterdir():
        shutil.rmtree(found) if found.is_dir() else found.unlink()
    if not deployment.inside:
        folder.rmdir()


def put_back(deployment: Deployment, part: str, copy: Path) -> None:
    """In place of all that it kept; it must not run."""
    lose_files(deployment, part)
    shutil.copytree(copy, inside(deployment, part), dirs_exist_ok=True)


def damage_files(deployment: Deployment, part: str) -> None:
    """The beginnings of its database and of the journal are other bytes; it must not run."""
    for file in inside(deployment, part).glob("*.db*"):
        if not file.name.endswith("-shm"):  # that is made anew
            data = file.read_bytes()
            file.write_bytes(os.urandom(min(100, len(data))) + data[100:])
