"""A byte that has changed inside a log: put back from the record or from the other region, and told where neither has it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import msgspec
import pytest

from multiregion.audit import Audit
from multiregion.clock import SystemClock
from multiregion.region import LoggedRegion
from multiregion.replication import Replicator
from multiregion.states import Role, State, move
from multiregion.stores import START, Key, Position, Write
from tests.undone import not_replicated
from tests.unit.links import FIRST, HEARTBEAT_SECONDS, Link, region
from tests.unit.manual_clock import ManualClock

FLIPS = {
    "value": "value = CAST(replace(CAST(value AS TEXT), 'sunrise', 'sunrisf') AS BLOB)",
    "id": "id = id || 'x'",
    "sort": "sort = sort || 'x'",
    "needs": "needs = '[\"x\"]'",
    "requires": "requires = '[]'",
    "chain": "chain = substr(chain, 2) || 'x'",
}
SPOILED = Position(1, 3)


async def founded_region(folder: Path, role: Role) -> LoggedRegion:
    made = region(folder / role, role)
    await made.records.admit(FIRST)
    return made


@pytest.fixture
async def primary(tmp_path: Path) -> LoggedRegion:
    """Five changes of five records, and a sixth of the second. All but the first require the first."""
    made = await founded_region(tmp_path, Role.PRIMARY)
    for number in (1, 2, 3, 4, 5, 2):
        requires = (Key("photos", "p1"),) if number > 1 else ()
        write = Write(Key("photos", f"p{number}"), b'{"caption": "sunrise"}', f"order {number}", requires=requires)
        await made.records.commit([write], epoch=None, actor="ada")
    return made


@asynccontextmanager
async def following(here: LoggedRegion, source: LoggedRegion) -> AsyncIterator[Replicator]:
    replicator = Replicator(here, Link(source), SystemClock(), heartbeat_seconds=HEARTBEAT_SECONDS)
    running = asyncio.ensure_future(replicator.run())
    yield replicator
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def copied(source: LoggedRegion, folder: Path) -> LoggedRegion:
    """A secondary with everything of it."""
    made = await founded_region(folder, Role.SECONDARY)
    async with following(made, source):
        await until_level(made, source)
    return made


async def until_level(one: LoggedRegion, other: LoggedRegion) -> None:
    async with asyncio.timeout(10):
        while await one.records.head() != await other.records.head():
            await asyncio.sleep(0.005)


def flip(folder: Path, what: str, sequence: int = SPOILED.sequence, role: Role = Role.PRIMARY) -> None:
    with closing(sqlite3.connect(folder / role / "region.db")) as db, db:
        assert db.execute(f"UPDATE change SET {FLIPS[what]} WHERE sequence = ?", (sequence,)).rowcount == 1


async def is_sound(one: LoggedRegion) -> bool:
    return (await one.records.spoiled(0, limit=100))[1] == []


async def test_a_sound_log_is_read_to_its_end_by_the_page(primary: LoggedRegion, tmp_path: Path) -> None:
    assert [await primary.records.spoiled(after, limit=4) for after in (0, 4, 6)] == [(4, []), (6, []), (6, [])]
    assert await Audit(primary.records, Link(await copied(primary, tmp_path)), SystemClock()).run() == []


@pytest.mark.parametrize("what", FLIPS)
async def test_what_has_changed_is_put_back(primary: LoggedRegion, tmp_path: Path, what: str) -> None:
    secondary = await copied(primary, tmp_path)
    flip(tmp_path, what)
    assert SPOILED in (await primary.records.spoiled(0, limit=100))[1]
    audit = Audit(primary.records, Link(secondary), SystemClock())
    assert await audit.run() == [] == list(audit.spoiled) and await is_sound(primary)
    (tmp_path / "again").mkdir()
    again = await copied(primary, tmp_path / "again")
    assert await again.records.head() == await secondary.records.head()


async def test_the_last_entry_is_put_back_too(primary: LoggedRegion, tmp_path: Path) -> None:
    secondary = await copied(primary, tmp_path)
    flip(tmp_path, "chain", 6)
    assert await Audit(primary.records, Link(secondary), SystemClock()).run() == [] and await is_sound(primary)


async def test_one_that_nobody_has_copied_yet_is_put_back_from_its_record_as_it_is_sent(primary: LoggedRegion, tmp_path: Path) -> None:
    flip(tmp_path, "value")
    secondary = await copied(primary, tmp_path)
    record = await secondary.records.get(Key("photos", "p3"))
    assert record is not None and b"sunrise" in (record.value or b"") and await is_sound(primary)


async def test_one_that_no_region_has_whole_is_told_and_nothing_wrong_is_copied(primary: LoggedRegion, tmp_path: Path) -> None:
    flip(tmp_path, "value", sequence=2)  # its record has been written again since
    secondary = await founded_region(tmp_path, Role.SECONDARY)
    audit = Audit(primary.records, Link(secondary), SystemClock())
    async with following(secondary, primary) as replicator, asyncio.timeout(10):
        while "change 2 of epoch 1 in the other region's log is damaged" not in (replicator.problem or ""):
            await asyncio.sleep(0.005)
    assert (await secondary.records.head()).position == START, "a frame is applied whole"
    assert await audit.run() == [Position(1, 2)] == list(audit.spoiled)
    another = primary.records.changes(START, limit=10)[3]
    assert not await primary.records.put_back(Position(1, 2), another)


@pytest.mark.parametrize("column", ["value = CAST('{}' AS BLOB)", "sort = 'elsewhere'"])
async def test_a_record_is_put_back_from_the_entry_that_wrote_it(primary: LoggedRegion, tmp_path: Path, column: str) -> None:
    secondary = await copied(primary, tmp_path)
    with closing(sqlite3.connect(tmp_path / Role.PRIMARY / "region.db")) as db, db:
        assert db.execute(f"UPDATE record SET {column} WHERE id = 'p3'").rowcount == 1
    assert (await primary.records.spoiled(0, limit=100))[1] == [SPOILED]
    assert await Audit(primary.records, Link(secondary), SystemClock()).run() == [] and await is_sound(primary)
    assert await primary.records.get(Key("photos", "p3")) == await secondary.records.get(Key("photos", "p3"))


async def test_one_that_the_other_region_alone_has_whole_is_put_back_with_its_record_as_soon_as_that_region_answers(
    primary: LoggedRegion, tmp_path: Path
) -> None:
    """One byte, in the entry and in the record that it wrote, while the other region is down."""
    link = Link(await copied(primary, tmp_path))
    flip(tmp_path, "value")
    with closing(sqlite3.connect(tmp_path / Role.PRIMARY / "region.db")) as db, db:
        assert db.execute(f"UPDATE record SET {FLIPS['value']} WHERE id = 'p3'").rowcount == 1
    audit = Audit(primary.records, link, ManualClock())
    link.up = False
    assert await audit.run() == [SPOILED] == list(audit.spoiled)
    link.up = True
    await audit.watch_spoiled()
    assert audit.spoiled == [] and await is_sound(primary)
    assert await primary.records.get(Key("photos", "p3")) == await link.source.records.get(Key("photos", "p3"))


@pytest.mark.parametrize("ends", ["put back", "undone"])
async def test_an_entry_that_was_put_back_as_it_was_copied_or_undone_is_told_no_longer(
    primary: LoggedRegion, tmp_path: Path, ends: str
) -> None:
    clock = ManualClock()
    flip(tmp_path, "value", sequence=2)  # its record has been written again since
    whole = primary.records.changes(START, limit=10)[1]
    whole = msgspec.structs.replace(whole, write=msgspec.structs.replace(whole.write, value=b'{"caption": "sunrise"}'))
    audit = Audit(primary.records, Link(await founded_region(tmp_path, Role.SECONDARY)), clock)
    assert await audit.run() == [Position(1, 2)]
    await audit.watch_spoiled()
    assert audit.spoiled == [Position(1, 2)], "it is still so"
    if ends == "put back":
        assert await primary.records.put_back(Position(1, 2), whole)
    else:
        await primary.records.admit(move(FIRST, State.FAILOVER, writable=True, region_lost=True))
        await primary.records.rewind(Position(1, 1), explain=not_replicated("test"))
    began = clock.elapsed
    await audit.watch_spoiled()
    assert audit.spoiled == [] and clock.elapsed - began < 60
