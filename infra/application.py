"""Comments and photos for whoever is signed in: the API, which reads comments straight from DynamoDB, and the function behind it that
writes and signs addresses. Two layers, because one stack's text would not fit into a StackSet."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events

from infra.api import body
from infra.gateway import rest_api
from infra.key_value_store import COMMENTS
from infra.object_store import arn
from infra.routing import STATES, table_arn
from infra.stack import Stack, allow, function, invocable, role, trusted

WRITER = "Writer"
SWEEP = "rate(1 hour)"


def application(stack: Stack) -> None:
    """The API in one region. The function that it calls is there already."""
    by_time = [table_arn(stack, COMMENTS), table_arn(stack, f"{COMMENTS}/index/ByTime")]
    answering = role(stack, "ApplicationApi", trusted("apigateway.amazonaws.com"), [allow("dynamodb:Query", by_time)])
    api = rest_api(stack, "Application", body("comments", "photos"), {"comments": stack.sub(f"${{Prefix}}-{COMMENTS}")})
    api.add_resource_dependency(answering)
    calls = stack.sub("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Application}/*")
    invocable(stack, "ApiInvokes", stack.sub(f"${{Prefix}}-{WRITER}"), "apigateway.amazonaws.com", calls)
    stack.output("ApiUrl", cdk.Fn.sub("https://${Application}.execute-api.${AWS::Region}.amazonaws.com/v1"))


def writer(stack: Stack, role_of_region: str) -> None:
    """The function in one region. `role_of_region` is `primary` or `secondary`."""
    sweep(stack, writing_function(stack, role_of_region))


def writing_function(stack: Stack, role_of_region: str) -> Any:
    environment = {
        "ROLE": role_of_region,
        "PRIMARY": stack.sub("${PrimaryRegion}"),
        "SECONDARY": stack.sub("${SecondaryRegion}"),
        "APP_ID": stack.sub("${AppId}"),
        "STATE_TABLE": stack.sub(f"${{Prefix}}-{STATES}"),
        "COMMENTS_TABLE": stack.sub(f"${{Prefix}}-{COMMENTS}"),
        "BUCKET": stack.sub("${Prefix}-photos-${AWS::Region}"),
        "ORIGIN": stack.sub("${AllowedOrigin}"),
    }
    records = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"]
    statements = [
        allow(["dynamodb:GetItem", "dynamodb:ConditionCheckItem"], table_arn(stack, STATES)),
        allow(records, table_arn(stack, COMMENTS)),
        allow(["s3:PutObject", "s3:GetObject", "s3:DeleteObject"], [arn(stack, "photos", "/photos/*"), arn(stack, "photos", "/pending/*")]),
        allow("s3:ListBucket", arn(stack, "photos")),
    ]
    return function(
        stack,
        WRITER,
        "application",
        "Comments written; photos listed, uploaded, committed and deleted",
        environment=environment,
        statements=statements,
        seconds=29,
        megabytes=512,
    )


def sweep(stack: Stack, target: Any) -> None:
    """Deletions that were cut off are finished within the hour."""
    rule = events.CfnRule(
        stack,
        "Sweep",
        name=stack.sub("${Prefix}-Sweep"),
        schedule_expression=SWEEP,
        state="ENABLED",
        targets=[{"id": "function", "arn": target.attr_arn, "input": '{"sweep": true}'}],
    )
    invocable(stack, "SweepInvokes", target.attr_arn, "events.amazonaws.com", rule.attr_arn)
