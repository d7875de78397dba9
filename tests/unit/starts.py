"""A deployment whose regions and authority are started, stopped, cut off and put back from copies: the real parts over real files."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from multiregion.clock import SystemClock
from multiregion.continuity import Continuity, report_of
from multiregion.embedded.authority import SqliteState
from multiregion.errors import MultiregionError, Unreachable
from multiregion.exchange import LedgerExchange
from multiregion.logs import Loss
from multiregion.region import LoggedRegion
from multiregion.registry import founded_upon, known_of, note_report, resumed
from multiregion.replication import Frame, Replicator, Standing
from multiregion.reports import ACCEPTED, Known, Report
from multiregion.states import UNFOUNDED, Role, RoutingState
from multiregion.stores import Exposure, Key, Mark, Position, Write
from tests.unit.links import HEARTBEAT_SECONDS, Link, region

PAUSE_SECONDS = 0.02
LOSS_CHANGES_MAX = 10


class HastyClock(SystemClock):
    """Waits are short; only a test moves the time on which somebody gives up asking."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._began = super().monotonic()

    def monotonic(self) -> float:
        return self._began + self.ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, PAUSE_SECONDS))


class AuthorityOverThere:
    """What a region asks of the authority; it follows the state by asking again and again."""

    def __init__(self, deployment: "Deployment") -> None:
        self._deployment = deployment

    @property
    def _state(self) -> SqliteState:
        if self._deployment.authority is None:
            raise Unreachable("the authority is away")
        return self._deployment.authority

    async def read(self) -> RoutingState:
        return await self._state.read()

    async def known(self, role: Role) -> Known:
        return await known_of(self._state, self._state, role)

    async def report(self, role: Role, report: Report) -> None:
        await note_report(self._state, self._state, role, report)

    async def found(self, store: str) -> RoutingState | None:
        return await founded_upon(self._state, self._state, store)

    async def resume(self, role: Role, state: RoutingState, base: Mark, reason: str, *, alone: bool) -> RoutingState:
        return await resumed(self._state, role, state, base, reason, "of an operator's word" if alone else None)


class Line(Link):
    """To whatever runs at the other end now."""

    def __init__(self, deployment: "Deployment", role: Role) -> None:
        super().__init__(None)  # type: ignore[arg-type]  # `source` is looked up
        self._deployment, self._role = deployment, role

    def _reach(self) -> None:
        if self._deployment.cut or self._role not in self._deployment.running:
            raise Unreachable("the line is cut, or nobody is there")

    @property
    def source(self) -> LoggedRegion:
        self._reach()
        return self._deployment.running[self._role].region

    @source.setter
    def source(self, other: LoggedRegion) -> None: ...

    async def follow(self, after: Mark, *, changes: bool) -> AsyncIterator[Frame]:
        async for frame in super().follow(after, changes=changes):
            if frame.changes and self._deployment.slow:
                raise Unreachable("nothing arrives in time")
            yield frame


class LineOfAStart(Line):
    """What a region compares its log through."""

    async def standing(self) -> Standing:
        if meanwhile := self._deployment.meanwhile:
            await meanwhile()
        return await super().standing()


