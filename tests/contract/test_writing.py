"""What a region's writer does on a disk that is full, fails or does not answer, and how it finds out when nothing is written."""

import asyncio
import errno
import os
import resource
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from multiregion.durability import STRICT, RemoteCopies
from multiregion.embedded.database import QUIET_SECONDS
from multiregion.embedded.records import SqliteRecords
from multiregion.embedded.reserve import ROOM_BYTES, Reserve
from multiregion.embedded.schema import routing_of
from multiregion.errors import CommitUnknown, DiskFailed, DiskFull, Fenced, NotReady
from multiregion.states import FIRST, Role, RoutingState, State, move
from multiregion.stores import START, Key, Position, Write
from tests.undone import not_replicated
from tests.unit.manual_clock import ManualClock

RESERVE_BYTES = 256 * 1024
ELSEWHERE = move(move(FIRST, State.FENCED), State.FAILOVER, writable=True, drained=True)


class Room(Reserve):
    """A reserve on a disk that is full as long as `full` is set; its room is what SQLite may use beyond that."""

    full = False
    gives: Callable[[], object] = staticmethod(lambda: None)

    def renew(self) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().renew()

    def give_up(self) -> bool:
        self.gives()
        return super().give_up()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path / "reserve", RESERVE_BYTES)


@pytest.fixture
async def records(tmp_path: Path, clock: ManualClock, room: Room) -> AsyncIterator[SqliteRecords]:
    made = SqliteRecords(tmp_path / "region.db", Role.PRIMARY, clock, reserve=room, slow_seconds=5.0)
    await made.admit(FIRST)
    yield made
    made.close()


def put(id: str, value: bytes = b"{}") -> Write:
    return Write(Key("photos", id), value)


async def commit(records: SqliteRecords, id: str, value: bytes = b"{}") -> Position:
    return await records.commit([put(id, value)], epoch=None, actor="ada")


async def prove(records: SqliteRecords, clock: ManualClock) -> None:
    clock.elapsed += 2.0
    await records.prove_writing()


def may_not_grow(records: SqliteRecords) -> None:
    (pages,) = records._writing.execute("PRAGMA page_count").fetchone()
    records._writing.execute(f"PRAGMA max_page_count = {pages}")


def may_grow(records: SqliteRecords) -> None:
    records._writing.execute("PRAGMA max_page_count = 1000000")


@contextmanager
def no_file_can_be_written() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


# The canary


async def test_the_disk_is_tried_without_a_trace(records: SqliteRecords, clock: ManualClock, tmp_path: Path) -> None:
    await commit(records, "sunrise")
    found, head, commits = await records.get(Key("photos", "sunrise")), await records.head(), records._writer.commits
    for _ in range(1_200):
        await prove(records, clock)
    before = size(tmp_path)
    for _ in range(1_200):
        await prove(records, clock)
    assert size(tmp_path) == before, "the write-ahead log is used again from its beginning"
    assert records._writer.commits == commits and await records.get(Key("photos", "sunrise")) is found
    assert await records.head() is head and len(records.changes(START, limit=10)) == 1
    assert records.writing().last_seconds is not None


async def test_it_is_really_written_to(records: SqliteRecords, clock: ManualClock, tmp_path: Path) -> None:
    records._writing.execute("PRAGMA wal_checkpoint(truncate)")
    assert (tmp_path / "region.db-wal").stat().st_size == 0
    await prove(records, clock)
    assert (tmp_path / "region.db-wal").stat().st_size > 0, "SQLite writes no page that has not changed"


async def test_it_is_tried_only_when_nothing_else_was_written(records: SqliteRecords, clock: ManualClock) -> None:
    clock.elapsed += 2.0
    await commit(records, "sunrise")
    before = records._writing.total_changes
    await records.prove_writing()
    assert records._writing.total_changes == before
    await prove(records, clock)
    assert records._writing.total_changes == before + 1


async def test_it_is_tried_among_writes_that_are_refused(records: SqliteRecords, clock: ManualClock) -> None:
    await records.admit(ELSEWHERE)
    clock.elapsed += 2.0
    before = records._writing.total_changes
    refused = [asyncio.ensure_future(commit(records, f"r{n}")) for n in range(20)]
    await asyncio.sleep(0)
    await records.prove_writing()
    assert all(isinstance(each, Fenced) for each in await asyncio.gather(*refused, return_exceptions=True))
    assert records._writing.total_changes == before + 1


