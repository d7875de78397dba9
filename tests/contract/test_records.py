"""What every implementation of `Records` promises."""

import pytest

from multiregion.errors import Conflict, Fenced, InvalidInput, NotFound, NotReady, StaleEpoch, Unreachable
from multiregion.states import FIRST, Role, State, move
from multiregion.stores import COMMIT_WRITES_MAX, REQUIRES_MAX, Digest, Key, Position, Records, Write
from tests.contract.backends import Backend, Closing

FENCED = move(FIRST, State.FENCED)
SUNRISE, SUNSET = Key("photos", "sunrise"), Key("photos", "sunset")


@pytest.fixture
async def records(backend: Backend) -> Closing:
    made = await backend.records()
    await made.admit(FIRST)
    return made


async def is_empty(records: Records) -> bool:
    return (await records.count("photos"), await records.query("photos")) == (0, ([], None))


def put(id: str, value: bytes = b"{}", *, order: str = "", absent: bool = False, version: Position | None = None) -> Write:
    return Write(Key("photos", id), value, order, absent=absent, version=version)


def comment(id: str, *requires: Key) -> Write:
    return Write(Key("comments/sunrise", id), b"{}", requires=requires or (SUNRISE,))


async def test_a_write_is_there_as_it_was_given(records: Records) -> None:
    position = await records.commit([put("sunrise", b"1", order="first")], epoch=1, actor="ada")
    record = await records.get(SUNRISE)
    assert record is not None and (record.value, record.order, record.version) == (b"1", "first", position)
    assert position.epoch == 1 and await records.get(Key("photos", "sunset")) is None


async def test_a_record_is_read_as_the_last_commit_left_it(records: Records) -> None:
    for value in (b"1", b"2", None):
        await records.get(SUNRISE)
        await records.commit([Write(SUNRISE, value)], epoch=1, actor="ada")
        assert getattr(await records.get(SUNRISE), "value", None) == value


async def test_only_the_writer_accepts(backend: Backend) -> None:
    secondary = await backend.records(Role.SECONDARY)
    await secondary.admit(FIRST)
    with pytest.raises(Fenced) as refused:
        await secondary.commit([put("sunrise")], epoch=None, actor="ada")
    assert refused.value.facts["state"] == FIRST
    assert await is_empty(secondary)


async def test_nobody_accepts_while_fenced(records: Records) -> None:
    await records.admit(FENCED)
    with pytest.raises(Fenced):
        await records.commit([put("sunrise")], epoch=None, actor="ada")
    assert await is_empty(records)


@pytest.mark.parametrize("epoch", [0, 2, 99])
async def test_another_epoch_than_the_admitted_is_refused(records: Records, epoch: int) -> None:
    with pytest.raises(StaleEpoch):
        await records.commit([put("sunrise")], epoch=epoch, actor="ada")
    assert await is_empty(records)


async def test_nothing_is_accepted_before_the_authority_was_heard(records: Closing, backend: Backend) -> None:
    await records.commit([put("sunrise")], epoch=1, actor="ada")
    records.close()
    again = await backend.records()
    with pytest.raises(NotReady):
        await again.commit([put("sunset")], epoch=None, actor="ada")
    assert await again.get(SUNRISE) is not None and not again.confirmed
    await again.admit(await again.admitted())
    await again.commit([put("sunset")], epoch=None, actor="ada")
    assert again.confirmed


async def test_an_older_epoch_is_never_admitted(records: Records) -> None:
    await records.admit(FENCED)
    assert await records.admit(FIRST) == FENCED
    assert await records.admitted() == FENCED


async def test_all_or_nothing(records: Records) -> None:
    await records.commit([put("sunrise")], epoch=1, actor="ada")
    with pytest.raises(Conflict):
        await records.commit([put("sunset"), put("sunrise", absent=True)], epoch=1, actor="ada")
    assert await records.get(Key("photos", "sunset")) is None
    assert await records.count("photos") == 1


