"""Files of older formats are taken over: `release_1_0` and `format_2` hold what was written then, by a log that was rewound once."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from multiregion.chains import linked
from multiregion.clock import SystemClock
from multiregion.embedded.authority import SqliteState
from multiregion.embedded.objects import FileObjects
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import BadDeployment, Conflict
from multiregion.logs import NOT_REPLICATED
from multiregion.reapply import restore
from multiregion.region import LoggedRegion
from multiregion.reports import Leadership
from multiregion.states import Role, RoutingState, State, move
from multiregion.stores import BEGINNING, START, Digest, Key, Mark, Position, Write
from tests.unit.links import Link

RELEASE, FORMAT_2 = (Path(__file__).parent / name for name in ("release_1_0", "format_2"))
HISTORY = "first history"
PICTURE = Digest("a" * 64)


def restored(name: str, folder: Path, source: Path = RELEASE) -> Path:
    """A file of that release, or format."""
    path = folder / f"{name}.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript((source / f"{name}.sql").read_text())
    return path


def dumped(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        return "\n".join(db.iterdump())


def opened(path: Path, role: Role) -> SqliteRecords:
    return SqliteRecords(path, role, SystemClock(), guarded=True, history=HISTORY)


@pytest.fixture
def primary(tmp_path: Path) -> Path:
    return restored("primary", tmp_path)


async def test_records_log_and_state_are_what_they_were(primary: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(primary)) as db:
        content, size = db.execute("SELECT content, log_bytes FROM region").fetchone()
    records = opened(primary, Role.PRIMARY)
    head = await records.head()
    assert (head.position, head.bytes, head.content) == (Position(4, 7), size, content)
    assert await records.admitted() == RoutingState(State.ACTIVE, 4, Role.PRIMARY, history=HISTORY)
    assert await records.is_whole() and records.began_whole and records.store
    found = [(record.key.id, record.value) for record in (await records.query("photos"))[0]]
    assert found == [("p", b'{"caption": "sunset"}'), ("r", b"r")]
    assert await records.is_needed(PICTURE) and (await records.version(Key("photos", "q"))) == Position(1, 4)
    assert [change.position.sequence for change in records.changes(START, limit=100)] == list(range(1, 8))
    records.close()


async def test_both_regions_compute_the_same_chain(tmp_path: Path) -> None:
    one, other = (opened(restored(role, tmp_path), role) for role in Role)
    assert await one.head() == await other.head() and len((await one.head()).chain) == 32
    assert one.changes(START, limit=100) == other.changes(START, limit=100)
    chain = ""
    for change in one.changes(START, limit=100):
        assert change.chain == (chain := linked(chain, change))
    assert chain == (await one.head()).chain
    for records in (one, other):
        records.close()


async def test_the_ledger_is_kept_with_what_was_decided(primary: Path) -> None:
    records = opened(primary, Role.PRIMARY)
    losses = await records.losses()
    assert [(loss.key, loss.change.write.key.id, loss.outcome, loss.decided_by) for loss in losses] == [
        (Mark(Position(1, 5), ""), "c0", "applied", "eve"),
        (Mark(Position(1, 6), ""), "c1", "discarded", "eve"),
        (Mark(Position(1, 7), ""), "c2", "pending", ""),
    ]
    assert losses[0].applied == Position(2, 6) and losses[0].change.write.needs == (PICTURE,)
    assert [loss.change.write.requires for loss in losses] == [(Key("photos", "p"),)] * 3
    assert {(loss.cause, loss.region, loss.writes) for loss in losses} == {(NOT_REPLICATED, Role.PRIMARY, None)}
    await records.settle(losses[2].key, "discarded", actor="bob")
    assert await records.pending_losses() == 0
    records.close()


async def test_it_goes_on_from_there_and_can_be_rewound_into_what_the_old_release_wrote(tmp_path: Path) -> None:
    one, other = (opened(restored(role, tmp_path), role) for role in Role)
    state = await one.admitted()
    for records in (one, other):
        await records.admit(state)
    before = await one.head()
    one.prove()
    await one.commit([Write(Key("photos", "new"), b"{}")], epoch=4, actor="ada")
    (change,) = one.changes(before.position, limit=10, chain=before.chain)
    assert await other.apply([change], epoch=4) == await one.head()
    await other.admit(move(state, State.FENCED))
    await other.rewind(Position(2, 5), explain=lambda position, own: (NOT_REPLICATED, "why"))
    assert [(loss.change.position.sequence, loss.change.write.key.id) for loss in await other.losses()] == [(6, "c0"), (7, "p"), (8, "new")]
    record = await other.get(Key("photos", "p"))
    assert record is not None and record.value == b'{"caption": "sunrise"}'
    for records in (one, other):
        records.close()


async def test_a_second_start_changes_nothing(primary: Path) -> None:
    first = opened(primary, Role.PRIMARY)
    store = first.store
    first.close()
    copy = primary.with_name("primary.db.before-format-3")
    copy.unlink()
    again = SqliteRecords(primary, Role.PRIMARY, SystemClock(), guarded=True, history="another")
    assert again.store == store and (await again.admitted()).history == HISTORY and not copy.exists()
    again.close()


@pytest.fixture
async def authority(tmp_path: Path) -> Path:
    return restored("authority", tmp_path)


async def test_the_authoritys_decisions_are_kept_under_the_first_history(authority: Path) -> None:
    store = SqliteState(authority, SystemClock(), history=HISTORY)
    assert await store.read() == RoutingState(State.ACTIVE, 4, Role.PRIMARY, history=HISTORY)
    lines = await store.history()
    assert [line.state.epoch for line in lines] == [4, 3, 2, 2, 1] and {line.state.history for line in lines} == {HISTORY}
    assert [line.what for line in lines] == ["state", "state", "loss", "state", "state"]
    assert dict(lines[3].facts) == {"watermark": {"epoch": 1, "sequence": 4}}
    assert await store.reports() == {} and await store.found("any store") is None, "it was founded long ago"
    state = await store.read()
    await store.replace(state, move(state, State.FENCED), actor="ada", reason="")
    store.close()
    again = SqliteState(authority, SystemClock(), history="another")
    assert (await again.read()).history == HISTORY
    again.close()


async def test_it_says_since_when_the_leader_leads_so_that_an_older_tail_is_not_taken_for_what_it_lacks(authority: Path) -> None:
    store = SqliteState(authority, SystemClock(), history=HISTORY)
    assert await store.leadership() == Leadership(4, BEGINNING), "since it was handed over at epoch 4"
    state = await store.read()
    await store.replace(state, move(state, State.FENCED), actor="ada", reason="")
    assert (await store.leadership()).since == 4
    store.close()


Opened = Callable[[Path], object]
FILES: dict[str, Callable[[Path], Any]] = {
    "primary": lambda path: opened(path, Role.PRIMARY),
    "secondary": lambda path: opened(path, Role.SECONDARY),
    "authority": lambda path: SqliteState(path, SystemClock(), history=HISTORY),
}


FORMATS = {"primary": 3, "secondary": 3, "authority": 2}


@pytest.mark.parametrize("name", FILES)
async def test_a_copy_of_the_file_as_it_was_is_kept_beside_it(name: str, tmp_path: Path) -> None:
    path = restored(name, tmp_path)
    before = dumped(path)
    FILES[name](path).close()
    assert dumped(path.with_name(f"{name}.db.before-format-{FORMATS[name]}")) == before != dumped(path)


@pytest.mark.parametrize("name", FILES)
async def test_a_newer_format_is_refused_by_name_and_left_alone(name: str, tmp_path: Path) -> None:
    known = FORMATS[name]
    path = restored(name, tmp_path)
    FILES[name](path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {known + 1}")
    before = dumped(path)
    with pytest.raises(BadDeployment, match=rf"{name}\.db has format {known + 1}; this release reads formats up to {known}"):
        FILES[name](path)
    assert dumped(path) == before


@pytest.mark.parametrize(
    ("name", "spoil", "mend"),
    [
        ("primary", "UPDATE change SET needs = 'x' WHERE sequence = 6", "UPDATE change SET needs = '[]' WHERE sequence = 6"),
        ("primary", "CREATE TABLE old_loss (x)", "DROP TABLE old_loss"),
        ("authority", "ALTER TABLE decision ADD COLUMN history", "ALTER TABLE decision DROP COLUMN history"),
    ],
)
async def test_one_that_is_interrupted_leaves_the_file_as_it_was_and_is_done_by_the_next(
    name: str, spoil: str, mend: str, tmp_path: Path
) -> None:
    path = restored(name, tmp_path)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(spoil)
    before = dumped(path)
    for _ in range(2):
        with pytest.raises(Exception, match=r"Expecting value|already|duplicate"):
            FILES[name](path)
        assert dumped(path) == before
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (0,)
        db.executescript(mend)
    FILES[name](path).close()


@pytest.fixture
def of_format_2(tmp_path: Path) -> Path:
    """Its log holds a comment on a photo; its ledger a photo, a comment on that one, and a deleted and a new one on the first."""
    return restored("primary", tmp_path, FORMAT_2)


async def test_the_log_of_format_2_is_what_it_was_and_goes_on(of_format_2: Path) -> None:
    with closing(sqlite3.connect(of_format_2)) as db:
        chains = [chain for (chain,) in db.execute("SELECT chain FROM change ORDER BY sequence")]
        store, head = db.execute("SELECT store, chain FROM region").fetchone()
    records = opened(of_format_2, Role.PRIMARY)
    assert (records.store, (await records.head()).chain) == (store, head)
    changes = records.changes(START, limit=100)
    assert [change.chain for change in changes] == chains and {change.write.requires for change in changes} == {()}
    assert await records.spoiled(0, limit=100) == (4, [])
    await records.admit(await records.admitted())
    records.prove()
    photo = Key("photos", "p")
    await records.commit([Write(Key("comments/p", "new"), b"{}", requires=(photo,))], epoch=3, actor="ada")
    assert records.changes(changes[-1].position, limit=1, chain=head)[0].write.requires == (photo,)
    assert await records.spoiled(0, limit=100) == (5, [])
    records.close()


async def test_what_a_lost_comment_of_format_2_requires_is_added(of_format_2: Path) -> None:
    records = opened(of_format_2, Role.PRIMARY)
    required = {loss.change.write.key: loss.change.write.requires for loss in await records.losses()}
    assert required == {
        Key("photos", "q"): (),
        Key("comments/q", "c1"): (Key("photos", "q"),),
        Key("comments/p", "c0"): (),  # a deletion
        Key("comments/p", "c2"): (Key("photos", "p"),),
    }
    records.close()


async def test_a_lost_comment_of_format_2_is_not_made_again_without_its_photo(of_format_2: Path, tmp_path: Path) -> None:
    records, clock = opened(of_format_2, Role.PRIMARY), SystemClock()
    await records.admit(await records.admitted())
    records.prove()
    here = LoggedRegion(Role.PRIMARY, "here", records, FileObjects(tmp_path / "objects", clock))
    photo, orphan, _, comment = [loss.change for loss in await records.losses()]
    with pytest.raises(Conflict, match="photos/q does not exist"):
        await restore(here, Link(here), orphan, None, actor="eve", force=True)
    for change in (comment, photo, orphan):
        await restore(here, Link(here), change, None, actor="eve", force=False)
    assert await records.get(orphan.write.key) is not None
    records.close()


async def test_one_of_format_2_is_kept_as_it_was_when_taking_it_over_fails(of_format_2: Path) -> None:
    with closing(sqlite3.connect(of_format_2)) as db:
        db.execute("ALTER TABLE loss ADD COLUMN requires")
    before = dumped(of_format_2)
    with pytest.raises(sqlite3.OperationalError, match="duplicate"):
        opened(of_format_2, Role.PRIMARY)
    with closing(sqlite3.connect(of_format_2)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
        assert dumped(of_format_2) == before == dumped(of_format_2.with_name("primary.db.before-format-3"))
        db.execute("ALTER TABLE loss DROP COLUMN requires")
    opened(of_format_2, Role.PRIMARY).close()
