"""What a store says of the histories of its records: where two logs have parted, and what a deletion leaves."""

import pytest

from multiregion.embedded.records import SqliteRecords
from multiregion.errors import Conflict
from multiregion.logs import not_replicated
from multiregion.states import Role, RoutingState, State
from multiregion.stores import Position, Write
from tests.contract.test_logged_records import SUNRISE, copy, primary, put, secondary

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
