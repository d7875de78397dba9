"""A part whose folder cannot be used: a region runs and says so, an authority ends and is done without; both begin again when mended."""

import asyncio
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx
import msgspec
import pytest

from multiregion.clock import SystemClock
from multiregion.config import REGION_PURPOSE, PartConfig, Settings
from multiregion.errors import BadDeployment, DiskFailed
from multiregion.local.deployment import DataFolder, plan
from multiregion.local.faults import Faults
from multiregion.local.kept import read_kept
from multiregion.local.serve import application_of, hold
from multiregion.local.supervisor import Part, Supervisor
from tests.acceptance.deployment import free_base
from tests.contract.test_damage import configured

START = "Mount it writable again, or mend it; then: multiregion chaos start"


def in_the_way(place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("in the way")


def no_file(place: Path) -> None:
    place.mkdir(parents=True)


UNUSABLE = pytest.mark.parametrize(
    ("name", "spoil", "reason"),
    [
        (".", in_the_way, r"primary is there, and is no folder; move it away"),
        ("objects", in_the_way, r"objects is there, and is no folder; move it away"),
        ("pending", in_the_way, r"pending is there, and is no folder; move it away"),
        ("region.db", no_file, r"unable to open database file"),
    ],
)


@UNUSABLE
async def test_a_region_whose_folder_cannot_be_used_says_so_and_serves_nothing(
    tmp_path: Path, name: str, spoil: Callable[[Path], None], reason: str
) -> None:
    config = configured(tmp_path / "data")
    spoil(config.folder / name)
    headers = {"Authorization": f"Bearer {config.deployment.bearer(REGION_PURPOSE)}"}
    app = application_of(config, Settings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://region", headers=headers) as http:
        ready = await http.get("/readyz")
        (said,) = ready.json()["reasons"]
        assert ready.status_code == 503 and ready.json()["needs"] == "multiregion chaos start primary"
        assert said.startswith(f"the folder {config.folder} of the primary region cannot be written (") and START in said
        assert reason in said
        answers = [await http.get("/photos"), await http.get("/internal/outlook"), await http.post("/internal/set-aside", json="claim")]
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "disk_failed")}
        assert (await http.get("/internal/damage")).json()["end"] is None


def test_a_region_that_cannot_hold_its_folder_goes_on_to_say_so_and_an_authority_ends(tmp_path: Path) -> None:
    data = tmp_path / "data"
    region = configured(data)
    parts = plan(read_kept(data / "format.json"), data, 20_000)[1]
    for name in ("primary", "authority"):
        in_the_way(data / name)
    with ExitStack() as held:
        assert isinstance(hold(region, held), OSError)
        with pytest.raises(DiskFailed, match=rf"the folder {data}/authority of the authority cannot be written .*chaos start authority"):
            hold(parts["authority"], held)
        assert hold(parts["secondary"], held) is None
    with pytest.raises(DiskFailed, match="of the authority cannot be written"):
        application_of(parts["authority"], Settings())


async def test_what_is_mended_while_a_region_could_not_hold_its_folder_is_not_opened_unheld(tmp_path: Path) -> None:
    config = configured(tmp_path / "data")
    app = application_of(config, Settings(), obstacle=OSError(30, "Read-only file system"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://region") as http:
        assert "Read-only file system" in (await http.get("/readyz")).json()["reasons"][0]
    assert not config.folder.exists()


# Real processes


def parts_of(data: Path, *names: str) -> dict[str, PartConfig]:
    kept = DataFolder(data).keep(SystemClock(), "us-east-1", "ap-northeast-1")
    return {name: part for name, part in plan(kept, data, free_base())[1].items() if name in names}


async def start(supervisor: Supervisor) -> list[str]:
    ready: list[Part] = []
    await supervisor.start_all(ready.append)
    return [part.name for part in ready]


async def wanted(supervisor: Supervisor, data: Path, name: str) -> list[Part]:
    (data / f"start-{name}").touch()
    return await supervisor.start_wanted()


async def test_without_a_usable_authority_the_regions_are_up_and_it_is_started_when_mended(tmp_path: Path) -> None:
    in_the_way(tmp_path / "authority")
    supervisor = Supervisor(DataFolder(tmp_path), parts_of(tmp_path, "authority", "primary"), Settings(ready_seconds=1_000), SystemClock())
    try:
        assert sorted(await asyncio.wait_for(start(supervisor), 60)) == ["authority", "primary"]
        authority, primary = supervisor.parts["authority"], supervisor.parts["primary"]
        assert not authority.runs and "of the authority cannot be written" in authority.reasons[0]
        assert primary.runs and primary.answers and primary.serves and not primary.ready
        faults = Faults(DataFolder(tmp_path), SystemClock())
        starting = asyncio.ensure_future(faults.start("authority"))
        while not starting.done():
            await supervisor.start_wanted()
            await asyncio.sleep(0.05)
        with pytest.raises(BadDeployment, match=r"(?s)authority ended while it started.*cannot be written"):
            starting.result()
        (tmp_path / "authority").unlink()
        assert await wanted(supervisor, tmp_path, "authority") == [authority]
        await supervisor.wait_ready(authority)
        assert authority.ready
    finally:
        await supervisor.stop_all()


async def test_an_authority_that_ends_for_another_reason_ends_the_start(tmp_path: Path) -> None:
    parts = parts_of(tmp_path, "authority")
    broken = {"authority": msgspec.structs.replace(parts["authority"], settings={"lease_seconds": "soon"})}
    supervisor = Supervisor(DataFolder(tmp_path), broken, Settings(), SystemClock())
    with pytest.raises(ExceptionGroup) as raised:
        await start(supervisor)
    assert "authority ended while it started" in str(raised.value.exceptions[0])


async def test_a_region_that_only_says_why_it_cannot_serve_is_started_anew_when_wanted(tmp_path: Path) -> None:
    in_the_way(tmp_path / "primary")
    supervisor = Supervisor(DataFolder(tmp_path), parts_of(tmp_path, "primary"), Settings(ready_seconds=1_000), SystemClock())
    try:
        await asyncio.wait_for(start(supervisor), 60)
        part = supervisor.parts["primary"]
        assert part.process is not None and part.runs and not part.serves
        first = part.process.pid
        faults = Faults(DataFolder(tmp_path), SystemClock())
        starting = asyncio.ensure_future(faults.start("primary"))
        while not starting.done():
            await supervisor.start_wanted()
            await asyncio.sleep(0.05)
        with pytest.raises(BadDeployment, match=r"primary was started, but is not ready: the folder .*cannot be written"):
            starting.result()
        (tmp_path / "primary").unlink()
        assert await wanted(supervisor, tmp_path, "primary") == [part] and part.process.pid != first
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
        while not part.answers:
            await supervisor.look()
            await asyncio.sleep(0.05)
        assert part.serves
    finally:
        await supervisor.stop_all()