async def test_a_disk_that_refuses_is_found_out_though_nobody_writes(records: SqliteRecords, clock: ManualClock) -> None:
    with no_file_can_be_written():
        await prove(records, clock)
    clock.elapsed += 3.0
    health = records.writing()
    assert (health.condition, health.seconds) == ("failing", 3.0) and "cannot be written" in str(health.problem)
    assert isinstance(await records.refusal(), DiskFailed)
    await prove(records, clock)
    assert records.writing().problem is None and await records.refusal() is None


async def test_what_writes_nothing_is_no_sign_of_health(records: SqliteRecords, clock: ManualClock) -> None:
    await records.admit(ELSEWHERE)
    with no_file_can_be_written():
        await prove(records, clock)
        with pytest.raises(Fenced):
            await commit(records, "sunrise")
        assert await records.admit(ELSEWHERE) == ELSEWHERE
    assert records.writing().condition == "failing"


async def test_no_room_beside_the_reserve_counts_as_full(records: SqliteRecords, clock: ManualClock, room: Room) -> None:
    room.full = True
    await prove(records, clock)
    assert records.writing().problem == "the disk is full"


# The reserve


async def test_what_moves_writing_away_is_written_on_a_full_disk_and_nothing_else_is(
    records: SqliteRecords, clock: ManualClock, room: Room
) -> None:
    for n in range(3):
        await commit(records, f"p{n}")
    room.full = True
    room.give_up()
    with pytest.raises(DiskFull):
        await commit(records, "late")
    assert isinstance(await records.refusal(), DiskFull)
    await prove(records, clock)
    await records.admit(ELSEWHERE)
    assert await records.rewind(START, explain=not_replicated("")) == 3 == await records.pending_losses()
    await records.settle((await records.losses())[0].key, "discarded", actor="ada")
    assert routing_of(records._reading) == ELSEWHERE and await records.pending_losses() == 2
    assert records.writing().problem == "the disk is full", "what is written into the reserve is no sign of room"
    with pytest.raises(DiskFull):
        await records.apply([], epoch=ELSEWHERE.epoch)
    room.full = False
    await prove(records, clock)
    assert room.kept and records.writing().problem is None
    await records.apply([], epoch=ELSEWHERE.epoch)


async def test_in_one_group_only_what_is_essential_is_written_on_a_full_disk(records: SqliteRecords, room: Room) -> None:
    room.gives = lambda: may_grow(records)
    may_not_grow(records)
    room.full = True

    def grows(session: object) -> str:
        records._writing.execute("CREATE TABLE IF NOT EXISTS filler (value BLOB)")
        records._writing.execute("INSERT INTO filler VALUES (zeroblob(1000000))")
        return "written"

    writer = records._writer
    orders = [writer.run(grows), writer.run(grows, essential=True), writer.run(grows), writer.run(grows)]
    answers = await asyncio.gather(*orders, return_exceptions=True)
    assert [type(answer) for answer in answers] == [DiskFull, str, DiskFull, DiskFull]
    assert not room.kept


def test_a_reserve_has_real_blocks_and_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    reserve = Reserve(path, RESERVE_BYTES)
    reserve.renew()
    assert path.stat().st_blocks * 512 >= RESERVE_BYTES
    assert path.stat().st_size == RESERVE_BYTES, "the room beside it is only tried"
    assert reserve.kept and Reserve(path, RESERVE_BYTES).kept and not Reserve(path, RESERVE_BYTES + ROOM_BYTES).kept
    assert reserve.give_up() and not path.exists()
    assert not reserve.give_up(), "there is none any more"
    path.write_bytes(b"")
    os.truncate(path, RESERVE_BYTES)
    assert not Reserve(path, RESERVE_BYTES).kept, "a hole is no room"


def test_a_reserve_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", RESERVE_BYTES)
    with no_file_can_be_written(), pytest.raises(OSError, match="File too large"):
        reserve.renew()
    assert not reserve.kept and list(tmp_path.iterdir()) == []


# Failures, and what they leave open


async def test_a_commit_that_the_disk_fails_in_has_an_unknown_outcome_and_is_not_tried_again(records: SqliteRecords) -> None:
    tries = []

    def counted(session: object) -> None:
        tries.append(session)
        records._writing.execute("UPDATE canary SET beat = beat + 1")

    with no_file_can_be_written():
        orders = [records._writer.run(counted) for _ in range(5)]
        answers = await asyncio.gather(*orders, return_exceptions=True)
    assert {type(answer) for answer in answers} == {CommitUnknown} and not CommitUnknown.definite
    assert len(tries) == 5
    assert "cannot be written" in str(records.writing().problem)


