"""The backends that the contract suites run against: one region's stores, which can be closed and opened again."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from multiregion.aws.records import DynamoRecords
from multiregion.aws.session import Engines
from multiregion.aws.tables import prepare_table
from multiregion.clock import SystemClock
from multiregion.embedded.records import SqliteRecords
from multiregion.states import Role
from multiregion.stores import Records
from tests.engines import EngineProcess, fresh_name

REGIONS = {Role.PRIMARY: "us-east-1", Role.SECONDARY: "ap-northeast-1"}


class Closing(Records, Protocol):
    def close(self) -> None: ...


class Backend(Protocol):
    """Two regions' stores, each opened as often as one likes; what was opened is closed at the end."""

    async def records(self, role: Role = Role.PRIMARY, *, lease: Callable[[], bool] | None = None) -> Closing: ...

    def close(self) -> None: ...


class EmbeddedBackend:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: list[SqliteRecords] = []

    async def records(self, role: Role = Role.PRIMARY, *, lease: Callable[[], bool] | None = None) -> Closing:
        records = SqliteRecords(self._folder / f"{role}.db", role, SystemClock(), lease=lease)
        self._opened.append(records)
        return records

    def close(self) -> None:
        for records in self._opened:
            records.close()


class AwsBackend:
    """Each role's table is in a region of its own; nothing is replicated between them."""

    def __init__(self, server: EngineProcess) -> None:
        self.server = server
        self._name = fresh_name()
        self._opened: list[DynamoRecords] = []

    async def engines(self, role: Role = Role.PRIMARY) -> Engines:
        engines = Engines(self.server.config(REGIONS[role], self._name))
        await prepare_table(engines, indexed=True)
        return engines

    async def records(self, role: Role = Role.PRIMARY, *, lease: Callable[[], bool] | None = None) -> Closing:
        records = DynamoRecords(await self.engines(role), role, REGIONS[role], SystemClock(), lease=lease)
        self._opened.append(records)
        return records

    def close(self) -> None:
        for records in self._opened:
            records.close()
