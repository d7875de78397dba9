"""Two regions' tables and buckets as the functions find them, in moto, with nothing that replicates; and failures on order."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest import mock

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

from infra.lambdas.items import plain, typed

PRIMARY, SECONDARY, APP = "us-east-1", "ap-northeast-1", "app"
PREFIX = "multiregion-test"
ENVIRONMENT = {
    "AWS_REGION": PRIMARY,
    "ROLE": "primary",
    "PRIMARY": PRIMARY,
    "SECONDARY": SECONDARY,
    "PREFIX": PREFIX,
    "PARTITION": "aws",
    "REPLICATION_ROLES": f"arn:aws:iam::123456789012:role/{PREFIX}-Replication-*",
    "APP_ID": APP,
    "STATE_TABLE": f"{PREFIX}-AppConfigTable",
    "COMMENTS_TABLE": f"{PREFIX}-CommentsTable",
    "USERS_TABLE": f"{PREFIX}-UsersTable",
    "AUTHORITY_TABLE": f"{PREFIX}-AuthorityTable",
    "AUTHORITY_REGION": SECONDARY,
    "BUCKET": f"{PREFIX}-photos-{PRIMARY}",
    "ORIGIN": "https://example.cloudfront.net",
    "FAILOVER_WRITABLE": "no",
    "SEND_METRICS": "No",
    "METRICS_ENDPOINT": "",
    "SOLUTION_ID": "multiregion",
    "VERSION": "0.1.0",
    "DEPLOYMENT_UUID": APP,
}


@contextmanager
def two_regions() -> Iterator[None]:
    named = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN")
    more = {"AWS_DEFAULT_REGION": PRIMARY, "ORIGIN": ENVIRONMENT["ORIGIN"], "AWS_LAMBDA_FUNCTION_NAME": "function"}
    with mock.patch.dict(os.environ, dict.fromkeys(named, "testing") | more), mock_aws():
        client.cache_clear()
        for region in (PRIMARY, SECONDARY):
            make_tables(region)
            make_bucket(region)
        yield


@cache
def client(service: str, region: str = PRIMARY) -> Any:
    return boto3.client(service, region_name=region)


def clear() -> None:
    """Every table and bucket empty, as they were made."""
    for region in (PRIMARY, SECONDARY):
        for name in client("dynamodb", region).list_tables()["TableNames"]:
            schema = client("dynamodb", region).describe_table(TableName=name)["Table"]["KeySchema"]
            for item in client("dynamodb", region).scan(TableName=name)["Items"]:
                key = {each["AttributeName"]: item[each["AttributeName"]] for each in schema}
                client("dynamodb", region).delete_item(TableName=name, Key=key)
        bucket = f"{PREFIX}-photos-{region}"
        for found in client("s3", region).list_objects_v2(Bucket=bucket).get("Contents", []):
            client("s3", region).delete_object(Bucket=bucket, Key=found["Key"])
        set_policy(region)


def make_tables(region: str) -> None:
    by_time = {"IndexName": "ByTime", "KeySchema": keys("photoId", "order"), "Projection": {"ProjectionType": "ALL"}}
    table(region, "AppConfigTable", "appId")
    table(region, "UsersTable", "username")
    table(region, "CommentsTable", "photoId", "commentId", "order", LocalSecondaryIndexes=[by_time])
    if region == ENVIRONMENT["AUTHORITY_REGION"]:
        table(region, "AuthorityTable", "appId", "epoch", number="epoch")


def keys(partition: str, sort: str | None) -> list[dict[str, str]]:
    both = [{"AttributeName": partition, "KeyType": "HASH"}]
    return [*both, {"AttributeName": sort, "KeyType": "RANGE"}] if sort else both


def table(region: str, name: str, partition: str, sort: str | None = None, *more: str, number: str = "", **options: Any) -> None:
    named = [each for each in (partition, sort, *more) if each]
    client("dynamodb", region).create_table(
        TableName=f"{PREFIX}-{name}",
        KeySchema=keys(partition, sort),
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "N" if each == number else "S"} for each in named],
        BillingMode="PAY_PER_REQUEST",
        **options,
    )


def make_bucket(region: str) -> None:
    s3, name = client("s3", region), f"{PREFIX}-photos-{region}"
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **where)
    set_policy(region)


def set_policy(region: str) -> None:
    name = f"{PREFIX}-photos-{region}"
    own = {"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "s3:*", "Resource": f"arn:aws:s3:::{name}/*"}
    client("s3", region).put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [own]}))


def admit(state: str, epoch: int, writer: str | None, region: str = PRIMARY) -> None:
    """What a region's copy of the state says."""
    told = {"appId": APP, "state": state, "epoch": epoch, "leader": "primary", "writable": False, "decided": str(epoch)}
    item = typed(told | ({"writer": writer} if writer else {}))
    client("dynamodb", region).put_item(TableName=ENVIRONMENT["STATE_TABLE"], Item=item)


def items(name: str, region: str = PRIMARY) -> list[Any]:
    found = client("dynamodb", region).scan(TableName=f"{PREFIX}-{name}")["Items"]
    return [plain(item) for item in found]


def refusal(code: str, operation: str = "Any", **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": 400}, **more}, operation)


class Failing:
    """A client that fails as ordered: each operation has a list of errors, or of things to do, before its calls go through."""

    def __init__(self, client: Any, **orders: Sequence[Exception | Callable[[], object] | None]) -> None:
        self._client, self._orders = client, {name: list(each) for name, each in orders.items()}
        self.calls: list[str] = []
        self.given: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        if name not in self._orders:
            return attribute

        def call(*arguments: Any, **named: Any) -> Any:
            self.calls.append(name)
            self.given.append(named)
            order = self._orders[name].pop(0) if self._orders[name] else None
            if isinstance(order, Exception):
                raise order
            if order is not None:
                order()
            return attribute(*arguments, **named)

        return call
