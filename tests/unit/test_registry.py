"""The authority's side of founding, reports and new epochs, over its real store."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as altered

from multiregion import states
from multiregion.embedded.authority import SqliteState
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import NotReady, StaleEpoch
from multiregion.registry import founded_upon, known_of, note_report, resumed
from multiregion.reports import ACCEPTED, Leadership, Report
from multiregion.states import UNFOUNDED, Role, State, move
from multiregion.stores import BEGINNING, Key, Mark, Position, Write
from tests.unit.manual_clock import ManualClock

EMPTY = Report("store", "", 0, BEGINNING, 0, whole=False)
END = Mark(Position(1, 9), "c" * 32)


@pytest.fixture
async def authority(tmp_path: Path) -> AsyncIterator[SqliteState]:
    store = SqliteState(tmp_path / "authority.db", ManualClock())
    yield store
    store.close()


async def found(authority: SqliteState) -> states.RoutingState:
    for role in Role:
        await note_report(authority, authority, role, EMPTY)
    state = await founded_upon(authority, authority, "store")
    assert state is not None
    return state


# Founding


async def test_before_it_is_founded_nothing_has_been_decided(authority: SqliteState) -> None:
    assert await authority.read() == UNFOUNDED and await authority.history() == []
    assert await authority.leadership() == Leadership(0, BEGINNING)


async def test_it_is_founded_once_both_regions_have_said_that_they_are_empty(authority: SqliteState) -> None:
    for role in Role:
        with pytest.raises(NotReady, match="that they are empty"):
            await founded_upon(authority, authority, "store")
        await note_report(authority, authority, role, EMPTY)
    state = await founded_upon(authority, authority, "store")
    assert state is not None and replace(state, history="") == states.FIRST and state.history
    assert await authority.read() == state
    assert await authority.leadership() == Leadership(1, BEGINNING)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("had", [altered(EMPTY, history="h"), altered(EMPTY, end=END)])
async def test_a_region_that_has_something_is_not_empty(authority: SqliteState, role: Role, had: Report) -> None:
    await note_report(authority, authority, role, had)
    await note_report(authority, authority, role.other, EMPTY)
    with pytest.raises(NotReady):
        await founded_upon(authority, authority, "store")
    assert await authority.read() == UNFOUNDED


@pytest.mark.parametrize("had", [altered(EMPTY, history="h"), altered(EMPTY, end=END)])
async def test_an_empty_file_does_not_speak_for_what_the_region_had_before_an_authority_lost_its_history(
    authority: SqliteState, had: Report
) -> None:
    await note_report(authority, authority, Role.PRIMARY, had)
    await note_report(authority, authority, Role.PRIMARY, altered(EMPTY, store="begun again"))
    known = await known_of(authority, authority, Role.PRIMARY)
    assert (known.ends[Role.PRIMARY], known.stores[Role.PRIMARY]) == (had.end, had.store)
    await note_report(authority, authority, Role.SECONDARY, EMPTY)
    with pytest.raises(NotReady):
        await founded_upon(authority, authority, "begun again")


async def test_what_an_older_copy_of_its_file_says_founds_nothing(authority: SqliteState, tmp_path: Path) -> None:
    """The copy is from before the founding, and the region that has everything is silent."""
    for role in Role:
        await note_report(authority, authority, role, EMPTY)
    authority.close()
    restored = SqliteState(tmp_path / "authority.db", ManualClock())
    for role in Role:
        with pytest.raises(NotReady):
            await founded_upon(restored, restored, "another")
        await note_report(restored, restored, role, EMPTY)
    assert await founded_upon(restored, restored, "another") is not None
    restored.close()


async def test_the_same_file_gets_the_same_answer_for_ever_and_any_other_none(authority: SqliteState) -> None:
    first = await found(authority)
    assert await founded_upon(authority, authority, "store") == first
    assert await founded_upon(authority, authority, "another") is None
    await authority.replace(first, move(first, State.FENCED), actor="ada", reason="")
    assert await founded_upon(authority, authority, "store") == first, "later, too"
    assert await founded_upon(authority, authority, "another") is None
    assert (await authority.read()).epoch == 2, "and nothing is decided by asking"


async def test_of_two_files_at_once_one_is_founded_upon(authority: SqliteState) -> None:
    for role in Role:
        await note_report(authority, authority, role, EMPTY)
    answers = [await authority.found(store) for store in ("one", "other", "one")]
    assert answers[0] == answers[2] is not None and answers[1] is None


async def test_a_recovered_authority_founds_nothing(authority: SqliteState) -> None:
    recovered = replace(UNFOUNDED, epoch=14, history="new", succeeds=("old",))
    await authority.replace(UNFOUNDED, recovered, actor="eve", reason="")
    for role in Role:
        await authority.report(role, EMPTY)
    assert await founded_upon(authority, authority, "store") is None


async def test_killed_between_the_founding_and_the_note_of_it_the_next_start_finishes_it(authority: SqliteState, tmp_path: Path) -> None:
    state = await found(authority)
    records = SqliteRecords(tmp_path / "region.db", Role.PRIMARY, ManualClock(), guarded=True)
    assert not await records.is_whole()
    records.close()
    again = SqliteRecords(tmp_path / "region.db", Role.PRIMARY, ManualClock(), guarded=True)
    assert again.store == records.store and not again.began_whole
    for _ in range(2):
        await again.found(state)
        assert await again.is_whole() and await again.admitted() == state
    again.close()


async def test_a_file_that_has_something_is_not_made_whole_by_the_founding(authority: SqliteState, tmp_path: Path) -> None:
    state = await found(authority)
    source = SqliteRecords(tmp_path / "source.db", Role.SECONDARY, ManualClock())
    await source.admit(replace(state, state=State.FAILOVER, leader=Role.SECONDARY, writable=True))
    await source.commit([Write(Key("photos", "p"), b"")], epoch=None, actor="ada")
    copying = SqliteRecords(tmp_path / "region.db", Role.PRIMARY, ManualClock(), guarded=True)
    await copying.apply(source.changes(Position(0, 0), limit=1), epoch=1)
    await copying.found(state)
    assert not await copying.is_whole()
    for records in (source, copying):
        records.close()


# Reports


async def test_a_file_without_history_does_not_overwrite_what_was_known(authority: SqliteState) -> None:
    state = await found(authority)
    said = Report("store", state.history, 1, END, 90, whole=True)
    await note_report(authority, authority, Role.PRIMARY, said)
    await note_report(authority, authority, Role.PRIMARY, altered(EMPTY, store="a new file"))
    assert (await authority.reports())[Role.PRIMARY] == said


async def test_what_was_reported_is_known_after_a_restart_and_its_age_is_never_too_short(tmp_path: Path) -> None:
    clock = ManualClock()
    authority = SqliteState(tmp_path / "authority.db", clock)
    state = await found(authority)
    said = Report("store", state.history, 1, END, 90, whole=True)
    await note_report(authority, authority, Role.PRIMARY, said)
    clock.elapsed += 3
    assert authority.seconds_since(Role.PRIMARY) == 3
    await note_report(authority, authority, Role.PRIMARY, said)
    assert authority.seconds_since(Role.PRIMARY) == 0, "the same word again is a new word"
    authority.close()
    clock.wall += 60
    again = SqliteState(tmp_path / "authority.db", clock)
    assert (await again.reports())[Role.PRIMARY] == said
    assert again.seconds_since(Role.PRIMARY) == 60
    clock.wall -= 3_600
    clock.elapsed += 5
    assert again.seconds_since(Role.PRIMARY) == 5, "a wall clock that was set back does not make it young"
    again.close()


async def test_of_a_region_that_never_reported_nothing_is_known(authority: SqliteState) -> None:
    assert authority.seconds_since(Role.SECONDARY) is None and await authority.reports() == {}


# New epochs


async def test_a_leader_resumes_under_a_new_epoch_from_where_its_log_ends(authority: SqliteState) -> None:
    first = await found(authority)
    state = await resumed(authority, Role.PRIMARY, first, END, "its log was proved")
    assert state == replace(first, epoch=2) == await authority.read()
    assert await authority.leadership() == Leadership(2, END, ((1, BEGINNING),))
    (newest,) = await authority.history(1)
    assert newest.reason == "its log was proved"
    fenced = move(state, State.FENCED)
    await authority.replace(state, fenced, actor="ada", reason="")
    assert await authority.leadership() == Leadership(2, END, ((1, BEGINNING),)), "the same leader leads on without a break"


async def test_only_the_leader_resumes_and_only_the_state_that_is_in_force(authority: SqliteState) -> None:
    first = await found(authority)
    with pytest.raises(StaleEpoch, match="secondary region does not lead"):
        await resumed(authority, Role.SECONDARY, first, END, "")
    await authority.replace(first, move(first, State.FENCED), actor="ada", reason="")
    with pytest.raises(StaleEpoch):
        await resumed(authority, Role.PRIMARY, first, END, "")
    assert (await authority.read()).epoch == 2


async def test_an_operators_word_counts_for_its_region_and_at_its_epoch(authority: SqliteState) -> None:
    first = await found(authority)
    assert not (await known_of(authority, authority, Role.PRIMARY)).accepted
    await authority.note(ACCEPTED, actor="eve", reason="", facts={"role": Role.PRIMARY, "beside": True})
    known = await known_of(authority, authority, Role.PRIMARY)
    assert known.given_up and not known.accepted
    await authority.note(ACCEPTED, actor="eve", reason="", facts={"role": Role.PRIMARY})
    assert (await known_of(authority, authority, Role.PRIMARY)).accepted and not (
        await known_of(authority, authority, Role.SECONDARY)
    ).accepted
    assert (await known_of(authority, authority, Role.PRIMARY)).accepted
    await resumed(authority, Role.PRIMARY, first, END, "")
    assert not (await known_of(authority, authority, Role.PRIMARY)).accepted
