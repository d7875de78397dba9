"""The backends that the contract suites run against: one region's stores, which can be closed and opened again."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from multiregion.aws.objects import S3Objects
from multiregion.aws.records import DynamoRecords
from multiregion.aws.session import Engines
from multiregion.aws.state import DynamoState
from multiregion.aws.tables import prepare_bucket, prepare_table
from multiregion.clock import SystemClock
from multiregion.embedded.authority import SqliteState
from multiregion.embedded.objects import FileObjects
from multiregion.embedded.records import SqliteRecords
from multiregion.states import Role
from multiregion.stores import Objects, Records, StateStore
from tests.engines import EngineProcess, fresh_name

REGIONS = {Role.PRIMARY: "us-east-1", Role.SECONDARY: "ap-northeast-1"}


class Closing(Records, Protocol):
    def close(self) -> None: ...


class ClosingState(StateStore, Protocol):
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
        self._opened.append(state)
        return state

    def close(self) -> None:
        for opened in self._opened:
            opened.close()


class AwsBackend:
    """Each role's table is in a region of its own; nothing is replicated between them."""

    def __init__(self, server: EngineProcess, scratch: Path) -> None:
        self.server = server
        self._scratch = scratch
        self._name = fresh_name()
        self._opened: list[DynamoRecords | DynamoState | Engines] = []

    async def engines(self, role: Role = Role.PRIMARY) -> Engines:
        engines = Engines(self.server.config(REGIONS[role], self._name))
        await prepare_table(engines, indexed=True)
        return engines

    async def objects(self) -> S3Objects:
        engines = Engines(self.server.config(name=self._name))
        self._opened.append(engines)
        await prepare_bucket(engines, "http://localhost:8080")
        return S3Objects(engines, self._scratch / "drafts", SystemClock())

    async def state(self) -> ClosingState:
        engines = Engines(self.server.config(name=f"{self._name}-authority"))
        await prepare_table(engines, indexed=False)
        state = DynamoState(engines, "app", SystemClock())
        self._opened.append(state)
        return state

    async def records(self, role: Role = Role.PRIMARY, *, lease: Callable[[], bool] | None = None) -> Closing:
        records = DynamoRecords(await self.engines(role), role, REGIONS[role], SystemClock(), lease=lease)
        self._opened.append(records)
        return records

    def close(self) -> None:
        for opened in self._opened:
            opened.close()
