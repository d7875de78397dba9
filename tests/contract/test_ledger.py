"""The loss ledger of one region's store: a grow-only set, keyed by position and chain."""

import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as altered

from multiregion.chains import linked
from multiregion.clock import SystemClock
from multiregion.embedded.records import SqliteRecords
from multiregion.logs import BEYOND, CAUSES, DISK_LOST, FORKED, GAP, NOT_REPLICATED, OLDER_COPY, Loss, explanation
from multiregion.losses import named
from multiregion.reports import Leadership
from multiregion.states import Role, RoutingState, State
from multiregion.stores import BEGINNING, START, Change, Key, Mark, Position, Write
from tests.contract.test_logged_records import primary, put
from tests.undone import not_replicated

__all__ = ["primary"]

ELSEWHERE = RoutingState(State.FAILOVER, 2, Role.SECONDARY, writable=True)
WHEN = 1_700_000_000.0


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteRecords]:
    records = SqliteRecords(tmp_path / "secondary.db", Role.SECONDARY, SystemClock())
    yield records
    records.close()


def lost(sequence: int, chain: str = "c", *, id: str = "p", **more: Any) -> Loss:
    change = Change(Position(1, sequence), Write(Key("photos", id), b"value", "order"), "ada", WHEN, 9, chain)
    return replace(Loss(change, None, WHEN, Role.PRIMARY, NOT_REPLICATED, "why"), **more)


def without_revisions(losses: Sequence[Loss]) -> list[Loss]:
    return [replace(loss, revision=0) for loss in losses]


async def test_two_writes_that_got_the_same_position_are_two_losses(ledger: SqliteRecords) -> None:
    one, other = lost(7, "a", id="p"), lost(7, "b", id="q")
    await ledger.merge([one, other])
    await ledger.merge([other, one])
    assert without_revisions(await ledger.losses()) == [one, other]
    await ledger.settle(one.key, "discarded", actor="eve")
    assert [loss.outcome for loss in await ledger.losses()] == ["pending", "discarded"], "and each has its own outcome"


async def test_an_entry_comes_through_as_it_was_made(ledger: SqliteRecords) -> None:
    made = lost(7, replaced=Position(1, 3), outcome="applied", decided_by="eve", applied=Position(2, 9), cause=FORKED, reason="because")
    await ledger.merge([made])
    assert without_revisions(await ledger.losses()) == [made]


ORDERS = list(itertools.permutations(["pending", "discarded", "applied"]))


@pytest.mark.parametrize("order", ORDERS)
async def test_an_outcome_only_ever_leaves_pending_whatever_comes_first(ledger: SqliteRecords, order: Sequence[str]) -> None:
    for outcome in order:
        applied = Position(2, 9) if outcome == "applied" else None
        await ledger.merge([lost(7, outcome=outcome, decided_by=outcome, applied=applied)])
    (loss,) = await ledger.losses()
    assert (loss.outcome, loss.decided_by, loss.applied) == ("applied", "applied", Position(2, 9))


@pytest.mark.parametrize(("first", "then"), [("discarded", "discarded"), ("applied", "discarded"), ("applied", "applied")])
async def test_of_two_decisions_of_equal_weight_the_first_stays_and_applied_is_never_taken_back(
    ledger: SqliteRecords, first: str, then: str
) -> None:
    await ledger.merge([lost(7)])
    await ledger.settle(lost(7).key, first, actor="ada")
    await ledger.settle(lost(7).key, then, actor="bob")
    (loss,) = await ledger.losses()
    assert (loss.outcome, loss.decided_by) == (first, "ada")


async def test_what_is_new_or_changed_is_found_after_a_revision(ledger: SqliteRecords) -> None:
    await ledger.merge([lost(7), lost(8)])
    seen = (await ledger.losses())[-1].revision
    assert await ledger.losses(after=seen) == []
    await ledger.merge([lost(7), lost(8)])
    assert await ledger.losses(after=seen) == [], "what is known already is no news"
    await ledger.settle(lost(7).key, "discarded", actor="eve")
    await ledger.merge([lost(5)])
    news = await ledger.losses(after=seen)
    assert [loss.change.position.sequence for loss in news] == [7, 5]
    assert [loss.revision for loss in await ledger.losses(after=seen, limit=1)] == [news[0].revision]


async def test_no_fence_and_no_rewind_touches_it(primary: SqliteRecords) -> None:
    await primary.commit([put("a")], epoch=1, actor="ada")
    await primary.merge([lost(7)])
    await primary.admit(ELSEWHERE)
    await primary.merge([lost(8)])
    await primary.rewind(START, explain=not_replicated("why"))
    assert [loss.change.position.sequence for loss in await primary.losses()] == [7, 8, 1]


