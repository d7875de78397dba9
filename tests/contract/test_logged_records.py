"""What records with a change log promise besides: the log, its replication, rewinding, positions."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from multiregion.clock import SystemClock
from multiregion.embedded.records import SqliteRecords
from multiregion.embedded.schema import routing_of
from multiregion.errors import Conflict, DatabaseDamaged, Fenced, InvalidInput, NotFound, NotReady, StaleEpoch
from multiregion.objects import NeededBy
from multiregion.states import FIRST, Role, RoutingState, State, move
from multiregion.stores import START, Digest, Key, Mark, Position, Write
from tests.undone import not_replicated

FENCED = move(FIRST, State.FENCED)
SUNRISE = Key("photos", "sunrise")


def opened(path: Path, role: Role = Role.PRIMARY) -> SqliteRecords:
    return SqliteRecords(path, role, SystemClock())


@pytest.fixture
async def primary(tmp_path: Path) -> AsyncIterator[SqliteRecords]:
    logged = opened(tmp_path / "primary.db")
    await logged.admit(FIRST)
    yield logged
    logged.close()


@pytest.fixture
async def secondary(tmp_path: Path) -> AsyncIterator[SqliteRecords]:
    logged = opened(tmp_path / "secondary.db", Role.SECONDARY)
    await logged.admit(FIRST)
    yield logged
    logged.close()


def put(id: str, value: bytes = b"{}", *, order: str = "", absent: bool = False, version: Position | None = None) -> Write:
    return Write(Key("photos", id), value, order, absent=absent, version=version)


async def copy(source: SqliteRecords, target: SqliteRecords, limit: int = 7) -> None:
    while changes := source.changes((await target.head()).position, limit=limit):
        await target.apply(changes, epoch=1)


async def test_a_write_is_there_and_logged(primary: SqliteRecords) -> None:
    position = await primary.commit([put("sunrise", b"1")], epoch=1, actor="ada")
    record = await primary.get(SUNRISE)
    assert record is not None and (record.value, record.version) == (b"1", position) == (b"1", Position(1, 1))
    (change,) = primary.changes(START, limit=10)
    assert (change.position, change.actor, change.write.value) == (position, "ada", b"1")


async def test_a_fence_that_was_heard_is_in_force_and_told_though_it_cannot_be_stored(primary: SqliteRecords) -> None:
    primary._writing.execute("PRAGMA query_only = on")
    assert await primary.admit(FENCED) == FENCED == await primary.admitted()
    primary._writing.execute("PRAGMA query_only = off")
    assert routing_of(primary._reading) == FIRST, "the disk took it"
    with pytest.raises(Fenced):
        await primary.commit([put("sunrise")], epoch=None, actor="ada")


async def test_commits_that_wait_behind_a_fence_are_refused(primary: SqliteRecords) -> None:
    """Fence and writes race through one queue: whatever comes after the fence in it is refused, whatever the caller knew."""
    before = [asyncio.ensure_future(primary.commit([put(f"b{n}")], epoch=1, actor="ada")) for n in range(50)]
    await asyncio.sleep(0)
    fence = asyncio.ensure_future(primary.admit(FENCED))
    await asyncio.sleep(0)
    after = [asyncio.ensure_future(primary.commit([put(f"a{n}")], epoch=None, actor="ada")) for n in range(50)]
    outcomes = await asyncio.gather(*before, fence, *after, return_exceptions=True)
    assert all(isinstance(outcome, Fenced) for outcome in outcomes[51:])
    accepted = [outcome for outcome in outcomes[:50] if isinstance(outcome, Position)]
    assert len(accepted) == len(primary.changes(START, limit=1000))


async def test_changes_applied_twice_are_applied_once(primary: SqliteRecords, secondary: SqliteRecords) -> None:
    for n in range(20):
        await primary.commit([put(f"p{n % 5}", str(n).encode())], epoch=1, actor="ada")
    await primary.commit([Write(Key("photos", "p3"), None)], epoch=1, actor="ada")
    everything = primary.changes(START, limit=100)
    await secondary.apply(everything[:15], epoch=1)
    await secondary.apply(everything[5:], epoch=1)
    assert await secondary.apply(everything, epoch=1) == await primary.head()
    assert secondary.changes(START, limit=100) == everything


async def test_a_gap_is_refused(primary: SqliteRecords, secondary: SqliteRecords) -> None:
    await primary.commit([put("a"), put("b"), put("c")], epoch=1, actor="ada")
    with pytest.raises(Conflict):
        await secondary.apply(primary.changes(START, limit=10)[1:], epoch=1)
    assert (await secondary.head()).position == START


async def test_the_writer_takes_no_changes(primary: SqliteRecords, secondary: SqliteRecords) -> None:
    await primary.commit([put("a")], epoch=1, actor="ada")
    changes = primary.changes(START, limit=10)
    await secondary.admit(RoutingState(State.FAILOVER, 2, Role.SECONDARY, writable=True))
    with pytest.raises(Fenced):
        await secondary.apply(changes, epoch=2)


async def test_changes_sent_under_an_older_epoch_are_refused(primary: SqliteRecords, secondary: SqliteRecords) -> None:
    await primary.commit([put("a")], epoch=1, actor="ada")
    await secondary.admit(FENCED)
    with pytest.raises(StaleEpoch):
        await secondary.apply(primary.changes(START, limit=10), epoch=1)
    await secondary.apply(primary.changes(START, limit=10), epoch=2)


async def test_a_position_of_another_history_is_told_apart(primary: SqliteRecords) -> None:
    await primary.commit([put("a"), put("b")], epoch=1, actor="ada")
    for elsewhere in (Position(7, 2), Position(1, 3)):
        with pytest.raises(Conflict):
            primary.changes(elsewhere, limit=10)


async def test_equal_contents_have_equal_heads_and_others_have_not(primary: SqliteRecords, secondary: SqliteRecords) -> None:
    await primary.commit([put("a", b"1"), put("b", b"2")], epoch=1, actor="ada")
    await copy(primary, secondary)
    assert await primary.head() == await secondary.head()
    await primary.commit([put("a", b"3")], epoch=1, actor="ada")
    assert (await primary.head()).content != (await secondary.head()).content
    await copy(primary, secondary, limit=1)
    assert await primary.head() == await secondary.head()


async def test_waiting_for_a_change(primary: SqliteRecords) -> None:
    assert not await primary.changed(START, timeout_seconds=0.01)
    waiting = asyncio.ensure_future(primary.changed(START, timeout_seconds=5))
    await asyncio.sleep(0)
    await primary.commit([put("a")], epoch=1, actor="ada")
    assert await waiting


async def test_many_writers_at_once_all_count(primary: SqliteRecords) -> None:
    await asyncio.gather(*(primary.commit([put(f"p{n}")], epoch=1, actor="ada") for n in range(500)))
    assert [change.position.sequence for change in primary.changes(START, limit=1000)] == list(range(1, 501))


async def test_one_bad_write_does_not_fail_the_others_in_its_group(primary: SqliteRecords) -> None:
    await primary.commit([put("there")], epoch=1, actor="ada")
    unusable = Write(Key("photos", "bad"), b"{}", order=None)  # type: ignore[arg-type]
    writes = [put("x"), put("there", absent=True), put("y")]
    outcomes = await asyncio.gather(
        *(primary.commit([write], epoch=1, actor="ada") for write in writes),
        primary.commit([unusable], epoch=1, actor="ada"),
        primary.commit([put("z")], epoch=1, actor="ada"),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes[:3]] == [Position, Conflict, Position]
    assert isinstance(outcomes[3], Exception) and isinstance(outcomes[4], Position)
    assert [await primary.count("photos"), len(primary.changes(START, limit=10))] == [4, 4]


def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "region.db").write_bytes(b"not a database at all" * 1000)
    with pytest.raises(DatabaseDamaged, match=r"the primary region is damaged.*: multiregion repair primary"):
        opened(tmp_path / "region.db")


@pytest.mark.parametrize("heard", ["from the other region", "from the authority"])
async def test_two_states_under_one_number_stop_writing_until_something_else_is_decided(primary: SqliteRecords, heard: str) -> None:
    await primary.admit(FIRST)
    other = RoutingState(State.FAILOVER, FIRST.epoch, Role.SECONDARY, writable=True)
    await (primary.learn(other) if heard == "from the other region" else primary.admit(other))
    with pytest.raises(NotReady, match=r"two states were decided as epoch 1.*authority recover"):
        await primary.commit([put("photo")], epoch=None, actor="ada")
    assert primary.is_disputed and await primary.admitted() == FIRST
    later = move(move(FIRST, State.FENCED), State.ACTIVE)
    await primary.admit(later)
    await primary.commit([put("photo")], epoch=None, actor="ada")
    assert not primary.is_disputed


# A region that lost its records


async def test_a_new_file_in_an_old_deployment_takes_no_writes_until_it_is_whole(primary: SqliteRecords, tmp_path: Path) -> None:
    await primary.commit([put("a"), put("b")], epoch=1, actor="ada")
    empty = SqliteRecords(tmp_path / "again.db", Role.PRIMARY, SystemClock(), guarded=True)
    await empty.admit(FIRST)
    empty.prove()
    with pytest.raises(NotReady, match="does not have all records yet"):
        await empty.commit([put("c")], epoch=1, actor="ada")
    await empty.make_whole(await primary.head())
    assert not await empty.is_whole()
    await empty.apply(primary.changes(START, limit=10), epoch=1)
    await empty.make_whole(await primary.head())
    assert (await empty.commit([put("c")], epoch=1, actor="ada")).sequence == 3
    empty.close()


async def test_a_region_that_has_not_been_proved_takes_no_writes(tmp_path: Path) -> None:
    started = SqliteRecords(tmp_path / "region.db", Role.PRIMARY, SystemClock(), guarded=True)
    await started.found(FIRST)
    await started.admit(FIRST)
    assert await started.is_whole() and not await started.leads()
    with pytest.raises(NotReady, match="compares its log"):
        await started.commit([put("a")], epoch=1, actor="ada")
    started.prove()
    assert await started.leads() and (await started.commit([put("a")], epoch=1, actor="ada")).sequence == 1
    started.close()


# Rewinding

ELSEWHERE = RoutingState(State.FAILOVER, 2, Role.SECONDARY, writable=True)


BACK = RoutingState(State.ACTIVE, 3, Role.PRIMARY)


async def test_nobody_leads_by_hearsay(primary: SqliteRecords, secondary: SqliteRecords) -> None:
    """The other region obeys a later state than the authority says, which may have been put back, as this file may have been."""
    elsewhere = RoutingState(State.FAILOVER, 2, Role.SECONDARY, writable=True)
    await primary.admit(elsewhere)
    await primary.learn(BACK)
    assert await primary.admitted() == BACK and not await primary.leads(), "obeyed"
    await primary.admit(elsewhere)
    with pytest.raises(NotReady):
        await primary.commit([put("sunrise")], epoch=None, actor="ada")
    await copy(secondary, primary)
    await primary.admit(BACK)
    assert await primary.leads(), "the authority has said it, too"
    assert await primary.commit([put("sunrise")], epoch=3, actor="ada") == Position(3, 1)


async def test_what_follows_on_hearsay_is_proved_anew(primary: SqliteRecords) -> None:
    await primary.admit(RoutingState(State.FAILOVER, 2, Role.SECONDARY))
    await primary.learn(BACK)
    await primary.admit(replace(BACK, epoch=4))
    assert not primary.proved
    primary.prove()
    assert await primary.leads()


async def test_a_new_history_is_led_by_nobody_who_has_not_compared(primary: SqliteRecords) -> None:
    await primary.admit(one := replace(BACK, history="one"))
    assert await primary.leads(), "the first history is no other one"
    await primary.admit(replace(one, epoch=13, history="two", succeeds=("one",)))
    assert not primary.proved and not await primary.leads()


async def test_rewinding_restores_what_each_change_replaced(primary: SqliteRecords) -> None:
    picture = Digest("a" * 64)
    await primary.commit([put("a", b"1"), Write(Key("photos", "b"), b"2", "2", needs=(picture,)), put("gone")], epoch=1, actor="ada")
    await primary.commit([Write(Key("photos", "gone"), None)], epoch=1, actor="ada")
    before, listed = await primary.head(), await primary.query("photos")
    await primary.commit([put("a", b"3"), Write(Key("photos", "b"), None), put("new", b"4")], epoch=1, actor="bob")
    await primary.commit([put("new", b"5"), put("a", b"6")], epoch=1, actor="bob")
    assert not await primary.is_needed(picture)
    await primary.admit(ELSEWHERE)
    assert await primary.rewind(before.position, explain=not_replicated("lost")) == 5
    assert await primary.head() == before and await primary.query("photos") == listed
    assert await primary.get(Key("photos", "new")) is None and await primary.is_needed(picture)
    assert [change.position.sequence for change in primary.changes(START, limit=100)] == [1, 2, 3, 4]


async def test_every_rewound_change_is_in_the_ledger_once_in_order(primary: SqliteRecords) -> None:
    await primary.commit([put("a", b"1")], epoch=1, actor="ada")
    await primary.commit([put("a", b"2")], epoch=1, actor="bob")
    await primary.commit([Write(Key("photos", "a"), None)], epoch=1, actor="bob")
    await primary.admit(ELSEWHERE)
    await primary.rewind(Position(1, 1), explain=not_replicated("not replicated"))
    assert await primary.rewind(Position(1, 1), explain=not_replicated("again")) == 0
    losses = await primary.losses()
    assert [(loss.change.position, loss.change.write.value, loss.change.actor) for loss in losses] == [
        (Position(1, 2), b"2", "bob"),
        (Position(1, 3), None, "bob"),
    ]
    assert [(loss.replaced, loss.outcome, loss.reason) for loss in losses] == [
        (Position(1, 1), "pending", "not replicated"),
        (Position(1, 2), "pending", "not replicated"),
    ]
    assert await primary.pending_losses() == 2


async def test_what_a_write_requires_is_logged_replicated_and_kept_when_it_is_lost(
    primary: SqliteRecords, secondary: SqliteRecords, tmp_path: Path
) -> None:
    requires = (SUNRISE, Key("users", "ada"))
    await primary.commit([put("sunrise"), Write(Key("users", "ada"), b"{}")], epoch=1, actor="ada")
    await primary.commit([Write(Key("comments/sunrise", "c"), b"{}", requires=requires)], epoch=1, actor="ada")
    await copy(primary, secondary)
    assert [change.write.requires for change in secondary.changes(START, limit=9)] == [(), (), requires]
    assert await secondary.head() == await primary.head()
    await primary.admit(ELSEWHERE)
    (tail,) = await primary.tail(Position(1, 2), limit=9, explain=not_replicated("lost"))
    await primary.rewind(Position(1, 2), explain=not_replicated("lost"))
    await secondary.merge(await primary.losses())
    again = opened(tmp_path / "primary.db")
    for loss in (tail, *await again.losses(), *await secondary.losses()):
        assert loss.change.write == Write(Key("comments/sunrise", "c"), b"{}", requires=requires)
    again.close()


async def test_what_a_write_requires_counts_for_no_lag(primary: SqliteRecords) -> None:
    await primary.commit([put("a")], epoch=1, actor="ada")
    await primary.commit([Write(Key("photos", "b"), b"{}", requires=(Key("photos", "a"),))], epoch=1, actor="ada")
    one, other = primary.changes(START, limit=9)
    assert one.size == other.size


async def test_the_leader_is_never_rewound(primary: SqliteRecords) -> None:
    await primary.commit([put("a")], epoch=1, actor="ada")
    with pytest.raises(Fenced):
        await primary.rewind(START, explain=not_replicated("by mistake"))
    await primary.admit(FENCED)
    with pytest.raises(Fenced):
        await primary.rewind(START, explain=not_replicated("by mistake"))
    assert await primary.count("photos") == 1


async def test_a_loss_is_settled_and_stays_in_the_ledger(primary: SqliteRecords) -> None:
    await primary.commit([put("a")], epoch=1, actor="ada")
    await primary.admit(ELSEWHERE)
    await primary.rewind(START, explain=not_replicated("lost"))
    (loss,) = await primary.losses()
    await primary.settle(loss.key, "applied", actor="eve", applied=Position(2, 9))
    (settled,) = await primary.losses()
    assert (settled.outcome, settled.decided_by, settled.applied) == ("applied", "eve", Position(2, 9))
    with pytest.raises(NotFound):
        await primary.settle(Mark(Position(1, 99), ""), "applied", actor="eve")
    with pytest.raises(InvalidInput):
        await primary.settle(loss.key, "forgotten", actor="eve")


# Positions


async def test_a_position_is_reached_may_be_reached_or_is_of_another_history(primary: SqliteRecords) -> None:
    await primary.commit([put("a"), put("b")], epoch=1, actor="ada")
    assert await primary.reaches(Position(1, 2)) is True and await primary.reaches(START) is True
    assert await primary.reaches(Position(1, 3)) is None, "beyond the leader's log there is nothing"
    await primary.admit(ELSEWHERE)
    assert await primary.reaches(Position(1, 3)) is False and await primary.reaches(Position(2, 3)) is False
    assert await primary.reaches(Position(3, 3)) is None
    await primary.admit(RoutingState(State.ACTIVE, 3, Role.PRIMARY))
    await primary.commit([put("c")], epoch=3, actor="ada")
    assert await primary.reaches(Position(1, 3)) is None and await primary.reaches(Position(1, 4)) is None
    (newest,) = await primary.marks([3])
    assert newest is not None
    assert await primary.reaches(Position(3, 3), chain=newest.chain[:8]) is True
    assert await primary.reaches(Position(3, 3), chain="0" * 8) is None, "an equal position of another history"


async def test_the_object_of_a_lost_write_is_needed_until_somebody_has_decided(primary: SqliteRecords) -> None:
    picture = Digest("b" * 64)
    await primary.commit([Write(SUNRISE, b"{}", needs=(picture,))], epoch=1, actor="ada")
    await primary.admit(ELSEWHERE)
    await primary.rewind(START, explain=not_replicated("lost"))
    assert await primary.is_needed(picture)
    (loss,) = await primary.losses()
    await primary.settle(loss.key, "discarded", actor="eve")
    assert not await primary.is_needed(picture)


async def test_what_needs_an_object_is_named_a_few_and_counted_records_first(primary: SqliteRecords) -> None:
    picture = Digest("b" * 64)
    await primary.commit([Write(Key("photos", str(n)), b"1", needs=(picture,)) for n in range(3)], epoch=1, actor="ada")
    before = await primary.head()
    await primary.commit([Write(Key("comments/0", "lost"), b"1", needs=(picture,))], epoch=1, actor="ada")
    await primary.admit(ELSEWHERE)
    await primary.rewind(before.position, explain=not_replicated("lost"))
    lost = f"lost write 1.{before.position.sequence + 1} of comments/0/lost"
    assert await primary.needed_by(picture, limit=9) == NeededBy(["photos/0", "photos/1", "photos/2", lost])
    assert await primary.needed_by(picture, limit=2) == NeededBy(["photos/0", "photos/1"], 2)
    assert await primary.needed_by(Digest("c" * 64), limit=2) == NeededBy([])


async def test_the_objects_that_something_needs_are_paged_through_in_order_each_once(primary: SqliteRecords) -> None:
    """A pending loss needs its objects as a visible record does; one that was decided about does not."""
    pictures = [Digest(f"{n:x}" * 64) for n in range(8)]
    await primary.commit([Write(Key("photos", str(n)), b"1", needs=tuple(pictures[n : n + 2])) for n in range(4)], epoch=1, actor="ada")
    before = await primary.head()
    await primary.commit([Write(Key("photos", "lost"), b"1", needs=(pictures[0], pictures[6], pictures[7]))], epoch=1, actor="ada")
    await primary.admit(ELSEWHERE)
    await primary.rewind(before.position, explain=not_replicated("lost"))

    async def paged() -> list[Digest]:
        found: list[Digest] = []
        while page := await primary.needed(found[-1] if found else "", limit=2):
            found += page
        return found

    assert await paged() == [*pictures[:5], *pictures[6:]]
    (loss,) = await primary.losses()
    await primary.settle(loss.key, "discarded", actor="ada")
    assert await paged() == pictures[:5]
