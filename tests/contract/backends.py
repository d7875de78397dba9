"""The backends that the contract suites run against: one region's stores, which can be closed and opened again."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import boto3

from multiregion.clock import Clock, SystemClock
from multiregion.config import EnginesConfig
from multiregion.dynamodb.objects import S3Objects
from multiregion.dynamodb.records import DynamoRecords
from multiregion.dynamodb.session import Engines
from multiregion.dynamodb.state import DynamoState
from multiregion.dynamodb.tables import prepare_bucket, prepare_table
from multiregion.dynamodb.tickets import S3Uploads
from multiregion.embedded.authority import SqliteState
from multiregion.embedded.objects import FileObjects
from multiregion.embedded.records import SqliteRecords
from multiregion.states import Role
from multiregion.stores import Entries, Objects, Records, StateStore
from tests.engines import EngineProcess, fresh_name

REGIONS = {Role.PRIMARY: "us-east-1", Role.SECONDARY: "ap-northeast-1"}


@cache
def session() -> Any:
    """boto3 reads its descriptions of the services once for all tests."""
    return boto3.session.Session()


def opened(config: EnginesConfig) -> Engines:
    return Engines(config, session=session())


class Closing(Records, Protocol):
    def close(self) -> None: ...


class ClosingState(StateStore, Entries, Protocol):
    async def begin(self) -> None: ...

    def close(self) -> None: ...


class Backend(Protocol):
    """Two regions' stores, each opened as often as one likes; what was opened is closed at the end."""

    async def records(self, role: Role = Role.PRIMARY, *, lease: Callable[[], bool] | None = None) -> Closing: ...

    async def objects(self) -> Objects: ...

    async def state(self) -> ClosingState: ...

    def close(self) -> None: ...


class EmbeddedBackend:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: list[SqliteRecords | SqliteState] = []

    async def records(self, role: Role = Role.PRIMARY, *, lease: Callable[[], bool] | None = None) -> Closing:
        records = SqliteRecords(self._folder / f"{role}.db", role, SystemClock(), lease=lease)
        self._opened.append(records)
        return records

    async def objects(self) -> Objects:
        return FileObjects(self._folder / "objects", SystemClock())

    async def state(self) -> ClosingState:
        state = SqliteState(self._folder / "authority.db", SystemClock())
        await state.found("store")
        self._opened.append(state)
        return state

    def close(self) -> None:
        for opened in self._opened:
            opened.close()


class AwsBackend:
    """Each role's table is in a region of its own; nothing is replicated between them."""

    def __init__(self, server: EngineProcess, scratch: Path) -> None:
        self.server = server
        self.scratch = scratch
        self.name = fresh_name()
        self._opened: list[DynamoRecords | DynamoState | Engines] = []

    async def engines(self, role: Role = Role.PRIMARY) -> Engines:
        engines = opened(self.server.config(REGIONS[role], self.name))
        await prepare_table(engines, indexed=True)
        return engines

    async def objects(self, role: Role = Role.PRIMARY) -> S3Objects:
        engines = opened(self.server.config(REGIONS[role], self.name))
        self._opened.append(engines)
        await prepare_bucket(engines, "http://localhost:8080")
        return S3Objects(engines, self.scratch / f"drafts-{role}", SystemClock())

    async def uploads(self, clock: Clock, ticket_seconds: int = 60) -> S3Uploads:
        engines = opened(self.server.config(name=self.name))
        self._opened.append(engines)
        await prepare_bucket(engines, "http://localhost:8080")
        return S3Uploads(engines, self.scratch / "uploads", clock, ticket_seconds)

    async def state(self) -> ClosingState:
        engines = opened(self.server.config(name=f"{self.name}-authority"))
        await prepare_table(engines, indexed=False)
        state = DynamoState(engines, "app", SystemClock())
        self._opened.append(state)
        return state

    async def records(self, role: Role = Role.PRIMARY, *, lease: Callable[[], bool] | None = None) -> DynamoRecords:
        records = DynamoRecords(await self.engines(role), role, REGIONS[role], SystemClock(), lease=lease)
        self._opened.append(records)
        return records

    def close(self) -> None:
        for opened in self._opened:
            opened.close()
