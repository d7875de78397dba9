"""Two hundred seeds of trouble; `make simulate` runs thousands."""

import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.simulation.journal import EXPECTED, LINES_SHOWN
from tests.simulation.world import simulate

ROOT = Path(__file__).resolve().parents[2]
CHUNKS, SEEDS_A_CHUNK = 8, 25


@cache
def counts(seed: int) -> Counter[str]:
    """How often each kind of event occurred. Fails, with the end of the trace, if a promise was broken."""
    print(f"seed {seed}")
    outcome = simulate(seed)
    if outcome.failure:
        trace = "\n".join(outcome.journal.lines[-LINES_SHOWN:])
        pytest.fail(f"{trace}\n{outcome.failure!r}\nseed {seed}: python -m tests.simulation --seed {seed} --trace", pytrace=False)
    return outcome.journal.counts


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_promise_holds(chunk: int) -> None:
    for seed in range(chunk * SEEDS_A_CHUNK, (chunk + 1) * SEEDS_A_CHUNK):
        assert counts(seed)["acknowledged"]


def test_every_kind_of_event_is_reached() -> None:
    reached: Counter[str] = sum((counts(seed) for seed in range(CHUNKS * SEEDS_A_CHUNK)), Counter())
    assert [kind for kind in EXPECTED if not reached[kind]] == []


@pytest.mark.parametrize("seed", [3, 11])
def test_a_seed_replays_exactly(seed: int) -> None:
    """In this process, and in another one where nothing has the same address or hash."""
    here = simulate(seed).journal
    command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed)]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(sys.modules["multiregion"].__path__[0]).parent)}
    there = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert simulate(seed).journal.lines == here.lines
    assert f"digest {here.digest}," in there.stdout
