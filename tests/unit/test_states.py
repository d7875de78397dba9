"""The states and the moves between them."""

import itertools
from dataclasses import replace

import pytest

from multiregion.errors import IllegalMove, InvalidInput
from multiregion.states import FIRST, UNFOUNDED, Role, RoutingState, State, move, parse_state

STATES = list(State)


@pytest.mark.parametrize("name", ["Active", "ACTIVE", "active ", "", "down", None, 1, True])
def test_a_state_is_one_of_three_in_exactly_this_case(name: object) -> None:
    with pytest.raises(InvalidInput, match="active, fenced, failover"):
        parse_state(name)


@pytest.mark.parametrize("state", STATES)
def test_the_three_states_are_read(state: State) -> None:
    assert parse_state(state.value) is state


@pytest.mark.parametrize(
    ("state", "serving", "writer"),
    [
        (RoutingState(State.ACTIVE, 1, Role.PRIMARY), Role.PRIMARY, Role.PRIMARY),
        (RoutingState(State.FENCED, 1, Role.PRIMARY), Role.PRIMARY, None),
        (RoutingState(State.FAILOVER, 1, Role.PRIMARY), Role.SECONDARY, None),
        (RoutingState(State.FAILOVER, 1, Role.SECONDARY, writable=True), Role.SECONDARY, Role.SECONDARY),
    ],
)
def test_where_each_state_points_and_who_writes(state: RoutingState, serving: Role, writer: Role | None) -> None:
    assert (state.serving, state.writer) == (serving, writer)


def test_any_state_may_follow_any_other_while_nobody_but_the_last_writer_writes() -> None:
    for path in itertools.permutations(STATES):
        state = FIRST
        for to in path:
            state = move(state, to)
            assert state.leader is Role.PRIMARY and state.writer in (None, Role.PRIMARY)
        assert state.epoch == FIRST.epoch + len(path)


def test_a_new_writer_needs_the_proof_that_the_old_log_is_drained() -> None:
    with pytest.raises(IllegalMove, match="has not been fenced and drained"):
        move(FIRST, State.FAILOVER, writable=True)
    moved = move(FIRST, State.FAILOVER, writable=True, drained=True)
    assert (moved.writer, moved.leader) == (Role.SECONDARY, Role.SECONDARY)
    with pytest.raises(IllegalMove):
        move(moved, State.ACTIVE)


def test_fencing_remembers_who_wrote_last() -> None:
    elsewhere = move(FIRST, State.FAILOVER, writable=True, drained=True)
    assert move(elsewhere, State.FENCED).leader is Role.SECONDARY


OLD, NEW = replace(FIRST, epoch=5, history="old"), replace(FIRST, epoch=3, history="new", succeeds=("older", "old"))


@pytest.mark.parametrize(
    ("state", "obeyed", "supersedes"),
    [
        (replace(OLD, epoch=6), OLD, True),
        (OLD, OLD, False),
        (replace(OLD, epoch=4), OLD, False),
        (NEW, OLD, True),
        (OLD, NEW, False),
        (replace(NEW, succeeds=("older",), epoch=99), OLD, False),
        (NEW, replace(OLD, history="older", epoch=1_000), True),
        (OLD, UNFOUNDED, True),
        (UNFOUNDED, UNFOUNDED, False),
        (UNFOUNDED, OLD, False),
        (FIRST, OLD, False),
    ],
)
def test_epochs_are_compared_within_one_history_and_another_counts_only_if_it_succeeds(
    state: RoutingState, obeyed: RoutingState, supersedes: bool
) -> None:
    assert state.supersedes(obeyed) is supersedes


def test_every_move_stays_in_its_history() -> None:
    assert move(NEW, State.FENCED).history == "new" and move(NEW, State.FENCED).succeeds == NEW.succeeds
