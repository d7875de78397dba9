"""The tables and the bucket that the engines need: checked when a part starts, and made where the configuration says so."""

import json
from collections.abc import Callable
from typing import Any

from multiregion.dynamodb.errors import EngineRefused
from multiregion.dynamodb.items import INDEX
from multiregion.dynamodb.session import Engines
from multiregion.errors import BadDeployment, MultiregionError, NotFound, Unavailable

PENDING = "pending/"
PENDING_DAYS = 1
TIME_TO_LIVE = {"Enabled": True, "AttributeName": "expires"}
MADE_ALREADY = ("BucketAlreadyOwnedByYou", "ResourceInUseException", "ValidationException")
WAITER = {"Delay": 2, "MaxAttempts": 60}
KEYS = [("partition", "HASH"), ("id", "RANGE")]
SORTED = [("partition", "HASH"), ("sort", "RANGE")]


def key_schema(keys: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in keys]


def table_of(name: str, *, indexed: bool) -> dict[str, Any]:
    """What `create_table` takes: for records with the index by which they are listed, for the authority without."""
    attributes = ("partition", "id", "sort") if indexed else ("partition", "id")
    index = {"IndexName": INDEX, "KeySchema": key_schema(SORTED), "Projection": {"ProjectionType": "ALL"}}
    return {
        "TableName": name,
        "KeySchema": key_schema(KEYS),
        "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": "S"} for attribute in attributes],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        **({"LocalSecondaryIndexes": [index]} if indexed else {}),
    }


async def prepare_table(engines: Engines, *, indexed: bool) -> None:
    """Raises BadDeployment if the table is not there, cannot be used, or is not laid out as it has to be."""
    name = engines.config.table
    try:
        if engines.config.create:
            await made(engines, engines.dynamodb.create_table, **table_of(name, indexed=indexed))
            await engines.call(engines.dynamodb.get_waiter("table_exists").wait, TableName=name, WaiterConfig=WAITER)
            await made(engines, engines.dynamodb.update_time_to_live, TableName=name, TimeToLiveSpecification=TIME_TO_LIVE)
        found = (await engines.call(engines.dynamodb.describe_table, TableName=name))["Table"]
    except MultiregionError as error:
        raise BadDeployment(f"the table {name} in {engines.config.region} cannot be used: {error.detail}") from error
    indexes = {each["IndexName"]: each["KeySchema"] for each in found.get("LocalSecondaryIndexes", [])}
    if found["KeySchema"] != key_schema(KEYS) or (indexed and indexes.get(INDEX) != key_schema(SORTED)):
        expected = json.dumps(table_of(name, indexed=indexed))
        raise BadDeployment(f"the table {name} is not laid out as multiregion needs it; make it with: {expected}")


async def prepare_bucket(engines: Engines, origin: str) -> None:
    """`origin` is where the web application comes from: its browsers send pictures to the bucket.
    Raises BadDeployment if the bucket is not there or cannot be used."""
    bucket = engines.config.bucket
    if not bucket:
        raise BadDeployment("engines.bucket is empty: a region needs a bucket for its objects")
    if engines.config.create:
        await made(engines, engines.s3.create_bucket, **bucket_of(bucket, engines.config.region))
        await made(engines, engines.s3.put_bucket_cors, Bucket=bucket, CORSConfiguration=cors(origin))
        await made(engines, engines.s3.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration=lifecycle())
    try:
        await engines.call(engines.s3.head_bucket, Bucket=bucket)
    except NotFound as error:
        raise BadDeployment(f"there is no bucket {bucket} in {engines.config.region}") from error
    except MultiregionError as error:
        raise BadDeployment(f"the bucket {bucket} in {engines.config.region} cannot be used: {error.detail}") from error


def bucket_of(name: str, region: str) -> dict[str, Any]:
    # The oldest region is the one that must not be named.
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    return {"Bucket": name, **where}


def cors(origin: str) -> dict[str, Any]:
    rule = {"AllowedOrigins": [origin], "AllowedMethods": ["GET", "POST"], "AllowedHeaders": ["*"], "MaxAgeSeconds": 3_600}
    return {"CORSRules": [rule]}


def lifecycle() -> dict[str, Any]:
    """What nobody commits goes away by itself, and so do the parts of uploads that broke off."""
    rule = {
        "ID": "uploads that nobody committed",
        "Status": "Enabled",
        "Filter": {"Prefix": PENDING},
        "Expiration": {"Days": PENDING_DAYS},
    }
    parts = {
        "ID": "parts of uploads that broke off",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": PENDING_DAYS},
    }
    return {"Rules": [rule, parts]}


async def made(engines: Engines, function: Callable[..., Any], **arguments: Any) -> None:
    """Make something, or leave it as it is if it is there."""
    try:
        await engines.call(function, **arguments)
    except Unavailable as error:
        if not (isinstance(error, EngineRefused) and error.engine_code in MADE_ALREADY):
            raise BadDeployment(f"{arguments.get('TableName') or arguments.get('Bucket')} cannot be made: {error.detail}") from error
