"""Changes, heads, states and losses as they travel between regions and the authority: MessagePack arrays, and JSON."""

import msgspec

from multiregion.api.documents import Routing, routing
from multiregion.health import WELL, WriteHealth
from multiregion.lag_history import NOTHING_KNOWN, LastKnown
from multiregion.logs import Loss
from multiregion.predictions import Outlook
from multiregion.rebuild import Damage
from multiregion.replication import Frame, Standing
from multiregion.states import Role
from multiregion.stores import Change, Digest, Exposure, Head, Key, Mark, Position, Write


class WireChange(msgspec.Struct, frozen=True, array_like=True):
    """A Change on the wire."""

    epoch: int
    sequence: int
    partition: str
    id: str
    order: str
    value: bytes | None
    needs: tuple[str, ...]
    actor: str
    at: float
    size: int
    chain: str = ""
    digest: bytes | None = None
    requires: tuple[tuple[str, str], ...] = ()

    def value_of(self) -> Change:
        needs, requires = tuple(Digest(digest) for digest in self.needs), tuple(Key(*name) for name in self.requires)
        write = Write(Key(self.partition, self.id), self.value, self.order, needs, requires)
        return Change(Position(self.epoch, self.sequence), write, self.actor, self.at, self.size, self.chain, self.digest)


class WireHead(msgspec.Struct, frozen=True, array_like=True):
    epoch: int
    sequence: int
    bytes: int
    content: str
    chain: str = ""

    def value_of(self) -> Head:
        return Head(Position(self.epoch, self.sequence), self.bytes, self.content, self.chain)


class WireMark(msgspec.Struct, frozen=True, array_like=True):
    epoch: int
    sequence: int
    chain: str

    def value_of(self) -> Mark:
        return Mark(Position(self.epoch, self.sequence), self.chain)


def wire_mark(mark: Mark) -> WireMark:
    return WireMark(mark.position.epoch, mark.position.sequence, mark.chain)


class WireFrame(msgspec.Struct, frozen=True, array_like=True):
    changes: list[WireChange]
    head: WireHead
    state: Routing
    exposure: Exposure = NOTHING_KNOWN

    def value_of(self) -> Frame:
        changes = [change.value_of() for change in self.changes]
        return Frame(changes, self.head.value_of(), self.state.value(), self.exposure)


class WireStanding(msgspec.Struct, frozen=True):
    store: str
    end: WireMark
    state: Routing
    leads: bool
    whole: bool
    owed: WireMark

    def value_of(self) -> Standing:
        return Standing(self.store, self.end.value_of(), self.state.value(), self.leads, self.whole, self.owed.value_of())


def wire_standing(standing: Standing) -> WireStanding:
    end, owed = wire_mark(standing.end), wire_mark(standing.owed)
    return WireStanding(standing.store, end, routing(standing.state), standing.leads, standing.whole, owed)


class WireCaller(msgspec.Struct, frozen=True):
    """What a region knows of an ID token's user. `user` None: the token does not count. The leader at the highest epoch is right."""

    user: str | None
    groups: tuple[str, ...]
    epoch: int
    leads: bool


class WireOutlook(msgspec.Struct, frozen=True):
    head: WireHead
    admitted: Routing
    ready: bool
    last_known: LastKnown | None
    writing: WriteHealth = WELL

    def value_of(self) -> Outlook:
        return Outlook(self.head.value_of(), self.admitted.value(), self.ready, self.last_known, self.writing)


def wire_outlook(outlook: Outlook) -> WireOutlook:
    return WireOutlook(wire_head(outlook.head), routing(outlook.admitted), outlook.ready, outlook.last_known, outlook.writing)


class WireLoss(msgspec.Struct, frozen=True):
    """A line of a loss ledger."""

    change: WireChange
    replaced: tuple[int, int] | None
    at: float
    region: Role
    cause: str
    reason: str
    outcome: str
    decided_by: str
    applied: tuple[int, int] | None
    writes: int | None
    revision: int
    held: bool = False

    def value_of(self) -> Loss:
        replaced, applied = (Position(*each) if each else None for each in (self.replaced, self.applied))
        why = (self.region, self.cause, self.reason, self.outcome, self.decided_by)
        return Loss(self.change.value_of(), replaced, self.at, *why, applied, self.writes, self.revision, self.held)


def wire_loss(loss: Loss) -> WireLoss:
    why = (loss.region, loss.cause, loss.reason, loss.outcome, loss.decided_by)
    return WireLoss(wire_change(loss.change), pair(loss.replaced), loss.at, *why, pair(loss.applied), loss.writes, loss.revision, loss.held)


def pair(position: Position | None) -> tuple[int, int] | None:
    return None if position is None else (position.epoch, position.sequence)


def wire_change(change: Change) -> WireChange:
    write, position = change.write, change.position
    return WireChange(
        position.epoch, position.sequence, write.key.partition, write.key.id, write.order, write.value, write.needs,
        change.actor, change.at, change.size, change.chain, change.digest,
        tuple((key.partition, key.id) for key in write.requires),
    )  # fmt: skip


def wire_head(head: Head) -> WireHead:
    return WireHead(head.position.epoch, head.position.sequence, head.bytes, head.content, head.chain)


def pack(frame: Frame) -> bytes:
    """One frame: its length in four bytes, then MessagePack."""
    changes = [wire_change(change) for change in frame.changes]
    body = msgspec.msgpack.encode(WireFrame(changes, wire_head(frame.head), routing(frame.state), frame.exposure))
    return len(body).to_bytes(4) + body


class WireDamage(msgspec.Struct, frozen=True):
    """`Damage` as it crosses the wire."""

    end: WireMark | None
    problem: str | None
    set_aside: str | None
    held_for: str | None

    def value_of(self) -> Damage:
        return Damage(self.end.value_of() if self.end else None, self.problem, self.set_aside, self.held_for)
