"""The fence where time matters: what waits for its turn when the fence is heard is refused, and a fence is never taken back."""

import asyncio
import threading
from pathlib import Path

import pytest

from multiregion.clock import SystemClock
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import Fenced, NotReady, Refused
from multiregion.states import FIRST, Role, RoutingState, State, move
from multiregion.stores import START, Key, Position, Write
from tests.contract.backends import Backend

FENCED = move(FIRST, State.FENCED)
SUNRISE = Write(Key("photos", "sunrise"), b"{}")


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


async def test_an_older_epoch_is_not_stored_either(backend: Backend) -> None:
    records = await backend.records()
    await records.admit(FENCED)
    assert await records.admit(FIRST) == FENCED
    records.close()
    assert await (await backend.records()).admitted() == FENCED


async def test_an_authority_that_knows_less_confirms_nothing(backend: Backend) -> None:
    records = await backend.records()
    await records.admit(RoutingState(State.ACTIVE, 3, Role.PRIMARY))
    records.close()
    again = await backend.records()
    await again.admit(FIRST)
    assert not again.confirmed
    with pytest.raises(NotReady):
        await again.commit([SUNRISE], epoch=None, actor="ada")


async def test_what_is_heard_again_and_again_changes_nothing(backend: Backend) -> None:
    records = await backend.records()
    for _ in range(3):
        assert await records.admit(FIRST) == FIRST
    await records.commit([SUNRISE], epoch=1, actor="ada")
    assert await records.admit(FENCED) == FENCED == await records.admit(FENCED)
    with pytest.raises(Fenced):
        await records.commit([SUNRISE], epoch=None, actor="ada")


async def test_writes_and_a_fence_at_the_same_moment_leave_nothing_accepted_after_it(backend: Backend) -> None:
    """Whatever is told to have been written is there, nothing else is, and nothing is accepted once the fence was confirmed."""
    records = await backend.records()
    await records.admit(FIRST)
    writes = [Write(Key("photos", f"p{n:02}"), b"{}") for n in range(24)]
    under_way = [asyncio.ensure_future(records.commit([write], epoch=1, actor="ada")) for write in writes]
    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    await records.admit(FENCED)
    accepted = {record.key.id for record in (await records.query("photos"))[0]}
    outcomes = await asyncio.gather(*under_way, return_exceptions=True)
    told = {write.key.id for write, outcome in zip(writes, outcomes, strict=True) if isinstance(outcome, Position)}
    assert all(isinstance(outcome, Position | Refused) for outcome in outcomes)
    assert told == accepted == {record.key.id for record in (await records.query("photos"))[0]}
