"""What every implementation of `StateStore` promises."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from multiregion.clock import SystemClock
from multiregion.embedded.authority import SqliteState
from multiregion.errors import StaleEpoch
from multiregion.states import FIRST, State, move
from tests.contract.backends import Backend, ClosingState


@pytest.fixture
async def authority(backend: Backend) -> ClosingState:
    store = await backend.state()
    await store.begin()
    return store


async def test_the_first_state_is_active_and_beginning_again_changes_nothing(authority: ClosingState) -> None:
    first = await authority.read()
    assert replace(first, history="") == FIRST
    await authority.begin()
    assert await authority.read() == first
    assert [decision.reason for decision in await authority.history()] == ["deployed"]


async def test_compare_and_set_keeps_who_when_and_why(authority: ClosingState) -> None:
    first = await authority.read()
    fenced = move(first, State.FENCED)
    assert await authority.replace(first, fenced, actor="ada", reason="drill") == fenced == await authority.read()
    newest = (await authority.history())[0]
    assert (newest.state, newest.actor, newest.reason) == (fenced, "ada", "drill")


async def test_the_second_of_two_is_told_who_was_first(authority: ClosingState) -> None:
    first = await authority.read()
    await authority.replace(first, move(first, State.FENCED), actor="ada", reason="")
    with pytest.raises(StaleEpoch, match="ada changed the state to fenced"):
        await authority.replace(first, move(first, State.FAILOVER), actor="bob", reason="")
    assert (await authority.read()).state is State.FENCED


async def test_of_many_at_once_exactly_one_wins(authority: ClosingState) -> None:
    for _ in range(10):
        old = await authority.read()
        others = [state for state in State if state is not old.state]
        outcomes = await asyncio.gather(
            *(authority.replace(old, move(old, to), actor=to, reason="") for to in others), return_exceptions=True
        )
        assert sum(isinstance(outcome, StaleEpoch) for outcome in outcomes) == 1
        assert (await authority.read()).epoch == old.epoch + 1


async def test_history_survives_a_restart(authority: ClosingState, backend: Backend) -> None:
    first = await authority.read()
    await authority.replace(first, move(first, State.FENCED), actor="ada", reason="drill")
    authority.close()
    again = await backend.state()
    await again.begin()
    assert [decision.state.epoch for decision in await again.history()] == [2, 1]


async def test_a_note_changes_no_state_and_is_found_by_what_it_is_about(authority: ClosingState) -> None:
    first = await authority.read()
    await authority.replace(first, move(first, State.FENCED), actor="ada", reason="drill", facts={"watermark": 7})
    await authority.note("automatic", actor="bob", reason="paused", facts={"since": 1.5})
    assert (await authority.read()).state is State.FENCED
    assert [decision.what for decision in await authority.history()] == ["automatic", "state", "state"]
    assert [decision.reason for decision in await authority.history(about="automatic")] == ["paused"]
    assert [dict(decision.facts) for decision in await authority.history(about="bob")] == [{"since": 1.5}]
    assert [dict(decision.facts) for decision in await authority.history(1, about="state")] == [{"watermark": 7}]


async def test_notes_at_the_same_moment_are_all_kept_and_hinder_no_change(authority: ClosingState) -> None:
    first = await authority.read()
    notes = [authority.note("automatic", actor=f"n{number}", reason="", facts={}) for number in range(5)]
    await asyncio.gather(*notes, authority.replace(first, move(first, State.FENCED), actor="ada", reason=""))
    assert len(await authority.history()) == 7 and (await authority.read()).epoch == 2


async def test_the_history_for_people_has_each_decision_once(authority: ClosingState) -> None:
    first = await authority.read()
    await authority.replace(first, move(first, State.FENCED), actor="ada", reason="drill")
    for reason in ("paused", "paused", "resumed"):
        await authority.note("automatic", actor="ada", reason=reason, facts={})
    told = await authority.entries(4)
    assert [(entry.decision.reason, entry.count) for entry in told] == [("resumed", 1), ("paused", 1), ("paused", 1), ("drill", 1)]


async def test_losses_decided_about_in_a_row_are_one_entry_with_their_true_number_and_hide_nothing(tmp_path: Path) -> None:
    authority = SqliteState(tmp_path / "authority.db", SystemClock())
    try:
        assert await authority.entries(5) == []
        first = await authority.found("a store")
        assert first is not None
        await authority.replace(first, move(first, State.FENCED), actor="ada", reason="drill")
        for actor, reason, times in (("ada", "discarded", 1), ("ada", "applied", 60), ("bob", "applied", 2)):
            for number in range(times):
                await authority.note("loss", actor=actor, reason=reason, facts={"record": f"photos/{number}"})
        await authority.note("automatic", actor="bob", reason="paused", facts={})
        await authority.note("loss", actor="bob", reason="applied", facts={"record": "photos/last"})
        told = [(entry.decision.what, entry.decision.actor, entry.count) for entry in await authority.entries(50)]
        parts = [("loss", "bob", 1), ("automatic", "bob", 1), ("loss", "bob", 2), ("loss", "ada", 60), ("loss", "ada", 1)]
        assert told == [*parts, ("state", "ada", 1), ("state", "multiregion", 1)]
        assert [entry.count for entry in await authority.entries(4)] == [1, 1, 2, 60], "the last one is counted to its end"
        assert (await authority.entries(4))[3].decision.facts == {"record": "photos/59"}
    finally:
        authority.close()
