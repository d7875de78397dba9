"""DynamoDB global tables: a table in each region, changes carried between them, the last writer wins, each item alone."""

import copy
import itertools
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import StreamRecord, StreamShard, Table

from tests.infra.cloud.principals import ACCOUNT
from tests.infra.cloud.registry import Made, Place, Properties, ResourceType
from tests.infra.cloud.replication import Replication

Stamp = tuple[int, str]


class Replica:
    """What one region's copy of a table must know to take or refuse a change: when each key was last written, and where."""

    def __init__(self, group: "Group", region: str) -> None:
        self.group, self.region = group, region
        self.stamps: dict[tuple[str, str], Stamp] = {}
        self.applying = False

    def __deepcopy__(self, memo: Any) -> "Replica":
        return self

    @property
    def table(self) -> Table:
        return dynamodb_backends[ACCOUNT][self.region].tables[self.group.name]

    def changed(self, old: Any, new: Any) -> None:
        """A client wrote here: carry it to the others."""
        if self.applying:
            return
        stamp = (next(self.group.ticks), self.region)
        key = item_key(new if new is not None else old)
        self.stamps[key] = stamp
        attributes = new.to_json()["Attributes"] if new is not None else None
        for other in self.group.replicas.values():
            if other is not self:
                self.group.replication.send("tables", self.region, other.region, lambda to=other: to.apply(key, attributes, stamp))  # type: ignore[misc]

    def apply(self, key: tuple[str, str], attributes: Any, stamp: Stamp) -> None:
        """Takes a change from another region, unless what is here was written later."""
        if stamp <= self.stamps.get(key, (0, "")):
            return
        self.stamps[key] = stamp
        self.applying = True
        try:
            if attributes is not None:
                self.table.put_item(attributes)
            else:
                self._remove(key)
        finally:
            self.applying = False

    def _remove(self, key: tuple[str, str]) -> None:
        table = self.table
        for item in list(table.all_items()):
            if item_key(item) == key:
                table.delete_item(item.hash_key, item.range_key)


def item_key(item: Any) -> tuple[str, str]:
    return str(item.hash_key.to_json()), str(item.range_key.to_json()) if item.range_key is not None else ""


class Group:
    """One global table."""

    def __init__(self, name: str, regions: list[str], replication: Replication) -> None:
        self.name, self.replication = name, replication
        self.replicas = {region: Replica(self, region) for region in regions}
        self.ticks = itertools.count(1)


class CarriedTable(Table):
    """One replica. Copied for a transaction as far as a transaction may change it; moto's own copy takes every value along."""

    def __deepcopy__(self, memo: Any) -> "CarriedTable":
        twin = copy.copy(self)
        twin.items = defaultdict(dict, {hash_key: copied(kept) for hash_key, kept in self.items.items()})
        twin.stream_shard = copy.copy(self.stream_shard)
        if twin.stream_shard is not None and self.stream_shard is not None:
            twin.stream_shard.table, twin.stream_shard.items = twin, list(self.stream_shard.items)
        return twin


def copied(kept: Any) -> Any:
    """An item, or the items of a partition by range key."""
    if isinstance(kept, dict):
        return {range_key: copied(item) for range_key, item in kept.items()}
    twin = copy.copy(kept)
    twin.attrs = copy.copy(kept.attrs)
    return twin


class CarriedShard(StreamShard):
    """The table's stream, which tells the replica what was changed. Functions are invoked later, not inside the write as moto does."""

    def __init__(self, table: Table, replica: Replica) -> None:
        super().__init__(ACCOUNT, table)
        self.replica = replica

    def add(self, old: Any, new: Any) -> None:
        name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        sequence = self.starting_sequence_number + len(self.items)
        self.items.append(StreamRecord(self.table, "NEW_AND_OLD_IMAGES", name, old, new, sequence))
        self.replica.changed(old, new)


class GlobalTables(ResourceType):
    type, name_property = "AWS::DynamoDB::GlobalTable", "TableName"

    def __init__(self, replication: Replication) -> None:
        self._replication = replication
        self.groups: dict[str, Group] = {}

    def make(self, properties: Properties, place: Place) -> Made:
        regions = [each["Region"] for each in properties["Replicas"]]
        check_table(properties, place, regions)
        group = self.groups[place.name] = Group(place.name, regions, self._replication)
        for region in regions:
            dynamodb_backends[place.account][region].tables[place.name] = new_table(properties, place, region, group.replicas[region])
        table = dynamodb_backends[place.account][place.region].tables[place.name]
        stream = table.latest_stream_label
        attributes = {"Arn": table.table_arn, "TableId": place.name, "StreamArn": f"{table.table_arn}/stream/{stream}"}
        return Made(place.name, attributes, table)

    def change(self, made: Made, properties: Properties, place: Place) -> Made:
        return made

    def remove(self, made: Made, properties: Properties, region: str) -> None:
        for replica in self.groups.pop(made.id).replicas.values():
            dynamodb_backends[ACCOUNT][replica.region].tables.pop(made.id, None)


def check_table(properties: Properties, place: Place, regions: list[str]) -> None:
    if place.region not in regions:
        raise ValueError(f"Replicas must name the stack's own region {place.region}")
    if len(set(regions)) != len(regions):
        raise ValueError(f"Replicas names a region twice: {regions}")
    named = [*properties.get("GlobalSecondaryIndexes", []), *properties.get("LocalSecondaryIndexes", [])]
    indexes = [key for index in named for key in index["KeySchema"]]
    defined = {each["AttributeName"] for each in properties["AttributeDefinitions"]}
    used = {each["AttributeName"] for each in [*properties["KeySchema"], *indexes]}
    if defined != used:
        raise ValueError(f"AttributeDefinitions {sorted(defined)} are not the keys {sorted(used)}")
    if len(regions) > 1 and properties.get("StreamSpecification", {}).get("StreamViewType") != "NEW_AND_OLD_IMAGES":
        raise ValueError("a global table with replicas needs a stream of NEW_AND_OLD_IMAGES")


def new_table(properties: Properties, place: Place, region: str, replica: Replica) -> Table:
    table = CarriedTable(  # type: ignore[abstract]
        place.name,
        account_id=place.account,
        region=region,
        schema=properties["KeySchema"],
        attr=properties["AttributeDefinitions"],
        billing_mode=properties.get("BillingMode", "PROVISIONED"),
        global_indexes=properties.get("GlobalSecondaryIndexes"),
        indexes=properties.get("LocalSecondaryIndexes"),
        streams={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        deletion_protection_enabled=any(each.get("DeletionProtectionEnabled") for each in properties["Replicas"]),
    )
    table.stream_shard = CarriedShard(table, replica)
    return table


@contextmanager
def transactions_forget_what_they_undo(replication: Replication, tables: GlobalTables) -> Iterator[None]:
    """A transaction that fails has sent nothing to the other regions."""
    original = DynamoDBBackend.transact_write_items

    def transact(self: DynamoDBBackend, transact_items: Any) -> None:
        marks = replication.mark()
        here = [group.replicas[self.region_name] for group in tables.groups.values() if self.region_name in group.replicas]
        stamps = [dict(replica.stamps) for replica in here]
        try:
            original(self, transact_items)
        except Exception:
            replication.forget(marks)
            for replica, before in zip(here, stamps, strict=True):
                replica.stamps = before
            raise

    DynamoDBBackend.transact_write_items = transact  # type: ignore[method-assign]
    try:
        yield
    finally:
        DynamoDBBackend.transact_write_items = original  # type: ignore[method-assign]
