"""The simulation's permissions: policies decided as IAM does, and each call asked for what it needs."""

from typing import Any

import pytest

from tests.infra.cloud.actions import requests
from tests.infra.cloud.policies import NotModelled, Request, decide, matches

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/t"


def allow(action: Any = "dynamodb:GetItem", resource: Any = TABLE, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(**more: Any) -> dict[str, Any]:
    return {**allow(**more), "Effect": "Deny"}


def get(**facts: Any) -> Request:
    return Request("dynamodb:GetItem", TABLE, {name.replace("__", ":"): value for name, value in facts.items()})


def test_silence_is_a_refusal_and_a_denial_wins() -> None:
    assert decide([], get()) == "none"
    assert decide([allow()], get()) == "allow"
    assert decide([allow(), deny()], get()) == decide([deny(), allow()], get()) == "deny"


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        (allow("dynamodb:*"), "allow"),
        (allow("DynamoDB:getitem"), "allow"),
        (allow(["dynamodb:PutItem", "dynamodb:Get*"]), "allow"),
        (allow("dynamodb:PutItem"), "none"),
        (allow("dynamodb:Get?tem"), "allow"),
        (allow("dynamodb:[GP]etItem"), "none"),
        (allow(resource="arn:aws:dynamodb:*:*:table/t"), "allow"),
        (allow(resource=TABLE + "/index/x"), "none"),
        (allow(resource=TABLE.upper()), "none"),
        ({"Effect": "Allow", "NotAction": "dynamodb:PutItem", "Resource": "*"}, "allow"),
        ({"Effect": "Allow", "NotAction": "dynamodb:Get*", "Resource": "*"}, "none"),
        ({"Effect": "Allow", "Action": "*", "NotResource": TABLE}, "none"),
    ],
)
def test_actions_and_resources(statement: dict[str, Any], verdict: str) -> None:
    assert decide([statement], get()) == verdict


@pytest.mark.parametrize(
    ("condition", "facts", "verdict"),
    [
        ({"StringEquals": {"aws:SourceAccount": "1"}}, {"aws__SourceAccount": "1"}, "allow"),
        ({"StringEquals": {"AWS:sourceaccount": ["2", "1"]}}, {"aws__SourceAccount": "1"}, "allow"),
        ({"StringEquals": {"aws:SourceAccount": "1"}}, {"aws__SourceAccount": "2"}, "none"),
        ({"StringEquals": {"aws:SourceAccount": "1"}}, {}, "none"),
        ({"StringEqualsIfExists": {"aws:SourceAccount": "1"}}, {}, "allow"),
        ({"StringNotEquals": {"aws:SourceAccount": "1"}}, {"aws__SourceAccount": "2"}, "allow"),
        ({"StringNotEquals": {"aws:SourceAccount": ["1", "2"]}}, {"aws__SourceAccount": "2"}, "none"),
        ({"StringNotEquals": {"aws:SourceAccount": "1"}}, {}, "allow"),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b*"}}, {"aws__SourceArn": "arn:aws:s3:::bucket"}, "allow"),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::b"}}, {"aws__SourceArn": "arn:aws:s3:::bucket"}, "none"),
        ({"Bool": {"aws:SecureTransport": "false"}}, {"aws__SecureTransport": "true"}, "none"),
        ({"Null": {"aws:SourceArn": "true"}}, {}, "allow"),
        ({"Null": {"aws:SourceArn": "false"}}, {}, "none"),
        ({"NumericLessThan": {"s3:signatureAge": "600"}}, {"s3__signatureAge": "599"}, "allow"),
        ({"NumericLessThan": {"s3:signatureAge": "600"}}, {"s3__signatureAge": "600"}, "none"),
        ({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["a", "b"]}}, {"dynamodb__LeadingKeys": ["a", "b"]}, "allow"),
        ({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["a"]}}, {"dynamodb__LeadingKeys": ["a", "b"]}, "none"),
        ({"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": ["a"]}}, {"dynamodb__LeadingKeys": ["a", "b"]}, "allow"),
        ({"StringEquals": {"aws:SourceAccount": "1"}, "Bool": {"aws:SecureTransport": "true"}}, {"aws__SourceAccount": "1"}, "none"),
    ],
)
def test_conditions(condition: dict[str, Any], facts: dict[str, Any], verdict: str) -> None:
    assert decide([allow(Condition=condition)], get(**facts)) == verdict


