"""Replication between two real regions in this process, over a link that breaks wherever a test wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from multiregion.clock import SystemClock
from multiregion.embedded.records import SqliteRecords
from multiregion.errors import NotReady
from multiregion.region import LoggedRegion
from multiregion.replication import BATCH_BYTES_MAX, Replicator, batches
from multiregion.states import Role, State, move
from multiregion.stores import START, UNKNOWN_LAG, Change, Digest, Key, Position, Write
from tests.unit.links import FIRST, HEARTBEAT_SECONDS, Link, region

ELSEWHERE = replace(FIRST, state=State.FAILOVER, epoch=2, leader=Role.SECONDARY, writable=True)


class ManualClock(SystemClock):
    """Real, but its monotonic time can be pushed on."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


@pytest.fixture
async def primary(tmp_path: Path) -> LoggedRegion:
    made = region(tmp_path / "primary", Role.PRIMARY)
    await made.records.admit(FIRST)
    return made


@pytest.fixture
async def secondary(tmp_path: Path) -> LoggedRegion:
    made = region(tmp_path / "secondary", Role.SECONDARY)
    await made.records.admit(FIRST)
    return made


@pytest.fixture
def link(primary: LoggedRegion) -> Link:
    return Link(primary)


@pytest.fixture
async def replicator(secondary: LoggedRegion, link: Link) -> AsyncIterator[Replicator]:
    made = Replicator(secondary, link, ManualClock(), heartbeat_seconds=HEARTBEAT_SECONDS)
    running = asyncio.ensure_future(made.run())
    yield made
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def write(region: LoggedRegion, name: str, value: bytes = b"{}", needs: tuple[Digest, ...] = ()) -> Position:
    return await region.records.commit([Write(Key("photos", name), value, needs=needs)], epoch=None, actor="ada")


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not await true():
            await asyncio.sleep(0.005)


async def level(a: LoggedRegion, b: LoggedRegion) -> bool:
    return await a.records.head() == await b.records.head()


async def test_what_is_written_here_is_read_there(primary: LoggedRegion, secondary: LoggedRegion, replicator: Replicator) -> None:
    for n in range(30):
        await write(primary, f"p{n % 10}", str(n).encode())
    await until(lambda: level(primary, secondary))
    record = await secondary.records.get(Key("photos", "p9"))
    assert record is not None and record.value == b"29"


async def test_every_break_is_resumed_from_the_position(
    primary: LoggedRegion, secondary: LoggedRegion, link: Link, replicator: Replicator
) -> None:
    link.breaks_after = 2
    for n in range(200):
        await write(primary, f"p{n}")
        if n % 20 == 0:
            await asyncio.sleep(0.02)
    await until(lambda: level(primary, secondary), seconds=30)
    assert [c.position.sequence for c in secondary.records.changes(START, limit=1000)] == list(range(1, 201))


async def test_no_record_is_visible_before_its_object(
    primary: LoggedRegion, secondary: LoggedRegion, link: Link, replicator: Replicator
) -> None:
    digest = await primary.objects.put(b"light")
    seen: list[bool] = []
    applying = secondary.records.apply

    async def watched(changes: list[Change], *, epoch: int) -> object:
        seen.append(await secondary.objects.has(digest))
        return await applying(changes, epoch=epoch)

    secondary.records.apply = watched  # type: ignore[method-assign,assignment]
    await write(primary, "p", needs=(digest,))
    await until(lambda: level(primary, secondary))
    assert seen == [True]


async def test_an_object_that_is_there_is_not_fetched_again(
    primary: LoggedRegion, secondary: LoggedRegion, link: Link, replicator: Replicator
) -> None:
    digest = await primary.objects.put(b"light")
    for name in "abc":
        await write(primary, name, needs=(digest,))
        await until(lambda: level(primary, secondary))
    assert link.fetched == [digest]


async def test_a_record_waits_while_its_object_cannot_be_had(
    primary: LoggedRegion, secondary: LoggedRegion, link: Link, replicator: Replicator
) -> None:
    digest = await primary.objects.put(b"light")
    path = primary.objects.path(digest)
    assert path is not None
    path.rename(path.with_suffix(".away"))
    await write(primary, "p", needs=(digest,))
    await asyncio.sleep(0.3)
    assert await secondary.records.get(Key("photos", "p")) is None
    path.with_suffix(".away").rename(path)
    await until(lambda: level(primary, secondary))


