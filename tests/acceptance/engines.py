"""A deployment whose regions keep their data in engines, and what replicates between the engines, with the verbs of the harness.

The engines do not replicate by themselves here. `Replicator` does to them what global tables and cross-region replication do:
each item alone, the last writer wins, nothing in order; and it can be cut.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import msgspec

from multiregion.clock import SystemClock
from multiregion.config import GALLERY, EnginesConfig, PartConfig
from multiregion.local.deployment import DataFolder, describe, plan
from multiregion.local.kept import fresh
from tests.acceptance.deployment import STOP_SECONDS, Deployment, answers, free_base, until
from tests.engines import CREDENTIALS, EngineProcess, fresh_name

ROLES = ("primary", "secondary")
PAUSE_SECONDS = 0.25
Item = dict[str, Any]


def engine_client(service: str, url: str, region: str) -> Any:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client(service, endpoint_url=url, region_name=region, **keys)


class Replicator(threading.Thread):
    """Looks at both sides again and again, and copies what has changed on one of them since it looked last."""

    def __init__(self, sides: list[EnginesConfig], url: str) -> None:
        super().__init__(daemon=True)
        self._sides = sides
        self._tables = [engine_client("dynamodb", url, side.region) for side in sides]
        self._buckets = [engine_client("s3", url, side.region) for side in sides]
        self._known: dict[tuple[str, str], Item] = {}
        self._stop_wanted = threading.Event()
        self.cut = threading.Event()
        self.rounds = 0

    def run(self) -> None:
        while not self._stop_wanted.wait(PAUSE_SECONDS):
            if not self.cut.is_set():
                self._copy_objects()
                self._copy_items()
            self.rounds += 1

    def stop(self) -> None:
        self._stop_wanted.set()
        self.join()

    def cut_off(self) -> None:
        """Nothing is copied once this returns."""
        self.cut.set()
        seen = self.rounds
        until(lambda: self.rounds > seen, "the round that was under way has ended")

    def _items(self, side: int) -> dict[tuple[str, str], Item]:
        pages = self._tables[side].get_paginator("scan").paginate(TableName=self._sides[side].table)
        return {(item["partition"]["S"], item["id"]["S"]): item for page in pages for item in page["Items"]}

    def _copy_items(self) -> None:
        a, b = self._items(0), self._items(1)
        for key in a.keys() | b.keys():
            sides = [a.get(key), b.get(key)]
            changed = [item for item in sides if item is not None and item != self._known.get(key)]
            if sides[0] == sides[1] or not changed:
                continue
            newest = max(changed, key=lambda item: (int(item.get("epoch", {"N": 0})["N"]), item.get("at", {"S": ""})["S"]))
            for side, item in enumerate(sides):
                if item != newest:
                    self._tables[side].put_item(TableName=self._sides[side].table, Item=newest)
            self._known[key] = newest

    def _copy_objects(self) -> None:
        listings = []
        for side, client in enumerate(self._buckets):
            listing = client.list_objects_v2(Bucket=self._sides[side].bucket, Prefix="objects/")
            listings.append({each["Key"] for each in listing.get("Contents", [])})
        for source, target in ((0, 1), (1, 0)):
            for key in listings[source] - listings[target]:
                body = self._buckets[source].get_object(Bucket=self._sides[source].bucket, Key=key)["Body"].read()
                self._buckets[target].put_object(Bucket=self._sides[target].bucket, Key=key, Body=body)


EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass
class EngineDeployment(Deployment):
    """Authority, two regions, and the edge if a test wants it: each started by `multiregion serve` with a configuration of its own."""

    server: EngineProcess = field(default_factory=lambda: EngineProcess(""))
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    replicator: Replicator | None = None
    application: str = GALLERY

    def start(self) -> None:
        self.data.mkdir(parents=True)
        for name, config in self._plan().items():
            DataFolder(self.data).write_config(name, config)
        for name in ("authority", *ROLES):
            self.serve(name)
        sides = [self.config(role).engines for role in ROLES]
        self.replicator = Replicator([side for side in sides if side is not None], self.server.url)
        self.replicator.start()

    def _plan(self) -> dict[str, PartConfig]:
        kept = fresh(SystemClock(), "us-east-1", "ap-northeast-1", self.application)
        deployment, parts = plan(kept, self.data, self.port, settings=dict(self.environment))
        DataFolder(self.data).write(describe(kept, deployment, "", None))
        name = fresh_name()
        peers = dict(zip(ROLES, reversed(ROLES), strict=True))
        for role, region in (("primary", "us-east-1"), ("secondary", "ap-northeast-1")):
            peer = f"http://127.0.0.1:{parts[peers[role]].port}"
            parts[role] = msgspec.structs.replace(parts[role], store="aws", engines=self.server.config(region, name), peer=peer)
        authority = EnginesConfig("eu-west-1", f"{name}-authority", dynamodb_endpoint=self.server.url, create=True)
        parts["authority"] = msgspec.structs.replace(parts["authority"], store="aws", engines=authority)
        return {part: parts[part] for part in ("authority", *ROLES, "edge")}

    def config(self, name: str) -> PartConfig:
        return msgspec.json.decode((self.data / "config" / f"{name}.json").read_bytes(), type=PartConfig)

    def serve(self, name: str) -> None:
        """Start a part, and wait until it is ready."""
        config = self.config(name)
        command = [sys.executable, "-m", "multiregion", "serve", config.part, "--config", str(self.data / "config" / f"{name}.json")]
        with (self.data / f"{name}.log").open("a") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, text=True, env={**os.environ, **CREDENTIALS}, cwd=EXAMPLES)
        self.processes[name] = process
        url = f"http://127.0.0.1:{config.port}/{'readyz' if config.part == 'region' else 'healthz'}"
        until(lambda: process.poll() is not None or answers(url), f"{name} is ready")
        assert process.poll() is None, (self.data / f"{name}.log").read_text()

    def finish(self, *arguments: str) -> None:
        """Run a command until it has done what it was asked for: on a slow machine a region may not confirm in time."""
        until(lambda: self.run(*arguments, code=None).returncode == 0, f"{' '.join(arguments)} succeeds")

    def pid(self, part: str) -> int:
        return self.processes[part].pid

    def kill(self, part: str) -> None:
        self.processes[part].kill()
        self.processes[part].wait(STOP_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.replicator is not None and self.replicator.is_alive():
            self.replicator.stop()
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(number)
        return max([0, *(abs(process.wait(STOP_SECONDS)) for process in self.processes.values())])

    def items(self, role: str, partition: str) -> list[Item]:
        """What a region's table holds of a partition, tombstones included."""
        side = self.config(role).engines
        assert side is not None
        client = engine_client("dynamodb", self.server.url, side.region)
        found = client.query(
            TableName=side.table,
            KeyConditionExpression="#partition = :partition",
            ExpressionAttributeNames={"#partition": "partition"},
            ExpressionAttributeValues={":partition": {"S": partition}},
        )
        items: list[Item] = found["Items"]
        return items


@contextmanager
def on_engines(folder: Path, server: EngineProcess, application: str = GALLERY, **settings: str) -> Iterator[EngineDeployment]:
    """A deployment that is up, and that leaves no process behind; `settings` are those of its parts, by name."""
    deployment = EngineDeployment(folder / "data", free_base(), environment=settings, server=server, application=application)
    try:
        deployment.start()
        yield deployment
    finally:
        deployment.stop()