async def test_a_write_that_the_disk_refuses_was_surely_not_made(records: SqliteRecords) -> None:
    records._writing.execute("PRAGMA query_only = on")
    with pytest.raises(DiskFailed, match="nothing was written") as refused:
        await commit(records, "sunrise")
    assert refused.value.definite and refused.value.status == 503
    records._writing.execute("PRAGMA query_only = off")
    assert await records.get(Key("photos", "sunrise")) is None


@pytest.mark.parametrize("name", ["region.db", "region.db-wal"])
@pytest.mark.parametrize("how", ["moved", "replaced"])
async def test_a_file_that_is_moved_under_the_process_takes_no_writes_until_it_is_back(
    records: SqliteRecords, clock: ManualClock, tmp_path: Path, name: str, how: str
) -> None:
    await commit(records, "before")
    (tmp_path / name).rename(tmp_path / "elsewhere")
    if how == "replaced":
        shutil.copy(tmp_path / "elsewhere", tmp_path / name)
    with pytest.raises(DiskFailed, match=f"{name} was moved or removed under the running process"):
        await commit(records, "into nothing")
    clock.elapsed += 2 * QUIET_SECONDS
    await records.prove_writing()
    assert records.writing().condition == "failing"
    (tmp_path / "elsewhere").rename(tmp_path / name)
    await commit(records, "after")
    assert [record.key.id for record in (await records.query("photos"))[0]] == ["after", "before"]
    assert records.writing().condition == "well"


async def test_a_file_that_cannot_be_read_is_told_as_such(records: SqliteRecords, tmp_path: Path) -> None:
    for n in range(200):
        await commit(records, f"p{n}", bytes(1000))
    records._writing.execute("PRAGMA wal_checkpoint(truncate)")
    records._reading.execute("PRAGMA cache_size = 0")
    folder = os.open(tmp_path, os.O_RDONLY)  # what cannot be read like a file
    for entry in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if os.readlink(f"/proc/self/fd/{entry}") == str(tmp_path / "region.db"):
                os.dup2(folder, int(entry))
    os.close(folder)
    with pytest.raises(DiskFailed, match="cannot be read"):
        await records.query("photos")


async def test_behind_a_write_that_does_not_end_others_are_refused_at_once(
    records: SqliteRecords, clock: ManualClock, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "region.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.ensure_future(commit(records, "first"))
        while records._meter.quiet_seconds() is not None:
            await asyncio.sleep(0.001)
        clock.elapsed += 6.0
        assert records.writing().condition == "stuck"
        with pytest.raises(DiskFailed, match="does not answer"):
            await commit(records, "second")
        assert isinstance(await records.refusal(), DiskFailed)
        other.execute("ROLLBACK")
    assert await waiting == Position(1, 1)
    assert records.writing().condition == "slow"
    assert await records.refusal() is None, "slow as it is, it accepts writes"


# What is shown is what is enforced


async def test_why_a_commit_would_be_refused_is_what_it_is_refused_with(tmp_path: Path, clock: ManualClock) -> None:
    leased, copies = [True], RemoteCopies(clock, STRICT, 1.0)
    records = SqliteRecords(tmp_path / "r.db", Role.PRIMARY, clock, lease=lambda: leased[0], durability=copies)

    async def refused(kind: type[Exception], why: str) -> None:
        found = await records.refusal()
        assert isinstance(found, kind) and why in found.detail
        with pytest.raises(kind, match=why):
            await commit(records, "x")

    await refused(NotReady, "waits for the authority")
    await records.admit(FIRST)
    assert await records.refusal() is None
    leased[0] = False
    await refused(NotReady, "holds no lease")
    leased[0] = True
    copies._owe(Position(1, 1))
    await refused(NotReady, "remote-strict")
    copies.acknowledge(Position(1, 1))
    await records.admit(ELSEWHERE)
    await refused(Fenced, "does not accept writes")
    records.close()


async def test_what_was_heard_is_told_though_it_is_not_stored(records: SqliteRecords) -> None:
    later: RoutingState = move(ELSEWHERE, State.FENCED)
    records._writing.execute("PRAGMA query_only = on")
    await records.admit(later)
    assert await records.admitted() == later
    await records.admit(ELSEWHERE)
    assert await records.admitted() == later
