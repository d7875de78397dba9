"""Every resource as its handler is given it, with the longest names that regions, stacks and administrators have: lengths, patterns and
choices are what AWS publishes. In the template itself most of these values are not known yet."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft7Validator, ValidationError, validators

from tests.infra.cloud.cloud import Cloud
from tests.infra.cloud.schemas import schema
from tests.infra.deployed import PARAMETERS
from tests.infra.template import text

LONGEST = "ap-southeast-1", "ap-northeast-1", "ap-northeast-2"
GIVEN = {
    **PARAMETERS,
    "AdminName": "a" * 128,
    "AdminEmail": f"{'a' * 64}@{'b' * 60}.example.com",
    "AdminPhone": "+123456789012345",
    "SecondaryRegion": LONGEST[1],
    "WitnessRegion": LONGEST[2],
    "MetricsEndpoint": f"https://{'x' * 60}.example.com/{'y' * 100}",
}
PARTS = "properties", "definitions", "required", "additionalProperties", "type"
NAMES = {
    "AWS::CloudFormation::StackSet": ("StackSetName", 128),
    "AWS::CloudWatch::Alarm": ("AlarmName", 255),
    "AWS::DynamoDB::GlobalTable": ("TableName", 255),
    "AWS::DynamoDB::Table": ("TableName", 255),
    "AWS::Events::Rule": ("Name", 64),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::S3::Bucket": ("BucketName", 63),
    "AWS::SNS::Topic": ("TopicName", 256),
    "AWS::SQS::Queue": ("QueueName", 80),
}
"""How long names may be; not every schema says it."""
POLICIES_MAX, TRUST_MAX, ENVIRONMENT_MAX = 10_240, 2_048, 4_096
Resolved = list[tuple[str, str, str, Any]]


@pytest.fixture(scope="module", params=["profile", "native"])
def resolved(request: pytest.FixtureRequest) -> Iterator[Resolved]:
    with Cloud() as cloud:
        cloud.deploy(text(), {**GIVEN, "UserReplication": request.param}, name="g" * 128, region=LONGEST[0])
        yield [each for each in cloud.registry.resolved if not each[1].startswith("Custom::")]


def pattern(validator: Any, written: str, value: Any, part: Any) -> Iterator[ValidationError]:
    """Expressions that Python does not know, those with classes of letters, are left out."""
    try:
        found = not isinstance(value, str) or re.search(written, value)
    except re.error:
        return
    if not found:
        yield ValidationError(f"{value!r} does not match {written!r}")


Values = validators.extend(Draft7Validator, {"pattern": pattern})


@cache
def validator(kind: str) -> Any:
    return Values({name: each for name, each in schema(kind).items() if name in PARTS})


def problems(kind: str, properties: Mapping[str, Any]) -> list[str]:
    return [f"{'/'.join(map(str, each.path))}: {each.message}" for each in validator(kind).iter_errors(dict(properties))]


def test_every_value_is_as_its_type_wants_it(resolved: Resolved) -> None:
    assert {kind for _, kind, _, _ in resolved} >= {"AWS::CloudFormation::StackSet", "AWS::CloudFront::Distribution", "AWS::S3::Bucket"}
    found = {(region, id): problems(kind, properties) for region, kind, id, properties in resolved}
    assert {place: each for place, each in found.items() if each} == {}


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("AWS::Lambda::Function", {"Description": "x" * 257}),
        ("AWS::Lambda::Function", {"Runtime": "python2.1"}),
        ("AWS::IAM::Role", {"RoleName": "x" * 65}),
        ("AWS::Logs::LogGroup", {"LogGroupName": "a b"}),
        ("AWS::CloudFormation::StackSet", {"StackSetName": "x" * 129}),
        ("AWS::CloudFormation::StackSet", {"TemplateBody": "x" * 60_000}),
    ],
)
def test_a_wrong_value_would_be_found(resolved: Resolved, kind: str, wrong: dict[str, str]) -> None:
    properties = next(each for _, each_kind, _, each in resolved if each_kind == kind)
    (name,) = wrong
    assert any(each.startswith(f"{name}: ") for each in problems(kind, {**properties, **wrong}))


def test_no_name_is_too_long(resolved: Resolved) -> None:
    for region, kind, id, properties in resolved:
        if kind in NAMES:
            name, most = NAMES[kind]
            assert 1 <= len(properties[name]) <= most, (region, id)
    assert set(NAMES) - {"AWS::SQS::Queue"} <= {kind for _, kind, _, _ in resolved}


def test_what_schemas_do_not_say_is_within_its_limit(resolved: Resolved) -> None:
    """A role's policies and its trust, without spaces; what a function is told."""
    for region, kind, id, properties in resolved:
        if kind == "AWS::IAM::Role":
            policies = [json.dumps(each["PolicyDocument"], separators=(",", ":")) for each in properties["Policies"]]
            assert sum(map(len, policies)) <= POLICIES_MAX, (region, id)
            assert len(json.dumps(properties["AssumeRolePolicyDocument"], separators=(",", ":"))) <= TRUST_MAX, (region, id)
        if kind == "AWS::Lambda::Function":
            assert len(json.dumps(properties.get("Environment", {}))) <= ENVIRONMENT_MAX, (region, id)
