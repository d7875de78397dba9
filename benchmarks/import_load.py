"""Real photographs through `multiregion photo import` while the link between the regions breaks: time, memory, lag, and whether both
regions are equal at the end. `python -m benchmarks.import_load FOLDER` with a folder of photographs to vary."""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.photographs import make_variations, photographs_in
from benchmarks.processes import children, peak_bytes, resident_bytes
from tests.acceptance.deployment import Deployment, deployed, until

MEBIBYTE = 1024 * 1024
SAMPLE_SECONDS = 0.2
LEVEL_SECONDS_MAX = 600.0
IMPORT_SECONDS_MAX = 3600.0
REGIONS = ("primary", "secondary")


@dataclass
class Watched:
    """What was seen of a deployment while it worked; sizes in bytes."""

    region_peaks: dict[str, int] = field(default_factory=dict)
    worker_peaks: dict[str, int] = field(default_factory=dict)
    import_peak: int = 0
    lag_seconds_max: float = 0.0
    lag_changes_max: int = 0
    lag_bytes_max: int = 0
    lag_unknown_seconds: float = 0.0


class Watcher(threading.Thread):
    """Looks at every process, and at what the secondary says of its lag, several times a second."""

    def __init__(self, deployment: Deployment, importing: "subprocess.Popen[str]") -> None:
        super().__init__(daemon=True)
        self._deployment = deployment
        self._importing = importing
        self._pids = {role: deployment.pid(role) for role in REGIONS}
        self._stop_wanted = threading.Event()
        self.seen = Watched()
        self.photos = 0
        self.import_ended_at: float | None = None

    def stop(self) -> None:
        self._stop_wanted.set()
        self.join(10)

    def run(self) -> None:
        url = self._deployment.url("authority")
        with httpx.Client(base_url=url, headers=self._deployment.operator, timeout=10, trust_env=False) as http:
            while not self._stop_wanted.wait(SAMPLE_SECONDS):
                if self.import_ended_at is None and self._importing.poll() is not None:
                    self.import_ended_at = time.monotonic()
                self._look_at_memory()
                self._look_at_lag(http)

    def _look_at_memory(self) -> None:
        seen = self.seen
        for role, pid in self._pids.items():
            seen.region_peaks[role] = max(seen.region_peaks.get(role, 0), peak_bytes(pid))
            workers = sum(resident_bytes(child) for child in children(pid))
            seen.worker_peaks[role] = max(seen.worker_peaks.get(role, 0), workers)
        seen.import_peak = max(seen.import_peak, peak_bytes(self._importing.pid))

    def _look_at_lag(self, http: httpx.Client) -> None:
        status = http.get("/operator/status").raise_for_status().json()["status"]
        self.photos = status["primary"].get("counts", {}).get("photos", self.photos)
        lag = status["secondary"]["lag"]
        self.seen.lag_seconds_max = max(self.seen.lag_seconds_max, lag["seconds"] or 0.0)
        self.seen.lag_changes_max = max(self.seen.lag_changes_max, lag["changes"] or 0)
        self.seen.lag_bytes_max = max(self.seen.lag_bytes_max, lag["bytes"] or 0)
        self.seen.lag_unknown_seconds += SAMPLE_SECONDS if lag["changes"] is None else 0


@dataclass
class Report:
    """The figures of one run."""

    photos: int
    bytes: int
    breaks: list[tuple[float, float]]
    imported: dict[str, Any]
    import_exit: int
    seconds: float
    level_seconds: float
    watched: Watched
    verdict: dict[str, Any]

    @property
    def good(self) -> bool:
        return self.import_exit == 0 and self.imported["added"] == self.photos and bool(self.verdict["equal"])


@contextmanager
def watching(deployment: Deployment, importing: "subprocess.Popen[str]") -> Iterator[Watcher]:
    watcher = Watcher(deployment, importing)
    watcher.start()
    try:
        yield watcher
    finally:
        watcher.stop()


def break_link(deployment: Deployment, watcher: Watcher, at_photos: int, seconds: float, began: float) -> tuple[float, float]:
    """Cut the link when `at_photos` are in, mend it `seconds` later; answers when, in seconds since `began`."""
    until(lambda: watcher.photos >= at_photos, f"{at_photos} photos are in", IMPORT_SECONDS_MAX)
    cut_at = time.monotonic() - began
    deployment.run("chaos", "cut")
    time.sleep(seconds)
    deployment.run("chaos", "heal")
    return round(cut_at, 1), round(time.monotonic() - began, 1)


