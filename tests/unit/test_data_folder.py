"""A deployment's folder belongs to one `up` at a time, tells its secrets to its owner only, and is of one kind for good."""

import os
import stat
from pathlib import Path

import pytest

from multiregion.clock import SystemClock
from multiregion.errors import BadDeployment
from multiregion.local.deployment import DataFolder, describe, plan
from multiregion.local.kept import Kept

PORT = 20_000


def kept(folder: DataFolder, primary: str = "us-east-1", secondary: str = "ap-northeast-1") -> Kept:
    return folder.keep(SystemClock(), primary, secondary)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_has_one_holder_at_a_time(folder: DataFolder) -> None:
    another = DataFolder(folder.folder)
    refused = pytest.raises(BadDeployment, match=f"in use by another `multiregion up` .process {os.getpid()}.*--data")
    with folder.locked(), refused, another.locked():
        pass
    with another.locked():
        pass


def test_what_is_secret_is_its_owners_alone(folder: DataFolder) -> None:
    with folder.locked():
        described = kept(folder)
        deployment, parts = plan(described, folder.folder, PORT)
        folder.write(describe(described, deployment, "http://localhost:1", "temporary"))
        configs = [folder.write_config(name, config) for name, config in parts.items()]
    files = [folder.deployment_file, folder.folder / "format.json", folder.folder / "lock", *configs]
    assert {file.name: oct(mode(file)) for file in files} == {file.name: "0o600" for file in files}
    assert mode(folder.folder) == mode(folder.folder / "config") == 0o700


def test_a_file_is_replaced_as_a_whole_and_leaves_no_draft(folder: DataFolder) -> None:
    with folder.locked():
        described = kept(folder)
        (folder.folder / "deployment.draft").write_text("half of it")
        deployment, _ = plan(described, folder.folder, PORT)
        folder.write(describe(described, deployment, "http://localhost:1", None))
    assert folder.read().app_id == described.app_id
    assert "temporaryPassword" not in folder.deployment_file.read_text()
    assert [file.name for file in folder.folder.glob("*.draft")] == []


def test_a_deployment_is_the_same_at_every_start(folder: DataFolder) -> None:
    with folder.locked():
        first = kept(folder)
        assert kept(folder) == first


def test_a_deployment_is_founded_once(folder: DataFolder) -> None:
    founding = []
    for _ in range(2):
        with folder.locked():
            founding.append(folder.is_new)
            kept(folder)
    assert founding == [True, False]


@pytest.mark.parametrize(("primary", "secondary"), [("eu-west-1", "ap-northeast-1"), ("ap-northeast-1", "us-east-1")])
def test_a_folder_keeps_its_regions_and_their_roles(folder: DataFolder, primary: str, secondary: str) -> None:
    with folder.locked():
        kept(folder)
        with pytest.raises(BadDeployment, match="was made for us-east-1 and ap-northeast-1"):
            kept(folder, primary, secondary)


def test_one_region_is_not_two(folder: DataFolder) -> None:
    with folder.locked(), pytest.raises(BadDeployment, match="must be two regions"):
        kept(folder, "eu-west-1", "eu-west-1")


def test_no_two_parts_share_a_port(folder: DataFolder) -> None:
    with folder.locked():
        _, parts = plan(kept(folder), folder.folder, PORT)
    ports = [part.port for part in parts.values()] + [port for part in parts.values() for port, _ in part.links.values()]
    assert sorted(ports) == list(range(PORT, PORT + 7))
