"""Disks of real regions that are really full, really fail, or do not answer."""

import errno
import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.acceptance.deployment import Deployment, deployed

DISK_BYTES = 48 * 1024 * 1024
SLOW_SECONDS = 1.2
STORES = ("primary", "secondary", "authority")


@contextmanager
def on_small_disks(folder: Path, *options: str, **environment: str) -> Iterator[Deployment]:
    """Every store on a small disk of its own, in a mount namespace of their own, which needs no privilege."""
    data = folder / "data"
    for store in STORES:
        (data / store).mkdir(parents=True)
    script = "".join(f"mount -t tmpfs -o size={DISK_BYTES},mode=700 tmpfs {data / store} && " for store in STORES) + 'exec "$@"'
    inside = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "up")
    with deployed(folder, *options, inside=inside, **environment) as deployment:
        yield deployment


def inside(deployment: Deployment, part: str, name: str = "") -> Path:
    """A part's folder or a file in it, as its process sees it. The wire has the same disks, and is never killed."""
    return Path(f"/proc/{deployment.pid('wire')}/root{deployment.data / part / name}")


@contextmanager
def full(deployment: Deployment, part: str) -> Iterator[None]:
    """Not a byte is left on this store's disk while the block runs."""
    filler = inside(deployment, part, "filler")
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
def failing(deployment: Deployment, part: str) -> Iterator[None]:
    """Every write of this store's process to a file fails while the block runs, whatever there is room for."""
    pid = deployment.pid(part)
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


def able_to_be_slow(folder: Path) -> dict[str, str]:
    """What a deployment's environment needs so that its disks can be made slow; needs a C compiler."""
    library = folder / "slow_disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, Path(__file__).with_name("slow_disk.c"), "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


@contextmanager
def slow(deployment: Deployment, part: str) -> Iterator[None]:
    """Every write of this store takes SLOW_SECONDS while the block runs, and succeeds."""
    marker = inside(deployment, part, "slow-disk")
    marker.write_text(f"{SLOW_SECONDS * 1000:.0f}")
    try:
        yield
    finally:
        marker.unlink()


def with_read_only(deployment: Deployment, part: str) -> tuple[str, ...]:
    """What to start a deployment inside, so that this part's folder is on a disk that is read-only; needs no privilege."""
    script = f'{read_only_script(deployment.data / part)} && exec "$@"'
    return ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "up")


def read_only_script(folder: Path) -> str:
    return f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"


def mount(deployment: Deployment, script: str) -> None:
    """Change the mounts of a deployment that runs in a namespace of its own."""
    enter = ("nsenter", "-t", str(deployment.pid("wire")), "-U", "-m", "--preserve-credentials")
    subprocess.run([*enter, "sh", "-ec", script], check=True, capture_output=True)


def mend_read_only(deployment: Deployment, part: str, name: str = "") -> None:
    mount(deployment, f"mount -o remount,rw,bind {deployment.data / part / name}")


@contextmanager
def read_only(deployment: Deployment, part: str, name: str) -> Iterator[None]:
    """A folder of this part is on a disk that has become read-only while the block runs."""
    folder = deployment.data / part / name
    mount(deployment, read_only_script(folder))
    try:
        yield
    finally:
        mount(deployment, f"umount {folder}")