def run(deployment: Deployment, folder: Path, *, photos: int, size: int, breaks: int, break_seconds: float, jobs: int) -> Report:
    command = [sys.executable, "-m", "multiregion", "photo", "import", str(folder), "--jobs", str(jobs), "--json"]
    began = time.monotonic()
    importing = subprocess.Popen([*command, "--data", str(deployment.data)], stdout=subprocess.PIPE, text=True)
    with watching(deployment, importing) as watcher:
        broken = [break_link(deployment, watcher, photos * number // (breaks + 1), break_seconds, began) for number in range(1, breaks + 1)]
        output, _ = importing.communicate(timeout=IMPORT_SECONDS_MAX)
        ended_at = float(until(lambda: watcher.import_ended_at, "the import's end is seen"))
        until(deployment.level, "both regions are level", LEVEL_SECONDS_MAX)
        level_seconds = max(0.0, time.monotonic() - ended_at)
    verdict = json.loads(deployment.run("verify", "--json", code=None, timeout=LEVEL_SECONDS_MAX).stdout)
    return Report(photos, size, broken, json.loads(output), importing.returncode, ended_at - began, level_seconds, watcher.seen, verdict)


def table(report: Report) -> Table:
    watched, verdict = report.watched, report.verdict
    shown = Table(box=None, show_header=False)
    size = report.bytes / MEBIBYTE
    shown.add_row("photographs", f"{report.photos}, {size:,.0f} MB, {size / report.photos:.1f} MB each")
    shown.add_row("link broken", ", ".join(f"{cut:g} s to {healed:g} s" for cut, healed in report.breaks))
    shown.add_row("imported", f"{report.imported['added']}, {len(report.imported['failed'])} failed, exit {report.import_exit}")
    rate = size / report.seconds, report.photos / report.seconds
    shown.add_row("time", f"{report.seconds:.1f} s: {rate[0]:.1f} MB/s, {rate[1]:.2f} photos/s; level {report.level_seconds:.1f} s later")
    for role in REGIONS:
        peaks = watched.region_peaks[role] / MEBIBYTE, watched.worker_peaks[role] / MEBIBYTE
        shown.add_row(f"memory, {role}", f"{peaks[0]:.0f} MB at most, its decoders together {peaks[1]:.0f} MB")
    shown.add_row("memory, import", f"{watched.import_peak / MEBIBYTE:.0f} MB at most")
    lag = f"{watched.lag_seconds_max:.1f} s, {watched.lag_changes_max} changes, {watched.lag_bytes_max:,} bytes at most"
    shown.add_row("lag", f"{lag}; changes unknown for {watched.lag_unknown_seconds:.0f} s")
    compared = f"{verdict['records']:,} records, {verdict['objects']:,} objects, {verdict['bytes']:,} bytes read"
    shown.add_row("verify", f"{'equal' if verdict['equal'] else 'DIFFERENT'}: {compared}")
    return shown


def arguments_of(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_load", description=__doc__)
    parser.add_argument("folder", type=Path, help="photographs to make variations of")
    parser.add_argument("--count", type=int, default=400, help="how many variations (default %(default)s)")
    parser.add_argument("--breaks", type=int, default=2, help="how often the link breaks (default %(default)s)")
    parser.add_argument("--break-seconds", type=float, default=5.0, help="for how long each time (default %(default)s)")
    parser.add_argument("--jobs", type=int, default=4, help="photos at a time (default %(default)s)")
    parser.add_argument("--made", type=Path, help="where to keep the variations for the next run (default: nowhere)")
    parser.add_argument("--json", action="store_true", help="answer with JSON")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    wanted = arguments_of(arguments)
    sources = photographs_in(wanted.folder)
    if not sources:
        print(f"there is no photograph of more than 1.5 megapixels in {wanted.folder}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="multiregion-") as scratch:
        made = wanted.made or Path(scratch) / "photographs"
        size = make_variations(sources, made, wanted.count, processes=2)
        with deployed(Path(scratch)) as deployment:
            choices = {"breaks": wanted.breaks, "break_seconds": wanted.break_seconds, "jobs": wanted.jobs}
            report = run(deployment, made, photos=wanted.count, size=size, **choices)
    if wanted.json:
        print(json.dumps(asdict(report)))
    else:
        Console(highlight=False).print(table(report))
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