class RunningRegion:
    """One run of a region, as `multiregion.local.region` wires it."""

    def __init__(self, deployment: "Deployment", role: Role) -> None:
        self.region = region(deployment.folder / role, role, guarded=True)
        self.records = self.region.records
        self._role, self._authority = role, AuthorityOverThere(deployment)
        line, clock = Line(deployment, role.other), deployment.clock
        beginning = LineOfAStart(deployment, role.other)
        self.continuity = Continuity(self.region, beginning, self._authority, clock, LOSS_CHANGES_MAX, self._kept)
        self.replicator = Replicator(self.region, line, clock, heartbeat_seconds=HEARTBEAT_SECONDS, catches_up=self.continuity.catches_up)
        self._deployment, self._exchange = deployment, LedgerExchange(self.region, line, clock)
        work = (self._obey, self._report, self.continuity.run, self.replicator.run, self._exchange_ledgers)
        self._tasks = [asyncio.ensure_future(forever(each)) for each in work]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.records.close()  # type: ignore[attr-defined]

    async def _kept(self, marks: Sequence[Mark], both: bool) -> Role | None:
        if both and self._deployment.kept_unknown:
            raise Unreachable("no answer")
        return next((role for role in self._deployment.kept if both or role is self._role), None)

    async def _obey(self) -> None:
        state = await self._authority.read()
        await self.records.admit(state)

    async def _exchange_ledgers(self) -> None:
        if self._deployment.exchanges:
            await self._exchange.run()

    async def _report(self) -> None:
        if await self.continuity.may_report():
            await self._authority.report(self._role, await report_of(self.records, Exposure()))

    async def write(self, *names: str) -> Position:
        return await self.records.commit([Write(Key("photos", name), name.encode()) for name in names], epoch=None, actor="ada")

    async def names(self) -> list[str]:
        return sorted(record.key.id for record in (await self.records.query("photos"))[0])

    async def ledger(self) -> list[Loss]:
        return list(await self.records.losses(limit=1_000))

    async def leads(self) -> bool:
        return self.records.confirmed and await self.records.leads()

    async def waits(self) -> bool:
        return "accept-history" in (self.continuity.reason or "")


async def forever(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        with suppress(MultiregionError, sqlite3.ProgrammingError):  # the region at the other end may just have been stopped
            await work()
        await asyncio.sleep(PAUSE_SECONDS)


class Deployment:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = HastyClock()
        self.running: dict[Role, RunningRegion] = {}
        self.authority: SqliteState | None = None
        self.cut = False
        self.slow = False
        """No change arrives, everything else does."""
        self.kept: list[Role] = []
        """In whose folder a database lies that was set aside and has whatever is asked for."""
        self.kept_unknown = False
        self.exchanges = True
        """Whether the regions exchange their ledgers, as they do now and then."""
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        """What happens whenever a region that has started asks the other where it stands, before it is answered."""
        self.start_authority()

    def start_authority(self) -> None:
        (self.folder / "authority").mkdir(exist_ok=True)
        self.authority = SqliteState(self.folder / "authority" / "authority.db", self.clock)

    def stop_authority(self) -> None:
        assert self.authority is not None
        self.authority.close()
        self.authority = None

    def start(self, role: Role) -> RunningRegion:
        self.running[role] = RunningRegion(self, role)
        return self.running[role]

    async def stop(self, role: Role) -> None:
        await self.running.pop(role).stop()

    async def stop_all(self) -> None:
        for role in tuple(self.running):
            await self.stop(role)

    def copy(self, part: str, name: str) -> None:
        """Keep a part's folder as it is; it must be stopped."""
        shutil.copytree(self.folder / part, self.folder / f"{part}-{name}")

    def put_back(self, part: str, name: str) -> None:
        self.lose(part)
        shutil.copytree(self.folder / f"{part}-{name}", self.folder / part)

    def lose(self, part: str) -> None:
        shutil.rmtree(self.folder / part)

    async def state(self) -> RoutingState:
        return await self.authority.read() if self.authority is not None else UNFOUNDED

    async def accept_history(self, role: Role) -> None:
        assert self.authority is not None
        await self.authority.note(ACCEPTED, actor="eve", reason="the copy is all there is", facts={"role": role})


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await true():
            await asyncio.sleep(0.01)


async def until_known(deployment: "Deployment", role: Role, end: Mark) -> None:
    """Until the authority has been told that this region has got there."""

    async def is_known() -> bool:
        assert deployment.authority is not None
        return (await deployment.authority.reports())[role].end == end

    await until(is_known)


async def level(one: RunningRegion, other: RunningRegion) -> None:
    async def equal() -> bool:
        return await one.records.head() == await other.records.head()

    await until(equal)


@asynccontextmanager
async def founded_deployment(folder: Path) -> AsyncIterator[Deployment]:
    """Both regions run, and the primary leads."""
    deployment = Deployment(folder)
    try:
        primary, _ = (deployment.start(role) for role in Role)
        await until(primary.leads)
        yield deployment
    finally:
        await deployment.stop_all()
        if deployment.authority is not None:
            deployment.stop_authority()
