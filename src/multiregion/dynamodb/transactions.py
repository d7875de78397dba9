"""One commit as one transaction of the engine: the fence, what must exist, the writes; and what its refusals mean."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from multiregion.dynamodb.errors import Contested, Reason, translated
from multiregion.dynamodb.items import Item, key_item, needs_key, position_item, record_item, state_of
from multiregion.errors import Conflict, MultiregionError, NotFound
from multiregion.states import Role, RoutingState
from multiregion.stores import Key, Position, Write, required_by

FENCES = 8
"""Copies of the fence. Transactions that check the same item get into each other's way, so each checks one of several."""

EXISTS = "attribute_exists(#value)"
ABSENT = "attribute_not_exists(#partition)"
SAME_VERSION = "#epoch = :epoch AND #sequence = :sequence"
FENCE_HOLDS = "#epoch = :epoch AND #writer = :writer"
FAILED = "ConditionalCheckFailed"


class FenceMoved(Exception):
    """The fence says otherwise than the commit was made for; `state` is what it says (None: it has never been set)."""

    def __init__(self, state: RoutingState | None) -> None:
        super().__init__("the fence has moved")
        self.state = state


@dataclass(frozen=True, slots=True)
class Part:
    """One item of a transaction, and what it means if its condition does not hold."""

    action: str
    body: Mapping[str, Any]
    write: Write | None = None
    required: Key | None = None

    def refusal(self, reason: Reason) -> MultiregionError:
        item, write = reason.item, self.write
        if self.required is not None and (item is None or "value" not in item):
            return NotFound(f"{self.required.partition}/{self.required.id} does not exist")
        assert write is not None
        name = f"{write.key.partition}/{write.key.id}"
        if write.absent and item is not None:
            return Conflict(f"{name} exists already, or was deleted")
        return Conflict(f"{name} was changed by somebody else meanwhile")


@dataclass(frozen=True, slots=True)
class Commit:
    """What is to be written, under which state, and where the fence for it is."""

    table: str
    region: str
    role: Role
    state: RoutingState
    position: Position
    token: str
    actor: str
    at: str
    writes: Sequence[Write]

    def parts(self) -> Iterator[Part]:
        """The fence first. An item may stand in a transaction once: of two writes to a record the last one counts."""
        yield self._fence()
        merged: dict[Key, Write] = {}
        for write in self.writes:
            earlier = merged.get(write.key, write)
            merged[write.key] = replace(write, absent=write.absent or earlier.absent, version=write.version or earlier.version)
        required = required_by(self.writes)
        for key in required:
            if key not in merged:
                yield Part("ConditionCheck", self._checked(key_item(key), EXISTS, {"#value": "value"}, {}), required=key)
        for write in merged.values():
            yield self._write(write, must_exist=write.key in required)
        for write in merged.values():
            for digest in dict.fromkeys(write.needs if write.value is not None else ()):
                yield Part("Put", {"TableName": self.table, "Item": self._note(digest, write.key)})

    def _fence(self) -> Part:
        where = key_item(fence_key(self.region, int(self.token[-4:], 16) % FENCES))
        values = {":epoch": {"N": str(self.state.epoch)}, ":writer": {"S": self.role}}
        return Part("ConditionCheck", self._checked(where, FENCE_HOLDS, {"#epoch": "epoch", "#writer": "writer"}, values))

    def _write(self, write: Write, *, must_exist: bool) -> Part:
        conditions: list[str] = []
        names: dict[str, str] = {}
        values: Item = {}
        if must_exist:
            conditions.append(EXISTS)
            names["#value"] = "value"
        if write.absent:
            conditions.append(ABSENT)
            names["#partition"] = "partition"
        if write.version is not None:
            conditions.append(SAME_VERSION)
            names |= {"#epoch": "epoch", "#sequence": "sequence"}
            version = position_item(write.version)
            values |= {":epoch": version["epoch"], ":sequence": version["sequence"]}
        body: dict[str, Any] = {
            "TableName": self.table,
            "Item": record_item(write, self.position, region=self.region, actor=self.actor, at=self.at),
        }
        body |= condition(" AND ".join(conditions), names, values) if conditions else {}
        return Part("Put", body, write, write.key if must_exist else None)

    def _checked(self, key: Item, expression: str, names: dict[str, str], values: Item) -> dict[str, Any]:
        return {"TableName": self.table, "Key": key, **condition(expression, names, values)}

    def _note(self, digest: str, key: Key) -> Item:
        of = {"of_partition": {"S": key.partition}, "of_id": {"S": key.id}}
        return {**key_item(needs_key(digest, key)), **position_item(self.position), **of}


def refusal(parts: Sequence[Part], reasons: Sequence[Reason]) -> Exception:
    """What a cancelled transaction means: the fence before anything else, then what must exist, then each write in turn."""
    fence, *others = reasons
    if fence.code == FAILED:
        return FenceMoved(state_of(fence.item) if fence.item else None)
    for part, reason in zip(parts[1:], others, strict=True):
        if reason.code == FAILED:
            return part.refusal(reason)
    causes = [translated(reason.code, reason.message) for reason in reasons if reason.code != "None"]
    return next((cause for cause in causes if not isinstance(cause, Contested)), Contested("others write at the same moment; try again"))


def condition(expression: str, names: dict[str, str], values: Item) -> dict[str, Any]:
    said: dict[str, Any] = {
        "ConditionExpression": expression,
        "ExpressionAttributeNames": names,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    return said | ({"ExpressionAttributeValues": values} if values else {})


def fence_key(region: str, number: int) -> Key:
    return Key(f"#fence/{region}", str(number))
