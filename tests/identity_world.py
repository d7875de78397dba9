"""Two regions' user pools on real stores with a clock that the test winds, and the link between them as one call."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from multiregion.accounts import Accounts
from multiregion.accounts.accounts import SignedIn
from multiregion.accounts.outbox import Message
from multiregion.callers import OPERATORS
from multiregion.clock import SystemClock
from multiregion.config import Deployment, RegionPlace, Settings
from multiregion.embedded.objects import FileObjects
from multiregion.embedded.records import SqliteRecords
from multiregion.region import Region
from multiregion.states import FIRST, Role, RoutingState, State

START = 1_800_000_000.0
ADDRESS = "192.0.2.1"
PASSWORD = "correct horse"
CLIENT = "1example23456789"

DEPLOYMENT = Deployment(
    app_id="app",
    name="Lightbox",
    edge="http://localhost:8080",
    primary=RegionPlace("us-east-1", "http://localhost:8081", "us-east-1_Example", CLIENT),
    secondary=RegionPlace("ap-northeast-1", "http://localhost:8082", "ap-northeast-1_Example", CLIENT),
    authority="http://localhost:8083",
    secret="a secret of this deployment",
    operator_token="an-operator-token",
)


class WoundClock(SystemClock):
    """Stands still until the test winds it on."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> float:
        return START + self.elapsed

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.elapsed += seconds
        await asyncio.sleep(0)


class RunningClock(WoundClock):
    """The real time, and as much more as the test winds it on."""

    def now(self) -> float:
        return SystemClock.now(self) + self.elapsed

    def monotonic(self) -> float:
        return SystemClock.monotonic(self) + self.elapsed


@dataclass
class Pool:
    """One region's stores and its user pool."""

    records: SqliteRecords
    accounts: Accounts
    messages: list[Message] = field(default_factory=list)

    async def sign_in(self, name: str = "ada", password: str = PASSWORD) -> SignedIn:
        outcome = await self.accounts.sign_in(name, password, address=ADDRESS)
        assert isinstance(outcome, SignedIn)
        return outcome


def open_pool(folder: Path, role: Role, clock: WoundClock, settings: Settings, deployment: Deployment) -> Pool:
    records = SqliteRecords(folder / f"{role}.db", role, clock)
    region = Region(role, deployment.place(role).region, records, FileObjects(folder / role, clock))
    messages: list[Message] = []

    async def deliver(message: Message) -> None:
        messages.append(message)

    return Pool(records, Accounts(region, clock, settings, deployment, deliver), messages)


class World:
    """`a` is the primary and writes until told otherwise; `b` has what `replicate` brought it."""

    def __init__(
        self, folder: Path, settings: Settings | None = None, deployment: Deployment = DEPLOYMENT, clock: WoundClock | None = None
    ) -> None:
        self.clock = clock or WoundClock()
        self.state = FIRST
        self.a, self.b = (open_pool(folder, role, self.clock, settings or Settings(), deployment) for role in Role)

    async def admit(self, state: State, *, writable: bool = False) -> None:
        leader = Role.SECONDARY if writable else Role.PRIMARY
        self.state = RoutingState(state, self.state.epoch + 1, leader, writable)
        for pool in (self.a, self.b):
            await pool.records.admit(self.state)

    async def replicate(self) -> None:
        head = await self.b.records.head()
        await self.b.records.apply(self.a.records.changes(head.position, limit=10_000), epoch=self.state.epoch)

    def wind(self, seconds: float) -> None:
        self.clock.elapsed += seconds

    def close(self) -> None:
        self.a.records.close()
        self.b.records.close()


@asynccontextmanager
async def world(folder: Path, settings: Settings | None = None, deployment: Deployment = DEPLOYMENT) -> AsyncIterator[World]:
    made = World(folder, settings, deployment)
    try:
        await made.admit(State.ACTIVE)
        yield made
    finally:
        made.close()


async def make_template(folder: Path) -> None:
    """A signing key and three users, in both regions: ada, who is ready; bob, just invited; root, an operator."""
    async with world(folder) as made:
        await made.a.accounts.prepare()
        for name, groups in (("ada", ()), ("bob", ()), ("root", (OPERATORS,))):
            administration = made.a.accounts.administration
            await administration.invite(name, f"{name}@example.com", password=PASSWORD, groups=groups, actor="admin")
            if name != "bob":
                await administration.set_password(name, PASSWORD, permanent=True, actor="admin")
        await made.replicate()


def copy_template(template: Path, folder: Path) -> Path:
    shutil.copytree(template, folder, dirs_exist_ok=True)
    return folder
