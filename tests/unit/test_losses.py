"""The loss ledger over two real regions and a real authority: apply, keep, discard, and what is done about an interruption."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from multiregion.api.losses import described
from multiregion.clock import SystemClock
from multiregion.embedded.authority import SqliteState
from multiregion.embedded.objects import FileObjects
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import DatabaseDamaged, MultiregionError, NotFound, Refused, Unreachable
from multiregion.gallery.application import app
from multiregion.logs import Loss
from multiregion.losses import LossLedger, Settled
from multiregion.reapply import restore
from multiregion.region import LoggedRegion
from multiregion.states import Role, RoutingState, State, move
from multiregion.stores import START, Change, Digest, Key, Mark, Position, Write
from tests.contract.test_local_objects import flip
from tests.undone import not_replicated
from tests.unit.links import FIRST, Link, founded

TAKEN = move(FIRST, State.FAILOVER, writable=True, region_lost=True)
NAMES = {Role.PRIMARY: "us-east-1", Role.SECONDARY: "ap-northeast-1"}


@dataclass
class RegionOverThere:
    """A region behind a network; `trouble`: what it answers instead, if anything. `answers`: which of its next notes are answered."""

    region: LoggedRegion
    other: LoggedRegion
    trouble: MultiregionError | None = None
    answers: list[bool] = field(default_factory=list)

    @property
    def records(self) -> SqliteRecords:
        assert isinstance(self.region.records, SqliteRecords)
        return self.region.records

    async def losses(self, after: int) -> Sequence[Loss]:
        self._reach()
        return await self.records.losses(after=after, limit=2)

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        self._reach()
        return await self.records.marks(sequences)

    async def settle(self, key: Mark, outcome: str, *, actor: str, applied: Position | None) -> str:
        self._reach()
        if self.answers and not self.answers.pop(0):
            raise Unreachable("the answer was lost")
        return await self.records.settle(key, outcome, actor=actor, applied=applied)

    async def restore(self, change: Change, expected: Position | None, *, actor: str, force: bool) -> Position:
        self._reach()
        return await restore(self.region, Link(self.other), change, expected, actor=actor, force=force)

    def _reach(self) -> None:
        if self.trouble is not None:
            raise self.trouble


@dataclass
class World:
    authority: SqliteState
    lost: RegionOverThere
    heir: RegionOverThere
    ledger: LossLedger

    async def write(self, name: str, value: bytes | None, *needs: Digest) -> None:
        """By the region that is going to be lost, and seen by it alone."""
        await self.lost.records.commit([Write(key(name), value, name, needs=needs)], epoch=None, actor="ada")

    async def take_over(self, after: Position = START) -> None:
        await self.authority.replace(FIRST, TAKEN, actor="eve", reason="")
        for region in (self.lost, self.heir):
            await region.records.admit(TAKEN)
        await self.lost.records.rewind(after, explain=not_replicated("not replicated"))

    async def lose(self, *names: str, value: bytes = b"1", after: Position = START) -> None:
        """These writes, which are then in both ledgers."""
        for name in names:
            await self.write(name, value)
        await self.take_over(after)
        await self.heir.records.merge(await self.lost.records.losses(after=0, limit=9))

    async def apply(self, ids: list[str] | None = None, *, force: bool = False) -> list[Settled]:
        return [settled async for settled in self.ledger.apply(ids, actor="eve", force=force)]

    async def held(self, name: str) -> bytes | None:
        record = await self.heir.records.get(key(name))
        return record.value if record else None

    async def outcomes(self) -> list[str]:
        return [entry.loss.outcome for entry in (await self.ledger.entries())[0]]


def key(name: str) -> Key:
    return Key("photos", name)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = SystemClock()
    authority = SqliteState(tmp_path / "authority.db", clock)
    await founded(authority)
    regions = {}
    for role in Role:
        records = SqliteRecords(tmp_path / f"{role}.db", role, clock)
        await records.admit(FIRST)
        regions[role] = LoggedRegion(role, NAMES[role], records, FileObjects(tmp_path / role, clock))
    sides = {role: RegionOverThere(regions[role], regions[role.other]) for role in Role}
    yield World(authority, sides[Role.PRIMARY], sides[Role.SECONDARY], LossLedger(sides, NAMES, authority))
    for side in sides.values():
        side.records.close()
    authority.close()


async def test_lost_writes_are_made_again_in_their_order_at_the_current_epoch(world: World) -> None:
    for name, value in (("a", b"1"), ("b", b"2"), ("a", b"3"), ("b", None)):
        await world.write(name, value)
    await world.take_over()
    assert await world.outcomes() == ["pending"] * 4
    assert [settled.outcome for settled in await world.apply()] == ["applied"] * 4
    assert (await world.held("a"), await world.held("b")) == (b"3", None)
    assert (await world.heir.records.head()).position.epoch == TAKEN.epoch
    assert await world.outcomes() == ["applied"] * 4
    assert await world.apply() == [], "once is enough"


async def test_its_object_is_brought_before_a_write_is_made_again(world: World) -> None:
    picture = await world.lost.region.objects.put(b"a picture")
    await world.write("p", b"{}", picture)
    await world.take_over()
    await world.apply()
    assert await world.heir.region.objects.has(picture) and await world.heir.records.is_needed(picture)


async def test_what_was_written_meanwhile_is_not_overwritten_unless_by_force(world: World) -> None:
    await world.write("a", b"lost")
    await world.take_over()
    await world.heir.records.commit([Write(key("a"), b"newer")], epoch=None, actor="bob")
    (kept,) = await world.apply()
    assert kept.outcome == "kept" and "--force" in kept.detail
    assert await world.held("a") == b"newer" and await world.outcomes() == ["pending"]
    (forced,) = await world.apply(force=True)
    assert forced.outcome == "applied" and await world.held("a") == b"lost"


async def test_what_was_deleted_meanwhile_stays_deleted(world: World) -> None:
    await world.write("a", b"lost")
    await world.take_over()
    await world.heir.records.commit([Write(key("a"), b"other")], epoch=None, actor="bob")
    await world.heir.records.commit([Write(key("a"), None)], epoch=None, actor="bob")
    assert [settled.outcome for settled in await world.apply()] == ["kept"]
    assert await world.held("a") is None


async def test_a_record_that_was_lost_with_its_deletions_is_made_again_with_them(world: World) -> None:
    """Deleted twice, and of what never was: each is so already, or becomes so, and what was written upon it can follow."""
    for name, value in (("never", None), ("never", b"after all"), ("a", b"1"), ("a", None), ("b", b"2"), ("a", None), ("a", b"3")):
        await world.write(name, value)
    await world.take_over()
    assert [settled.outcome for settled in await world.apply()] == ["applied"] * 7
    assert [await world.held(name) for name in ("never", "a", "b")] == [b"after all", b"3", b"2"]


async def test_a_deletion_of_what_never_was_deletes_nothing_that_is_there_by_now(world: World) -> None:
    await world.write("a", None)
    await world.take_over()
    await world.heir.records.commit([Write(key("a"), b"newer")], epoch=None, actor="bob")
    assert [settled.outcome for settled in await world.apply()] == ["kept"]
    assert await world.held("a") == b"newer"


@pytest.mark.parametrize("force", [False, True])
async def test_a_comment_is_not_made_again_without_its_photo(world: World, force: bool) -> None:
    comment = Key("comments/p", "c")
    await world.write("p", b"{}")
    await world.lost.records.commit([Write(comment, b"{}", "c", requires=(key("p"),))], epoch=None, actor="ada")
    await world.take_over()
    _, orphan = [entry.id for entry in (await world.ledger.entries())[0]]
    (kept,) = await world.apply([orphan], force=force)
    assert kept.outcome == "kept"
    assert kept.detail == "photos/p does not exist, and this write needs it: it was deleted, or is a lost write itself"
    assert await world.heir.records.version(comment) is None and await world.outcomes() == ["pending", "pending"]
    assert [settled.outcome for settled in await world.apply()] == ["applied", "applied"]
    assert await world.heir.records.get(comment) is not None


async def test_what_it_required_is_required_of_a_write_that_was_made_again_too(world: World) -> None:
    await world.write("p", b"{}")
    await world.lost.records.commit([Write(Key("comments/p", "c"), b"{}", requires=(key("p"),))], epoch=None, actor="ada")
    await world.take_over()
    await world.apply()
    assert [change.write.requires for change in world.heir.records.changes(START, limit=9)] == [(), (key("p"),)]


@pytest.mark.parametrize("force", [False, True])
async def test_a_deletion_that_required_its_record_is_made_again_of_what_never_was(world: World, force: bool) -> None:
    """What a write requires of its own record is what it was made upon, and that is compared by version."""
    await world.write("p", b"{}")
    await world.lost.records.commit([Write(key("p"), None, requires=(key("p"),))], epoch=None, actor="ada")
    await world.take_over()
    _, deletion = [entry.id for entry in (await world.ledger.entries())[0]]
    assert [settled.outcome for settled in await world.apply([deletion], force=force)] == ["applied"]
    assert await world.heir.records.version(key("p")) is not None and await world.held("p") is None


async def test_a_photo_whose_picture_is_damaged_does_not_come_back_with_it(world: World) -> None:
    picture = await world.lost.region.objects.put(b"a picture")
    await world.heir.region.objects.put(b"a picture")
    await world.write("p", b"{}", picture)
    await world.take_over()
    for side in (world.lost, world.heir):
        flip(side.region.objects.path(picture))
    (kept,) = await world.apply()
    assert kept.outcome == "kept" and "damaged" in kept.detail
    assert await world.held("p") is None and await world.outcomes() == ["pending"]


async def test_a_photo_whose_picture_is_gone_does_not_hold_up_the_rest(world: World) -> None:
    picture = await world.lost.region.objects.put(b"a picture")
    await world.write("p", b"{}", picture)
    await world.write("q", b"{}")
    await world.take_over()
    await world.lost.region.objects.delete(picture)
    assert [settled.outcome for settled in await world.apply()] == ["kept", "applied"]


async def test_a_write_upon_one_that_was_let_go_is_kept_back(world: World) -> None:
    await world.write("a", b"1")
    await world.write("a", b"2")
    await world.take_over()
    first, second = [entry.id for entry in (await world.ledger.entries())[0]]
    assert [settled.id async for settled in world.ledger.discard([first], actor="eve")] == [first]
    assert [settled.outcome for settled in await world.apply([second])] == ["kept"]
    assert await world.outcomes() == ["discarded", "pending"]


async def test_two_operators_are_both_told_what_counts_in_the_end(world: World) -> None:
    """Each has read the list before the other decides."""
    await world.lose("a", "b")
    applying, discarding = world.ledger.apply(None, actor="eve", force=False), world.ledger.discard(None, actor="bob")
    assert (await anext(applying)).outcome == "applied"
    told = [await anext(discarding)]  # the first was applied before it had read the list
    assert [(settled.id, settled.outcome) for settled in told] == [("1.2", "discarded")]
    (kept,) = [settled async for settled in applying]
    assert kept.outcome == "kept" and "discarded it meanwhile" in kept.detail and await world.held("b") is None
    assert await world.outcomes() == ["applied", "discarded"]


async def test_what_was_applied_meanwhile_is_not_told_to_be_discarded(world: World) -> None:
    await world.lose("a", "b")
    discarding = world.ledger.discard(None, actor="bob")
    assert (await anext(discarding)).outcome == "discarded"
    assert [settled.outcome for settled in await world.apply()] == ["applied"]
    (kept,) = [settled async for settled in discarding]
    assert kept.outcome == "kept" and "applied it meanwhile" in kept.detail
    assert await world.outcomes() == ["discarded", "applied"] and await world.held("b") == b"1"
    history = [each.reason for each in await world.authority.history() if each.what == "loss"]
    assert history == ["applied", "discarded"], "what was not decided is not in it"


async def test_applying_can_be_interrupted_between_the_write_and_its_note_and_run_again(world: World) -> None:
    for value in (b"1", b"2", b"3"):
        await world.write("a", value)
    await world.take_over()
    world.lost.answers = [True, False]
    with pytest.raises(Unreachable):
        await world.apply()
    assert await world.held("a") == b"2" and await world.outcomes() == ["applied", "pending", "pending"]
    assert [settled.outcome for settled in await world.apply()] == ["applied", "applied"]
    assert await world.held("a") == b"3" and (await world.heir.records.head()).position.sequence == 3


async def test_each_decision_is_in_the_history_with_who_decided(world: World) -> None:
    await world.write("a", b"1")
    await world.write("b", b"2")
    await world.take_over()
    await world.apply(["1.1"])
    assert [settled.outcome async for settled in world.ledger.discard(None, actor="bob")] == ["discarded"]
    newest, before = await world.authority.history(2)
    assert (newest.what, newest.actor, newest.reason, newest.facts["loss"]) == ("loss", "bob", "discarded", "1.2")
    assert (before.actor, before.reason, before.facts["record"]) == ("eve", "applied", "photos/a")


@pytest.mark.parametrize("state", [move(TAKEN, State.FENCED), move(TAKEN, State.FAILOVER)])
async def test_where_nobody_may_write_nothing_is_applied(world: World, state: RoutingState) -> None:
    await world.write("a", b"1")
    await world.take_over()
    await world.authority.replace(TAKEN, state, actor="eve", reason="")
    with pytest.raises(Refused, match="nothing can be written"):
        await world.apply()
    assert await world.outcomes() == ["pending"]


@pytest.mark.parametrize("why", [Unreachable("no answer"), DatabaseDamaged("the database is damaged")])
async def test_an_id_that_is_in_no_ledger_is_refused_and_one_that_may_be_in_a_silent_region_is_not_denied(
    world: World, why: MultiregionError
) -> None:
    await world.write("a", b"1")
    await world.take_over()
    with pytest.raises(NotFound, match=r"no loss 9\.9"):
        await world.apply(["9.9"])
    world.lost.trouble = why
    with pytest.raises(Unreachable, match="us-east-1, which cannot be asked"):
        await world.apply(["1.1"])
    assert (await world.ledger.entries())[1] == ["us-east-1"]


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (Write(Key("comments/p", "c"), b'{"message": "hello"}'), "comment: hello"),
        (Write(Key("comments/p", "c"), None), "delete comment"),
        (Write(Key("photos", "p"), b'{"caption": "sunrise"}'), "photo: sunrise"),
        (Write(Key("photos", "p"), None), "delete photo"),
        (Write(Key("users", "ada"), b'{"password": "$argon2id$secret"}'), "write users"),
        (Write(Key("keys", "k"), b'{"private": "secret"}'), "write keys"),
        (Write(Key("comments/p", "c"), b'{"message": "' + b"x" * 200 + b'"}'), "comment: " + "x" * 79 + "…"),
    ],
)
def test_what_a_loss_was_is_told_in_words_without_secrets(write: Write, words: str) -> None:
    assert described(write, app) == words


def alter(folder: Path, role: Role, name: str, value: bytes) -> None:
    """What SQLite does not notice: a byte that changes inside a value."""
    with closing(sqlite3.connect(folder / f"{role}.db")) as db, db:
        assert db.execute("UPDATE loss SET value = ? WHERE id = ?", (value, name)).rowcount == 1


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", ["a", "b", "c"])
async def test_where_the_ledgers_differ_the_contents_that_the_chain_names_are_applied(
    world: World, tmp_path: Path, role: Role, name: str
) -> None:
    await world.write("in both", b"1")
    await world.heir.records.apply(world.lost.records.changes(START, limit=9), epoch=1)
    await world.lose("a", "b", "c", value=b"sunrise", after=Position(1, 1))
    alter(tmp_path, role, name, b"sunrisf")
    listed, _ = await world.ledger.entries()
    assert [(entry.loss.change.write.value, entry.disputed) for entry in listed] == [(b"sunrise", False)] * 3
    assert [settled.outcome for settled in await world.apply()] == ["applied"] * 3
    assert [await world.held(each) for each in ("a", "b", "c")] == [b"sunrise"] * 3


async def test_contents_of_which_none_is_proved_are_kept_back_until_the_operator_chooses(world: World, tmp_path: Path) -> None:
    await world.lose("a", value=b"sunrise")
    alter(tmp_path, Role.PRIMARY, "a", b"sunrisf")
    alter(tmp_path, Role.SECONDARY, "a", b"sunsets")
    (kept,) = await world.apply(force=True)
    assert kept.outcome == "kept" and "stop the other one" in kept.detail and await world.held("a") is None
    world.lost.trouble = Unreachable("stopped")
    assert [settled.outcome for settled in await world.apply()] == ["applied"] and await world.held("a") == b"sunsets"
