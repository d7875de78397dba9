"""Files of release 1.0 are taken over: what `release_1_0` holds was written by that release, and its log has been rewound once."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from multiregion.chains import linked
from multiregion.clock import SystemClock
from multiregion.embedded.authority import SqliteState
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import BadDeployment
from multiregion.logs import NOT_REPLICATED
from multiregion.reports import Leadership
from multiregion.states import Role, RoutingState, State, move
from multiregion.stores import BEGINNING, START, Digest, Key, Mark, Position, Write

RELEASE = Path(__file__).parent / "release_1_0"
HISTORY = "first history"
PICTURE = Digest("a" * 64)


def restored(name: str, folder: Path) -> Path:
    """A file of that release."""
    path = folder / f"{name}.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript((RELEASE / f"{name}.sql").read_text())
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
    copy = primary.with_name("primary.db.before-format-2")
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


@pytest.mark.parametrize("name", FILES)
async def test_a_copy_of_the_file_as_it_was_is_kept_beside_it(name: str, tmp_path: Path) -> None:
    path = restored(name, tmp_path)
    before = dumped(path)
    FILES[name](path).close()
    assert dumped(path.with_name(f"{name}.db.before-format-2")) == before != dumped(path)


@pytest.mark.parametrize("name", FILES)
async def test_a_newer_format_is_refused_by_name_and_left_alone(name: str, tmp_path: Path) -> None:
    path = restored(name, tmp_path)
    FILES[name](path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 3")
    before = dumped(path)
    with pytest.raises(BadDeployment, match=rf"{name}\.db has format 3; this release reads formats up to 2"):
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
