"""An `up` that cannot be one finds that out before it writes anything that a running deployment lives by."""

import os
import socket
from pathlib import Path

import pytest

from multiregion.clock import SystemClock
from multiregion.config import Settings
from multiregion.errors import BadDeployment
from multiregion.local import up
from multiregion.local.deployment import DataFolder, made
from multiregion.local.locks import held_by, locked
from multiregion.local.supervisor import check_base
from multiregion.local.up import Wishes, running
from tests.acceptance.deployment import free_base

NAMES = ("us-east-1", "ap-northeast-1")
RUNNING = {"deployment.json": "the first one's", "processes.json": "the first one's"}


def in_use(data: Path) -> None:
    DataFolder(data).keep(SystemClock(), *NAMES)
    for name, text in RUNNING.items():
        (data / name).write_text(text)


async def refused(data: Path, port: int) -> str:
    with pytest.raises(BadDeployment) as error:
        async with running(Wishes(*NAMES, data, port), Settings(), lambda part: None, lambda part: None):
            raise AssertionError("it is up")
    assert {name: (data / name).read_text() for name in RUNNING} == RUNNING
    assert not (data / "config").exists()
    return error.value.detail


@pytest.mark.parametrize("store", ["primary", "secondary", "authority"])
async def test_a_folder_whose_lock_was_removed_is_in_use_as_long_as_a_part_is_served(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "LEFT_BEHIND_SECONDS", 0.1)
    in_use(tmp_path)
    with locked(tmp_path / store, str):
        said = await refused(tmp_path, free_base())
    assert f"is in use by another `multiregion up`: process {os.getpid()} serves {store}; nothing was changed" in said
    assert held_by(tmp_path / store) is None


async def test_a_port_that_is_taken_is_found_out_before_anything_is_written(tmp_path: Path) -> None:
    in_use(tmp_path)
    port = free_base()
    with socket.create_server(("127.0.0.1", port + 6)):
        assert f"port {port + 6}, for the wire, is in use" in await refused(tmp_path, port)


@pytest.mark.parametrize("base", [-1, 0, 80, 1023, 65_530, 70_000])
def test_a_base_that_leaves_no_room_for_seven_ports_is_blamed_on_the_option(base: int) -> None:
    with pytest.raises(BadDeployment, match=f"--port {base}: seven ports from it are used, {base} to {base + 6}"):
        check_base(base)


def test_the_bases_at_both_ends_are_good() -> None:
    check_base(1024)
    check_base(65_529)


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(BadDeployment, match=r"logs is there, and is no folder; move it away"):
        made(tmp_path / "logs")
    with pytest.raises(BadDeployment, match=r"the data folder .*logs is there, and is no folder"), DataFolder(tmp_path / "logs").locked():
        pass
