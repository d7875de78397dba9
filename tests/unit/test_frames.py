"""What travels between regions arrives as it was."""

import msgspec

from multiregion.api.frames import WireChange, WireFrame, WireLoss, pack, wire_change, wire_loss
from multiregion.lag_history import NOTHING_KNOWN
from multiregion.logs import NOT_REPLICATED, Loss
from multiregion.replication import Frame
from multiregion.states import FIRST, Role
from multiregion.stores import Change, Digest, Head, Key, Position, Write

WRITE = Write(Key("comments/p", "c"), b"value", "order", (Digest("a" * 64),), (Key("photos", "p"), Key("users", "ada")))
CHANGE = Change(Position(3, 7), WRITE, "ada", 1.5, 9, "chain", b"digest")


def test_a_change_arrives_in_a_frame_as_it_was_logged() -> None:
    frame = Frame([CHANGE], Head(Position(3, 7), 9, "f", "chain"), FIRST, NOTHING_KNOWN)
    data = pack(frame)
    assert len(data) == 4 + int.from_bytes(data[:4])
    assert msgspec.msgpack.decode(data[4:], type=WireFrame).value_of() == frame


def test_a_loss_and_the_change_to_make_again_arrive_as_json_as_they_were_entered() -> None:
    loss = Loss(CHANGE, Position(3, 2), 2.5, Role.PRIMARY, NOT_REPLICATED, "why", "applied", "eve", Position(4, 1), None, 5, held=True)
    assert msgspec.json.decode(msgspec.json.encode(wire_loss(loss)), type=WireLoss).value_of() == loss
    assert msgspec.json.decode(msgspec.json.encode(wire_change(CHANGE)), type=WireChange).value_of() == CHANGE
