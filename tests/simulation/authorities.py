"""The authority as a machine: the real state store, controller, leases, automatic takeover and loss ledger in it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from multiregion.accepting import Histories
from multiregion.api.authority import ACKNOWLEDGE, FOLLOW_SECONDS, WORDS
from multiregion.api.routing import StateNews
from multiregion.automatic import ACTOR, HISTORY_LOOKED_AT, Automatic, acknowledge, last_takeover
from multiregion.config import Settings
from multiregion.controller import Controller
from multiregion.embedded.authority import SqliteState
from multiregion.health import WriteHealth
from multiregion.leases import Leases
from multiregion.local.authority import Announcing, leases_of
from multiregion.local.clients import OUTLOOK_SECONDS, REPAIR_SECONDS
from multiregion.logs import Loss
from multiregion.losses import LossLedger, Settled
from multiregion.objects import NeededBy, Repaired
from multiregion.orders import Request, Step
from multiregion.predictions import InformedRegion, Outlook
from multiregion.rebuild import Damage
from multiregion.registry import founded_upon, known_of, note_report, resumed
from multiregion.replication import Standing
from multiregion.reports import ACCEPTED, Known, Report
from multiregion.states import Role, RoutingState
from multiregion.stores import Change, Digest, Head, Mark, Position
from multiregion.verdicts import Verdict
from multiregion.verification import Verification
from tests.simulation.machines import Machine, Pause, Stage
from tests.simulation.network import Network
from tests.simulation.pasts import AUTHORITY
from tests.simulation.regions import SimulatedRegion
from tests.simulation.truth import Truth
from tests.simulation.writer import Disk

T = TypeVar("T")
RESTORE_SECONDS = 60.0
NAMES = {Role.PRIMARY: "us-east-1", Role.SECONDARY: "ap-northeast-1"}


class FarRegionControl:
    """A region as the authority reaches it."""

    def __init__(self, network: Network, role: Role) -> None:
        self._network = network
        self._role = role

    async def _ask(self, work: Callable[[SimulatedRegion], Awaitable[T]], **how: Any) -> T:
        return await self._network.call(AUTHORITY, self._role, work, **how)

    async def admit(self, state: RoutingState) -> RoutingState:
        return await self._ask(lambda region: region.admit(state))

    async def head(self) -> Head:
        return await self._ask(lambda region: region.head())

    async def outlook(self) -> Outlook:
        return await self._ask(lambda region: region.outlook(), seconds=OUTLOOK_SECONDS)

    async def losses(self, after: int) -> Sequence[Loss]:
        return await self._ask(lambda region: region.losses(after))

    async def settle(self, key: Mark, outcome: str, *, actor: str, applied: Position | None) -> str:
        return await self._ask(lambda region: region.settle(key, outcome, actor, applied))

    async def restore(self, change: Change, expected: Position | None, *, actor: str, force: bool) -> Position:
        return await self._ask(lambda region: region.restore(change, expected, actor, force), seconds=RESTORE_SECONDS)

    async def standing(self) -> Standing:
        return await self._ask(lambda region: region.standing())

    async def marks(self, sequences: Sequence[int]) -> Sequence[Mark | None]:
        return await self._ask(lambda region: region.marks(sequences))

    async def kept(self, marks: Sequence[Mark]) -> str | None:
        return None

    async def damage(self) -> Damage:
        return Damage(None, None, None)

    async def audit(self) -> Sequence[Position]:
        return ()

    async def sequence(self) -> int:
        return (await self.head()).position.sequence

    async def names(self, after: tuple[str, str]) -> Sequence[tuple[str, str, int, int, bool, str]]:
        return await self._ask(lambda region: region.names(after))

    async def needed(self, after: str, *, deep: bool) -> Sequence[tuple[str, int | None, bool]]:
        return await self._ask(lambda region: region.needed(after, deep))

    async def needed_by(self, digests: Sequence[Digest]) -> Mapping[Digest, NeededBy]:
        return {}

    async def repair(self, digests: Sequence[Digest] | None = None) -> Repaired:
        return await self._ask(lambda region: region.repair(digests), seconds=REPAIR_SECONDS)


class WatchedRegion(InformedRegion):
    """Whatever it foretells is held against what was known when it was asked."""

    def __init__(
        self, region: FarRegionControl, role: Role, state: Announcing, store: SqliteState, leases: Leases | None, truth: Truth
    ) -> None:
        super().__init__(region, role, state, store, leases)
        self._truth = truth

    async def outlook(self) -> Outlook:
        known = self._truth.past.told_by(self._role.other)
        outlook = await super().outlook()
        self._truth.decisions.check_prediction(self._role, known, outlook, await self._authority.read())
        return outlook


class HeardController(Controller):
    """A controller of which it is known when automatic mode begins an order."""

    def __init__(self, truth: Truth, *parts: Any) -> None:
        super().__init__(*parts)
        self._truth = truth

    def switch(self, request: Request) -> AsyncIterator[Step]:
        self._note(request)
        return super().switch(request)

    def take_over(self, request: Request) -> AsyncIterator[Step]:
        self._note(request)
        return super().take_over(request)

    def _note(self, request: Request) -> None:
        if request.actor == ACTOR:
            self._truth.orders.begins(ACTOR)


class SimulatedAuthority:
    """What the authority's process joins, and what it answers."""

    def __init__(self, machine: "AuthorityMachine", settings: Settings) -> None:
        self.store = SqliteState(machine.folder / "authority.db", machine.clock, writer=machine.disk.writer)
        self._news = StateNews()
        self._clock = machine.clock
        self.state = Announcing(self.store, self._news)
        self._regions = {role: FarRegionControl(machine.stage.network, role) for role in Role}
        self._leases = leases_of(machine.clock, settings)
        self._truth = truth = machine.stage.truth
        informed_regions = {
            role: WatchedRegion(region, role, self.state, self.store, self._leases, truth) for role, region in self._regions.items()
        }
        self.controller = HeardController(truth, self.state, informed_regions, NAMES, machine.clock, settings, self._leases)
        acting = self.state, self.controller, informed_regions
        self.automatic = Automatic(*acting, self._leases, machine.clock, settings, self.store.obstacle) if self._leases else None
        self.ledger = LossLedger(self._regions, NAMES, self.state)
        self._histories = Histories(self.state, self.store, self._regions, NAMES, settings.loss_changes_max)
        self._journal = machine.stage.journal
        self._under_way = 0

    @property
    def work(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
        return [self.automatic.run] if self.automatic else []

    def close(self) -> None:
        if self._under_way:
            self._journal.count("interrupted")
        self.store.close()

    async def prepare(self) -> None:
        await self.store.begin()
        self._news.publish(await self.store.read())

    # What regions ask.

    async def renew_lease(self, role: Role, epoch: int, degraded: bool, writing: WriteHealth) -> float:
        assert self._leases is not None
        return self._leases.renew(await self.state.read(), role, epoch, degraded=degraded, writing=writing)

    async def known(self, role: Role) -> Known:
        return await known_of(self.state, self.store, role)

    async def report(self, role: Role, report: Report) -> None:
        await note_report(self.state, self.store, role, report)

    async def found(self, store: str) -> RoutingState | None:
        state = await founded_upon(self.state, self.store, store)
        if state is not None:
            self._news.publish(state)
        return state

    async def resume(self, role: Role, state: RoutingState, base: Mark, reason: str, alone: bool) -> RoutingState:
        return await resumed(self.state, role, state, base, reason, self._clock.new_id() if alone else None)

    async def follow(self) -> AsyncIterator[RoutingState]:
        while True:
            state = await self.state.read()
            yield state
            await self._news.next(state, timeout_seconds=FOLLOW_SECONDS)

    # What operators ask.

    async def read(self) -> RoutingState:
        return await self.state.read()

    async def carry_out(self, verb: str, request: Request) -> list[Step]:
        steps: list[Step] = []
        if self._under_way:
            self._journal.count("two operators at once")
        self._under_way += 1
        self._truth.orders.begins(request.actor)
        try:
            async for step in getattr(self.controller, verb)(request):
                self._journal.note(f"step {step.name.partition(' ')[0]}", request.actor, f"{step.outcome}: {step.detail}")
                steps.append(step)
            deciding = self._truth.decisions.deciding
            assert deciding is not None
            self._truth.orders.succeeds(verb, request, deciding)
        finally:
            self._under_way -= 1
        return steps

    async def apply(self, ids: Sequence[str] | None, actor: str) -> list[Settled]:
        return [self._settled(each, actor) async for each in self.ledger.apply(ids, actor=actor, force=False)]

    async def discard(self, ids: Sequence[str] | None, actor: str) -> list[Settled]:
        return [self._settled(each, actor) async for each in self.ledger.discard(ids, actor=actor)]

    def _settled(self, settled: Settled, actor: str) -> Settled:
        self._journal.note(f"loss {settled.outcome}", actor, f"{settled.id} {settled.detail}")
        return settled

    async def pending(self) -> Sequence[str]:
        return [entry.id for entry in (await self.ledger.entries())[0] if entry.loss.outcome == "pending"]

    async def say(self, word: str, actor: str) -> None:
        if word != ACKNOWLEDGE:
            await self.state.note("automatic", actor=actor, reason=WORDS[word], facts={})
        elif taken := last_takeover(await self.state.history(HISTORY_LOOKED_AT, about=ACTOR)):
            await acknowledge(self.state, taken.state.epoch, actor=actor)

    async def accept_history(self, role: Role, actor: str) -> None:
        await self._histories.predict(role, accept_loss=True)
        await self.state.note(ACCEPTED, actor=actor, reason=f"accepted the history of the {role} region", facts={"role": role})

    async def verify(self, *, repair: bool = False) -> Verdict:
        sides = (self._regions[Role.PRIMARY], self._regions[Role.SECONDARY])
        names = (NAMES[Role.PRIMARY], NAMES[Role.SECONDARY])
        verdicts = [verdict async for verdict in Verification(*sides, names, self._clock, deep=repair, repair=repair).run()]
        return verdicts[-1]


class AuthorityMachine(Machine):
    """Where the authority runs."""

    def __init__(self, stage: Stage, pause: Pause) -> None:
        super().__init__(AUTHORITY, stage)
        self.disk = Disk(stage.loop, lambda where: pause(AUTHORITY, where), self.stage.truth.decided)

    @property
    def file(self) -> Path:
        return self.folder / "authority.db"

    def boot(self) -> SimulatedAuthority:
        return SimulatedAuthority(self, self.stage.settings)
