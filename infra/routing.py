"""The routing layer: the state of the application. A global table with the copies that both regions read, an API that answers from it
without any code, the authority's table in a third place, and the function that changes the state."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lam

from infra.api import body
from infra.gateway import allow_logs, rest_api
from infra.key_value_store import global_table, keys
from infra.stack import Stack, Statement, allow, function, keep, role, trusted

STATES, AUTHORITY = "AppConfigTable", "AuthorityTable"
UPDATER = "AppStateUpdaterLambda"


def state_table(stack: Stack, regions: Sequence[str]) -> dynamodb.CfnGlobalTable:
    return global_table(stack, STATES, regions, "appId")


def authority_table(stack: Stack) -> None:
    """One item for every decision: the newest is the state, all of them are the history."""
    table = dynamodb.CfnTable(
        stack,
        AUTHORITY,
        table_name=stack.sub(f"${{Prefix}}-{AUTHORITY}"),
        billing_mode="PAY_PER_REQUEST",
        attribute_definitions=[
            {"attributeName": "appId", "attributeType": "S"},
            {"attributeName": "epoch", "attributeType": "N"},
        ],
        key_schema=keys("appId", "epoch"),
        point_in_time_recovery_specification={"pointInTimeRecoveryEnabled": True},
        sse_specification={"sseEnabled": True, "sseType": "KMS"},
    )
    keep(table)


def table_arn(stack: Stack, name: str, region: str = "${AWS::Region}") -> str:
    return stack.sub(f"arn:${{AWS::Partition}}:dynamodb:{region}:${{AWS::AccountId}}:table/${{Prefix}}-{name}")


def routing(stack: Stack, environment: Mapping[str, str]) -> None:
    """One region's part."""
    answering = role(stack, "RoutingApi", trusted("apigateway.amazonaws.com"), [allow("dynamodb:GetItem", table_arn(stack, STATES))])
    variables = {
        "states": stack.sub(f"${{Prefix}}-{STATES}"),
        "primary": stack.sub("${PrimaryRegion}"),
        "secondary": stack.sub("${SecondaryRegion}"),
    }
    api = rest_api(stack, "Routing", body("routing"), variables)
    for needed in (answering, allow_logs(stack)):
        api.add_resource_dependency(needed)
    updater(stack, environment)
    stack.output("RoutingUrl", cdk.Fn.sub("https://${Routing}.execute-api.${AWS::Region}.amazonaws.com/v1"))
    operators_outputs(stack)


def operators_outputs(stack: Stack) -> None:
    """What changing the state takes, in both regions: the hub's outputs are lost with its region."""
    stack.output("DeploymentName", stack.sub("${DeploymentName}"), "The stack that made this one")
    stack.output("SampleApplicationAppId", stack.sub("${AppId}"), "AppId of the application, for AppStateUpdaterLambda")
    stack.output("AppConfigGlobalTableName", stack.sub(f"${{Prefix}}-{STATES}"), "TableName, for AppStateUpdaterLambda")
    stack.output("AppStateUpdaterLambdaName", stack.sub(f"${{Prefix}}-{UPDATER}"), "The function that changes the state")
    stack.output("AuthorityTableName", stack.sub(f"${{Prefix}}-{AUTHORITY}"))
    stack.output("AuthorityRegion", stack.sub("${AuthorityRegion}"))
    stack.output("StackSetPrefix", stack.sub("${Prefix}"))


def updater(stack: Stack, environment: Mapping[str, str]) -> lam.CfnFunction:
    return function(
        stack,
        UPDATER,
        "state_updater",
        "Changes the state of the application: {AppId, TableName, NewState}",
        environment=environment,
        statements=updater_statements(stack),
        seconds=300,
        megabytes=512,
    )


def updater_statements(stack: Stack) -> list[Statement]:
    regions = ("${PrimaryRegion}", "${SecondaryRegion}")
    buckets = [stack.sub(f"arn:${{AWS::Partition}}:s3:::${{Prefix}}-photos-{region}") for region in regions]
    return [
        allow(["dynamodb:Query", "dynamodb:PutItem"], table_arn(stack, AUTHORITY, "${AuthorityRegion}")),
        allow(["dynamodb:GetItem", "dynamodb:PutItem"], [table_arn(stack, STATES, region) for region in regions]),
        allow("dynamodb:Scan", [table_arn(stack, "CommentsTable", region) for region in regions]),
        allow(["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:ListBucket"], buckets),
    ]
