"""How a deployment is, from what AWS measures: replication lag of tables and photographs, and the state of its alarms.

What was not measured lately is None, never zero.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from multiregion.aws.account import Account
from multiregion.aws.stack import Stack, resources

WINDOW_SECONDS, PERIOD_SECONDS = 1_800, 60
ALARM = "AWS::CloudWatch::Alarm"
ALARMS_A_CALL = 100
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
    """`now` is the time in seconds since 1970, for the window that metrics are asked for."""

    def __init__(self, account: Account, stack: Stack, now: float) -> None:
        self._account = account
        self._stack = stack
        self._until = datetime.fromtimestamp(now, UTC)
        self._since = datetime.fromtimestamp(now - WINDOW_SECONDS, UTC)

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
            for metric in self._account.pages("cloudwatch", "list_metrics", "Metrics", region, **named):
                dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
                if found := self._newest(region, "AWS/S3", dimensions):
                    return found
        return None

    def _newest(self, region: str, namespace: str, dimensions: Mapping[str, str]) -> tuple[float, datetime] | None:
        """The last ReplicationLatency in the window, and when."""
        found = self._account.call(
            "cloudwatch",
            "get_metric_statistics",
            region,
            Namespace=namespace,
            MetricName="ReplicationLatency",
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=self._since,
            EndTime=self._until,
            Period=PERIOD_SECONDS,
            Statistics=["Maximum"],
        )["Datapoints"]
        newest = max(found, key=lambda point: point["Timestamp"], default=None)
        return (newest["Maximum"], newest["Timestamp"]) if newest else None

    def alarms(self) -> Iterator[Alarm]:
        """All of the deployment's own alarms, in both regions."""
        named: dict[str, list[str]] = {}
        for region, summary in resources(self._account, self._stack):
            if summary["ResourceType"] == ALARM and summary.get("PhysicalResourceId"):
                named.setdefault(region, []).append(summary["PhysicalResourceId"])
        for region, names in named.items():
            for start in range(0, len(names), ALARMS_A_CALL):
                asked = names[start : start + ALARMS_A_CALL]
                for found in self._account.pages("cloudwatch", "describe_alarms", "MetricAlarms", region, AlarmNames=asked):
                    yield Alarm(found["AlarmName"], region, found["StateValue"], found.get("StateReason", ""))
