"""The fence where time matters: what waits for its turn when the fence is heard is refused, and a fence is never taken back."""

import asyncio
import threading
from pathlib import Path

import pytest

from multiregion.clock import SystemClock
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import Fenced, NotReady
from multiregion.states import FIRST, Role, RoutingState, State, move
from multiregion.stores import START, Key, Position, Write

FENCED = move(FIRST, State.FENCED)


async def test_a_fence_counts_for_writes_that_were_waiting_when_it_was_heard(tmp_path: Path) -> None:
    records = SqliteRecords(tmp_path / "region.db", Role.PRIMARY, SystemClock())
    await records.admit(FIRST)
    going_on = threading.Event()
    busy = asyncio.ensure_future(records._writer.run(lambda session: going_on.wait(10)))
    await asyncio.sleep(0.05)  # the writer has taken that job, and what follows waits behind it
    write = asyncio.ensure_future(records.commit([Write(Key("photos", "sunrise"), b"{}")], epoch=None, actor="ada"))
    await asyncio.sleep(0)
    fence = asyncio.ensure_future(records.admit(FENCED))
    await asyncio.sleep(0)
    going_on.set()
    with pytest.raises(Fenced):
        await write
    assert await fence == FENCED and await busy
    assert records.changes(START, limit=10) == []
    records.close()


async def test_a_write_that_overtakes_a_new_epoch_on_its_way_to_the_disk_is_logged_under_it(tmp_path: Path) -> None:
    """Decided under the new epoch and logged under the old one, it could stand where the other region has written something else."""
    records = SqliteRecords(tmp_path / "region.db", Role.PRIMARY, SystemClock())
    await records.admit(FIRST)
    going_on = threading.Event()
    busy = asyncio.ensure_future(records._writer.run(lambda session: going_on.wait(10)))
    await asyncio.sleep(0.05)  # the writer has taken that job, and what follows waits behind it
    write = asyncio.ensure_future(records.commit([Write(Key("photos", "sunrise"), b"{}")], epoch=None, actor="ada"))
    await asyncio.sleep(0)
    later = RoutingState(State.ACTIVE, 3, Role.PRIMARY)
    admitted = asyncio.ensure_future(records.admit(later))
    await asyncio.sleep(0)
    going_on.set()
    assert await write == Position(3, 1) and await admitted == later and await busy
    records.close()


async def test_an_older_epoch_is_not_stored_either(tmp_path: Path) -> None:
    records = SqliteRecords(tmp_path / "region.db", Role.PRIMARY, SystemClock())
    await records.admit(FENCED)
    assert await records.admit(FIRST) == FENCED
    records.close()
    again = SqliteRecords(tmp_path / "region.db", Role.PRIMARY, SystemClock())
    assert await again.admitted() == FENCED
    again.close()


async def test_an_authority_that_knows_less_confirms_nothing(tmp_path: Path) -> None:
    records = SqliteRecords(tmp_path / "region.db", Role.PRIMARY, SystemClock())
    await records.admit(RoutingState(State.ACTIVE, 3, Role.PRIMARY))
    records.close()
    again = SqliteRecords(tmp_path / "region.db", Role.PRIMARY, SystemClock())
    await again.admit(FIRST)
    assert not again.confirmed
    with pytest.raises(NotReady):
        await again.commit([Write(Key("photos", "sunrise"), b"{}")], epoch=None, actor="ada")
    again.close()
