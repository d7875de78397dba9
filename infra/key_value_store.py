"""The key-value store: global tables of comments and of users, and what both regions need to know of them."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_dynamodb as dynamodb

from infra.stack import Stack, keep

COMMENTS, USERS = "CommentsTable", "UsersTable"


def key_value_store(stack: Stack, regions: Sequence[str]) -> dict[str, dynamodb.CfnGlobalTable]:
    """A photo and its comments share a partition; the index has them in order of time, the photo first."""
    by_time = {
        "indexName": "ByTime",
        "keySchema": keys("photoId", "order"),
        "projection": {"projectionType": "ALL"},
    }
    comments = global_table(stack, COMMENTS, regions, "photoId", "commentId", order="order", indexes=[by_time], expires="expires")
    return {COMMENTS: comments, USERS: global_table(stack, USERS, regions, "username")}


def keys(partition: str, sort: str | None = None) -> list[dict[str, str]]:
    both = [{"attributeName": partition, "keyType": "HASH"}]
    return [*both, {"attributeName": sort, "keyType": "RANGE"}] if sort else both


def global_table(
    stack: Stack,
    name: str,
    regions: Sequence[str],
    partition: str,
    sort: str | None = None,
    *,
    order: str | None = None,
    indexes: Sequence[Any] = (),
    expires: str | None = None,
) -> dynamodb.CfnGlobalTable:
    """Encrypted with the account's key, restorable to any second of the last 35 days in either region, and never deleted with the
    stack."""
    replica = {
        "pointInTimeRecoverySpecification": {"pointInTimeRecoveryEnabled": True},
        "contributorInsightsSpecification": {"enabled": False},
    }
    table = dynamodb.CfnGlobalTable(
        stack,
        name,
        table_name=stack.sub(f"${{Prefix}}-{name}"),
        billing_mode="PAY_PER_REQUEST",
        attribute_definitions=[{"attributeName": each, "attributeType": "S"} for each in (partition, sort, order) if each],
        key_schema=keys(partition, sort),
        local_secondary_indexes=list(indexes) or None,
        sse_specification={"sseEnabled": True, "sseType": "KMS"},
        stream_specification={"streamViewType": "NEW_AND_OLD_IMAGES"},
        time_to_live_specification={"attributeName": expires, "enabled": True} if expires else None,
        replicas=[{"region": region, **replica} for region in regions],
    )
    keep(table)
    return table
