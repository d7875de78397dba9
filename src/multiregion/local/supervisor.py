"""Starts a deployment's parts as processes, knows how each is, and stops them all: start, stop, kill, hang."""

import asyncio
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from multiregion.clock import Clock
from multiregion.config import PartConfig, Settings
from multiregion.errors import BadDeployment
from multiregion.local.deployment import HOST, DataFolder

STOP_SECONDS = 5.0
ENDING_SECONDS = 1.0
READY_PAUSE_SECONDS = 0.03
LOG_BYTES_MAX = 16 * 1024 * 1024
LOG_LINES_SHOWN = 15


class Writing(msgspec.Struct):
    problem: str | None = None


class Readiness(msgspec.Struct):
    """Of a region's answer to `/readyz`, what says whether waiting is of use."""

    writing: Writing | None = None


@dataclass(slots=True)
class Part:
    """One part and its process, if it has one."""

    name: str
    config: PartConfig
    file: Path
    log: Path
    process: asyncio.subprocess.Process | None = None
    ready: bool = False

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def ready_url(self) -> str:
        path = "readyz" if self.config.role else "healthz"
        return f"http://{HOST}:{self.config.port}/{path}"


class Supervisor:
    def __init__(self, data: DataFolder, parts: Mapping[str, PartConfig], settings: Settings, clock: Clock) -> None:
        self._data = data
        self._settings = settings
        self._clock = clock
        logs = data.folder / "logs"
        logs.mkdir(exist_ok=True)
        self.parts = {name: Part(name, config, data.write_config(name, config), logs / f"{name}.log") for name, config in parts.items()}

    async def start_all(self, on_ready: Callable[[Part], None]) -> None:
        """Start every part and wait until each is ready. Raises BadDeployment, with the log's end, if one does not become so."""
        check_ports(self.parts)
        for part in self.parts.values():
            await self.start(part)
        async with asyncio.TaskGroup() as waits:
            for part in self.parts.values():
                waits.create_task(self._announce(part, on_ready))

    async def _announce(self, part: Part, on_ready: Callable[[Part], None]) -> None:
        await self.wait_ready(part)
        on_ready(part)

    async def start(self, part: Part) -> None:
        """A process of its own, in a session of its own so that Ctrl-C reaches only the supervisor."""
        part.ready = False
        if part.log.exists() and part.log.stat().st_size > LOG_BYTES_MAX:
            part.log.replace(part.log.with_suffix(".log.1"))
        command = [sys.executable, "-m", "multiregion.local.serve", "--with-parent", "--config", str(part.file)]
        with part.log.open("ab") as log:
            part.process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )
        self._write_processes()

    async def wait_ready(self, part: Part) -> None:
        until = self._clock.monotonic() + self._settings.ready_seconds
        async with httpx.AsyncClient(trust_env=False, timeout=1.0) as http:
            while self._clock.monotonic() < until:
                if not part.runs:
                    raise BadDeployment(f"{part.name} ended while it started. The end of {part.log}:\n{tail(part.log)}")
                try:
                    if is_up(await http.get(part.ready_url)):
                        part.ready = True
                        return
                except httpx.HTTPError:
                    pass
                await self._clock.sleep(READY_PAUSE_SECONDS)
        raise BadDeployment(
            f"{part.name} was not ready within {self._settings.ready_seconds:g} s (setting ready_seconds)."
            f" The end of {part.log}:\n{tail(part.log)}"
        )

    async def stop_all(self) -> None:
        """Ask every part to stop, the edge first, and end whatever has not within STOP_SECONDS."""
        running = [part for part in reversed(self.parts.values()) if part.runs]
        for part in running:
            self._signal(part, signal.SIGCONT)
            self._signal(part, signal.SIGTERM)
        await asyncio.gather(*(self._reap(part) for part in running))
        self.processes_file.unlink(missing_ok=True)

    async def _reap(self, part: Part) -> None:
        assert part.process is not None
        try:
            await asyncio.wait_for(part.process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._signal(part, signal.SIGKILL)
            await part.process.wait()

    def _signal(self, part: Part, number: signal.Signals) -> None:
        if part.runs and part.process is not None:
            part.process.send_signal(number)

    @property
    def processes_file(self) -> Path:
        return self._data.folder / "processes.json"

    def _write_processes(self) -> None:
        """Who runs as which process, for `multiregion chaos` and for people with `kill`."""
        pids = {part.name: part.process.pid for part in self.parts.values() if part.process is not None}
        draft = self.processes_file.with_suffix(".draft")
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(pids)) + b"\n")
        draft.replace(self.processes_file)

    async def _still_runs(self, part: Part) -> bool:
        """A process that was killed a moment ago may not have been noticed to have ended."""
        if part.process is not None and part.runs:
            with suppress(TimeoutError):
                await asyncio.wait_for(part.process.wait(), ENDING_SECONDS)
        return part.runs

    async def start_wanted(self) -> list[Part]:
        """Start the parts that somebody asked for by a file `start-NAME`; those that run already are left alone."""
        started = []
        for part in self.parts.values():
            wish = self._data.folder / f"start-{part.name}"
            if wish.exists():
                wish.unlink(missing_ok=True)
                if not await self._still_runs(part):
                    await self.start(part)
                    started.append(part)
        return started


def check_ports(parts: Mapping[str, Part]) -> None:
    """Raises BadDeployment, naming the port, who needs it and the option, if one is taken."""
    needed = {
        port: f"the {name}"
        for name, part in parts.items()
        for port in (part.config.port, *(port for port, _ in part.config.links.values()))
    }
    for port, owner in needed.items():
        if not 1024 <= port <= 65535:
            raise BadDeployment(f"port {port}, for {owner}, is not between 1024 and 65535; choose another base with --port")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise BadDeployment(f"port {port}, for {owner}, cannot be used: {os.strerror(error.errno or 0)}") from error
                raise BadDeployment(
                    f"port {port}, for {owner}, is in use by another program; choose another base with --port"
                    f" (seven ports from it are used)"
                ) from error


def is_up(answer: httpx.Response) -> bool:
    """Ready, or as ready as it gets: a region whose disk takes no writes serves reads, and says so itself."""
    if answer.status_code == 200:
        return True
    with suppress(msgspec.DecodeError):
        found = msgspec.json.decode(answer.content, type=Readiness)
        return found.writing is not None and found.writing.problem is not None
    return False


def tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in lines[-LOG_LINES_SHOWN:])