async def test_a_tail_is_what_the_rewind_enters(primary: SqliteRecords) -> None:
    for n in range(5):
        await primary.commit([put("a", bytes([n]))], epoch=1, actor="ada")
    await primary.admit(ELSEWHERE)
    above, told = Position(1, 2), explanation(Position(1, 2), None, START, Role.SECONDARY)
    tail = [*await primary.tail(above, limit=2, explain=told), *await primary.tail(Position(1, 4), limit=2, explain=told)]
    await primary.rewind(above, explain=told)
    entered = await primary.losses()
    assert [(each.key, each.cause, each.replaced, each.change) for each in tail] == [
        (each.key, each.cause, each.replaced, each.change) for each in entered
    ]
    assert [each.replaced for each in tail] == [Position(1, 2), Position(1, 3), Position(1, 4)]


async def test_what_the_other_region_wrote_upon_was_replicated_whoever_wrote_it(primary: SqliteRecords, ledger: SqliteRecords) -> None:
    for n in range(2):
        await primary.commit([put("a", bytes([n]))], epoch=1, actor="ada")
    await ledger.apply(primary.changes(START, limit=10), epoch=1)
    await ledger.admit(ELSEWHERE)
    await ledger.commit([put("b")], epoch=2, actor="ada")
    await primary.admit(ELSEWHERE)
    await primary.apply(ledger.changes(START, limit=10), epoch=2)
    await primary.admit(back := replace(ELSEWHERE, state=State.ACTIVE, epoch=3, leader=Role.PRIMARY, writable=False))
    await primary.commit([put("c")], epoch=3, actor="ada")
    await primary.admit(replace(back, epoch=4, leader=Role.SECONDARY))
    above, told = Position(1, 1), explanation(Position(1, 1), None, START, Role.SECONDARY)
    causes = [OLDER_COPY, OLDER_COPY, NOT_REPLICATED]
    assert [loss.cause for loss in await primary.tail(above, limit=10, explain=told)] == causes
    await primary.rewind(above, explain=told)
    assert [loss.cause for loss in await primary.losses()] == causes


# Losses without contents

END = Mark(Position(1, 12), "e" * 32)
ONE = Leadership(1, BEGINNING)
TWO = Leadership(2, Mark(Position(1, 10), "b"), ((1, BEGINNING),))
"""In epoch 2 the other region took over with 10 changes."""
FORGOTTEN = Leadership(13, Mark(Position(2, 14), "f"), ((3, None),))


async def test_what_is_missing_up_to_a_mark_is_counted(primary: SqliteRecords) -> None:
    await primary.commit([put("a"), put("b")], epoch=1, actor="ada")
    assert await primary.missing((await primary.head()).mark, ONE) == 0
    assert await primary.missing(END, ONE) == 10
    await primary.merge([lost(3), lost(4)])
    assert await primary.missing(END, ONE) == 8, "what a ledger has is not missing"
    await primary.merge([lost(6)])
    assert await primary.missing(END, ONE) is None, "5 and 7 to 12 are no one piece"
    assert await primary.missing(Mark(Position(1, 2), "another"), ONE) is None, "another history at the same length: nobody can count"


async def test_what_another_history_has_at_the_same_places_is_still_missing(primary: SqliteRecords) -> None:
    await primary.commit([put("a"), put("b")], epoch=1, actor="ada")
    await primary.write_off(Mark(Position(2, 12), "two"), TWO, cause=OLDER_COPY)
    assert [loss.writes for loss in await primary.losses()] == [10], "8 of epoch 1, and 2 of epoch 2"
    assert await primary.missing(END, TWO) == 2, "11 and 12 of epoch 1"


async def test_what_an_entry_of_a_later_epoch_stands_for_is_not_missing(primary: SqliteRecords) -> None:
    await primary.write_off(Mark(Position(2, 14), "two"), ONE, cause=OLDER_COPY)
    assert await primary.missing(END, ONE) == 0, "the same region led on"
    assert await primary.missing(Mark(Position(2, 16), "on"), ONE) == 2


def given_up(mark: Mark, chain: str, writes: int) -> Loss:
    """What `multiregion repair --accept-loss` enters."""
    change = Change(mark.position, Write(Key("", ""), None), "", 7.0, 0, chain)
    return Loss(change, None, 7.0, Role.PRIMARY, DISK_LOST, DISK_LOST, writes=writes)


