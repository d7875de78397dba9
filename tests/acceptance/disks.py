"""Disks of real regions that are really full, really fail, or do not answer."""

import errno
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.acceptance.deployment import Deployment, deployed

DISK_BYTES = 48 * 1024 * 1024


@contextmanager
def on_small_disks(folder: Path, *options: str, **environment: str) -> Iterator[Deployment]:
    """Both regions on small disks of their own, in a mount namespace of their own, which needs no privilege."""
    data = folder / "data"
    for role in ("primary", "secondary"):
        (data / role).mkdir(parents=True)
    script = "".join(f"mount -t tmpfs -o size={DISK_BYTES} tmpfs {data / role} && " for role in ("primary", "secondary")) + 'exec "$@"'
    inside = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "up")
    with deployed(folder, *options, inside=inside, **environment) as deployment:
        yield deployment


def inside(deployment: Deployment, role: str, name: str) -> Path:
    """A file in a region's folder, as its process sees it. The wire has the same disks, and is never killed."""
    return Path(f"/proc/{deployment.pid('wire')}/root{deployment.data / role / name}")


@contextmanager
def full(deployment: Deployment, role: str) -> Iterator[None]:
    """Not a byte is left on this region's disk while the block runs."""
    filler = inside(deployment, role, "filler")
    with filler.open("wb", buffering=0) as file:
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            while True:
                file.write(b"\0" * 4096)
        os.fsync(file.fileno())
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def failing(deployment: Deployment, role: str) -> Iterator[None]:
    """Every write of this region's process to a file fails while the block runs, whatever there is room for."""
    pid = deployment.pid(role)
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def stuck(deployment: Deployment, role: str) -> Iterator[None]:
    """A write of this region begins, and does not end while the block runs: another program holds the file."""
    with closing(sqlite3.connect(deployment.data / role / "region.db", isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
