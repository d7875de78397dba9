"""How far the secondary is behind: at a steady rate of writes, without and with a delay on the wire, and after a break."""

import threading
import time
from collections.abc import Iterator
from itertools import pairwise

from benchmarks import sqlite_limit
from benchmarks.clients import Loading, loading
from benchmarks.figures import Beside, Row, at_least, at_most, first_reached, lags, percentile
from benchmarks.stage import Stage
from tests.acceptance.deployment import until

RATE = 1_000
DELAY_MILLISECONDS = 50.0
LOOK_SECONDS = 0.001
LEVEL_SECONDS_MAX = 120.0
SETTLING = 200
PINGS = 50


def looked(stage: Stage, writing: Loading, base: int) -> list[tuple[float, int]]:
    """When the secondary was seen to have which change, until the writing is over and it has all of it."""
    seen: list[tuple[float, int]] = []
    with stage.looking("secondary") as secondary, stage.looking("primary") as primary:
        while writing.works or seen[-1][1] < primary.sequence():
            sequence = secondary.sequence()
            if not seen or sequence > seen[-1][1]:
                seen.append((time.monotonic(), sequence))
            time.sleep(LOOK_SECONDS)
    return seen


def lag_milliseconds(stage: Stage, seconds: float) -> list[float]:
    """The lag of each write, from its acknowledgement to the moment when the secondary was seen to have it."""
    photo_id = stage.photo()
    base = stage.level()
    order = stage.commenting(photo_id, seconds=seconds, rate=RATE, keep_times=True)
    with loading(order) as writing:
        seen = looked(stage, writing, base)
        outcome = writing.outcome()
    if outcome.unanswered or set(outcome.statuses) != {201}:
        raise RuntimeError(f"writing at {RATE}/s: {outcome.statuses}, {outcome.unanswered} without an answer")
    return [lag * 1000 for lag in lags(outcome.good_times, base, seen)][SETTLING:]


def one_way_milliseconds(stage: Stage) -> float:
    """Half of what a request takes through the wire and back: the wire's own share of any lag."""
    with stage.looking("primary", through=stage.wire_port("primary")) as through:
        taken = []
        for _ in range(PINGS):
            began = time.monotonic()
            through.get("/internal/head")
            taken.append(time.monotonic() - began)
    return percentile(taken, 50) * 1000 / 2


def lag(stage: Stage) -> Iterator[Row]:
    wire = Beside("the wire, one way", one_way_milliseconds(stage))
    found = lag_milliseconds(stage, stage.seconds(10))
    yield Row(f"lag at {RATE:,} writes/s, p50", percentile(found, 50), "ms", at_most(5), wire)
    yield Row(f"lag at {RATE:,} writes/s, p99", percentile(found, 99), "ms", at_most(50), wire)
    stage.deployment.delay(DELAY_MILLISECONDS)
    try:
        delayed = Beside("the wire, one way", one_way_milliseconds(stage))
        found = lag_milliseconds(stage, stage.seconds(10))
    finally:
        stage.deployment.run("chaos", "heal")
    what = f"lag at {RATE:,} writes/s, {DELAY_MILLISECONDS:g} ms wire"
    yield Row(f"{what}, p50", percentile(found, 50), "ms", at_most(DELAY_MILLISECONDS + 10), delayed)
    yield Row(f"{what}, p99", percentile(found, 99), "ms", at_most(DELAY_MILLISECONDS + 50), delayed)


def written(stage: Stage, photo_id: str, changes: int) -> int:
    """Let at least `changes` be written, and answer the last one."""
    with stage.looking("primary") as primary:
        wanted = primary.sequence() + changes
        with loading(stage.commenting(photo_id, seconds=LEVEL_SECONDS_MAX)) as writing:
            until(lambda: primary.sequence() >= wanted, f"{changes} are written", LEVEL_SECONDS_MAX)
            writing.kill()
        time.sleep(0.2)
        return primary.sequence()


def catching_up(stage: Stage) -> Iterator[Row]:
    photo_id = stage.photo()
    base = stage.level()
    stage.deployment.cut(True)
    last = written(stage, photo_id, stage.times(50_000, 3_000))
    healing = threading.Thread(target=stage.deployment.run, args=("chaos", "heal"))
    healing.start()
    seen = watched_until(stage, last)
    healing.join()
    began = next(earlier[0] for earlier, later in pairwise(seen) if later[1] > base)
    seconds = seen[first_reached(seen, last)][0] - began
    limit = sqlite_limit.rows_per_second(stage.scratch / "limit.db", rows=500, seconds=stage.seconds(2))
    beside = Beside("bare SQLite, 500 rows a commit (limit)", limit)
    yield Row("catching up after a break", (last - base) / seconds, "changes/s", at_least(10_000), beside, f"{last - base:,} changes")


def watched_until(stage: Stage, last: int) -> list[tuple[float, int]]:
    seen: list[tuple[float, int]] = []
    end = time.monotonic() + LEVEL_SECONDS_MAX
    with stage.looking("secondary") as secondary:
        while not seen or seen[-1][1] < last:
            if time.monotonic() > end:
                raise TimeoutError(f"the secondary has not caught up within {LEVEL_SECONDS_MAX:g} s")
            seen.append((time.monotonic(), secondary.sequence()))
            time.sleep(5 * LOOK_SECONDS)
    return seen