async def test_what_came_after_the_newest_that_is_here_is_listed_and_counts_for_nothing_else(primary: SqliteRecords) -> None:
    """The log has the place behind which it begins, so that what came later is as lost as it was."""
    await primary.merge([given_up(Mark(Position(1, 2), ""), f"{BEYOND}the file's id", 0)])
    assert await primary.missing(END, ONE) == 12, "it stands for none of what was before it"
    await primary.commit([put("a"), put("b")], epoch=1, actor="ada")
    assert (await primary.head()).position == Position(1, 2)
    (loss,) = await primary.losses()
    assert (loss.held, await primary.pending_losses(), [each.id for each in named([loss])]) == (False, 1, ["1.3-?"])
    assert await primary.missing(END, ONE) == 10
    await primary.settle(loss.key, "discarded", actor="eve")
    assert await primary.pending_losses() == 0


async def test_what_was_given_up_is_not_counted_again_by_the_region_that_begins_anew(primary: SqliteRecords) -> None:
    await primary.merge([given_up(END, f"{GAP}{END.chain}", 10)])
    assert await primary.missing(END, ONE) == 0
    await primary.owe(END, ONE, cause=DISK_LOST)
    await primary.write_off(END, ONE, cause=DISK_LOST)
    assert [loss.writes for loss in await primary.losses()] == [10] and await primary.owed() == BEGINNING


@pytest.mark.parametrize("writes", [None, 2])
async def test_across_epochs_that_the_authority_has_forgotten_nobody_can_count(primary: SqliteRecords, writes: int | None) -> None:
    await primary.merge([lost(2, writes=writes)])
    assert await primary.missing(Mark(Position(2, 14), "two"), FORGOTTEN) is None


async def test_they_are_one_entry_with_its_positions_and_count(primary: SqliteRecords) -> None:
    await primary.commit([put("a"), put("b")], epoch=1, actor="ada")
    await primary.owe(END, ONE, cause=DISK_LOST)
    for _ in range(2):
        await primary.write_off(END, ONE, cause=DISK_LOST)
    (gap,) = await primary.losses()
    assert (gap.change.position, gap.writes, gap.cause, gap.region) == (END.position, 10, DISK_LOST, Role.PRIMARY)
    assert await primary.missing(END, ONE) == 0 and await primary.missing(Mark(Position(1, 7), "x"), ONE) == 0
    assert (await primary.owed()).position == START


async def test_what_cannot_be_counted_is_not_called_nothing(primary: SqliteRecords) -> None:
    await primary.commit([put("a"), put("b")], epoch=1, actor="ada")
    other = Mark(Position(1, 2), "another")
    await primary.write_off(other, ONE, cause=OLDER_COPY)
    (gap,) = await primary.losses()
    assert gap.writes == 0 and await primary.missing(other, ONE) == 0


async def test_what_is_here_is_not_written_off(primary: SqliteRecords) -> None:
    await primary.commit([put("a")], epoch=1, actor="ada")
    await primary.write_off((await primary.head()).mark, ONE, cause=OLDER_COPY)
    assert await primary.losses() == []


async def test_a_debt_of_an_earlier_leadership_outlives_that_a_later_ones_is_written_off(primary: SqliteRecords) -> None:
    """Both files were lost: the word that accepts it names where the present leadership began, and more had been acknowledged before."""
    taken_over = Leadership(2, Mark(Position(1, 1), "base"), ((1, BEGINNING),))
    owed = Mark(Position(1, 8), "before")
    await primary.owe(owed, taken_over, cause=DISK_LOST)
    await primary.write_off(taken_over.base, taken_over, cause=DISK_LOST)
    assert await primary.owed() == owed and await primary.missing(owed, taken_over) == 7
    await primary.write_off(owed, taken_over, cause=DISK_LOST)
    assert await primary.owed() == BEGINNING
    assert [(loss.change.position, loss.writes) for loss in await primary.losses()] == [(Position(1, 1), 1), (Position(1, 8), 7)]


def in_one_chain(*positions: Position, before: str = "") -> list[Loss]:
    losses: list[Loss] = []
    for position in positions:
        change = altered(lost(position.sequence).change, position=position)
        before = linked(before, change)
        losses.append(replace(lost(position.sequence), change=altered(change, chain=before)))
    return losses


async def test_the_last_of_them_keeps_its_contents_and_the_entry_is_closed_once_all_have_turned_up(ledger: SqliteRecords) -> None:
    first, second = in_one_chain(Position(1, 1), Position(1, 2))
    await ledger.write_off(second.key, ONE, cause=OLDER_COPY)
    await ledger.merge([second])
    assert [(loss.outcome, loss.writes) for loss in await ledger.losses()] == [("pending", 2), ("pending", None)]
    await ledger.merge([first])
    found = {loss.change.position.sequence: loss for loss in await ledger.losses() if loss.writes is None}
    assert found[1].change.write.value == found[2].change.write.value == b"value"
    (gap,) = [loss for loss in await ledger.losses() if loss.writes is not None]
    assert gap.outcome == "discarded" and {found[1].outcome, found[2].outcome} == {"pending"}


