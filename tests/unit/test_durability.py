"""What `remote` and `remote-strict` wait for, when they stop waiting, and when they begin again."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from multiregion.durability import ASYNC, REMOTE, STRICT, RemoteCopies
from multiregion.errors import NotReady, Unreachable
from multiregion.stores import Position
from tests.unit.manual_clock import ManualClock

WAIT_SECONDS = 0.02


def at(sequence: int, epoch: int = 1) -> Position:
    return Position(epoch, sequence)


class HurriedClock(ManualClock):
    """Its monotonic time is real: the waits here are short and end."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


def copies(mode: str, may_degrade: Callable[[], Awaitable[None]] | None = None, *, wait_seconds: float = WAIT_SECONDS) -> RemoteCopies:
    return RemoteCopies(HurriedClock(), mode, wait_seconds, *([may_degrade] if may_degrade else []))


async def nobody_knows() -> None:
    raise Unreachable("no answer")


async def test_async_waits_for_nobody() -> None:
    made = copies(ASYNC)
    await made.confirm(at(1))
    made.check()
    assert made.degraded_since is None


@pytest.mark.parametrize("mode", [REMOTE, STRICT])
async def test_a_write_is_acknowledged_once_the_other_region_has_it(mode: str) -> None:
    made = copies(mode, wait_seconds=30)
    waiting = asyncio.ensure_future(made.confirm(at(3)))
    for sequence in (1, 2):
        made.acknowledge(at(sequence))
        await asyncio.sleep(0)
        assert not waiting.done()
    made.acknowledge(at(3))
    await waiting
    await made.confirm(at(2))
    assert made.degraded_since is None


async def test_a_confirmation_that_arrives_late_takes_nothing_back() -> None:
    made = copies(STRICT)
    for sequence in (3, 1):
        made.acknowledge(at(sequence))
    await made.confirm(at(2))


async def test_a_later_epoch_is_not_confirmed_by_a_longer_log_of_an_older_one() -> None:
    made = copies(STRICT)
    made.acknowledge(at(500))
    with pytest.raises(Unreachable):
        await made.confirm(at(10, epoch=2))


async def test_remote_degrades_after_the_wait_and_then_waits_no_more() -> None:
    made = copies(REMOTE)
    await made.confirm(at(1))
    assert made.degraded_since == made._clock.now()
    made._wait_seconds = 3600
    await made.confirm(at(2))


async def test_remote_does_not_degrade_unless_it_may() -> None:
    made = copies(REMOTE, nobody_knows)
    with pytest.raises(Unreachable, match="has not confirmed it"):
        await made.confirm(at(1))
    assert made.degraded_since is None


async def test_while_it_asks_whether_it_may_nobody_is_acknowledged() -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def ask() -> None:
        asked.set()
        await answered.wait()

    made = copies(REMOTE, ask)
    writes = [asyncio.ensure_future(made.confirm(at(n))) for n in (1, 2)]
    await asked.wait()
    await asyncio.sleep(3 * WAIT_SECONDS)
    assert not any(write.done() for write in writes) and made.degraded_since is None
    answered.set()
    await asyncio.gather(*writes)
    assert made.degraded_since is not None


async def test_what_arrives_while_it_asks_leaves_it_whole() -> None:
    made = copies(REMOTE)

    async def arrives() -> None:
        made.acknowledge(at(1))

    made._may_degrade = arrives
    await made.confirm(at(1))
    assert made.degraded_since is None


async def test_it_has_recovered_only_when_everything_it_had_not_waited_for_is_there() -> None:
    made = copies(REMOTE)
    for sequence in (1, 2, 3):
        await made.confirm(at(sequence))
    made.acknowledge(at(2))
    assert made.degraded_since is not None
    made.acknowledge(at(3))
    assert made.degraded_since is None


async def test_under_load_it_waits_again_as_soon_as_the_other_region_keeps_up() -> None:
    """Or there would always be one write more than the other region has, and it would never recover."""
    made = copies(REMOTE, wait_seconds=0.5)
    made._wait_seconds = WAIT_SECONDS
    await made.confirm(at(1))
    made._wait_seconds = 30
    await made.confirm(at(2))
    made.acknowledge(at(1))
    waiting = asyncio.ensure_future(made.confirm(at(3)))
    await asyncio.sleep(0)
    assert not waiting.done(), "the other region has just confirmed in time, so it is waited for again"
    made.acknowledge(at(2))
    assert made.degraded_since is None
    made.acknowledge(at(3))
    await waiting


async def test_while_it_catches_up_slowly_nobody_waits() -> None:
    made = copies(REMOTE)
    await made.confirm(at(1))
    await asyncio.sleep(2 * WAIT_SECONDS)
    made.acknowledge(at(1))
    assert made.degraded_since is None
    made = copies(REMOTE)
    await made.confirm(at(1))
    await made.confirm(at(2))
    await asyncio.sleep(2 * WAIT_SECONDS)
    made.acknowledge(at(1))
    made._wait_seconds = 3600
    await asyncio.wait_for(made.confirm(at(3)), 1)


async def test_strict_refuses_definitely_once_the_other_region_is_away_and_takes_writes_when_it_is_back() -> None:
    made = copies(STRICT)
    made.check()
    with pytest.raises(Unreachable):
        await made.confirm(at(1))
    with pytest.raises(NotReady, match="remote-strict"):
        made.check()
    assert made.degraded_since is None, "nothing is acknowledged without the other region"
    made.acknowledge(at(1))
    made.check()


async def test_strict_never_acknowledges_a_write_that_was_already_under_way_when_the_other_region_went() -> None:
    made = copies(STRICT)
    made.check()
    with pytest.raises(Unreachable):
        await made.confirm(at(1))
    with pytest.raises(Unreachable):
        await made.confirm(at(2))


async def test_what_was_undone_is_owed_to_nobody() -> None:
    made = copies(STRICT)
    with pytest.raises(Unreachable):
        await made.confirm(at(5))
    made.rewound(at(2))
    made.acknowledge(at(2))
    made.check()


async def test_whoever_waits_while_it_is_rewound_is_not_told_that_it_lasts() -> None:
    """A later position, of the history that took its place, is no sign of it."""
    made = copies(STRICT, wait_seconds=30)
    waiting = asyncio.ensure_future(made.confirm(at(5)))
    await asyncio.sleep(0)
    made.rewound(at(2))
    made.acknowledge(at(9, epoch=2))
    with pytest.raises(Unreachable, match="rewound"):
        await waiting
