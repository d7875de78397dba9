"""Drills on this machine: the faults of a drill done to real processes, one driver at a time, and what a dead one has left undone."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from multiregion.clock import Clock
from multiregion.drills.faults import Deed, UndoFile, heal
from multiregion.errors import BadDeployment
from multiregion.local.conditions import ENDED, FROZEN
from multiregion.local.deployment import DataFolder
from multiregion.local.driven import driving
from multiregion.local.faults import Faults

FILLER = "drill-filler"
FILLED_BYTES_MAX = 256 * 1024 * 1024
"""No larger disk is filled: nobody wants a drill that writes for minutes, or that leaves no room for others."""
CHUNK = bytes(1024 * 1024)
LEFT_BYTES = 4096
LOST_FILES_KEPT = ("lock",)
ENDED_SECONDS = 10.0
PAUSE_SECONDS = 0.02


class LocalInjector:
    """The parts of a running `multiregion up`."""

    def __init__(self, data: DataFolder, clock: Clock) -> None:
        self._folder = data.folder
        self._faults = Faults(data, clock)
        self._clock = clock

    async def do(self, deed: Deed) -> None:
        if deed.what in ("freeze", "resume"):
            self._faults.send(deed.what, deed.part)
        elif deed.what == "kill":
            await self._end(deed.part)
        elif deed.what == "lose":
            await self._end(deed.part)
            self._lose(deed.part)
        elif deed.what == "start":
            await self._start(deed.part)
        elif deed.what == "fill":
            self._fill(deed.part)
        elif deed.what == "empty":
            self._filler(deed.part).unlink(missing_ok=True)
        else:
            await self._faults.change_wire(**ON_WIRE[deed.what](deed))

    async def _end(self, part: str) -> None:
        """Until the kernel is done with it."""
        self._faults.send("kill", part)
        until = self._clock.monotonic() + ENDED_SECONDS
        while (await self._faults.shown())["parts"][part] != ENDED:
            if self._clock.monotonic() > until:
                raise BadDeployment(f"{part} was killed, and has not ended within {ENDED_SECONDS:g} s")
            await self._clock.sleep(PAUSE_SECONDS)

    async def _start(self, part: str) -> None:
        condition = (await self._faults.shown())["parts"][part]
        if condition == FROZEN:
            self._faults.send("resume", part)
        elif condition == ENDED:
            await self._faults.start(part)

    def _lose(self, part: str) -> None:
        """All that the part has kept, as if its disk had gone; it does not run."""
        for found in (self._folder / part).iterdir():
            if found.name not in LOST_FILES_KEPT:
                shutil.rmtree(found) if found.is_dir() else found.unlink()

    def _filler(self, part: str) -> Path:
        return self._folder / part / FILLER

    def _fill(self, part: str) -> None:
        with self._filler(part).open("wb", buffering=0) as file:
            size = len(CHUNK)
            while size >= LEFT_BYTES:
                try:
                    file.write(CHUNK[:size])
                except OSError:
                    size //= 2
            os.fsync(file.fileno())

    def impossible(self, deed: Deed) -> str | None:
        if deed.what == "fill":
            return why_not_filled(self._folder, deed.part)
        condition = self._faults.condition(deed.part) if deed.part != "link" else self._faults.condition("wire")
        if condition == "runs":
            return None
        return f"{'the wire' if deed.part == 'link' else deed.part} does not run ({condition}): `multiregion up` has to run everything"


ON_WIRE: dict[str, Callable[[Deed], dict[str, Any]]] = {
    "cut": lambda deed: {"cut": True},
    "heal": lambda deed: {"cut": False, "delay_milliseconds": 0},
    "delay": lambda deed: {"delay_milliseconds": deed.milliseconds},
}


def why_not_filled(folder: Path, part: str) -> str | None:
    """A disk is filled only if it is the part's own, and small."""
    own = folder / part
    if own.stat().st_dev == folder.stat().st_dev:
        return f"disk-full fills the disk of {own}, and others use it too: give that folder a small disk of its own, such as a tmpfs"
    free = shutil.disk_usage(own).free
    if free > FILLED_BYTES_MAX:
        return f"disk-full would write {free // 2**20} MiB to {own}: at most {FILLED_BYTES_MAX // 2**20} MiB are"
    return None


async def heal_left_behind(data: DataFolder, clock: Clock) -> list[str]:
    """Undo what a driver that died has done. Returns why something could not be. Its run is still to be ended: `drill abort`."""
    with driving(data):
        return await heal(LocalInjector(data, clock), UndoFile(data.folder))


def undo_before_start(data: DataFolder) -> None:
    """`up` starts every part anew, with a whole link: what is left to undo is what fills a disk."""
    for part in ("primary", "secondary", "authority"):
        with suppress(OSError):  # a folder that cannot be changed is told of when its part starts
            (data.folder / part / FILLER).unlink(missing_ok=True)
    file = UndoFile(data.folder)
    undo = file.read()
    for deed in undo.deeds if undo else []:
        file.forget(deed)