async def test_lag_is_unknown_until_heard_and_never_zero_then(secondary: LoggedRegion, link: Link) -> None:
    quiet = Replicator(secondary, link, SystemClock(), heartbeat_seconds=HEARTBEAT_SECONDS)
    assert quiet.status() == UNKNOWN_LAG


async def test_lag_is_zero_when_level(primary: LoggedRegion, secondary: LoggedRegion, replicator: Replicator) -> None:
    await write(primary, "p")
    await until(lambda: level(primary, secondary))
    await asyncio.sleep(3 * HEARTBEAT_SECONDS)
    lag = replicator.status()
    assert (lag.seconds, lag.changes, lag.bytes) == (0.0, 0, 0)


async def test_lag_counts_what_is_waiting(primary: LoggedRegion, secondary: LoggedRegion, link: Link, replicator: Replicator) -> None:
    link.brings.clear()
    await write(primary, "p", needs=(await primary.objects.put(b"light"),))
    await write(primary, "q")

    async def counted(changes: int) -> bool:
        return replicator.status().changes == changes

    await until(lambda: counted(2))
    assert (replicator.status().bytes or 0) > 0
    link.brings.set()
    await until(lambda: counted(0))


async def test_a_region_that_leads_is_never_behind(primary: LoggedRegion, secondary: LoggedRegion) -> None:
    leading = Replicator(primary, Link(secondary), SystemClock(), heartbeat_seconds=HEARTBEAT_SECONDS)
    running = asyncio.ensure_future(leading.run())
    await write(primary, "p")
    await secondary.records.apply(primary.records.changes(START, limit=10), epoch=1)
    await write(primary, "q")
    await asyncio.sleep(5 * HEARTBEAT_SECONDS)
    assert leading.status().changes == 0
    running.cancel()


async def test_a_region_whose_log_went_another_way_is_rewound_and_follows(
    primary: LoggedRegion, secondary: LoggedRegion, link: Link, replicator: Replicator
) -> None:
    await write(primary, "both")
    await until(lambda: level(primary, secondary))
    link.up = False
    await asyncio.sleep(3 * HEARTBEAT_SECONDS)
    await write(primary, "lost")
    await secondary.records.admit(ELSEWHERE)
    await write(secondary, "there")
    returning = Replicator(primary, Link(secondary), SystemClock(), heartbeat_seconds=HEARTBEAT_SECONDS)
    running = asyncio.ensure_future(returning.run())
    await until(lambda: level(primary, secondary))
    assert [loss.change.write.key.id for loss in await primary.records.losses()] == ["lost"]
    assert await primary.records.get(Key("photos", "there")) is not None
    assert await primary.records.admitted() == ELSEWHERE
    running.cancel()