async def test_a_deleted_record_stays_deleted(records: Records) -> None:
    await records.commit([put("sunrise", absent=True)], epoch=1, actor="ada")
    await records.commit([Write(SUNRISE, None)], epoch=1, actor="ada")
    assert await records.get(SUNRISE) is None
    with pytest.raises(Conflict):
        await records.commit([put("sunrise", absent=True)], epoch=1, actor="ada")


async def test_a_version_guards_against_lost_updates(records: Records) -> None:
    first = await records.commit([put("sunrise", b"1")], epoch=1, actor="ada")
    await records.commit([put("sunrise", b"2", version=first)], epoch=1, actor="ada")
    with pytest.raises(Conflict):
        await records.commit([put("sunrise", b"3", version=first)], epoch=1, actor="bob")
    record = await records.get(SUNRISE)
    assert record is not None and record.value == b"2"


async def test_a_required_record_must_exist(records: Records) -> None:
    with pytest.raises(NotFound, match="photos/sunrise does not exist"):
        await records.commit([comment("c1")], epoch=1, actor="ada")
    await records.commit([put("sunrise")], epoch=1, actor="ada")
    await records.commit([comment("c1")], epoch=1, actor="ada")
    await records.commit([Write(SUNRISE, None)], epoch=1, actor="ada")
    with pytest.raises(NotFound):
        await records.commit([comment("c2")], epoch=1, actor="ada")


async def test_what_any_write_of_a_commit_requires_is_required_of_the_commit(records: Records) -> None:
    await records.commit([put("sunrise")], epoch=1, actor="ada")
    for comments in ([comment("c1", SUNSET), comment("c2")], [comment("c1"), comment("c2", SUNRISE, SUNSET)]):
        with pytest.raises(NotFound, match="photos/sunset does not exist"):
            await records.commit([put("noon"), *comments], epoch=1, actor="ada")
    assert await records.count("photos") == 1 and await records.count("comments/sunrise") == 0
    await records.commit([put("sunset")], epoch=1, actor="ada")
    await records.commit([put("noon"), comment("c1"), comment("c2", SUNRISE, SUNSET)], epoch=1, actor="ada")
    assert await records.count("photos") == 3 and await records.count("comments/sunrise") == 2


async def test_what_a_commit_makes_itself_does_not_exist_yet(records: Records) -> None:
    with pytest.raises(NotFound):
        await records.commit([put("sunrise"), comment("c1")], epoch=1, actor="ada")
    assert await is_empty(records)


async def test_a_write_requires_a_few_records_at_most(records: Records) -> None:
    keys = [Key("photos", f"p{n}") for n in range(REQUIRES_MAX + 1)]
    await records.commit([put(key.id) for key in keys], epoch=1, actor="ada")
    await records.commit([comment("c1", *keys[:-1]), comment("c2", *keys[1:])], epoch=1, actor="ada")
    with pytest.raises(InvalidInput, match=rf"requires {REQUIRES_MAX + 1} records, over the limit of {REQUIRES_MAX}") as refused:
        await records.commit([comment("c3"), comment("c4", *keys)], epoch=1, actor="ada")
    assert refused.value.facts == {"field": "requires", "limit": REQUIRES_MAX}
    assert await records.count("comments/sunrise") == 2


@pytest.mark.parametrize("newest_first", [False, True])
async def test_pages_join_to_the_whole_list(records: Records, newest_first: bool) -> None:
    await records.commit([put(f"p{n:03}", order=f"{n // 10}") for n in range(47)], epoch=1, actor="ada")
    await records.commit([Write(Key("photographs", "p0"), b"{}", "0")], epoch=1, actor="ada")
    await records.commit([Write(Key("photos", "p013"), None)], epoch=1, actor="ada")
    ids: list[str] = []
    after: str | None = ""
    while after is not None:
        page, after = await records.query("photos", after=after, limit=10, newest_first=newest_first)
        ids += [record.key.id for record in page]
    expected = [f"p{n:03}" for n in range(47) if n != 13]
    assert ids == (expected[::-1] if newest_first else expected)
    assert await records.count("photos") == 46


