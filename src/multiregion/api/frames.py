"""Changes, heads, states and losses as they travel between regions and the authority: MessagePack arrays, and JSON."""

import msgspec

from multiregion.api.documents import Routing, routing
from multiregion.controller import Outlook
from multiregion.health import WELL, WriteHealth
from multiregion.replication import NOTHING_KNOWN, Ends, Frame, LastKnown
from multiregion.stores import Change, Digest, Exposure, Head, Key, Loss, Position, Write


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

    def value_of(self) -> Change:
        write = Write(Key(self.partition, self.id), self.value, self.order, tuple(Digest(d) for d in self.needs))
        return Change(Position(self.epoch, self.sequence), write, self.actor, self.at, self.size)


class WireHead(msgspec.Struct, frozen=True, array_like=True):
    epoch: int
    sequence: int
    bytes: int
    content: str

    def value_of(self) -> Head:
        return Head(Position(self.epoch, self.sequence), self.bytes, self.content)


class WireFrame(msgspec.Struct, frozen=True, array_like=True):
    changes: list[WireChange]
    head: WireHead
    state: Routing
    exposure: Exposure = NOTHING_KNOWN

    def value_of(self) -> Frame:
        changes = [change.value_of() for change in self.changes]
        return Frame(changes, self.head.value_of(), self.state.value(), self.exposure)


class WireEnds(msgspec.Struct, frozen=True):
    positions: list[tuple[int, int]]
    state: Routing
    whole: bool

    def value_of(self) -> Ends:
        return Ends([Position(*each) for each in self.positions], self.state.value(), self.whole)


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

    number: int
    change: WireChange
    replaced: tuple[int, int] | None
    at: float
    reason: str
    outcome: str
    decided_by: str
    applied: tuple[int, int] | None

    def value_of(self) -> Loss:
        replaced, applied = (Position(*each) if each else None for each in (self.replaced, self.applied))
        return Loss(self.number, self.change.value_of(), replaced, self.at, self.reason, self.outcome, self.decided_by, applied)


def wire_loss(loss: Loss) -> WireLoss:
    return WireLoss(
        loss.number, wire_change(loss.change), pair(loss.replaced), loss.at, loss.reason, loss.outcome, loss.decided_by, pair(loss.applied)
    )


def pair(position: Position | None) -> tuple[int, int] | None:
    return None if position is None else (position.epoch, position.sequence)


def wire_change(change: Change) -> WireChange:
    write, position = change.write, change.position
    return WireChange(
        position.epoch, position.sequence, write.key.partition, write.key.id, write.order, write.value, write.needs,
        change.actor, change.at, change.size,
    )  # fmt: skip


def wire_head(head: Head) -> WireHead:
    return WireHead(head.position.epoch, head.position.sequence, head.bytes, head.content)


def pack(frame: Frame) -> bytes:
    """One frame: its length in four bytes, then MessagePack."""
    changes = [wire_change(change) for change in frame.changes]
    body = msgspec.msgpack.encode(WireFrame(changes, wire_head(frame.head), routing(frame.state), frame.exposure))
    return len(body).to_bytes(4) + body