@asynccontextmanager
async def following(region: LoggedRegion, source: LoggedRegion) -> AsyncIterator[Replicator]:
    made = Replicator(region, Link(source), SystemClock(), heartbeat_seconds=HEARTBEAT_SECONDS)
    running = asyncio.ensure_future(made.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_a_region_heard_as_the_leader_says_nothing_of_how_it_follows(primary: LoggedRegion, secondary: LoggedRegion) -> None:
    """Between the state that ends its leadership and the comparison of the logs, it may have to undo what the other does not have."""
    await write(primary, "lost")
    async with following(primary, secondary) as replicator:
        await until(lambda: is_true(replicator.status().changes == 0))
        assert not replicator.turns(await primary.records.admitted())
        taken = move(FIRST, State.FAILOVER, writable=True, region_lost=True)
        await primary.records.admit(taken)
        assert replicator.turns(taken)
        await until(lambda: is_true("have parted" in (replicator.problem or "")))
        assert not replicator.turns(taken) and replicator.status().changes is None
        await secondary.records.admit(taken)
        await until(lambda: is_true(replicator.status().changes == 0))
        assert await level(primary, secondary) and not replicator.turns(taken)


async def is_true(value: bool) -> bool:
    return value


async def test_that_the_other_log_went_another_way_is_told_while_this_region_leads_and_no_longer(
    primary: LoggedRegion, secondary: LoggedRegion
) -> None:
    await write(primary, "lost")
    taken = move(FIRST, State.FAILOVER, writable=True, region_lost=True)
    await secondary.records.admit(taken)
    async with following(secondary, primary) as replicator:

        async def tells() -> bool:
            return replicator.parted is not None

        async def is_silent() -> bool:
            return replicator.parted is None

        await until(tells)
        await secondary.records.admit(move(taken, State.FENCED))
        back = move(move(taken, State.FENCED), State.ACTIVE, region_lost=True)
        await secondary.records.admit(back)
        await until(is_silent)


async def test_nothing_is_rewound_before_the_new_leader_knows_that_it_is(primary: LoggedRegion, secondary: LoggedRegion) -> None:
    """It may still take what would be undone here."""
    await write(primary, "both")
    await secondary.records.apply(primary.records.changes(START, limit=10), epoch=1)
    await write(primary, "late")
    await primary.records.admit(ELSEWHERE)
    async with following(primary, secondary) as replicator:

        async def parted() -> bool:
            return replicator.problem is not None and "have parted" in replicator.problem

        await until(parted)
        assert await primary.records.get(Key("photos", "late")) is not None
        await secondary.records.admit(ELSEWHERE)
        await until(lambda: level(primary, secondary))
    assert [loss.change.write.key.id for loss in await primary.records.losses()] == ["late"]


async def test_a_region_that_has_just_started_takes_no_state_from_the_other(
    primary: LoggedRegion, secondary: LoggedRegion, tmp_path: Path
) -> None:
    """The other may have been given up as lost, and not know it; only the authority's word counts then."""
    assert isinstance(secondary.records, SqliteRecords)
    secondary.records.close()
    started = region(tmp_path / "secondary", Role.SECONDARY)
    await primary.records.admit(move(FIRST, State.FENCED))
    async with following(started, primary) as replicator:

        async def heard() -> bool:
            return replicator.last_known is not None

        await until(heard)
        assert await started.records.admitted() == FIRST
        await started.records.admit(FIRST)
        await until(lambda: obeys(started, primary))


async def obeys(one: LoggedRegion, other: LoggedRegion) -> bool:
    return await one.records.admitted() == await other.records.admitted()


async def test_two_regions_that_have_both_lost_everything_wait(tmp_path: Path) -> None:
    """Neither is whole, so neither may stand for what was there: replication alone does not let them begin anew."""
    one, other = (region(tmp_path / role, role, guarded=True) for role in Role)
    for each in (one, other):
        await each.records.admit(FIRST)
    async with following(one, other) as first, following(other, one) as second:

        async def waits() -> bool:
            return all("does not have all records yet" in (each.problem or "") for each in (first, second))

        await until(waits)
        assert not await one.records.is_whole() and not await other.records.is_whole()
        with pytest.raises(NotReady):
            await write(one, "new")


async def test_two_regions_that_have_been_told_nothing_yet_copy_nothing(tmp_path: Path) -> None:
    one, other = (region(tmp_path / role, role, guarded=True) for role in Role)
    async with following(one, other) as first:

        async def waits() -> bool:
            return first.problem == "the other region has been told no state yet"

        await until(waits)


async def test_a_silent_link_makes_the_count_unknown_and_the_seconds_grow(
    primary: LoggedRegion, secondary: LoggedRegion, link: Link, replicator: Replicator
) -> None:
    await write(primary, "p")
    await until(lambda: level(primary, secondary))
    await asyncio.sleep(3 * HEARTBEAT_SECONDS)
    link.up = False
    await asyncio.sleep(3 * HEARTBEAT_SECONDS)
    clock = replicator._clock
    assert isinstance(clock, ManualClock)
    clock.ahead += 60
    lag = replicator.status()
    assert lag.changes is None and lag.bytes is None and lag.seconds is not None and lag.seconds >= 60


def change(size: int) -> Change:
    return Change(Position(1, 1), Write(Key("p", "x"), b""), "ada", 0.0, size)


def test_batches_are_bounded_in_bytes_and_lose_nothing() -> None:
    sizes = [BATCH_BYTES_MAX // 2, BATCH_BYTES_MAX // 2, 1, BATCH_BYTES_MAX * 3, 5]
    split = list(batches([change(size) for size in sizes]))
    assert [c.size for batch in split for c in batch] == sizes
    assert all(sum(c.size for c in batch) <= BATCH_BYTES_MAX or len(batch) == 1 for batch in split)
