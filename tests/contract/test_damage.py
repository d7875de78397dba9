"""A damaged database is told wherever it is met, with what to do; and it is set aside whole, whoever is killed in the middle of it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
import pytest

from multiregion.clock import SystemClock
from multiregion.config import REGION_PURPOSE, PartConfig, Settings
from multiregion.embedded import aside
from multiregion.embedded.authority import SqliteState
from multiregion.embedded.database import QUIET_SECONDS
from multiregion.embedded.ownership import BELONGS
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import DatabaseDamaged, DiskFull, RepairFailed
from multiregion.local.damaged import SettingAside
from multiregion.local.deployment import DataFolder, plan
from multiregion.local.serve import application_of
from multiregion.states import FIRST
from multiregion.stores import BEGINNING, START, Key, Mark, Position
from tests.contract.test_logged_records import opened, put

PAGE = 4096
SPOILED = "p05000"


def spoil(file: Path, text: str = SPOILED) -> None:
    """Overwrite the pages with this text in them, but never the first."""
    data = bytearray(file.read_bytes())
    found = [start for start in range(PAGE, len(data), PAGE) if text.encode() in data[start : start + PAGE]]
    for start in found:
        data[start : start + PAGE] = bytes([0x55]) * PAGE
    assert found
    with file.open("r+b") as opened_file:
        opened_file.write(data)


def found_damage_of(records: SqliteRecords) -> DatabaseDamaged | None:
    return records.damage


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[SqliteRecords]:
    """Open, larger than what it keeps in memory, and then damaged underneath."""
    file = tmp_path / "region.db"
    made = opened(file)
    await made.admit(FIRST)
    for n in range(0, 10_000, 500):
        await made.commit([put(f"p{n + each:05}", b"x" * 500) for each in range(500)], epoch=1, actor="ada")
    made.close()
    made = opened(file)
    await made.admit(FIRST)
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    spoil(file)
    yield made
    made.close()


async def test_a_read_of_a_damaged_page_is_told_and_the_others_go_on(records: SqliteRecords) -> None:
    assert await records.get(Key("photos", "p00000")) is not None
    assert found_damage_of(records) is None
    with pytest.raises(DatabaseDamaged, match=r"the primary region is damaged.*: multiregion repair primary"):
        await records.get(Key("photos", SPOILED))
    assert found_damage_of(records) is not None
    assert await records.get(Key("photos", "p00001")) is not None


async def test_a_list_that_comes_upon_a_damaged_page_is_told(records: SqliteRecords) -> None:
    with pytest.raises(DatabaseDamaged):
        await records.query("photos", limit=10_000)


async def test_a_log_that_is_damaged_is_told_to_who_follows_it(records: SqliteRecords) -> None:
    with pytest.raises(DatabaseDamaged):
        records.changes(START, limit=10_000)


async def test_a_write_that_comes_upon_a_damaged_page_is_told_and_writes_nothing(records: SqliteRecords) -> None:
    before = await records.head()
    with pytest.raises(DatabaseDamaged, match="multiregion repair primary"):
        await records.commit([put(SPOILED, b"y")], epoch=1, actor="ada")
    assert await records.head() == before
    assert found_damage_of(records) is not None


async def test_what_was_found_to_be_damaged_is_written_to_no_more(records: SqliteRecords) -> None:
    with pytest.raises(DatabaseDamaged):
        await records.get(Key("photos", SPOILED))
    with pytest.raises(DatabaseDamaged):
        await records.commit([put("p00001", b"y")], epoch=1, actor="ada")
    refusal = await records.refusal()
    assert isinstance(refusal, DatabaseDamaged)
    await asyncio.sleep(QUIET_SECONDS)
    await records.prove_writing()
    assert (records.writing().condition, records.writing().problem) == ("failing", "the database is damaged")


def test_an_authority_that_is_damaged_says_what_its_operator_does(tmp_path: Path) -> None:
    (tmp_path / "authority.db").write_bytes(b"not a database at all" * 1000)
    with pytest.raises(DatabaseDamaged, match=r"authority\.db is damaged.*Move it and its -wal and -shm files away.*authority recover"):
        SqliteState(tmp_path / "authority.db", SystemClock())


# Setting aside


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "region.db"
    for name in ("", "-shm", "-wal"):
        file.with_name(f"region.db{name}").write_text(name)
    return file


def kept_in(file: Path, folder: str) -> dict[str, str]:
    return {each.name: each.read_text() for each in file.with_name(folder).iterdir()}


EVERYTHING = {"region.db": "", "region.db-shm": "-shm", "region.db-wal": "-wal"}


def test_a_database_is_set_aside_with_its_journal_and_once_for_each_order(file: Path) -> None:
    aside.carry_out(file)
    assert file.exists() and aside.newest(file) is None
    folder = aside.order(file, SystemClock())
    with pytest.raises(RepairFailed, match="about to set its own database aside"):
        aside.hold(file, "claim")
    assert aside.order(file, SystemClock()) == folder and file.exists()
    aside.carry_out(file)
    assert kept_in(file, folder) == EVERYTHING and not file.exists() and aside.newest(file) == folder
    file.write_text("new")
    aside.carry_out(file)
    assert file.read_text() == "new"


def test_a_database_that_the_other_region_is_copied_from_stays(file: Path) -> None:
    aside.hold(file, "claim")
    aside.release(file, "another")
    assert aside.held_for(file) == "claim"
    with pytest.raises(RepairFailed, match="the other region is copied from this one"):
        aside.order(file, SystemClock())
    file.with_name(aside.ORDER).write_text("set-aside-of-whatever-came-to-pass")
    aside.carry_out(file)
    assert file.exists() and not file.with_name(aside.ORDER).exists(), "looked at right before it is moved, too"
    aside.release(file, "claim")
    assert aside.held_for(file) is None
    aside.order(file, SystemClock())
    aside.carry_out(file)
    assert not file.exists()


@pytest.mark.parametrize("moved", [["region.db"], ["region.db", "region.db-shm"], []])
def test_whoever_is_killed_in_the_middle_finishes_it_at_the_next_start(file: Path, moved: list[str]) -> None:
    folder = aside.order(file, SystemClock())
    file.with_name(folder).mkdir()
    for name in moved:
        file.with_name(name).rename(file.with_name(folder) / name)
    aside.carry_out(file)
    assert kept_in(file, folder) == EVERYTHING and list(file.parent.glob("region.db*")) == []


# And put back


async def regions_file(file: Path, *names: str) -> Mark:
    """A sound database with these records; returns where its log ends."""
    made = opened(file)
    await made.admit(FIRST)
    for name in names:
        await made.commit([put(name, b"x")], epoch=1, actor="ada")
    end = (await made.head()).mark
    made.close()
    return end


@pytest.fixture
async def set_aside(tmp_path: Path) -> tuple[Path, Path, Mark]:
    """Where the database belongs, where one with two records was set aside, and where its log ends."""
    file = tmp_path / "region.db"
    end = await regions_file(file, "one", "two")
    folder = aside.order(file, SystemClock())
    aside.carry_out(file)
    return file, file.with_name(folder) / file.name, end


async def test_what_was_set_aside_is_put_back_in_the_place_of_what_it_continues(set_aside: tuple[Path, Path, Mark]) -> None:
    file, there, end = set_aside
    await regions_file(file)
    restarts: list[str] = []
    setting_aside = SettingAside(file, lambda: restarts.append("again"), SystemClock())
    assert await setting_aside.kept([Mark(end.position, "another"), end]) == there.parent.name
    assert await setting_aside.kept([Mark(end.position, "another")]) is None
    replaced = await setting_aside.put_back(BEGINNING)
    assert restarts == ["again"] and there.exists() and aside.end_in(file) == BEGINNING
    again = SettingAside(file, lambda: None, SystemClock())
    assert aside.end_in(file) == end and not there.exists() and again.newest == max(replaced, there.parent.name)
    assert aside.end_in(file.with_name(replaced) / file.name) == BEGINNING, "what it replaced is kept"
    with pytest.raises(RepairFailed, match="no database was set aside here"):
        await again.put_back(end)


async def test_what_is_not_sound_or_does_not_continue_is_not_put_back(set_aside: tuple[Path, Path, Mark]) -> None:
    file, there, end = set_aside
    forked = await regions_file(file, "another")
    setting_aside = SettingAside(file, lambda: None, SystemClock())
    for unfit in (forked, end):
        with pytest.raises(RepairFailed, match="sound and goes on from what this region has by now; nothing was changed"):
            await setting_aside.put_back(unfit)
    data = bytearray(there.read_bytes())
    data[PAGE * 3 : PAGE * 4] = b"\x55" * PAGE
    there.write_bytes(data)
    assert not aside.is_sound(there)
    with pytest.raises(RepairFailed):
        await setting_aside.put_back(BEGINNING)
    assert await setting_aside.kept([end]) is None and aside.end_in(file) == forked


async def test_another_deployments_database_is_not_put_back(set_aside: tuple[Path, Path, Mark]) -> None:
    file, there, _ = set_aside
    await regions_file(file)
    with closing(sqlite3.connect(there)) as db:
        db.execute(BELONGS)
        db.execute("INSERT OR REPLACE INTO belongs VALUES (1, 'another deployment')")
        db.commit()
    with pytest.raises(RepairFailed, match="no database was set aside here"):
        await SettingAside(file, lambda: None, SystemClock()).put_back(BEGINNING)


async def test_a_database_that_is_held_is_replaced_by_none(set_aside: tuple[Path, Path, Mark]) -> None:
    file, _, _ = set_aside
    await regions_file(file)
    aside.hold(file, "claim")
    with pytest.raises(RepairFailed, match="the other region is copied from this one"):
        await SettingAside(file, lambda: None, SystemClock()).put_back(BEGINNING)
    assert not file.with_name(aside.PUT_BACK).exists()


async def test_what_was_written_meanwhile_is_not_replaced(set_aside: tuple[Path, Path, Mark]) -> None:
    file, there, _ = set_aside
    aside.order_put_back(file, there.parent.name, SystemClock())
    end = await regions_file(file, "meanwhile")
    aside.carry_out(file)
    assert aside.end_in(file) == end and there.exists()
    assert not file.with_name(aside.PUT_BACK).exists() and not file.with_name(aside.ORDER).exists()


@pytest.mark.parametrize("moved", [0, 1, 2])
async def test_whoever_is_killed_while_one_is_put_back_goes_on_at_the_next_start(set_aside: tuple[Path, Path, Mark], moved: int) -> None:
    file, there, end = set_aside
    there.with_name("region.db-wal").write_bytes(b"")
    await regions_file(file)
    aside.order_put_back(file, there.parent.name, SystemClock())
    if moved:
        aside.move_away(file)
    if moved > 1:
        there.rename(file)
    aside.carry_out(file)
    assert aside.end_in(file) == end and list(there.parent.iterdir()) == []
    assert not file.with_name(aside.PUT_BACK).exists()


async def test_where_a_damaged_log_ends_is_known_if_that_page_can_be_read(records: SqliteRecords, tmp_path: Path) -> None:
    end = (await records.head()).mark
    records.close()
    assert end.position == Position(1, 10_000) and aside.end_in(tmp_path / "region.db") == end
    (tmp_path / "region.db").write_bytes(b"not a database at all" * 1000)
    assert aside.end_in(tmp_path / "region.db") is None


# A region's process


def configured(folder: Path) -> PartConfig:
    """The primary of a deployment that was founded a moment ago."""
    data = DataFolder(folder)
    folder.mkdir()
    kept = data.keep(SystemClock(), "us-east-1", "ap-northeast-1")
    return plan(kept, folder, 20_000)[1]["primary"]


async def test_a_region_that_has_been_told_nothing_yet_does_not_say_that_anything_is_missing(tmp_path: Path) -> None:
    app = application_of(configured(tmp_path / "data"), Settings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://region") as http:
        said = (await http.get("/readyz")).json()
    waits = "waits for the authority to confirm the state; reads are served, writes are not"
    assert said["reasons"] == [waits, "replication: has not heard from the other region yet"]


@asynccontextmanager
async def other_region(config: PartConfig) -> AsyncIterator[None]:
    """At the other end of the line: sound, and held for `claim`."""
    body = b'{"end": [1, 5, ""], "problem": null, "set_aside": null, "held_for": "claim"}'

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    assert config.peer is not None
    port = int(config.peer.rpartition(":")[2])
    async with await asyncio.start_server(answer, "127.0.0.1", port):
        yield


async def test_a_region_with_a_damaged_database_starts_says_so_and_begins_again_without_it(tmp_path: Path) -> None:
    config, restarts = configured(tmp_path / "data"), list[str]()
    config.folder.mkdir()
    (config.folder / "region.db").write_bytes(b"not a database at all" * 1000)

    def started() -> httpx.AsyncClient:
        app = application_of(config, Settings(), restart=lambda: restarts.append("again"))
        headers = {"Authorization": f"Bearer {config.deployment.bearer(REGION_PURPOSE)}"}
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://region", headers=headers)

    async with started() as http:
        ready, read = await http.get("/readyz"), await http.get(f"/state/{config.deployment.app_id}")
        assert ready.status_code == 503 and "multiregion repair primary" in ready.json()["reasons"][0]
        assert (read.status_code, read.json()["code"], (await http.get("/healthz")).status_code) == (503, "database_damaged", 200)
        signing_in = await http.post("/", headers={"X-Amz-Target": "AWSCognitoIdentityProviderService.AdminCreateUser"})
        assert (signing_in.status_code, signing_in.json()["__type"]) == (503, "ServiceUnavailableException")
        assert signing_in.json()["message"] == read.json()["detail"]
        damage = (await http.get("/internal/damage")).json()
        assert damage == {"end": None, "problem": ready.json()["reasons"][0], "set_aside": None, "held_for": None}
        assert (await http.post("/internal/set-aside", headers={"Authorization": ""})).status_code == 401
        for path in ("/internal/check-source", "/internal/set-aside"):
            refused = await http.post(path, json="claim")
            assert (refused.status_code, refused.json()["code"]) == (409, "repair_failed")
            assert "the other region does not answer over the line" in refused.json()["detail"]
        assert (await http.post("/internal/hold", json="claim")).status_code == 409, "it is no source"
        assert restarts == [] and list(config.folder.glob("set-aside*")) == []
        async with other_region(config):
            assert (await http.post("/internal/set-aside", json="another")).status_code == 409 and restarts == []
            kept = (await http.post("/internal/set-aside", json="claim")).json()
    assert restarts == ["again"]
    async with started() as http:
        damage = (await http.get("/internal/damage")).json()
        assert damage == {"end": [0, 0, ""], "problem": None, "set_aside": kept, "held_for": None}
        assert "not whole itself" in (await http.post("/internal/hold", json="claim")).json()["detail"]
        reasons = (await http.get("/readyz")).json()["reasons"]
        assert "copies everything from the other region" in reasons
    assert (config.folder / kept / "region.db").exists()


def test_a_repair_whose_order_a_full_disk_does_not_take_says_so(tmp_path: Path) -> None:
    database, draft = tmp_path / "region.db", tmp_path / f"{aside.ORDER}.draft"
    draft.symlink_to("/dev/full")
    with pytest.raises(DiskFull, match="the disk is full"):
        aside.order(database, SystemClock())
    assert not draft.is_symlink() and aside.order(database, SystemClock()) == (tmp_path / aside.ORDER).read_text()
