"""StackSets, and the two roles that they work with: one that may only assume the other, and one that may make what the layers hold."""

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from infra.regional import Layer
from infra.stack import Stack, Statement, allow, policy, trusted

ADMINISTRATION, EXECUTION = "StackSetAdministration", "StackSetExecution"


def roles(stack: Stack) -> tuple[iam.CfnRole, iam.CfnRole]:
    execution_arn = stack.sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/${{Prefix}}-{EXECUTION}")
    own_account = {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}
    administration = iam.CfnRole(
        stack,
        f"{ADMINISTRATION}Role",
        role_name=stack.sub(f"${{Prefix}}-{ADMINISTRATION}"),
        assume_role_policy_document=trusted("cloudformation.amazonaws.com", own_account),
        policies=[{"policyName": "Assume", "policyDocument": policy(allow("sts:AssumeRole", execution_arn))}],
    )
    trust = {"Effect": "Allow", "Principal": {"AWS": administration.attr_arn}, "Action": "sts:AssumeRole"}
    execution = iam.CfnRole(
        stack,
        f"{EXECUTION}Role",
        role_name=stack.sub(f"${{Prefix}}-{EXECUTION}"),
        assume_role_policy_document={"Version": "2012-10-17", "Statement": [trust]},
        policies=[{"policyName": name, "policyDocument": policy(*statements)} for name, statements in layers(stack).items()],
    )
    return administration, execution


def layers(stack: Stack) -> dict[str, list[Statement]]:
    """What it takes to make each layer, in resources of this deployment alone wherever a service can tell them apart."""

    def own(service: str, resource: str) -> str:
        return stack.sub(f"arn:${{AWS::Partition}}:{service}:*:${{AWS::AccountId}}:{resource}")

    stacks = allow("cloudformation:*", own("cloudformation", "stack/StackSet-${Prefix}-*"))
    runs = allow("lambda:*", own("lambda", "function:${Prefix}-*"))
    queues = allow("sqs:*", own("sqs", "${Prefix}-*"))
    rules = allow("events:*", own("events", "rule/${Prefix}-*"))
    groups = [own("logs", f"log-group:/aws/{service}/${{Prefix}}-*") for service in ("lambda", "apigateway")]
    delivery = ["logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery"]
    policies = ["logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"]
    gateway = [stack.sub(f"arn:${{AWS::Partition}}:apigateway:*::/{path}") for path in ("restapis", "restapis/*", "account", "tags/*")]
    return {
        "Every": [stacks, runs, allow("logs:*", groups), allow([*delivery, *policies], "*"), *role_statements(stack)],
        "Routing": [allow("apigateway:*", gateway), allow(table_actions(), own("dynamodb", "table/${Prefix}-AuthorityTable"))],
        "ObjectStore": [allow("s3:*", stack.sub("arn:${AWS::Partition}:s3:::${Prefix}-*"))],
        "Identity": [allow(pool_actions(), own("cognito-idp", "userpool/*")), allow("cognito-idp:CreateUserPool", "*"), rules, queues],
        "Keys": [allow(key_actions(), own("kms", "key/*")), allow("kms:CreateKey", "*")],
        "Operations": [
            allow(
                ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms"],
                own("cloudwatch", "alarm:${Prefix}-*"),
            ),
            allow("sns:*", own("sns", "${Prefix}-alarms*")),
        ],
    }


def role_statements(stack: Stack) -> list[Statement]:
    own = stack.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Prefix}-*")
    kinds = ("CreateRole", "DeleteRole", "GetRole", "TagRole", "UntagRole", "UpdateRole", "UpdateAssumeRolePolicy", "PassRole")
    inline = ("PutRolePolicy", "GetRolePolicy", "DeleteRolePolicy", "ListRolePolicies", "ListAttachedRolePolicies")
    return [allow([f"iam:{kind}" for kind in (*kinds, *inline)], own)]


def table_actions() -> list[str]:
    making = ("CreateTable", "UpdateTable", "DeleteTable", "DescribeTable", "UpdateContinuousBackups", "DescribeContinuousBackups")
    reading = (
        "DescribeTimeToLive",
        "DescribeContributorInsights",
        "DescribeKinesisStreamingDestination",
        "ListTagsOfResource",
        "TagResource",
    )
    return [f"dynamodb:{action}" for action in (*making, *reading, "GetResourcePolicy")]


def pool_actions() -> list[str]:
    pools = ("DescribeUserPool", "UpdateUserPool", "DeleteUserPool", "SetUserPoolMfaConfig", "GetUserPoolMfaConfig", "AddCustomAttributes")
    clients = ("CreateUserPoolClient", "DescribeUserPoolClient", "UpdateUserPoolClient", "DeleteUserPoolClient")
    users = ("AdminCreateUser", "AdminDeleteUser", "AdminGetUser", "AdminAddUserToGroup", "AdminRemoveUserFromGroup")
    groups = ("CreateGroup", "GetGroup", "UpdateGroup", "DeleteGroup", "AdminListGroupsForUser")
    replicas = ("ListUserPoolReplicas", "UpdateUserPoolReplica")
    tags = ("TagResource", "UntagResource", "ListTagsForResource")
    return [f"cognito-idp:{action}" for action in (*pools, *clients, *users, *groups, *replicas, *tags)]


def key_actions() -> list[str]:
    making = ("ReplicateKey", "DescribeKey", "GetKeyPolicy", "PutKeyPolicy", "EnableKey", "DisableKey", "ScheduleKeyDeletion")
    reading = ("GetKeyRotationStatus", "ListResourceTags", "TagResource", "UntagResource", "CreateGrant")
    return [f"kms:{action}" for action in (*making, *reading)]


def stack_set(
    stack: Stack,
    id: str,
    layer: Layer,
    body: str,
    regions: Sequence[str],
    values: Mapping[str, str],
    using: tuple[iam.CfnRole, iam.CfnRole],
    *after: cdk.CfnResource,
    description: str = "",
) -> cdk.CfnStackSet:
    """The layer's stack in each of the regions, one after the other, and none that may fail."""
    administration, execution = using
    made = cdk.CfnStackSet(
        stack,
        id,
        stack_set_name=stack.sub(f"${{Prefix}}-{layer.name}"),
        description=description or f"Multi-region application: {layer.description}",
        permission_model="SELF_MANAGED",
        administration_role_arn=administration.attr_arn,
        execution_role_name=execution.ref,
        capabilities=["CAPABILITY_NAMED_IAM"],
        template_body=body,
        parameters=[{"parameterKey": name, "parameterValue": values[name]} for name in layer.parameters],
        operation_preferences=preferences(regions),
        stack_instances_group=[{"regions": list(regions), "deploymentTargets": {"accounts": [cdk.Aws.ACCOUNT_ID]}}],
    )
    for resource in after:
        made.add_resource_dependency(resource)
    return made


def preferences(regions: Sequence[str]) -> dict[str, Any]:
    return {"regionOrder": list(regions), "regionConcurrencyType": "SEQUENTIAL", "failureToleranceCount": 0, "maxConcurrentCount": 1}
