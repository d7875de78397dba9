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
from multiregion.local.deployment import HOST, PORTS, DataFolder, made
from multiregion.local.serve import UNUSABLE
from multiregion.tls import TRUST

STOP_SECONDS = 5.0
ENDING_SECONDS = 1.0
READY_PAUSE_SECONDS = 0.03
READY_CALL_SECONDS = 1.0
PATIENCE_SECONDS = 2.0
LOG_BYTES_MAX = 16 * 1024 * 1024
LOG_LINES_SHOWN = 15


class Writing(msgspec.Struct):
    problem: str | None = None


@dataclass(slots=True)
class Part:
    """One part and its process, if it has one."""

    name: str
    config: PartConfig
    file: Path
    log: Path
    process: asyncio.subprocess.Process | None = None
    answers: bool = False
    ready: bool = False
    reasons: tuple[str, ...] = ()
    needs: str | None = None
    is_final: bool = False
    serves: bool = True

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.returncode is None


class Readiness(msgspec.Struct):
    """What a region says at `/readyz`."""

    ready: bool
    reasons: tuple[str, ...] = ()
    needs: str | None = None
    writing: Writing | None = None
    damaged: bool = False

    @property
    def serves(self) -> bool:
        """Whether requests are answered: one whose database is damaged has nothing to answer from."""
        return not self.damaged

    @property
    def is_final(self) -> bool:
        """Whether waiting for more is of no use: it is ready, or it waits for a word, or for room on its disk."""
        return self.ready or self.needs is not None or (self.writing is not None and self.writing.problem is not None)


class Supervisor:
    def __init__(self, data: DataFolder, parts: Mapping[str, PartConfig], settings: Settings, clock: Clock) -> None:
        self._data = data
        self._settings = settings
        self._clock = clock
        logs = made(data.folder / "logs")
        self.parts = {name: Part(name, config, data.write_config(name, config), logs / f"{name}.log") for name, config in parts.items()}

    async def start_all(self, on_ready: Callable[[Part], None], on_waiting: Callable[[Part], None] = lambda part: None) -> None:
        """Start every part and wait for each as `wait_ready` does. Raises BadDeployment, with the log's end, if one does not answer."""
        check_ports({name: part.config for name, part in self.parts.items()})
        for part in self.parts.values():
            await self.start(part)
        async with asyncio.TaskGroup() as waits:
            for part in self.parts.values():
                waits.create_task(self._announce(part, on_ready, on_waiting))

    async def _announce(self, part: Part, on_ready: Callable[[Part], None], on_waiting: Callable[[Part], None]) -> None:
        await self.wait_ready(part, on_waiting)
        on_ready(part)

    async def start(self, part: Part) -> None:
        """A process of its own, in a session of its own so that Ctrl-C reaches only the supervisor."""
        part.ready, part.answers, part.reasons, part.needs, part.serves = False, False, (), None, True
        if part.log.exists() and part.log.stat().st_size > LOG_BYTES_MAX:
            part.log.replace(part.log.with_suffix(".log.1"))
        command = [sys.executable, "-m", "multiregion.local.serve", "--with-parent", "--config", str(part.file)]
        with part.log.open("ab") as log:
            part.process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )
        self._write_processes()

    async def wait_ready(self, part: Part, on_waiting: Callable[[Part], None] = lambda part: None) -> None:
        """Until the part is ready. A region that answers is not waited for any longer if it needs a word that can only be given
        once it runs, or when `ready_seconds` are over; `on_waiting` hears of one that is waited for. Raises BadDeployment if the part
        ends, or does not answer in that time."""
        began, told = self._clock.monotonic(), False
        while (waited := self._clock.monotonic() - began) < self._settings.ready_seconds:
            if not part.runs:
                self._do_without(part)
                return
            await self._ask(part)
            if part.is_final or (part.answers and not self._has_authority and waited > PATIENCE_SECONDS):
                return
            if part.answers and waited > PATIENCE_SECONDS and not told:
                told = True
                on_waiting(part)
            await self._clock.sleep(READY_PAUSE_SECONDS)
        if not part.answers:
            raise BadDeployment(
                f"{part.name} did not answer within {self._settings.ready_seconds:g} s (setting ready_seconds)."
                f" The end of {part.log}:\n{tail(part.log)}"
            )

    def _do_without(self, part: Part) -> None:
        """Regions serve reads without an authority, if it is its folder that keeps it from running. Raises BadDeployment for any other
        part that has ended."""
        if part.config.part != "authority" or part.process is None or part.process.returncode != UNUSABLE:
            raise ended(part.name, part.log)
        part.reasons, part.needs, part.serves = (last_words(part.log),), None, False

    @property
    def _has_authority(self) -> bool:
        """Whether it runs; until then a region is not ready, and need not be waited for."""
        return all(part.runs for part in self.parts.values() if part.config.part == "authority")

    async def _ask(self, part: Part) -> None:
        if said := await readiness(part.config):
            part.answers, part.ready, part.reasons, part.needs, part.is_final = True, said.ready, said.reasons, said.needs, said.is_final
            part.serves = said.serves

    async def look(self) -> list[Part]:
        """Ask the parts that were not ready, and return those that are by now."""
        waiting = [part for part in self.parts.values() if part.runs and not part.ready]
        await asyncio.gather(*(self._ask(part) for part in waiting))
        return [part for part in waiting if part.ready]

    async def stop_all(self) -> None:
        """Ask every part to stop, and end whatever has not within STOP_SECONDS; the authority last: it hears how far the regions got."""
        running = [part for part in reversed(self.parts.values()) if part.runs]
        for last in (False, True):
            stopping = [part for part in running if (part.config.part == "authority") is last]
            for part in stopping:
                self._signal(part, signal.SIGCONT)
                self._signal(part, signal.SIGTERM)
            await asyncio.gather(*(self._reap(part) for part in stopping))
        if any(part.process is not None for part in self.parts.values()):  # else it is another `up` that has written it
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

    async def _end_useless(self, part: Part) -> None:
        """One that only says why it cannot serve is started anew when somebody wants it: that may have been mended."""
        if part.runs and not part.ready:
            await self._ask(part)
            if not part.serves:
                self._signal(part, signal.SIGTERM)
                await self._reap(part)

    async def start_wanted(self) -> list[Part]:
        """Start the parts that somebody asked for by a file `start-NAME`; those that run already are left alone, unless they serve
        nothing. Once the file is gone, `processes.json` names the process that was started."""
        started = []
        for part in self.parts.values():
            wish = self._data.folder / f"start-{part.name}"
            if wish.exists():
                await self._end_useless(part)
                if not await self._still_runs(part):
                    await self.start(part)
                    started.append(part)
                wish.unlink(missing_ok=True)
        return started


