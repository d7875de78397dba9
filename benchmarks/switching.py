"""Planned switches under load, and a crash: for how long clients cannot write, and when they read elsewhere."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import msgspec

from benchmarks.clients import loading
from benchmarks.figures import Beside, Row, at_most, gaps, percentile
from benchmarks.lagging import one_way_milliseconds
from benchmarks.stage import Stage
from tests.acceptance.deployment import until

RATE = 500
CONNECTIONS = 16
BETWEEN_SECONDS = 0.3
SECONDS_A_SWITCH = 1.5
ROUND_TRIPS = 3
READ_SECONDS_MAX = 10.0
ROLES = ("primary", "secondary")


class Operator:
    """Switches the writer to the other region, and back."""

    def __init__(self, stage: Stage) -> None:
        deployment = stage.deployment
        self._http = httpx.Client(base_url=deployment.url("authority"), headers=deployment.operator, timeout=60, trust_env=False)
        self.read_only_between = False

    def __enter__(self) -> "Operator":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def switch(self) -> tuple[float, float]:
        """From the order to the next writer, and when that was. Where a failover is read-only it is away and back at once."""
        began = time.monotonic()
        state = self._http.get("/operator/state").raise_for_status().json()
        end = self._order("failback") if state["state"] == "failover" else self._order("failover")
        if end["writer"] is None:
            self.read_only_between = True
            self._order("failback")
        return began, time.monotonic()

    def home(self) -> None:
        self._order("failback")

    def _order(self, verb: str) -> dict[str, Any]:
        answer = self._http.post(f"/operator/{verb}", json={"actor": "benchmark", "writable": verb == "failover"}).raise_for_status()
        last: dict[str, Any] = msgspec.json.decode(answer.text.splitlines()[-1])
        if "end" not in last:
            raise RuntimeError(f"{verb}: {last}")
        end: dict[str, Any] = last["end"]
        return end


def switched(stage: Stage, operator: Operator, switches: int) -> list[float]:
    """The longest pause in accepted writes around each switch, in seconds; clients write to both regions all the time."""
    photo_id = stage.photo()
    stage.level()
    seconds = switches * SECONDS_A_SWITCH
    options: dict[str, Any] = {"connections": CONNECTIONS, "seconds": seconds, "rate": RATE, "keep_times": True}
    spans: list[tuple[float, float]] = []
    with ExitStack() as stack:
        clients = [stack.enter_context(loading(stage.commenting(photo_id, role=role, **options))) for role in ROLES]
        time.sleep(1.0)
        until_end = time.monotonic() + seconds - SECONDS_A_SWITCH
        while len(spans) < switches and time.monotonic() < until_end:
            spans.append(operator.switch())
            time.sleep(BETWEEN_SECONDS)
        times = sorted(at for client in clients for at in client.outcome().good_times)
    return [max(gaps(times, begin, end + BETWEEN_SECONDS)) for begin, end in spans]


def switch(stage: Stage) -> Iterator[Row]:
    trips = Beside(f"{ROUND_TRIPS} round trips of the wire", ROUND_TRIPS * 2 * one_way_milliseconds(stage))
    with Operator(stage) as operator:
        pauses = [pause * 1000 for pause in switched(stage, operator, stage.times(50, 3))]
        operator.home()
    how = "away and back, since failover is read-only" if operator.read_only_between else "one way each"
    note = f"{len(pauses)} switches, {how}"
    yield Row(f"planned switch at {RATE} writes/s, nobody writes, p50", percentile(pauses, 50), "ms", None, trips, note)
    yield Row(f"planned switch at {RATE} writes/s, nobody writes, p99", percentile(pauses, 99), "ms", at_most(250), trips, note)


def first_read(stage: Stage, path: str) -> float:
    """As the web application does it: the primary's state, else the secondary's, then read where that points, or there."""
    began = time.monotonic()
    app_id = stage.deployment.described()["appId"]
    while time.monotonic() - began < READ_SECONDS_MAX:
        for role in ROLES:
            with stage.deployment.region(role, stage.user) as http:
                try:
                    http.get(f"/state/{app_id}", timeout=2).raise_for_status()
                    http.get(path, timeout=2).raise_for_status()
                    return time.monotonic() - began
                except httpx.HTTPError:
                    continue
    raise TimeoutError(f"no region was readable within {READ_SECONDS_MAX:g} s")


def crash(stage: Stage) -> Iterator[Row]:
    path = f"/comments/{stage.photo(comments=1)}"
    stage.level()
    found = []
    for _ in range(stage.times(5, 2)):
        stage.deployment.kill("primary")
        found.append(first_read(stage, path))
        stage.deployment.restart("primary")
        until(stage.deployment.level, "level again")
    yield Row("crash of the primary to the first read elsewhere", max(found), "s", at_most(2), None, f"worst of {len(found)}")
