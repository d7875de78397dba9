"""Runs benchmarks and prints one table: each figure with its target, and a peer or a limit measured in the same run."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
from rich.console import Console

from benchmarks import lagging, requests, serving, starting, switching, uploading
from benchmarks.figures import Row, add, table
from benchmarks.stage import Stage

WIDTH = 190
Benchmark = Callable[[Stage], Iterator[Row]]
BENCHMARKS: dict[str, Benchmark] = {
    "start": starting.start,
    "reads": requests.reads,
    "writes": requests.writes,
    "lag": lagging.lag,
    "catching-up": lagging.catching_up,
    "upload": uploading.upload,
    "serving": serving.serve,
    "switch": switching.switch,
    "memory": starting.memory,
    "crash": switching.crash,
}


class Run(msgspec.Struct):
    """What `--json` answers."""

    machine: str
    quick: bool
    load_before: float
    rows: list[Row]
    failed: dict[str, str]


def arguments_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run, of {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a look at whether everything works, in a minute; no figures to quote")
    parser.add_argument("--json", action="store_true", help="answer with JSON")
    wanted = parser.parse_args(arguments)
    if unknown := [name for name in wanted.names if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    wanted.names = wanted.names or list(BENCHMARKS)
    return wanted


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def measure(chosen: Mapping[str, Benchmark], stage: Stage, run: Run, errors: Console) -> None:
    """Run each; one that fails is reported, and does not keep the others from running."""
    for name, benchmark in chosen.items():
        began = time.monotonic()
        errors.print(f"[dim]{name} …[/]", end="")
        try:
            run.rows += benchmark(stage)
        except Exception as error:  # noqa: BLE001  whatever it was, it is shown and makes the run fail
            run.failed[name] = f"{type(error).__name__}: {error}"
        errors.print(f"[dim] {time.monotonic() - began:.1f} s[/]")


def show(run: Run, console: Console) -> None:
    console.print(f"{run.machine}; load before the run {run.load_before:.1f}{'; quick, not to be quoted' if run.quick else ''}\n")
    shown = table()
    for row in run.rows:
        add(shown, row)
    console.print(shown)
    for name, reason in run.failed.items():
        console.print(f"[bold red]✗[/] {name}: {reason}", soft_wrap=True)
    missed = [row for row in run.rows if row.met is False]
    console.print(f"\n{len(missed)} of {sum(row.met is not None for row in run.rows)} targets missed")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every benchmark ran; a missed target is a figure, not a failure."""
    wanted = arguments_of(arguments)
    run = Run(machine(), wanted.quick, os.getloadavg()[0], [], {})
    with Stage(quick=wanted.quick) as stage:
        measure({name: BENCHMARKS[name] for name in wanted.names}, stage, run, Console(stderr=True, highlight=False))
    if wanted.json:
        print(msgspec.json.encode(run).decode())
    else:
        show(run, Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH))
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
