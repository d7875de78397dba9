"""What the authority does on a disk that is full, fails or does not answer: it decides nothing, says why, and knows what it heard."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from multiregion.embedded.authority import SqliteState
from multiregion.errors import CommitUnknown, DiskFailed, DiskFull
from multiregion.reports import Report
from multiregion.states import Role, RoutingState, State, move
from multiregion.stores import BEGINNING
from tests.contract.test_writing import Room, clock, no_file_can_be_written, room
from tests.unit.manual_clock import ManualClock

__all__ = ["clock", "room"]

SAID = Report("store", "", 0, BEGINNING, 0, whole=False)


@pytest.fixture
async def authority(tmp_path: Path, clock: ManualClock, room: Room) -> AsyncIterator[SqliteState]:
    room.renew()
    store = SqliteState(tmp_path / "authority.db", clock, reserve=room, slow_seconds=5.0)
    await store.found("store")
    await prove(store, clock)
    yield store
    store.close()


async def prove(authority: SqliteState, clock: ManualClock) -> None:
    clock.elapsed += 2.0
    await authority.prove_writing()


async def fence(authority: SqliteState, reason: str = "") -> RoutingState:
    state = await authority.read()
    return await authority.replace(state, move(state, State.FENCED), actor="ada", reason=reason)


def may_grow(authority: SqliteState, pages: int = 1_000_000) -> None:
    """With 0 pages it may not grow at all: a full disk, to SQLite."""
    authority._db.execute(f"PRAGMA max_page_count = {pages or authority._db.execute('PRAGMA page_count').fetchone()[0]}")


async def test_a_full_disk_is_found_out_and_the_reserve_has_room_for_decisions(
    authority: SqliteState, clock: ManualClock, room: Room, tmp_path: Path
) -> None:
    room.full, room.gives = True, lambda: may_grow(authority)
    may_grow(authority, 0)
    await prove(authority, clock)
    assert authority.writing().problem == "the disk is full"
    state = await fence(authority, "x" * 10_000)
    assert state.state is State.FENCED and await authority.read() == state
    assert not (tmp_path / "reserve").exists()
    assert authority.obstacle() is None
    with pytest.raises(DiskFull):
        await authority.report(Role.PRIMARY, SAID)
    room.full = False
    await prove(authority, clock)
    assert authority.writing().problem is None and room.kept
    await authority.report(Role.PRIMARY, SAID)


async def test_without_any_room_nothing_is_decided_and_it_is_said_why(authority: SqliteState, room: Room) -> None:
    before = await authority.read()
    room.full = True
    room.give_up()
    may_grow(authority, 0)
    with pytest.raises(DiskFull, match=r"the authority cannot write its state \(the disk is full\): nothing was decided") as refused:
        await fence(authority, "x" * 10_000)
    assert refused.value.definite and await authority.read() == before
    may_grow(authority)
    assert (await fence(authority)).state is State.FENCED


async def test_a_disk_that_fails_in_the_decision_leaves_the_outcome_open(authority: SqliteState, clock: ManualClock) -> None:
    before = await authority.read()
    with no_file_can_be_written():
        with pytest.raises(CommitUnknown, match=r"the authority cannot write its state .*whether this was decided is unknown"):
            await fence(authority)
        assert await authority.read() == before
        assert "cannot be written" in str(authority.obstacle())
    await prove(authority, clock)
    assert authority.obstacle() is None and (await fence(authority)).state is State.FENCED


async def test_a_disk_that_takes_no_decision_says_so(authority: SqliteState) -> None:
    authority._db.execute("PRAGMA query_only = on")
    with pytest.raises(DiskFailed, match="nothing was decided, and the regions go on as they are"):
        await authority.note("automatic", actor="ada", reason="paused", facts={})
    authority._db.execute("PRAGMA query_only = off")
    await authority.note("automatic", actor="ada", reason="paused", facts={})


async def test_it_is_tried_though_nothing_is_decided(authority: SqliteState, clock: ManualClock) -> None:
    with no_file_can_be_written():
        await prove(authority, clock)
    assert authority.writing().condition == "failing"
    await prove(authority, clock)
    assert authority.writing().problem is None


async def test_behind_a_write_that_does_not_end_a_decision_is_refused_at_once(
    authority: SqliteState, clock: ManualClock, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "authority.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.ensure_future(authority.report(Role.PRIMARY, SAID))
        while authority._meter.quiet_seconds() is not None:
            await asyncio.sleep(0.001)
        clock.elapsed += 6.0
        with pytest.raises(DiskFailed, match="does not answer"):
            await fence(authority)
        other.execute("ROLLBACK")
    await waiting


async def test_what_a_region_said_is_known_though_it_could_not_be_stored(authority: SqliteState, clock: ManualClock) -> None:
    await authority.report(Role.PRIMARY, SAID)
    clock.elapsed += 30.0
    later = replace(SAID, whole=True)
    with no_file_can_be_written(), pytest.raises(CommitUnknown):
        await authority.report(Role.PRIMARY, later)
    assert (await authority.reports())[Role.PRIMARY] == later
    assert authority.seconds_since(Role.PRIMARY) == 0.0
    await authority.report(Role.PRIMARY, later)
    row = authority._reading.execute("SELECT body FROM report WHERE role = 'primary'").fetchone()
    assert b'"whole":true' in row[0], "it is stored as soon as that is possible"
