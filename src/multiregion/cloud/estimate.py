"""What a month of the deployment costs: from the use that somebody expects, the template's own resources, and list prices."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from multiregion.cloud.prices import Prices
from multiregion.cloud.template import Template

PHOTO_MB = 2.0
OBJECTS_PER_PHOTO = 2
"""The photograph and its thumbnail."""
RECORD_KB = 1.0
SITE_MB, SITE_REQUESTS = 0.3, 12
LOG_BYTES_PER_CALL = 500
LAMBDA_SECONDS, LAMBDA_GB = 0.2, 0.25
IMPORTER_RUNS = 30 * 24 * 60 // 5
FENCED_WRITE_UNITS = 4
"""A transaction of the fence's check and the write, each billed twice."""
REPLICATION_METRICS = 4
MILLION, THOUSAND = 1_000_000, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A month. The defaults are the guide's scenario: 1 GB of photographs, all of them new in that month, and a few users."""

    photos_gb: float = 1.0
    users: int = 20
    reads: int = 50_000
    writes: int = 5_000
    views_gb: float = 5.0
    page_loads: int = 2_000
    native_users: bool = False

    @property
    def photos(self) -> float:
        return self.photos_gb * THOUSAND / PHOTO_MB

    @property
    def records_gb(self) -> float:
        return self.writes * RECORD_KB / MILLION


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the bill. `region` is None for what belongs to none; `price` names the price it is counted with."""

    service: str
    region: str | None
    what: str
    amount: float
    unit: str
    price: str
    dollars: float
    saved: float
    """What the free allowance takes off, if nothing else in the account uses it."""


class Estimate:
    def __init__(self, use: Use, template: Template, prices: Prices, primary: str, secondary: str) -> None:
        """Raises InvalidInput for a region without prices."""
        for region in (primary, secondary):
            prices.know(region)
        self._use = use
        self._template = template
        self._prices = prices
        self._regions = (primary, secondary)
        self._allowed = dict(prices.allowances)

    def items(self) -> Iterator[Item]:
        primary = self._regions[0]
        for region in self._regions:
            yield from self._storage(region)
        yield from self._object_replication()
        yield from self._records()
        yield from self._calls(primary)
        yield self._item("Cognito", None, "active users", self._use.users, "users", "cognito_user", everywhere=True)
        yield from self._website()
        yield from self._operations()

    def _storage(self, region: str) -> Iterator[Item]:
        use = self._use
        yield self._item("S3", region, "photographs kept", use.photos_gb, "GB", "s3_gb")
        puts = use.photos * OBJECTS_PER_PHOTO / THOUSAND
        yield self._item("S3", region, "photographs written", puts, "thousand", "s3_put_thousand")
        yield self._item("DynamoDB", region, "records kept", use.records_gb, "GB", "dynamodb_gb")
        yield self._item("DynamoDB", region, "point-in-time recovery", use.records_gb, "GB", "dynamodb_backup_gb")

    def _object_replication(self) -> Iterator[Item]:
        primary, gigabytes = self._regions[0], self._use.photos_gb
        yield self._item("S3", primary, "replication within 15 minutes", gigabytes, "GB", "s3_replication_gb", everywhere=True)
        yield self._item("Transfer", primary, "photographs to the other region", gigabytes, "GB", "transfer_region_gb")
        views = self._use.views_gb
        gets = views * THOUSAND / PHOTO_MB / THOUSAND
        yield self._item("S3", primary, "photographs read", gets, "thousand", "s3_get_thousand")
        yield self._item("Transfer", primary, "photographs to browsers", views, "GB", "transfer_out_gb")

    def _records(self) -> Iterator[Item]:
        primary, secondary = self._regions
        writes = self._use.writes / MILLION
        yield self._item("DynamoDB", primary, "fenced writes", writes * FENCED_WRITE_UNITS, "million units", "dynamodb_write_million")
        yield self._item("DynamoDB", secondary, "replicated writes", writes, "million units", "dynamodb_write_million")
        yield self._item("DynamoDB", primary, "reads", self._use.reads / MILLION, "million units", "dynamodb_read_million")
        yield self._item("Transfer", primary, "records to the other region", self._use.records_gb, "GB", "transfer_region_gb")

    def _calls(self, primary: str) -> Iterator[Item]:
        calls = self._use.reads + self._use.writes
        yield self._item("API Gateway", primary, "calls", calls / MILLION, "million", "api_million")
        yield self._item("CloudWatch", primary, "access logs", calls * LOG_BYTES_PER_CALL / 1e9, "GB", "cloudwatch_logs_gb")
        runs = (self._use.writes + self._use.photos + IMPORTER_RUNS) / MILLION
        yield self._item("Lambda", None, "calls", runs, "million", "lambda_million", everywhere=True)
        seconds = runs * MILLION * LAMBDA_SECONDS * LAMBDA_GB
        yield self._item("Lambda", None, "time", seconds, "GB-seconds", "lambda_gb_second", everywhere=True)

    def _website(self) -> Iterator[Item]:
        loads = self._use.page_loads
        yield self._item("CloudFront", None, "pages to browsers", loads * SITE_MB / THOUSAND, "GB", "cloudfront_gb", everywhere=True)
        yield self._item("CloudFront", None, "requests", loads * SITE_REQUESTS / MILLION, "million", "cloudfront_million", everywhere=True)

    def _operations(self) -> Iterator[Item]:
        """What costs the same however little is used: counted in the template itself."""
        made = self._made()
        for region in self._regions:
            for service, what, amount, price in (
                ("CloudWatch", "alarms", made[region, "AWS::CloudWatch::Alarm"], "cloudwatch_alarm"),
                ("CloudWatch", "dashboards", made[region, "AWS::CloudWatch::Dashboard"], "cloudwatch_dashboard"),
                ("CloudWatch", "replication metrics", REPLICATION_METRICS, "cloudwatch_metric"),
                ("KMS", "keys", made[region, "AWS::KMS::Key"] + made[region, "AWS::KMS::ReplicaKey"], "kms_key"),
            ):
                if amount:
                    yield self._item(service, region, what, amount, what.split()[-1], price, everywhere=True)

    def _made(self) -> Counter[tuple[str, str]]:
        """How many resources of each type each region gets, by (region, type)."""
        primary, secondary = self._regions
        replication = "native" if self._use.native_users else "profile"
        return Counter(self._template.everything({"SecondaryRegion": secondary, "UserReplication": replication}, primary))

    def _item(self, service: str, region: str | None, what: str, amount: float, unit: str, price: str, *, everywhere: bool = False) -> Item:
        each = self._prices.of(price, None if everywhere else region)
        free = min(amount, self._allowed.get(price, 0))
        if free:
            self._allowed[price] -= free
        return Item(service, region, what, amount, unit, price, amount * each, free * each)
