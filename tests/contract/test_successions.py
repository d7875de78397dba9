"""Whoever was away while the authority began a new history obeys it all the same, however much has been decided since."""

from dataclasses import replace
from pathlib import Path

from multiregion.clock import SystemClock
from multiregion.embedded.authority import SqliteState
from multiregion.embedded.records import SqliteRecords
from multiregion.states import Role, RoutingState, State, move


async def test_every_decision_of_a_history_names_those_before_it(tmp_path: Path) -> None:
    authority = SqliteState(tmp_path / "authority.db", SystemClock())
    first = await authority.found("store")
    assert first is not None
    recovered = await authority.replace(first, successor(first), actor="ada", reason="")
    await authority.replace(recovered, move(recovered, State.ACTIVE), actor="ada", reason="")
    newest = await authority.read()
    authority.close()
    assert newest.succeeds == (first.history,) and newest.supersedes(first)


async def test_a_region_tells_what_its_history_succeeds_after_a_restart_too(tmp_path: Path) -> None:
    first = RoutingState(State.ACTIVE, 1, Role.PRIMARY, history="first")
    for state in (first, successor(first)):
        records = SqliteRecords(tmp_path / "region.db", Role.PRIMARY, SystemClock())
        await records.admit(state)
        records.close()
    records = SqliteRecords(tmp_path / "region.db", Role.PRIMARY, SystemClock())
    admitted = await records.admitted()
    records.close()
    assert (admitted.history, admitted.succeeds) == ("second", ("first",))


def successor(state: RoutingState) -> RoutingState:
    return replace(state, state=State.FENCED, epoch=state.epoch + 10, history="second", succeeds=(state.history,))
