"""Compares what both regions of the deployment hold: tables by a scan of each, photographs by their listings.

Holds one digest for each item of one region, about 200 bytes, however large the items are.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multiregion.cloud.account import Account, AwsFailure, is_missing
from multiregion.cloud.application import ENGINE_ATTRIBUTES, plain, plain_value
from multiregion.verdicts import DIFFERENCES_MAX, Difference, Verdict

SECOND_LOOKS, WAIT_SECONDS = 5, 12.0
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """What one region says of an item: its digest, and who wrote it when, if it tells."""

    digest: bytes
    epoch: int | None
    region: str | None


@dataclass(frozen=True, slots=True)
class Buckets:
    """Two buckets that are to hold the same under a prefix; `replicated`, if S3 itself is to see to that, in both directions."""

    here: str
    there: str
    prefix: str
    replicated: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """An object of a replicated bucket that the other region's bucket does not have."""

    name: str
    region: str
    bucket: str
    other_region: str
    other_bucket: str


class Comparison:
    """`regions` are compared, the first one's items kept in memory. `pause` blocks between second looks, which take `wait_seconds`
    at most for each table."""

    def __init__(
        self, account: Account, regions: Sequence[str], pause: Callable[[float], None], wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._account = account
        self._here, self._there = regions
        self._pause = pause
        self._wait_seconds = wait_seconds
        self.missing: list[Missing] = []
        """After `run`: what S3 could replicate again, at most DIFFERENCES_MAX."""

    def run(self, tables: Sequence[str], buckets: Sequence[Buckets]) -> Iterator[Verdict]:
        """The verdict as it grows; the last one is final."""
        verdict = Verdict()
        for table in tables:
            yield from self._compare_table(table, verdict)
        for pair in buckets:
            yield from self._compare_buckets(pair, verdict)
        yield verdict

    def _compare_table(self, table: str, verdict: Verdict) -> Iterator[Verdict]:
        keys = self._key_names(table)
        unmet: dict[Key, Copy] = {}
        for item in self._scan(table, self._here):
            unmet[key_of(item, keys)] = copy_of(item)
            verdict.records += 1
            if verdict.records % 1_000 == 0:
                yield verdict
        suspects: list[Key] = []
        for item in self._scan(table, self._there):
            key = key_of(item, keys)
            mine = unmet.pop(key, None)
            verdict.records += mine is None
            if mine is None or mine.digest != copy_of(item).digest:
                suspects.append(key)
        for key, problem in self._lasting(table, keys, [*unmet, *suspects]):
            verdict.add(Difference(table, shown(key), problem))
        yield verdict

    def _lasting(self, table: str, keys: Sequence[str], suspects: Sequence[Key]) -> Iterator[tuple[Key, str]]:
        """Of those that differed, the ones that still do: a change that was on its way is given time to arrive."""
        for number in range(SECOND_LOOKS):
            suspects = [key for key in suspects if self._problem(table, keys, key)]
            if not suspects or number == SECOND_LOOKS - 1:
                break
            self._pause(self._wait_seconds / (SECOND_LOOKS - 1))
        yield from ((key, problem) for key in suspects if (problem := self._problem(table, keys, key)))

    def _problem(self, table: str, keys: Sequence[str], key: Key) -> str | None:
        here, there = (self._one(table, region, keys, key) for region in (self._here, self._there))
        if here == there or (here and there and here.digest == there.digest):
            return None
        if here is None or there is None:
            missing, (holder, copy) = (self._here, (self._there, there)) if here is None else (self._there, (self._here, here))
            return f"missing in {missing}; {told(holder, copy)}"
        return f"{told(self._here, here)}, {told(self._there, there)}"

    def _one(self, table: str, region: str, keys: Sequence[str], key: Key) -> Copy | None:
        named = {name: json.loads(value) for name, value in zip(keys, key, strict=True)}
        item = self._account.call("dynamodb", "get_item", region, TableName=table, Key=named, ConsistentRead=True).get("Item")
        return copy_of(item) if item else None

    def _key_names(self, table: str) -> list[str]:
        found = self._account.call("dynamodb", "describe_table", self._here, TableName=table)["Table"]["KeySchema"]
        return [each["AttributeName"] for each in found]

    def _scan(self, table: str, region: str) -> Iterator[Mapping[str, Any]]:
        return self._account.pages("dynamodb", "scan", "Items", region, TableName=table, ConsistentRead=True)

    def _compare_buckets(self, pair: Buckets, verdict: Verdict) -> Iterator[Verdict]:
        if pair.replicated:
            for bucket, region in ((pair.here, self._here), (pair.there, self._there)):
                if not self._is_replicated(bucket, region):
                    verdict.add(Difference("bucket", bucket, "has no replication rule that is enabled, so nothing leaves it"))
        unmet = dict(self._listed(pair.here, self._here, pair.prefix, verdict))
        yield verdict
        for name, seen in self._listed(pair.there, self._there, pair.prefix, None):
            mine = unmet.pop(name, None)
            if mine is None:
                verdict.objects += 1
                verdict.add(Difference("object", name, f"missing in {self._here}; {self._replication(pair.there, name, self._there)}"))
                self._note(pair, Missing(name, self._there, pair.there, self._here, pair.here))
            elif mine != seen:
                verdict.add(Difference("object", name, f"{mine[0]:,} bytes ({mine[1]}) in {self._here}, {seen[0]:,} bytes ({seen[1]})"))
        for name in unmet:
            verdict.add(Difference("object", name, f"missing in {self._there}; {self._replication(pair.here, name, self._here)}"))
            self._note(pair, Missing(name, self._here, pair.here, self._there, pair.there))
        yield verdict

    def _note(self, pair: Buckets, missing: Missing) -> None:
        if pair.replicated and len(self.missing) < DIFFERENCES_MAX:
            self.missing.append(missing)

    def _is_replicated(self, bucket: str, region: str) -> bool:
        try:
            found = self._account.call("s3", "get_bucket_replication", region, Bucket=bucket)["ReplicationConfiguration"]["Rules"]
        except AwsFailure as error:
            if is_missing(error):
                return False
            raise
        return any(rule["Status"] == "Enabled" for rule in found)

    def _listed(self, bucket: str, region: str, prefix: str, verdict: Verdict | None) -> Iterator[tuple[str, tuple[int, str]]]:
        for each in self._account.pages("s3", "list_objects_v2", "Contents", region, Bucket=bucket, Prefix=prefix):
            if verdict is not None:
                verdict.objects += 1
                verdict.bytes += each["Size"]
            yield each["Key"], (each["Size"], each["ETag"].strip('"'))

    def _replication(self, bucket: str, name: str, region: str) -> str:
        """What S3 says of the replication of an object that is in this region only."""
        try:
            status = self._account.call("s3", "head_object", region, Bucket=bucket, Key=name).get("ReplicationStatus")
        except AwsFailure as error:
            if is_missing(error):
                return "deleted meanwhile"
            raise
        return f"its replication is {status}" if status else "it was never to be replicated"


def key_of(item: Mapping[str, Any], names: Sequence[str]) -> Key:
    return tuple(json.dumps(item[name]) for name in names)


def shown(key: Key) -> str:
    return "/".join(str(plain_value(json.loads(part))) for part in key)


def copy_of(item: Mapping[str, Any]) -> Copy:
    content = {name: value for name, value in sorted(item.items()) if not name.startswith(ENGINE_ATTRIBUTES)}
    found = plain(content)
    epoch, region = found.get("epoch"), found.get("region")
    digest = hashlib.blake2b(json.dumps(canonical(content), sort_keys=True, default=bytes.hex).encode(), digest_size=16).digest()
    return Copy(digest, epoch if isinstance(epoch, int) else None, region if isinstance(region, str) else None)


def canonical(value: Any) -> Any:
    """The same for equal values: DynamoDB's sets have no order."""
    match value:
        case {"SS": list(members)} | {"NS": list(members)} | {"BS": list(members)}:
            return sorted(members)
        case dict():
            return {name: canonical(each) for name, each in value.items()}
        case list():
            return [canonical(each) for each in value]
    return value


def told(region: str, copy: Copy | None) -> str:
    """Whose write a region has, and of which epoch."""
    if copy is None:
        return f"nothing in {region}"
    if copy.epoch is None:
        return f"{region} has one that tells no epoch"
    return f"{region} has one of epoch {copy.epoch}" + (f", written in {copy.region}" if copy.region else "")
