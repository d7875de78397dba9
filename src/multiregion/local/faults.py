"""Lose a part on purpose, on this machine, and bring it back: what `multiregion chaos` and the console of a local deployment do."""

import os
import signal
from pathlib import Path
from typing import Any

import msgspec

from multiregion.clock import Clock
from multiregion.config import PartConfig, read_part
from multiregion.errors import BadDeployment, MultiregionError, Unreachable
from multiregion.local.clients import ask, client
from multiregion.local.conditions import ENDED, UNKNOWN, condition_of
from multiregion.local.deployment import HOST, DataFolder
from multiregion.local.supervisor import Readiness, ended, readiness

PARTS = ("primary", "secondary", "authority", "edge", "wire")
START_SECONDS = 30.0
PAUSE_SECONDS = 0.1
SIGNALS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP, "resume": signal.SIGCONT}


class NotRunning(MultiregionError):
    """There is no process to send a signal to."""

    status, code, title = 409, "not_running", "Not running"


class Faults:
    """The parts of the deployment in a folder, by their names. `multiregion up` must be running."""

    def __init__(self, data: DataFolder, clock: Clock) -> None:
        self._folder = data.folder
        self._clock = clock

    def send(self, what: str, part: str) -> int:
        """Send the signal of `kill`, `freeze` or `resume`. Returns the process's id. Raises NotRunning if there is none."""
        try:
            pid = self._processes()[part]
            os.kill(pid, SIGNALS[what])
        except (FileNotFoundError, KeyError) as error:
            raise NotRunning(f"{self._processes_file} does not name the process of {part}. Is `multiregion up` running?") from error
        except ProcessLookupError as error:
            raise NotRunning(f"{part} has no process. Start it: multiregion chaos start {part}") from error
        return pid

    async def start(self, part: str) -> None:
        """Ask `multiregion up` to start it, and wait until it is ready. Raises BadDeployment, with its reasons, if that takes too long,
        or needs a word of the operator; with the end of its log, if its process ends."""
        wish = self._folder / f"start-{part}"
        log = self._folder / "logs" / f"{part}.log"
        wish.touch()
        until = self._clock.monotonic() + START_SECONDS
        said: Readiness | None = None
        while self._clock.monotonic() < until:
            if (now := await readiness(self._config(part))) and now.ready:
                return
            taken = not wish.exists()
            said = (now or said) if taken else None  # before, it is the old process that speaks, if there is one
            if said and said.is_final:
                break
            if not wish.exists() and self.condition(part) == ENDED:
                raise ended(part, log)
            await self._clock.sleep(PAUSE_SECONDS)
        if said:
            how = " and serves reads" if said.serves else ""
            raise BadDeployment(f"{part} was started{how}, but is not ready: {'; '.join(said.reasons)}")
        wish.unlink(missing_ok=True)
        raise BadDeployment(f"{part} was not ready within {START_SECONDS:g} s. Is `multiregion up` running? Its log: {log}")

    async def change_wire(self, **order: Any) -> None:
        """Cut, delay or heal the link between the regions. Raises Unreachable, InvalidInput."""
        await self._ask_wire("POST", content=msgspec.json.encode(order))

    async def shown(self) -> dict[str, Any]:
        """How each part's process is, and both directions of the link, None if the wire does not answer."""
        try:
            links = await self._ask_wire("GET")
        except Unreachable:
            links = None
        return {"parts": {part: self.condition(part) for part in PARTS}, "links": links}

    async def _ask_wire(self, method: str, **how: Any) -> dict[str, Any]:
        config = self._config("wire")
        async with client(f"http://{HOST}:{config.port}", config.deployment) as http:
            try:
                return await ask(http, method, "/wire", dict[str, Any], **how)
            except Unreachable as error:
                raise Unreachable("the wire does not answer. Is `multiregion up` running?") from error

    def _config(self, part: str) -> PartConfig:
        return read_part(self._folder / "config" / f"{part}.json")

    @property
    def _processes_file(self) -> Path:
        return self._folder / "processes.json"

    def _processes(self) -> dict[str, int]:
        return msgspec.json.decode(self._processes_file.read_bytes(), type=dict[str, int])

    def condition(self, part: str) -> str:
        """`runs`, `frozen`, `ended` or `unknown`."""
        try:
            return condition_of(self._processes()[part])
        except (FileNotFoundError, KeyError):
            return UNKNOWN
