"""What a store says of the histories of its records: where two logs have parted, and what a deletion leaves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from multiregion.chains import linked
from multiregion.clock import SystemClock
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import Conflict, LogSpoiled
from multiregion.replication import Frame, frames
from multiregion.states import FIRST, Role, RoutingState, State
from multiregion.stores import BEGINNING, START, Change, Key, Mark, Position, Write, level
from tests.contract.test_logged_records import SUNRISE, copy, primary, put, secondary
from tests.undone import not_replicated

__all__ = ["primary", "secondary"]


async def test_a_change_of_another_history_is_not_taken_for_the_one_that_is_there(primary: SqliteRecords, secondary: SqliteRecords) -> None:
    """It led for a moment while its stream went on: what comes next would follow upon a change that nobody else has."""
    await primary.commit([put("a")], epoch=1, actor="ada")
    await copy(primary, secondary)
    there = RoutingState(State.FAILOVER, 2, Role.SECONDARY, writable=True)
    back = RoutingState(State.ACTIVE, 3, Role.PRIMARY)
    await secondary.admit(there)
    await secondary.commit([put("b", b"only here")], epoch=2, actor="bob")
    for region in (primary, secondary):
        await region.admit(back)
    await primary.commit([put("b", b"1")], epoch=3, actor="ada")
    await primary.commit([put("c")], epoch=3, actor="ada")
    before, changes = await secondary.head(), primary.changes(Position(1, 1), limit=10)
    for sent in (changes, changes[:1]):
        with pytest.raises(Conflict, match="another change in its place"):
            await secondary.apply(sent, epoch=3)
    assert await secondary.head() == before
    await secondary.rewind(Position(1, 1), explain=not_replicated("test"))
    assert await secondary.apply(changes, epoch=3) == await primary.head()


async def test_a_tombstone_has_a_version(primary: SqliteRecords) -> None:
    assert await primary.version(SUNRISE) is None
    assert await primary.commit([put("sunrise")], epoch=1, actor="ada") == await primary.version(SUNRISE)
    deleted = await primary.commit([Write(SUNRISE, None)], epoch=1, actor="ada")
    assert await primary.get(SUNRISE) is None and await primary.version(SUNRISE) == deleted


# Equal positions are not equal histories


@pytest.fixture
async def parted(primary: SqliteRecords, secondary: SqliteRecords) -> tuple[SqliteRecords, SqliteRecords]:
    """Two logs that agree up to 1.1, and have other changes at 1.2: the secondary's comes of another primary."""
    await primary.commit([put("a")], epoch=1, actor="ada")
    await copy(primary, secondary)
    before = (await secondary.head()).mark
    other = Change(Position(1, 2), put("b", b"other"), "ada", 0.0, 9)
    await secondary.apply([replace(other, chain=linked(before.chain, other))], epoch=1)
    await primary.commit([put("b", b"1")], epoch=1, actor="ada")
    assert (await primary.head()).position == (await secondary.head()).position == Position(1, 2)
    return primary, secondary


async def test_following_from_an_equal_position_of_another_chain_is_refused(parted: tuple[SqliteRecords, SqliteRecords]) -> None:
    primary, secondary = parted
    with pytest.raises(Conflict, match="not in this region's log"):
        primary.changes(Position(1, 2), limit=10, chain=(await secondary.head()).chain)
    assert primary.changes(Position(1, 2), limit=10, chain=(await primary.head()).chain) == []
    with pytest.raises(Conflict):
        await anext(frames_after_the_first(primary, (await secondary.head()).mark))


async def test_a_change_upon_another_chain_is_not_applied(parted: tuple[SqliteRecords, SqliteRecords]) -> None:
    primary, secondary = parted
    await primary.commit([put("c")], epoch=1, actor="ada")
    before = await secondary.head()
    with pytest.raises(LogSpoiled, match="change 3 of epoch 1 in the other region's log is damaged there"):
        await secondary.apply(primary.changes(Position(1, 2), limit=10), epoch=1)
    with pytest.raises(Conflict, match="another change in its place"):
        await secondary.apply(primary.changes(Position(1, 1), limit=10), epoch=1)
    assert await secondary.head() == before


@pytest.mark.parametrize("what", ["value", "key", "order", "chain"])
async def test_a_change_that_is_not_what_its_chain_says_is_not_applied(primary: SqliteRecords, secondary: SqliteRecords, what: str) -> None:
    await primary.commit([put("a", b"1")], epoch=1, actor="ada")
    (change,) = primary.changes(START, limit=1)
    write = change.write
    spoilt = {
        "value": replace(change, write=replace(write, value=b"2")),
        "key": replace(change, write=replace(write, key=Key("photos", "b"))),
        "order": replace(change, write=replace(write, order="z")),
        "chain": replace(change, chain="0" * 32),
    }
    with pytest.raises(LogSpoiled):
        await secondary.apply([spoilt[what]], epoch=1)
    assert (await secondary.head()).position == START
    assert await secondary.apply([change], epoch=1) == await primary.head()


async def test_it_holds_a_mark_only_with_its_chain(parted: tuple[SqliteRecords, SqliteRecords]) -> None:
    primary, secondary = parted
    ours, theirs = (await primary.head()).mark, (await secondary.head()).mark
    assert await primary.holds(ours) and not await primary.holds(theirs)
    assert await primary.holds(BEGINNING)
    assert not await primary.holds(Mark(Position(1, 3), ours.chain))
    assert await primary.marks([0, 1, 2, 3]) == [None, (await secondary.marks([1]))[0], ours, None]


async def test_level_and_whole_are_told_by_the_chain(parted: tuple[SqliteRecords, SqliteRecords], tmp_path: Path) -> None:
    primary, secondary = parted
    assert not level(await primary.head(), await secondary.head())
    assert level(await primary.head(), await primary.head())
    copying = SqliteRecords(tmp_path / "copying.db", Role.SECONDARY, SystemClock(), guarded=True)
    await copying.admit(FIRST)
    await copying.apply(secondary.changes(START, limit=10), epoch=1)
    await copying.make_whole(await primary.head())
    assert not await copying.is_whole()
    await copying.make_whole(await secondary.head())
    assert await copying.is_whole()
    copying.close()


def frames_after_the_first(records: SqliteRecords, after: Mark) -> AsyncIterator[Frame]:
    async def later() -> AsyncIterator[Frame]:
        sent = frames(records, after, SystemClock(), heartbeat_seconds=0.01, changes=True)
        await anext(sent)
        async for frame in sent:
            yield frame

    return later()
