"""A file knows the deployment it belongs to: one of another deployment that is put in its place is refused by name, whole."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from multiregion.clock import SystemClock
from multiregion.config import REGION_PURPOSE, PartConfig, Settings
from multiregion.embedded.authority import SqliteState
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import ForeignDatabase
from multiregion.local.clients import refusal
from multiregion.local.deployment import plan
from multiregion.local.kept import read_kept
from multiregion.local.serve import application_of
from multiregion.states import FIRST, Role
from multiregion.stores import Key
from tests.contract.test_damage import configured, other_region
from tests.contract.test_logged_records import put

OWN, FOREIGN = "own-deployment", "foreign-deployment"
NAMED = rf"belongs to another deployment, {FOREIGN}.*Put the right file back, then `multiregion chaos start"


def region(file: Path, deployment: str) -> SqliteRecords:
    return SqliteRecords(file, Role.SECONDARY, SystemClock(), deployment=deployment)


def authority(file: Path, deployment: str) -> SqliteState:
    return SqliteState(file, SystemClock(), deployment=deployment)


Make = Callable[[Path, str], SqliteRecords | SqliteState]


def owner(file: Path) -> str:
    with closing(sqlite3.connect(file)) as db:
        return str(db.execute("SELECT deployment FROM belongs").fetchone()[0])


def forget_owner(file: Path) -> None:
    """As a file of the last release is."""
    with closing(sqlite3.connect(file)) as db:
        db.execute("DROP TABLE belongs")


@pytest.mark.parametrize("make", [region, authority])
def test_a_file_is_its_deployments_from_the_first_start_on(tmp_path: Path, make: Make) -> None:
    file = tmp_path / "store.db"
    for _ in range(2):
        make(file, OWN).close()
        assert owner(file) == OWN


@pytest.mark.parametrize("make", [region, authority])
def test_a_file_of_another_deployment_is_refused_by_name_and_left_as_it_is(tmp_path: Path, make: Make) -> None:
    file = tmp_path / "store.db"
    make(file, FOREIGN).close()
    before = file.read_bytes()
    for _ in range(2):
        with pytest.raises(ForeignDatabase, match=NAMED):
            make(file, OWN)
    assert file.read_bytes() == before and owner(file) == FOREIGN
    make(file, FOREIGN).close()


@pytest.mark.parametrize("make", [region, authority])
def test_a_file_that_names_none_becomes_this_deployments_once(tmp_path: Path, make: Make) -> None:
    file = tmp_path / "store.db"
    make(file, FOREIGN).close()
    forget_owner(file)
    make(file, OWN).close()
    assert owner(file) == OWN


def test_a_file_of_another_deployment_and_an_older_format_is_not_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "region.db"
    region(file, FOREIGN).close()
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 2")
    with pytest.raises(ForeignDatabase):
        region(file, OWN)
    assert [each.name for each in tmp_path.glob("*before-format*")] == []


# A region's process


async def with_foreign_file(folder: Path) -> PartConfig:
    """The primary of one deployment, upon the file of another, which has records and was led by it."""
    config = configured(folder)
    config.folder.mkdir()
    foreign = SqliteRecords(config.folder / "region.db", Role.PRIMARY, SystemClock(), deployment=FOREIGN)
    await foreign.admit(FIRST)
    await foreign.commit([put("photo", b"foreign")], epoch=1, actor="eve")
    foreign.close()
    return config


async def test_a_region_upon_a_foreign_file_says_so_and_tells_and_takes_nothing(tmp_path: Path) -> None:
    config = await with_foreign_file(tmp_path / "data")
    app = application_of(config, Settings())
    headers = {"Authorization": f"Bearer {config.deployment.bearer(REGION_PURPOSE)}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://region", headers=headers) as http:
        ready = (await http.get("/readyz")).json()
        assert (ready["ready"], ready["damaged"], ready["needs"]) == (False, True, "multiregion repair primary")
        assert FOREIGN in ready["reasons"][0] and "Put the right file back" in ready["reasons"][0]
        answer = await http.get("/internal/outlook")
        for path in ("/internal/outlook", "/internal/standing", "/internal/head", f"/state/{config.deployment.app_id}", "/photos"):
            answer = await http.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "foreign_database"), path
        assert isinstance(refusal(answer), ForeignDatabase), "the other parts know it by its code"
        admitted = await http.put("/internal/state", json={})
        assert admitted.json()["code"] == "foreign_database"
        assert (await http.get("/internal/damage")).json()["end"] is None, "where a foreign log ends says nothing of this region's"


async def test_a_foreign_file_is_set_aside_whole_and_the_region_begins_again(tmp_path: Path) -> None:
    config, restarts = await with_foreign_file(tmp_path / "data"), list[str]()
    app = application_of(config, Settings(), restart=lambda: restarts.append("again"))
    headers = {"Authorization": f"Bearer {config.deployment.bearer(REGION_PURPOSE)}"}
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://region", headers=headers)
    async with client as http, other_region(config):
        kept = (await http.post("/internal/set-aside", json="claim")).json()
    assert restarts == ["again"]
    application_of(config, Settings())
    assert owner(config.folder / "region.db") == config.deployment.app_id and owner(config.folder / kept / "region.db") == FOREIGN
    foreign = SqliteRecords(config.folder / kept / "region.db", Role.PRIMARY, SystemClock(), deployment=FOREIGN)
    assert await foreign.get(Key("photos", "photo")) is not None
    foreign.close()


def test_an_authority_upon_a_foreign_file_does_not_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    configured(data)
    config = part_of(data, "authority")
    config.folder.mkdir()
    authority(config.folder / "authority.db", FOREIGN).close()
    with pytest.raises(ForeignDatabase, match=r"authority\.db belongs to another deployment.*If there is none: move it.*authority recover"):
        application_of(config, Settings())


def part_of(data: Path, name: str) -> PartConfig:
    return plan(read_kept(data / "format.json"), data, 20_000)[1][name]