async def readiness(config: PartConfig) -> Readiness | None:
    """What a part says of itself; None if it does not answer."""
    path = "readyz" if config.role else "healthz"
    async with httpx.AsyncClient(trust_env=False, timeout=READY_CALL_SECONDS, verify=TRUST) as http:
        try:
            answer = await http.get(f"http://{HOST}:{config.port}/{path}")
            return msgspec.json.decode(answer.content, type=Readiness) if config.role else Readiness(answer.status_code == 200)
        except (httpx.HTTPError, msgspec.DecodeError):
            return None


def check_base(base: int) -> None:
    """Raises BadDeployment if the ports from `base` on cannot be used by anybody."""
    last = base + PORTS - 1
    if not 1024 <= base <= last <= 65535:
        raise BadDeployment(
            f"--port {base}: seven ports from it are used, {base} to {last}, and these are not between 1024 and 65535; choose another base"
        )


def check_ports(parts: Mapping[str, PartConfig]) -> None:
    """Raises BadDeployment, naming the port, who needs it and the option, if one is taken."""
    needed = {port: f"the {name}" for name, part in parts.items() for port in (part.port, *(port for port, _ in part.links.values()))}
    for port, owner in needed.items():
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


def ended(part: str, log: Path) -> BadDeployment:
    return BadDeployment(f"{part} ended while it started. The end of {log}:\n{tail(log)}")


def last_words(log: Path) -> str:
    """Of a process that has ended: what it said of why."""
    return tail(log).splitlines()[-1].strip()


def tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in lines[-LOG_LINES_SHOWN:])
