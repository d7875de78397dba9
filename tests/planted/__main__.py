"""`python -m tests.planted [WORD…] [-j N]`: plants each bug in a copy of the package, and lists those that no test notices."""

import argparse
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.planted.mutants import INFRA, MUTANTS, PACKAGE, ROOT, Mutant

TEST_SECONDS = 60
RUN_SECONDS = 180
BASELINE_SECONDS = 900
WRONG_PACKAGE = 99
PLUGINS = ("-p", "pytest_asyncio.plugin", "-p", "pytest_timeout")
"""Only what the tests need: to load every plugin that is there takes longer than most of these tests."""
VERDICTS = {0: "survived", 1: "noticed", WRONG_PACKAGE: "another package was imported than the copy"}
RUN_PYTEST = f"""
import sys
sys.path.insert(0, sys.argv[1])
import infra, multiregion, pytest
if not all(package.__file__.startswith(sys.argv[1]) for package in (infra, multiregion)):
    sys.exit({WRONG_PACKAGE})
sys.exit(int(pytest.main(sys.argv[2:])))
"""


def main() -> int:
    options = arguments()
    console = Console(highlight=False)
    mutants = [mutant for mutant in MUTANTS if all(word in str(mutant) for word in options.words)]
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copies = [copy_package(Path(folder) / str(number)) for number in range(options.jobs)]
        console.print(f"{len(mutants)} bugs to plant. First their tests without any …")
        tests = sorted({mutant.test for mutant in mutants})
        if not tests or (answer := run(copies[0], tests, BASELINE_SECONDS)) != "survived":
            console.print(f"[bold red]✗[/] the tests do not pass as they are: {answer if tests else 'no bug has these words'}")
            return 1
        survivors = plant_all(mutants, copies, console)
    for mutant, verdict in survivors:
        console.print(f"[bold red]✗[/] {verdict}: {escape(str(mutant))}", soft_wrap=True)
    console.print(f"{len(mutants) - len(survivors)} of {len(mutants)} were noticed")
    return 1 if survivors else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD", help="only bugs with each of these words in their table, file, code or test")
    parser.add_argument("-j", dest="jobs", type=int, default=2, choices=range(1, 33), metavar="N", help="how many at a time (2)")
    return parser.parse_args()


def copy_package(folder: Path) -> Path:
    for source in (PACKAGE, INFRA):
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def plant_all(mutants: Sequence[Mutant], copies: Sequence[Path], console: Console) -> list[tuple[Mutant, str]]:
    """Each bug in whichever copy is free. Returns those that were not noticed, with what happened instead."""
    free: queue.Queue[Path] = queue.Queue()
    for copy in copies:
        free.put(copy)
    unnoticed = []
    columns = TextColumn("planting"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=console, transient=True) as progress, ThreadPoolExecutor(len(copies)) as pool:
        task = progress.add_task("", total=len(mutants))
        running = {pool.submit(plant, mutant, free): mutant for mutant in mutants}
        for done in as_completed(running):
            if (verdict := done.result()) != "noticed":
                unnoticed.append((running[done], verdict))
            progress.update(task, advance=1, description=f"{len(unnoticed)} not noticed" if unnoticed else "")
    return sorted(unnoticed)


def plant(mutant: Mutant, free: "queue.Queue[Path]") -> str:
    copy = free.get()
    try:
        with planted(mutant, copy / mutant.source.relative_to(mutant.source_root)):
            return run(copy, [mutant.test], RUN_SECONDS)
    finally:
        free.put(copy)


@contextmanager
def planted(mutant: Mutant, file: Path) -> Iterator[None]:
    original = file.read_text()
    file.write_text(mutant.planted_in(original))
    try:
        yield
    finally:
        file.write_text(original)


def run(copy: Path, tests: Sequence[str], seconds: float) -> str:
    """What tests say of a copy of the package: noticed, survived, or why neither can be told."""
    options = ["-q", "-x", "-p", "no:cacheprovider", *PLUGINS, "--timeout", str(TEST_SECONDS)]
    command = [sys.executable, "-c", RUN_PYTEST, str(copy), *options, *tests]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return f"no verdict within {seconds:g} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return VERDICTS.get(code, f"the test cannot be run (pytest exits with {code})")


if __name__ == "__main__":
    sys.exit(main())
