"""After the last fault: an operator's natural next commands, and then everything has to be as it was promised."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from multiregion.durability import REMOTE, STRICT
from multiregion.states import Role, State
from multiregion.stores import BEGINNING, Key, Write
from tests.simulation.clients import Client, Order
from tests.simulation.operators import Operator
from tests.simulation.pasts import spelled
from tests.simulation.tables import replayed, stored

if TYPE_CHECKING:
    from tests.simulation.world import World

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.5
NOWHERE = ("the other region does not have it", "damaged in the other region")


class Healing:
    def __init__(self, world: "World") -> None:
        self._world = world
        self._truth = world.truth
        self._operator: Operator = world.operators[0]

    async def run(self) -> None:
        await self._until(self._recovered, "the authority knows what the regions know")
        await self._until(self._mended, "every object is in both regions, or told missing")
        await self._until(self._back_to_active, "the application is back in the primary region")
        await self._until(self._level, "both regions are level")
        await self._until(self._writes, "writing works again")
        await self._until(self._owe_nothing, "what is nowhere is in the ledger")
        await self._until(self._settled, "every loss is decided about")
        await self._until(self._mended, "every object is in both regions, or told missing, again")
        await self._until(self._level, "both regions are level again")
        await self._until(self._mended, "every object is in both regions")
        await self._until(self._verified, "both regions are equal, item by item")
        self._check_everything()

    async def _until(self, done: Callable[[], Awaitable[bool]], what: str) -> None:
        until = self._world.loop.time() + PATIENCE_SECONDS
        while not await done():
            if self._world.loop.time() > until:
                self._truth.violated(f"after healing it never came to this: {what}")
            await self._operator.attempt(self._operator.accept_history)
            await self._operator.attempt(self._operator.mend)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _recovered(self) -> bool:
        """A damaged file may be found only now."""
        running = all(machine.region is not None for machine in self._world.regions.values())
        return running and bool(await self._operator.attempt(lambda: self._operator.order("recover", State.ACTIVE)))

    async def _back_to_active(self) -> bool:
        return bool(await self._operator.attempt(lambda: self._operator.order("switch", State.ACTIVE)))

    async def _mended(self) -> bool:
        """What no region has is told, and what shows it is deleted."""
        operator = self._operator
        verdict = await operator.attempt(lambda: operator.ask(lambda authority: authority.verify(repair=True)))
        if verdict is None:
            return False
        lost = {each.name for each in verdict.differences if each.kind == "object" and any(word in each.problem for word in NOWHERE)}
        state = await operator.attempt(lambda: operator.ask(lambda authority: authority.read()))
        if not lost or state is None:
            return not lost
        self._truth._journal.count("object told missing")
        role = state.leader
        leader = self._truth.regions[role]
        if not leader.whole or leader.owed != BEGINNING:
            role = role.other  # the one that leads waits for what nobody has
        shown = [key for key, row in self._truth.regions[role].table.items() if row.needs & lost]
        if not shown:
            return True  # what is lost, too, is decided about later
        if self._world.regions[Role.PRIMARY].stage.settings.durability == STRICT:
            self._set_durability(REMOTE)
        to, writable = (State.FAILOVER, True) if role is Role.SECONDARY else (State.ACTIVE, False)
        if role is state.leader:
            await operator.attempt(lambda: operator.order("switch", to, writable=writable))
        else:
            await operator.attempt(lambda: operator.order("take_over", to, writable=writable, accept_loss=True, region_lost=True))
        client: Client = self._world.clients[0]
        for key in shown:
            client.knows(await operator.attempt(lambda: operator.ask(lambda authority: authority.read())) or state)
            await client.write(Order([Write(key, None)]), role)
        return False

    def _set_durability(self, durability: str) -> None:
        """Where no write is taken that the other region does not confirm, none is that deletes what keeps it from confirming any."""
        for machine in self._world.regions.values():
            machine.stage.settings = replace(machine.stage.settings, durability=durability)
            machine.kill("to take a setting")
            machine.start()

    async def _level(self) -> bool:
        heads = [await machine.region.head() for machine in self._world.regions.values() if machine.region]
        whole = [await machine.region._records.is_whole() for machine in self._world.regions.values() if machine.region]
        return len(heads) == len(Role) and heads[0] == heads[1] and all(whole)

    async def _writes(self) -> bool:
        """An order from before may still be under way, and end after the first way back."""
        if not await self._back_to_active():
            return False
        client: Client = self._world.clients[0]
        await client.look()
        order = Order([Write(Key("items", "last"), b"written after all")])
        return await client.write(order, Role.PRIMARY)

    async def _owe_nothing(self) -> bool:
        return all(witness.owed == BEGINNING for witness in self._truth.regions.values())

    async def _settled(self) -> bool:
        operator = self._operator
        await operator.attempt(operator.apply)
        pending = await operator.attempt(lambda: operator.ask(lambda authority: authority.pending()))
        if pending:
            await operator.attempt(lambda: operator.ask(lambda authority: authority.discard(None, "operator-0")))
        return pending == []

    async def _verified(self) -> bool:
        verdict = await self._operator.attempt(lambda: self._operator.ask(lambda authority: authority.verify()))
        # A call that was under way before the healing may arrive as late as this: what it writes is copied first.
        ledgers = [set(region.ledger) for region in self._truth.regions.values()]
        return verdict is not None and verdict.equal and await self._level() and ledgers[0] == ledgers[1]

    def _check_everything(self) -> None:
        truth, past, regions = self._truth, self._truth.past, self._world.regions
        for role, machine in regions.items():
            assert machine.region is not None
            db = machine.region._records._reading
            same = stored(db) == replayed(past.changes[mark] for mark in truth.regions[role].log)
            truth.check(same, f"the {role} region is not what its log says")
        logs = [witness.log for witness in truth.regions.values()]
        truth.check(logs[0] == logs[1], "the logs differ in the end")
        for role, witness in truth.regions.items():
            for digest in sorted({digest for row in witness.table.values() for digest in row.needs}):
                path = regions[role].folder / "objects" / "kept" / digest[:2] / digest
                sound = path.is_file() and sha256(path.read_bytes()).hexdigest() == digest
                truth.check(sound, f"object {digest} is missing or damaged in the {role} region in the end")
        for role, witness in truth.regions.items():
            listed = past.listed(witness)
            for mark in truth.acknowledged:
                there = mark in witness.held or mark in listed or mark in past.gone
                truth.check(there, f"the acknowledged change {spelled(mark)} is neither in the {role} region nor in its loss ledger")
