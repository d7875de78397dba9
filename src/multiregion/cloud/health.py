"""How a deployment is, from what AWS measures: replication lag of tables and photographs, and the state of its alarms.

What was not measured lately is None, never zero.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from multiregion.cloud.account import GLANCE, Account
from multiregion.cloud.stack import Stack
from multiregion.errors import Unavailable

WINDOW_SECONDS, PERIOD_SECONDS = 1_800, 60
TABLES = ("CommentsTableName", "UsersTableName", "AppConfigGlobalTableName")


@dataclass(frozen=True, slots=True)
class Lag:
    """How far what `to` has of `what` is behind `source`. `at` is when that was measured."""

    what: str
    source: str
    to: str
    seconds: float | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Alarm:
    name: str
    region: str
    state: str
    reason: str


class Health:
    """`now` is the time in seconds since 1970, for the window that metrics are asked for.

    `silent` are the regions that have not answered, of which nothing is known then and which are not asked again.
    """

    def __init__(self, account: Account, stack: Stack, now: float) -> None:
        self._account = account
        self._stack = stack
        self._until = datetime.fromtimestamp(now, UTC)
        self._since = datetime.fromtimestamp(now - WINDOW_SECONDS, UTC)
        self.silent: set[str] = set()

    def lags(self) -> Iterator[Lag]:
        """Of each table and of the photographs, in both directions. DynamoDB measures only while something is written."""
        primary, secondary = self._stack.regions[:2]
        for source, to in ((primary, secondary), (secondary, primary)):
            for output in TABLES:
                if table := self._stack.outputs.get(output):
                    found = self._newest(source, "AWS/DynamoDB", {"TableName": table, "ReceivingRegion": to})
                    yield Lag(table, source, to, *((found[0] / 1_000, found[1]) if found else (None, None)))
        buckets = [self._stack.outputs.get(f"{role}PhotosBucket") for role in ("Primary", "Secondary")]
        for (source, to), bucket in zip(((primary, secondary), (secondary, primary)), buckets, strict=True):
            if bucket:
                yield Lag("photographs", source, to, *(self._bucket_lag(bucket) or (None, None)))

    def _bucket_lag(self, bucket: str) -> tuple[float, datetime] | None:
        """S3 publishes it where photographs arrive, by bucket and rule: found where it is listed."""
        source = [{"Name": "SourceBucket", "Value": bucket}]
        for region in self._stack.regions[:2]:
            named = {"Namespace": "AWS/S3", "MetricName": "ReplicationLatency", "Dimensions": source}
            for metric in self._listed("list_metrics", "Metrics", region, **named):
                dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
                if found := self._newest(region, "AWS/S3", dimensions):
                    return found
        return None

    def _newest(self, region: str, namespace: str, dimensions: Mapping[str, str]) -> tuple[float, datetime] | None:
        """The last ReplicationLatency in the window, and when."""
        named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        window = {"StartTime": self._since, "EndTime": self._until, "Period": PERIOD_SECONDS, "Statistics": ["Maximum"]}
        wanted = {"Namespace": namespace, "MetricName": "ReplicationLatency", "Dimensions": named, **window}
        newest = max(self._points(region, wanted), key=lambda point: point["Timestamp"], default=None)
        return (newest["Maximum"], newest["Timestamp"]) if newest else None

    def _points(self, region: str, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        if region in self.silent:
            return []
        try:
            found = self._account.call("cloudwatch", "get_metric_statistics", region, patience=GLANCE, **wanted)
        except Unavailable:
            self.silent.add(region)
            return []
        return list(found["Datapoints"])

    def alarms(self) -> Iterator[Alarm]:
        """All of the deployment's own alarms, in both regions."""
        prefix = f"{self._stack.output('StackSetPrefix')}-"
        for region in self._stack.regions[:2]:
            for found in self._listed("describe_alarms", "MetricAlarms", region, AlarmNamePrefix=prefix):
                yield Alarm(found["AlarmName"], region, found["StateValue"], found.get("StateReason", ""))

    def _listed(self, operation: str, key: str, region: str, **wanted: Any) -> Iterator[Any]:
        if region in self.silent:
            return
        try:
            yield from self._account.pages("cloudwatch", operation, key, region, patience=GLANCE, **wanted)
        except Unavailable:
            self.silent.add(region)
