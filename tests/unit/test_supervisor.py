"""The supervisor starts real processes, knows when they are ready, and leaves none behind."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from multiregion.clock import SystemClock
from multiregion.config import PartConfig, Settings
from multiregion.errors import BadDeployment
from multiregion.local.deployment import DataFolder, plan
from multiregion.local.supervisor import Part, Supervisor, is_up


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone, or going while it is read
        return False


@pytest.fixture
def config(tmp_path: Path) -> PartConfig:
    """The edge's: the part that is ready soonest."""
    folder = DataFolder(tmp_path)
    with folder.locked():
        kept = folder.keep(SystemClock(), "us-east-1", "ap-northeast-1")
    _, parts = plan(kept, tmp_path, 20_000, founding=True)
    return msgspec.structs.replace(parts["edge"], port=free_port())


def supervisor_of(config: PartConfig, tmp_path: Path) -> Supervisor:
    return Supervisor(DataFolder(tmp_path), {"edge": config}, Settings(), SystemClock())


@pytest.fixture
async def supervisor(config: PartConfig, tmp_path: Path) -> AsyncIterator[Supervisor]:
    made = supervisor_of(config, tmp_path)
    yield made
    for part in made.parts.values():
        if part.runs and part.process is not None:
            part.process.kill()
            await part.process.wait()


async def started(supervisor: Supervisor) -> int:
    ready: list[Part] = []
    await supervisor.start_all(ready.append)
    (part,) = ready
    assert part.ready and part.process is not None
    return part.process.pid


@pytest.mark.parametrize("frozen", [False, True])
async def test_nothing_runs_after_it_has_stopped_everything(supervisor: Supervisor, frozen: bool) -> None:
    pid = await started(supervisor)
    assert msgspec.json.decode(supervisor.processes_file.read_bytes()) == {"edge": pid}
    if frozen:
        os.kill(pid, signal.SIGSTOP)
    await supervisor.stop_all()
    assert not runs(pid) and not supervisor.processes_file.exists()


async def test_a_part_that_will_not_stop_is_ended(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiregion.local.supervisor.STOP_SECONDS", 0.2)
    deaf = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", deaf, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    supervisor.parts["edge"].process = process
    await supervisor.stop_all()
    assert process.returncode == -signal.SIGKILL and not runs(process.pid)


async def test_a_part_does_not_outlive_whoever_started_it(supervisor: Supervisor) -> None:
    pid = await started(supervisor)
    process = supervisor.parts["edge"].process
    assert process is not None and process.stdin is not None
    process.stdin.close()  # as the kernel does when the supervisor is killed
    await asyncio.wait_for(process.wait(), 10)
    assert not runs(pid)


async def test_a_part_is_started_again_when_somebody_wants_it(supervisor: Supervisor, tmp_path: Path) -> None:
    first = await started(supervisor)
    part = supervisor.parts["edge"]
    (tmp_path / "start-edge").touch()
    assert await supervisor.start_wanted() == []
    os.kill(first, signal.SIGKILL)  # and nobody has noticed it yet
    assert part.process is not None and part.runs
    (tmp_path / "start-edge").touch()
    assert await supervisor.start_wanted() == [part] and not (tmp_path / "start-edge").exists()
    await supervisor.wait_ready(part)
    assert part.process.pid != first
    await supervisor.stop_all()


async def test_a_part_that_ends_at_its_start_is_named_with_the_end_of_its_log(config: PartConfig, tmp_path: Path) -> None:
    broken = supervisor_of(msgspec.structs.replace(config, part="nonsense"), tmp_path)
    with pytest.raises(ExceptionGroup) as raised:
        await broken.start_all(lambda part: None)
    (error,) = raised.value.exceptions
    assert isinstance(error, BadDeployment) and "edge ended while it started" in error.detail and "nonsense" in error.detail


async def test_a_port_that_is_taken_is_named_before_anything_is_started(supervisor: Supervisor, config: PartConfig) -> None:
    refused = pytest.raises(BadDeployment, match=f"port {config.port}, for the edge, is in use.*--port")
    with socket.create_server(("127.0.0.1", config.port)), refused:
        await supervisor.start_all(lambda part: None)
    assert supervisor.parts["edge"].process is None


@pytest.mark.parametrize(
    ("status", "body", "up"),
    [
        (200, b"", True),
        (503, b'{"ready": false, "writing": {"problem": "the disk is full"}}', True),
        (503, b'{"ready": false, "writing": {"problem": null}}', False),
        (503, b'{"ready": false, "writing": null}', False),
        (503, b"not yet", False),
    ],
)
def test_a_region_whose_disk_takes_no_writes_is_as_ready_as_it_gets(status: int, body: bytes, up: bool) -> None:
    assert is_up(httpx.Response(status, content=body)) is up
