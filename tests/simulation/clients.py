"""Clients that write with what they knew of the state a while ago, and believe only what they are answered."""

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from multiregion.errors import MultiregionError
from multiregion.states import Role, RoutingState
from multiregion.stores import Digest, Key, Mark, Write
from tests.simulation.journal import Journal
from tests.simulation.network import Network
from tests.simulation.pasts import spelled
from tests.simulation.truth import Truth

THINKS_SECONDS = 0.35
ITEMS = 6
PHOTOS_REMEMBERED = 8


@dataclass(slots=True)
class Order:
    """One request to write."""

    writes: list[Write]
    objects: list[bytes] = field(default_factory=list)
    repeatable: bool = False


class Client:
    def __init__(self, name: str, network: Network, random: Random, truth: Truth, journal: Journal) -> None:
        self._name, self._network, self._random, self._truth, self._journal = name, network, random, truth, journal
        self._state: RoutingState | None = None
        self._seen: list[Mark] = []
        self._photos: list[Key] = []
        self._number = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._random.expovariate(1 / THINKS_SECONDS))
            try:
                await self._act()
            except MultiregionError as error:
                self._journal.count(f"client.{error.code}")

    async def _act(self) -> None:
        roll = self._random.random()
        if self._state is None or roll < 0.15:
            await self.look()
        elif roll < 0.22 and self._seen:
            mark, role = self._random.choice(self._seen), self._random.choice(list(Role))
            found = await self._network.call(self._name, role, lambda region: region.reaches(mark))
            self._journal.count(f"position.{found}")
        elif roll < 0.3 and self._photos:
            key, role = self._random.choice(self._photos), self._random.choice(list(Role))
            await self._network.call(self._name, role, lambda region: region.view(key))
        else:
            await self.write(await self._order(self._where()), self._where())

    async def look(self) -> None:
        role = self._random.choice(list(Role))
        self._state = await self._network.call(self._name, role, lambda region: region.admitted())

    def knows(self, state: RoutingState) -> None:
        self._state = state

    def _where(self) -> Role:
        """Where it believes that writing is possible, or stubbornly somewhere else."""
        assert self._state is not None
        believed = self._state.writer or self._state.serving
        return believed.other if self._random.random() < 0.08 else believed

    async def write(self, order: Order, where: Role) -> bool:
        """Whether it was acknowledged."""
        self._number += 1
        actor = f"{self._name}.{self._number}"
        epoch = self._state.epoch if self._state and self._random.random() < 0.6 else None
        try:
            mark: Mark = await self._network.call(
                self._name,
                where,
                lambda region: region.write(order.writes, order.objects, epoch, actor),
                repeatable=order.repeatable,
            )
        except MultiregionError as error:
            self._note_failure(actor, order, error)
            return False
        self._journal.note("acknowledged", self._name, f"{spelled(mark)} {actor}")
        self._journal.count(f"wrote.{'delete' if order.writes[0].value is None else 'photo' if order.objects else 'record'}")
        self._seen.append(mark)
        self._photos = [*self._photos, *(write.key for write in order.writes if write.needs)][-PHOTOS_REMEMBERED:]
        return True

    def _note_failure(self, actor: str, order: Order, error: MultiregionError) -> None:
        self._journal.note(f"{'refused' if error.definite else 'unknown'}.{error.code}", self._name, f"{actor}: {error.detail}")
        if "lease ran out" in error.detail:
            self._journal.count("lease ran out in a commit")
        if error.definite and not order.repeatable:
            self._truth.refuses(actor)
        if "state" in error.facts and self._random.random() < 0.5:
            self._state = error.facts["state"]

    async def _order(self, where: Role) -> Order:
        value = f"{self._name}.{self._number + 1}".encode()
        kind = self._random.choice(["set", "set", "create", "create", "change", "delete", "delete", "comment", "two", "version"])
        item = Key("items", f"k{self._random.randrange(ITEMS)}")
        if kind == "create" or not self._photos:
            return self._picture(Key("photos", value.decode()), value, absent=True)
        photo = self._random.choice(self._photos)
        if kind == "change":
            return self._picture(photo, value, absent=False)
        if kind == "comment":
            comment = Key(f"comments/{photo.id}", value.decode())
            return Order([Write(comment, value, requires=(photo,), absent=True)], repeatable=True)
        if kind == "delete":
            return Order([Write(self._random.choice([item, photo]), None)])
        if kind == "two":
            return Order([Write(item, value, order=value.decode()), Write(photo, None)])
        if kind == "version":
            version = await self._network.call(self._name, where, lambda region: region.version_of(item))
            return Order([Write(item, value, version=version)])
        return Order([Write(item, value, order=value.decode())])

    def _picture(self, key: Key, value: bytes, *, absent: bool) -> Order:
        objects = [b"picture of " + value] + ([b"thumbnail of " + value] if self._random.random() < 0.4 else [])
        needs = tuple(Digest(sha256(data).hexdigest()) for data in objects)
        return Order([Write(key, value, needs=needs, absent=absent)], objects, repeatable=absent)
