"""The supervisor starts real processes, knows when they are ready, and leaves none behind."""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from multiregion.clock import SystemClock
from multiregion.config import PartConfig, Settings
from multiregion.errors import BadDeployment
from multiregion.local.deployment import DataFolder, plan
from multiregion.local.faults import Faults
from multiregion.local.supervisor import Part, Supervisor
from multiregion.local.up import admin_status


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
    _, parts = plan(kept, tmp_path, 20_000)
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


async def test_whoever_wants_a_part_that_ends_at_its_start_is_told_why(config: PartConfig, tmp_path: Path) -> None:
    broken = supervisor_of(msgspec.structs.replace(config, part="nonsense"), tmp_path)
    faults = Faults(DataFolder(tmp_path), SystemClock())
    starting = asyncio.create_task(faults.start("edge"))
    while not await broken.start_wanted():
        await asyncio.sleep(0.01)
    with pytest.raises(BadDeployment, match=r"(?s)edge ended while it started.*nonsense"):
        await starting


async def test_a_part_that_ended_long_ago_is_not_taken_for_the_one_that_is_started(supervisor: Supervisor, tmp_path: Path) -> None:
    os.kill(await started(supervisor), signal.SIGKILL)
    starting = asyncio.create_task(Faults(DataFolder(tmp_path), SystemClock()).start("edge"))
    await asyncio.sleep(0.5)
    assert not starting.done()
    await supervisor.start_wanted()
    await starting
    await supervisor.stop_all()


async def test_a_wish_is_there_until_the_new_process_is_named(supervisor: Supervisor, tmp_path: Path) -> None:
    """Otherwise the one before would be taken for a part that ended at its start."""
    os.kill(await started(supervisor), signal.SIGKILL)
    wish = tmp_path / "start-edge"
    wish.touch()
    supervisor.processes_file.unlink()
    starting = asyncio.create_task(supervisor.start_wanted())
    while wish.exists():
        await asyncio.sleep(0)
    part = supervisor.parts["edge"]
    assert part.process is not None
    assert msgspec.json.decode(supervisor.processes_file.read_bytes()) == {"edge": part.process.pid}
    assert await starting == [part]


async def test_a_port_that_is_taken_is_named_before_anything_is_started(supervisor: Supervisor, config: PartConfig) -> None:
    refused = pytest.raises(BadDeployment, match=f"port {config.port}, for the edge, is in use.*--port")
    with socket.create_server(("127.0.0.1", config.port)), refused:
        await supervisor.start_all(lambda part: None)
    assert supervisor.parts["edge"].process is None


# When a part is up, and when it is ready


@contextmanager
def answering(said: dict[str, Any]) -> Iterator[int]:
    """A region that answers this at `/readyz`, on a port of its own."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if said["ready"] else 503)
            self.end_headers()
            self.wfile.write(msgspec.json.encode({**said, "region": "us-east-1"}))

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@asynccontextmanager
async def running(tmp_path: Path, port: int, ready_seconds: float) -> AsyncIterator[tuple[Supervisor, Part]]:
    """A part whose process runs, and which answers at that port."""
    kept = DataFolder(tmp_path).keep(SystemClock(), "us-east-1", "ap-northeast-1")
    config = msgspec.structs.replace(plan(kept, tmp_path, 20_000)[1]["primary"], port=port)
    made = Supervisor(DataFolder(tmp_path), {"primary": config}, Settings(ready_seconds=ready_seconds), SystemClock())
    part = made.parts["primary"]
    part.process = await asyncio.create_subprocess_exec(sys.executable, "-c", "import signal; signal.pause()")
    yield made, part
    part.process.kill()
    await part.process.wait()


async def test_a_region_that_needs_a_word_is_up_at_once_and_ready_later(tmp_path: Path) -> None:
    said = {"ready": False, "reasons": ["the authority knows less"], "needs": "multiregion authority recover"}
    with answering(said) as port:
        async with running(tmp_path, port, ready_seconds=1_000) as (supervisor, part):
            await asyncio.wait_for(supervisor.wait_ready(part), 60)
            assert (part.ready, part.reasons, part.needs) == (False, ("the authority knows less",), "multiregion authority recover")
            assert await supervisor.look() == []
            said.update(ready=True, reasons=[], needs=None)
            assert await supervisor.look() == [part] and part.ready and part.needs is None
            assert await supervisor.look() == []


async def test_a_region_whose_disk_takes_no_writes_is_as_ready_as_it_gets(tmp_path: Path) -> None:
    said = {"ready": False, "reasons": ["the disk is full"], "needs": None, "writing": {"problem": "the disk is full"}}
    with answering(said) as port:
        async with running(tmp_path, port, ready_seconds=1_000) as (supervisor, part):
            await asyncio.wait_for(supervisor.wait_ready(part), 60)
            assert (part.answers, part.ready, part.reasons) == (True, False, ("the disk is full",))


async def test_a_region_that_serves_reads_is_up_when_it_has_been_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiregion.local.supervisor.PATIENCE_SECONDS", 0.1)
    waits: list[tuple[str, ...]] = []
    with answering({"ready": False, "reasons": ["copies everything"], "needs": None}) as port:
        async with running(tmp_path, port, ready_seconds=1.0) as (supervisor, part):
            await supervisor.wait_ready(part, lambda waiting: waits.append(waiting.reasons))
            assert part.answers and not part.ready
    assert waits == [("copies everything",)]


async def test_a_region_that_does_not_answer_is_not_up(tmp_path: Path) -> None:
    async with running(tmp_path, free_port(), ready_seconds=0.5) as (supervisor, part):
        with pytest.raises(BadDeployment, match=r"primary did not answer within 0\.5 s"):
            await supervisor.wait_ready(part)


# The administrator


async def test_beside_a_damaged_region_the_other_one_knows_the_administrator(tmp_path: Path) -> None:
    kept = DataFolder(tmp_path).keep(SystemClock(), "us-east-1", "ap-northeast-1")
    deployment, _ = plan(kept, tmp_path, 20_000)
    chosen = {"ready": True, "UserStatus": "CONFIRMED"}
    with answering({"ready": False, "__type": "InternalErrorException"}) as damaged, answering(chosen) as sound:
        primary, secondary = (
            msgspec.structs.replace(place, url=f"http://127.0.0.1:{port}")
            for place, port in ((deployment.primary, damaged), (deployment.secondary, sound))
        )
        assert await admin_status(msgspec.structs.replace(deployment, primary=primary, secondary=secondary)) == "CONFIRMED"