@pytest.mark.parametrize("condition", [{"StringEquals": {"aws:Weather": "x"}}, {"StringSounds": {"aws:SourceAccount": "1"}}])
def test_a_condition_that_is_not_modelled_is_refused_loudly(condition: dict[str, Any]) -> None:
    with pytest.raises(NotModelled):
        decide([allow(Condition=condition)], get(aws__SourceAccount="1"))


ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.mark.parametrize(
    ("principal", "verdict"),
    [
        ("*", "allow"),
        ({"AWS": ROLE}, "allow"),
        ({"AWS": ["arn:aws:iam::1:root", "arn:aws:iam::123456789012:root"]}, "allow"),
        ({"AWS": "arn:aws:iam::123456789012:role/other"}, "none"),
        ({"Service": "s3.amazonaws.com"}, "none"),
    ],
)
def test_a_resources_policy_names_who(principal: Any, verdict: str) -> None:
    assert decide([allow(Principal=principal)], get(), ROLE) == verdict


def test_wildcards_are_iams_own() -> None:
    assert matches("a*c?", "abbbcd") and matches("*", "") and matches("a.c", "a.c")
    assert not matches("a.c", "abc") and not matches("a", "ab")


def needed(service: str, operation: str, **parameters: Any) -> list[str]:
    return [str(each) for each in requests(service, operation, parameters, "eu-west-1", "123456789012")]


def test_a_transaction_needs_what_is_in_it() -> None:
    items = [{"ConditionCheck": {"TableName": "s"}}, {"Put": {"TableName": "t"}}, {"Update": {"TableName": "t"}}]
    arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/"
    assert needed("dynamodb", "TransactWriteItems", TransactItems=items) == [
        f"dynamodb:ConditionCheckItem on {arn}s",
        f"dynamodb:PutItem on {arn}t",
        f"dynamodb:UpdateItem on {arn}t",
    ]


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        ("dynamodb", "Query", {"TableName": "t", "IndexName": "i"}, [f"dynamodb:Query on {TABLE}/index/i"]),
        ("dynamodb", "GetItem", {"TableName": TABLE}, [f"dynamodb:GetItem on {TABLE}"]),
        ("s3", "HeadObject", {"Bucket": "b", "Key": "k"}, ["s3:GetObject on arn:aws:s3:::b/k"]),
        ("s3", "GetObject", {"Bucket": "b", "Key": "k", "VersionId": "1"}, ["s3:GetObjectVersion on arn:aws:s3:::b/k"]),
        ("s3", "ListObjectsV2", {"Bucket": "b"}, ["s3:ListBucket on arn:aws:s3:::b"]),
        (
            "s3",
            "CopyObject",
            {"Bucket": "b", "Key": "k", "CopySource": {"Bucket": "c", "Key": "l"}},
            ["s3:GetObject on arn:aws:s3:::c/l", "s3:PutObject on arn:aws:s3:::b/k"],
        ),
        (
            "s3",
            "PutBucketReplication",
            {"Bucket": "b", "ReplicationConfiguration": {"Role": "r"}},
            ["s3:PutReplicationConfiguration on arn:aws:s3:::b", "iam:PassRole on r"],
        ),
        ("s3", "DeleteObjects", {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}}, ["s3:DeleteObject on arn:aws:s3:::b/k"]),
        ("lambda", "Invoke", {"FunctionName": "f"}, ["lambda:InvokeFunction on arn:aws:lambda:eu-west-1:123456789012:function:f"]),
        ("sts", "GetCallerIdentity", {}, []),
    ],
)
def test_what_a_call_needs(service: str, operation: str, parameters: dict[str, Any], expected: list[str]) -> None:
    assert needed(service, operation, **parameters) == expected


def test_a_service_that_is_not_modelled_is_refused_loudly() -> None:
    with pytest.raises(NotModelled):
        needed("athena", "StartQueryExecution")