@pytest.mark.parametrize("after", ["nonsense", "bm9uc2Vuc2U", "WzEsIDJd", "é"])
async def test_a_made_up_cursor_is_refused(records: Records, after: str) -> None:
    with pytest.raises(InvalidInput):
        await records.query("photos", after=after)


async def test_a_delete_of_nothing_keeps_the_name_from_being_used(records: Records) -> None:
    await records.commit([Write(SUNRISE, None)], epoch=1, actor="ada")
    with pytest.raises(Conflict):
        await records.commit([put("sunrise", absent=True)], epoch=1, actor="ada")
    assert await is_empty(records)


async def test_a_record_that_is_written_over_is_listed_once_in_its_new_place(records: Records) -> None:
    await records.commit([put("a", order="1"), put("b", order="2")], epoch=1, actor="ada")
    await records.commit([put("a", order="3")], epoch=1, actor="ada")
    page, following = await records.query("photos")
    assert [(record.key.id, record.order) for record in page] == [("b", "2"), ("a", "3")] and following is None


@pytest.mark.parametrize(
    "deletion",
    [
        [Write(SUNRISE, None, requires=(SUNRISE,)), put("note")],
        [Write(SUNRISE, None), Write(Key("photos", "note"), b"{}", requires=(SUNRISE,))],
    ],
    ids=["by itself", "by another"],
)
async def test_what_must_exist_may_be_deleted_in_the_same_commit(records: Records, deletion: list[Write]) -> None:
    with pytest.raises(NotFound):
        await records.commit(deletion, epoch=1, actor="ada")
    assert await is_empty(records)
    await records.commit([put("sunrise")], epoch=1, actor="ada")
    await records.commit(deletion, epoch=1, actor="ada")
    assert [record.key.id for record in (await records.query("photos"))[0]] == ["note"]


async def test_of_two_writes_to_a_record_in_one_commit_the_last_counts_under_both_conditions(records: Records) -> None:
    await records.commit([put("sunrise", b"1", absent=True), put("sunrise", b"2")], epoch=1, actor="ada")
    record = await records.get(SUNRISE)
    assert record is not None and record.value == b"2"
    with pytest.raises(Conflict):
        await records.commit([put("sunrise", b"3", absent=True), put("sunrise", b"4")], epoch=1, actor="ada")


async def test_a_commit_takes_as_many_writes_as_every_backend_must(records: Records) -> None:
    await records.commit([put(f"p{n:02}") for n in range(COMMIT_WRITES_MAX)], epoch=1, actor="ada")
    assert await records.count("photos") == COMMIT_WRITES_MAX


async def test_an_object_is_needed_while_a_visible_record_names_it(records: Records) -> None:
    picture, other = Digest("a" * 64), Digest("b" * 64)
    await records.commit(
        [Write(SUNRISE, b"1", needs=(picture, other)), Write(Key("photos", "b"), b"1", needs=(picture,))], epoch=1, actor="ada"
    )
    assert await records.is_needed(picture) and await records.is_needed(other)
    await records.commit([Write(SUNRISE, None)], epoch=1, actor="ada")
    assert await records.is_needed(picture) and not await records.is_needed(other)
    await records.commit([Write(Key("photos", "b"), b"2", needs=(other,))], epoch=1, actor="ada")
    assert await records.is_needed(other) and not await records.is_needed(picture)


async def test_without_a_lease_nothing_is_written(backend: Backend) -> None:
    holds = True
    leased = await backend.records(lease=lambda: holds)
    await leased.admit(FIRST)
    await leased.commit([put("a")], epoch=1, actor="ada")
    holds = False
    with pytest.raises(NotReady, match="no lease"):
        await leased.commit([put("b")], epoch=1, actor="ada")
    assert await leased.count("photos") == 1


async def test_a_lease_that_runs_out_during_the_commit_leaves_the_outcome_open(backend: Backend) -> None:
    answers = iter([True, False])
    leased = await backend.records(lease=lambda: next(answers))
    await leased.admit(FIRST)
    with pytest.raises(Unreachable) as unknown:
        await leased.commit([put("a")], epoch=1, actor="ada")
    assert unknown.value.definite is False
