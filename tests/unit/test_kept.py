"""What a deployment is outlives the file that says so: it is found again in its configurations, or beside any store's data."""

import shutil
import stat
from pathlib import Path

import msgspec
import pytest

from multiregion.clock import SystemClock
from multiregion.errors import BadDeployment
from multiregion.local.deployment import DataFolder, describe, plan
from multiregion.local.kept import COPY, STORES, Kept, fresh, keep_copies, write_private

NAMES = ("us-east-1", "ap-northeast-1")


def deploy(folder: Path) -> Kept:
    """As `up` does, with something in the stores."""
    data = DataFolder(folder)
    folder.mkdir(parents=True)
    kept = data.keep(SystemClock(), *NAMES, "todo:app")
    keep_copies(folder, kept)
    deployment, parts = plan(kept, folder, 20_000)
    for name, config in parts.items():
        data.write_config(name, config)
    data.write(describe(kept, deployment, "http://localhost:1", kept.initial_password))
    for store, database in STORES.items():
        (folder / store / database).write_text(store)
    return kept


def again(folder: Path) -> tuple[Kept, str | None]:
    data = DataFolder(folder)
    assert not data.is_new
    return data.keep(SystemClock(), *NAMES), data.found_again


def without_copies(folder: Path) -> None:
    for store in STORES:
        (folder / store / COPY).unlink()


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"format": 1}'])
def test_a_lost_or_damaged_file_is_made_again_and_it_is_said(tmp_path: Path, content: str | None) -> None:
    kept = deploy(folder := tmp_path / "data")
    file = folder / "format.json"
    file.unlink() if content is None else file.write_text(content)
    found, said = again(folder)
    assert found == kept
    assert str(said).startswith(f"{file} was {'missing' if content is None else 'damaged'}, and was made again from ")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and again(folder) == (kept, None)
    assert content is None or (folder / "format.damaged").read_text() == content


def test_the_configurations_alone_are_enough(tmp_path: Path) -> None:
    kept = deploy(folder := tmp_path / "data")
    without_copies(folder)
    (folder / "format.json").write_text("")
    (folder / "config" / "authority.json").write_text("")
    found, said = again(folder)
    assert found == kept, "with the first password from deployment.json"
    assert "made again from config/edge.json" in str(said)
    (folder / "format.json").unlink()
    (folder / "deployment.json").unlink()
    found, _ = again(folder)
    assert msgspec.structs.replace(found, initial_password="") == msgspec.structs.replace(kept, initial_password="")


@pytest.mark.parametrize("store", STORES)
def test_a_backup_of_the_stores_alone_can_be_restored_into_an_empty_folder(tmp_path: Path, store: str) -> None:
    kept = deploy(folder := tmp_path / "data")
    (there := tmp_path / "empty").mkdir()
    shutil.copytree(folder / store, there / store)
    assert again(there) == (kept, f"{there}/format.json was missing, and was made again from {store}/{COPY}")


def test_copies_are_secret_and_made_again_and_the_same_file_is_left_alone(tmp_path: Path) -> None:
    kept = deploy(folder := tmp_path / "data")
    copies = [folder / store / COPY for store in STORES]
    assert {stat.S_IMODE(copy.stat().st_mode) for copy in copies} == {0o600}
    copies[0].unlink()
    copies[1].write_text("{")
    inode = copies[2].stat().st_ino
    keep_copies(folder, kept)
    assert [msgspec.json.decode(copy.read_bytes(), type=Kept) for copy in copies] == [kept] * 3
    assert copies[2].stat().st_ino == inode


def foreign(folder: Path, store: str) -> Kept:
    """The copy in a store's folder is another deployment's."""
    other = fresh(SystemClock(), *NAMES, "todo:app")
    write_private(folder / store / COPY, other)
    return other


def test_the_copy_of_another_deployment_is_neither_believed_nor_written_over(tmp_path: Path) -> None:
    kept = deploy(folder := tmp_path / "data")
    other = foreign(folder, "primary")
    (folder / "format.json").unlink()
    found, said = again(folder)
    assert found == kept and f"secondary/{COPY}" in str(said)
    keep_copies(folder, kept)
    assert msgspec.json.decode((folder / "primary" / COPY).read_bytes(), type=Kept) == other


def test_copies_of_several_deployments_are_told_apart_by_name(tmp_path: Path) -> None:
    kept = deploy(folder := tmp_path / "data")
    other = foreign(folder, "primary")
    (folder / "format.json").unlink()
    shutil.rmtree(folder / "config")
    with pytest.raises(BadDeployment, match="are of several deployments") as refused:
        again(folder)
    assert f"primary/{COPY} ({other.app_id})" in refused.value.detail and kept.app_id in refused.value.detail
    assert not (folder / "format.json").exists()


@pytest.mark.parametrize("store", STORES)
def test_data_with_nothing_that_says_whose_is_not_founded_upon(tmp_path: Path, store: str) -> None:
    (tmp_path / store).mkdir()
    (tmp_path / store / STORES[store]).write_text("data")
    with pytest.raises(BadDeployment, match=rf"is missing, and nothing beside it says .*Put one of these back from a backup.*{COPY}"):
        again(tmp_path)


def test_an_empty_file_alone_is_not_founded_upon(tmp_path: Path) -> None:
    (tmp_path / "format.json").write_text("")
    with pytest.raises(BadDeployment, match=r"is damaged .*, and nothing beside it says"):
        DataFolder(tmp_path).keep(SystemClock(), *NAMES)


def test_a_newer_release_is_not_made_again(tmp_path: Path) -> None:
    deploy(folder := tmp_path / "data")
    (folder / "format.json").write_text('{"format": 2}')
    with pytest.raises(BadDeployment, match="written by a newer multiregion"):
        again(folder)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        *[(name, "it is what a part of every deployment is called") for name in ("primary", "secondary", "authority", "edge", "wire")],
        *[(name, "must begin with a small letter") for name in ("", "-x", "a/b", "..", "A", "1a", "a b", "a" * 64, "é", "a\n")],
    ],
)
def test_a_region_is_not_called_like_a_part_an_option_or_a_path(tmp_path: Path, name: str, words: str) -> None:
    for names in ((name, "eu-west-1"), ("eu-west-1", name)):
        with pytest.raises(BadDeployment, match=words):
            DataFolder(tmp_path).keep(SystemClock(), *names)
    assert list(tmp_path.iterdir()) == []


def test_other_names_are_taken(tmp_path: Path) -> None:
    assert DataFolder(tmp_path).keep(SystemClock(), "a", "b" * 63).secondary == "b" * 63
