"""`python -m tests.simulation [--seeds A-B] [-j N]`, or `--seed N [--trace]` to replay one: every promise, or what broke it."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.journal import EXPECTED, LINES_SHOWN, RARE, RARE_SEEDS
from tests.simulation.world import simulate

CHUNK = 25


def main() -> int:
    options = arguments()
    if options.seed is not None:
        return replay(options.seed, trace=options.trace)
    first, last = options.seeds
    print(f"seeds {first} to {last}", flush=True)
    began, counts, failed = time.monotonic(), Counter[str](), 0
    for seed, counted, report in runs(range(first, last + 1), options.jobs):
        counts += counted
        failed += bool(report)
        if report:
            print(f"{report}\n\nseed {seed} failed. Again, with everything: python -m tests.simulation --seed {seed} --trace\n", flush=True)
    expected = EXPECTED + (RARE if last + 1 - first >= RARE_SEEDS else ())
    missing = [kind for kind in expected if not counts[kind]]
    print(f"{last + 1 - first} seeds, {failed} failed, {sum(counts.values()):,} events, {time.monotonic() - began:.0f} s")
    if missing:
        print(f"these events never happened: {', '.join(missing)}")
    return 1 if failed or missing else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=seeds, default=(0, 1999), metavar="A-B", help="the first and the last seed (0-1999)")
    parser.add_argument("-j", dest="jobs", type=int, default=2, choices=range(1, 65), metavar="N", help="how many at a time (2)")
    parser.add_argument("--seed", type=int, metavar="N", help="one seed alone")
    parser.add_argument("--trace", action="store_true", help="with --seed: every event")
    return parser.parse_args()


def seeds(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal() or int(last or first) < int(first):
        raise argparse.ArgumentTypeError(f"{text!r} is not A-B with A not above B")
    return int(first), int(last or first)


def runs(wanted: range, jobs: int) -> Iterator[tuple[int, Counter[str], str]]:
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(run, wanted, chunksize=min(CHUNK, max(1, len(wanted) // jobs)))


def run(seed: int) -> tuple[int, Counter[str], str]:
    """A seed's counts, and what there is to say if it failed."""
    outcome = simulate(seed)
    report = "\n".join([*outcome.journal.lines[-LINES_SHOWN:], repr(outcome.failure)]) if outcome.failure else ""
    return seed, outcome.journal.counts, report


def replay(seed: int, *, trace: bool) -> int:
    print(f"seed {seed}", flush=True)
    outcome = simulate(seed)
    print("\n".join(outcome.journal.lines if trace else outcome.journal.lines[-LINES_SHOWN:]))
    print(f"digest {outcome.journal.digest}, {outcome.failure!r}" if outcome.failure else f"digest {outcome.journal.digest}, all is well")
    return 1 if outcome.failure else 0


if __name__ == "__main__":
    sys.exit(main())
