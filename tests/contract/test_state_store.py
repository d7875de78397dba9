"""What every implementation of `StateStore` promises."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from multiregion.clock import SystemClock
from multiregion.embedded.authority import SqliteState
from multiregion.errors import StaleEpoch
from multiregion.states import FIRST, State, move


@pytest.fixture
async def authority(tmp_path: Path) -> AsyncIterator[SqliteState]:
    store = SqliteState(tmp_path / "authority.db", SystemClock())
    await store.begin()
    yield store
    store.close()


async def test_the_first_state_is_active_and_beginning_again_changes_nothing(authority: SqliteState) -> None:
    await authority.begin()
    assert await authority.read() == FIRST
    assert [decision.reason for decision in await authority.history()] == ["deployed"]


async def test_compare_and_set_keeps_who_when_and_why(authority: SqliteState) -> None:
    fenced = move(FIRST, State.FENCED)
    assert await authority.replace(FIRST, fenced, actor="ada", reason="drill") == fenced == await authority.read()
    newest = (await authority.history())[0]
    assert (newest.state, newest.actor, newest.reason) == (fenced, "ada", "drill")


async def test_the_second_of_two_is_told_who_was_first(authority: SqliteState) -> None:
    await authority.replace(FIRST, move(FIRST, State.FENCED), actor="ada", reason="")
    with pytest.raises(StaleEpoch, match="ada changed the state to fenced"):
        await authority.replace(FIRST, move(FIRST, State.FAILOVER), actor="bob", reason="")
    assert (await authority.read()).state is State.FENCED


async def test_of_many_at_once_exactly_one_wins(authority: SqliteState) -> None:
    for _ in range(50):
        old = await authority.read()
        others = [state for state in State if state is not old.state]
        outcomes = await asyncio.gather(
            *(authority.replace(old, move(old, to), actor=to, reason="") for to in others), return_exceptions=True
        )
        assert sum(isinstance(outcome, StaleEpoch) for outcome in outcomes) == 1
        assert (await authority.read()).epoch == old.epoch + 1


async def test_history_survives_a_restart(authority: SqliteState, tmp_path: Path) -> None:
    await authority.replace(FIRST, move(FIRST, State.FENCED), actor="ada", reason="drill")
    authority.close()
    again = SqliteState(tmp_path / "authority.db", SystemClock())
    await again.begin()
    assert [decision.state.epoch for decision in await again.history()] == [2, 1]
    again.close()