async def test_an_entry_whose_chain_does_not_cover_what_it_requires_turns_up_too(ledger: SqliteRecords) -> None:
    """As in an older file, where only the ledger says what a write requires."""
    first, second = in_one_chain(Position(1, 1), Position(1, 2))
    required = altered(second.change, write=altered(second.change.write, requires=(Key("photos", "p"),)))
    await ledger.write_off(second.key, ONE, cause=OLDER_COPY)
    await ledger.merge([first, replace(second, change=required)])
    assert [loss.outcome for loss in await ledger.losses() if loss.writes is not None] == ["discarded"]


async def test_what_another_history_had_at_the_same_places_closes_no_entry(ledger: SqliteRecords) -> None:
    one, two = in_one_chain(Position(1, 1), Position(2, 2))
    await ledger.write_off(two.key, ONE, cause=OLDER_COPY)
    others = in_one_chain(Position(1, 1), Position(1, 2), before="another")
    await ledger.merge([*others, two])
    assert [loss.outcome for loss in await ledger.losses() if loss.writes is not None] == ["pending"]
    await ledger.merge([one])
    assert [loss.outcome for loss in await ledger.losses() if loss.writes is not None] == ["discarded"]


async def test_what_was_written_off_and_is_in_the_log_again_is_not_lost(primary: SqliteRecords, ledger: SqliteRecords) -> None:
    for name in ("a", "b"):
        await primary.commit([put(name)], epoch=1, actor="ada")
    await ledger.write_off((await primary.head()).mark, ONE, cause=OLDER_COPY)
    assert await ledger.pending_losses() == 1
    await ledger.apply(primary.changes(START, limit=10), epoch=1)
    (gap,) = await ledger.losses()
    assert gap.held and await ledger.pending_losses() == 0


# What is owed


async def test_only_the_farthest_that_is_lacked_is_owed_and_only_until_the_log_or_the_ledger_has_it(primary: SqliteRecords) -> None:
    await primary.commit([put("a")], epoch=1, actor="ada")
    await primary.owe((await primary.head()).mark, ONE, cause=OLDER_COPY)
    assert (await primary.owed()).position == START, "it is here"
    await primary.owe(END, ONE, cause=OLDER_COPY)
    await primary.owe(altered(END, position=Position(1, 9)), ONE, cause=OLDER_COPY)
    assert await primary.owed() == END
    await primary.settle_debt(ONE)
    assert await primary.owed() == END, "nothing has it yet"
    await primary.merge([lost(12, END.chain)])
    await primary.settle_debt(ONE)
    assert await primary.owed() == END, "what led to it is nowhere"
    await primary.merge([lost(n) for n in range(2, 12)])
    await primary.settle_debt(ONE)
    assert (await primary.owed()).position == START


async def test_the_first_cause_counts_until_nothing_is_owed(primary: SqliteRecords) -> None:
    """It has started again since its file was lost, and that is no longer to be seen."""
    await primary.owe(END, ONE, cause=DISK_LOST)
    await primary.owe(END, ONE, cause=OLDER_COPY)
    farther = Mark(Position(1, 13), "base")
    await primary.write_off(farther, ONE, cause=OLDER_COPY)
    await primary.owe(Mark(Position(1, 14), "later"), ONE, cause=OLDER_COPY)
    await primary.write_off(Mark(Position(1, 14), "later"), ONE, cause=OLDER_COPY)
    assert [(loss.change.position.sequence, loss.cause) for loss in await primary.losses()] == [(13, DISK_LOST), (14, OLDER_COPY)]


# Causes

SHARED = Position(1, 5)


@pytest.mark.parametrize(
    ("beyond", "had", "position", "own", "cause"),
    [
        (None, START, Position(1, 6), True, NOT_REPLICATED),
        (Position(2, 6), START, Position(1, 6), True, NOT_REPLICATED),
        (None, START, Position(1, 6), False, OLDER_COPY),
        (Position(2, 6), START, Position(1, 6), False, OLDER_COPY),
        (None, Position(1, 7), Position(1, 7), True, OLDER_COPY),
        (None, Position(1, 7), Position(1, 8), True, NOT_REPLICATED),
        (Position(1, 6), START, Position(1, 6), True, FORKED),
        (Position(1, 6), START, Position(1, 6), False, FORKED),
        (Position(1, 6), Position(1, 7), Position(2, 6), True, FORKED),
    ],
)
def test_each_undone_write_is_told_its_true_cause(
    beyond: Position | None, had: Position, position: Position, own: bool, cause: str
) -> None:
    found, reason = explanation(SHARED, beyond, had, Role.SECONDARY)(position, own)
    assert found == cause and cause in CAUSES
    assert cause in reason and "change 5 of epoch 1" in reason and "secondary" in reason
