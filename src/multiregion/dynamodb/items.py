"""Records, states and positions as items of a table, and the limits that the engine sets for them.

One table holds everything of a region. `partition` and `id` are its key; `sort`, the key of its index, is there for
visible records only, so that listings never meet a tombstone. Partitions that begin with `#` are not records.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from multiregion.errors import InvalidInput
from multiregion.states import Role, RoutingState, State
from multiregion.stores import Digest, Key, Position, Record, Write, required_by

Item = dict[str, Any]

INDEX = "by-sort"
OWN = "#"
NEEDS = "#needs/"
KEY_BYTES_MAX = 1_024
PARTITION_BYTES_MAX = 1_900  # with what is put before it for the needs
ITEM_BYTES_MAX = 400 * 1_024
COPIES = 2  # the index holds a whole copy, and counts for the limit
OVERHEAD_BYTES = 400  # the names of the attributes, epoch, sequence and times
TRANSACTION_BYTES_MAX = 4 * 1_024 * 1_024
TRANSACTION_ITEMS_MAX = 100
SEQUENCE_MODULUS = 2**48


def key_item(key: Key) -> Item:
    return {"partition": {"S": key.partition}, "id": {"S": key.id}}


def sort_of(order: str, id: str) -> str:
    return f"{order}\0{id}"


def needs_key(digest: str, key: Key) -> Key:
    """Where it is noted that a record needs an object. The note is a hint, and the record itself says."""
    return Key(NEEDS + digest, f"{key.partition}/{key.id}")


def record_item(write: Write, position: Position, *, region: str, actor: str, at: str) -> Item:
    """A record, or its tombstone. Who wrote it, where and at which epoch goes along: the engine replicates each item alone."""
    item = {
        **key_item(write.key),
        "order": {"S": write.order},
        "region": {"S": region},
        "actor": {"S": actor},
        "at": {"S": at},
        **position_item(position),
    }
    if write.value is not None:
        item |= {"value": {"B": write.value}, "sort": {"S": sort_of(write.order, write.key.id)}}
        item |= {"needs": {"SS": sorted(set(write.needs))}} if write.needs else {}
    return item


def position_item(position: Position) -> Item:
    return {"epoch": {"N": str(position.epoch)}, "sequence": {"N": str(position.sequence)}}


def position_of(item: Mapping[str, Any]) -> Position:
    return Position(int(item["epoch"]["N"]), int(item["sequence"]["N"]))


def key_of(item: Mapping[str, Any]) -> Key:
    return Key(item["partition"]["S"], item["id"]["S"])


def value_of(item: Mapping[str, Any]) -> bytes | None:
    return bytes(item["value"]["B"]) if "value" in item else None


def record_of(item: Mapping[str, Any]) -> Record:
    return Record(key_of(item), value_of(item) or b"", item["order"]["S"], position_of(item))


def needs_of(item: Mapping[str, Any]) -> list[Digest]:
    return [Digest(digest) for digest in item.get("needs", {}).get("SS", [])]


def state_item(state: RoutingState) -> Item:
    return {
        "state": {"S": state.state},
        "epoch": {"N": str(state.epoch)},
        "leader": {"S": state.leader},
        "writable": {"BOOL": state.writable},
        "writer": {"S": state.writer or "nobody"},
    }


def state_of(item: Mapping[str, Any]) -> RoutingState:
    return RoutingState(State(item["state"]["S"]), int(item["epoch"]["N"]), Role(item["leader"]["S"]), bool(item["writable"]["BOOL"]))


def check_size(writes: Sequence[Write]) -> None:
    """Raises InvalidInput for what the engine would refuse, naming the field and the limit."""
    keys = {write.key for write in writes} | set(required_by(writes))
    items = 1 + len(keys) + sum(len(set(write.needs)) for write in writes)
    if items > TRANSACTION_ITEMS_MAX:
        raise InvalidInput(
            f"a commit of {items} items is over the limit of {TRANSACTION_ITEMS_MAX}", field="writes", limit=TRANSACTION_ITEMS_MAX
        )
    for key in sorted(keys):
        check_key(key)
    for write in writes:
        check_write(write)
    if (total := sum(size_of(write) for write in writes)) > TRANSACTION_BYTES_MAX:
        raise InvalidInput(
            f"a commit of {total} bytes is over the limit of {TRANSACTION_BYTES_MAX}", field="writes", limit=TRANSACTION_BYTES_MAX
        )


def check_key(key: Key) -> None:
    check_bytes(key, "partition", len(key.partition.encode()), PARTITION_BYTES_MAX)
    check_bytes(key, "id", len(f"{key.partition}/{key.id}".encode()), KEY_BYTES_MAX)
    if not key.id or not key.partition or key.partition.startswith(OWN):
        raise InvalidInput("a record needs an id, and a partition that does not begin with #", field="key")


def check_write(write: Write) -> None:
    key, value = write.key, write.value or b""
    beside = size_of(write) - len(value)
    check_bytes(key, "order", len(sort_of(write.order, key.id).encode()), KEY_BYTES_MAX)
    check_bytes(key, "value", len(value), ITEM_BYTES_MAX // COPIES - beside)
    if "\0" in write.order:
        raise InvalidInput("order must not contain the character 0", field="order")


def check_bytes(key: Key, field: str, size: int, limit: int) -> None:
    if size > limit:
        name = f"{key.partition}/{key.id[:40]}"
        raise InvalidInput(f"{field} of {name} has {size} bytes, over the limit of {limit}", field=field, limit=limit)


def size_of(write: Write) -> int:
    """What a write counts for in the engine's limits, at least."""
    key = write.key
    names = 2 * len(key.id.encode()) + len(key.partition.encode()) + 2 * len(write.order.encode())
    return names + len(write.value or b"") + 64 * len(write.needs) + OVERHEAD_BYTES


def fingerprint(item: Mapping[str, Any]) -> int:
    """A number for one record or tombstone. The sum of all of them stands for a region's whole content."""
    key, version, value = key_of(item), position_of(item), value_of(item)
    head = f"{key.partition}\0{key.id}\0{item['order']['S']}\0{version.epoch}\0{version.sequence}\0{value is None}\0"
    return int.from_bytes(sha256(head.encode() + (value or b"")).digest())
