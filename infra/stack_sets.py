"""StackSets, and the two roles that they work with: one that may only assume the other, and one that may make what the layers hold."""

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from infra.regional import Layer
from infra.stack import Stack, Statement, allow, policy, trusted

ADMINISTRATION, EXECUTION = "StackSetAdministration", "StackSetExecution"
STACK_SETS_MINIMUM = ["cloudformation:*", "s3:*"]
"""What AWS documents as the least that StackSets need in a target account, on every resource: they keep templates in buckets of their
own, and look at stacks before these have a name. The role takes it from nobody but the administration role."""
TAGGING = ("TagResource", "UntagResource", "ListTagsForResource")
"""The stack's tags, those of whoever launches it in the console among them, reach every resource; without these rights it fails."""


def roles(stack: Stack) -> tuple[iam.CfnRole, iam.CfnRole]:
    """The administration role, and the execution role, which trusts it by condition: IAM refuses a new role as a principal until it knows
    it everywhere."""
    execution_arn = stack.sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/${{Prefix}}-{EXECUTION}")
    own_account = {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}
    administration = iam.CfnRole(
        stack,
        f"{ADMINISTRATION}Role",
        role_name=stack.sub(f"${{Prefix}}-{ADMINISTRATION}"),
        assume_role_policy_document=trusted("cloudformation.amazonaws.com", own_account),
        policies=[{"policyName": "Assume", "policyDocument": policy(allow("sts:AssumeRole", execution_arn))}],
    )
    account = {"AWS": stack.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")}
    only_it = {"ArnEquals": {"aws:PrincipalArn": administration.attr_arn}}
    trust = {"Effect": "Allow", "Principal": account, "Action": "sts:AssumeRole", "Condition": only_it}
    execution = iam.CfnRole(
        stack,
        f"{EXECUTION}Role",
        role_name=stack.sub(f"${{Prefix}}-{EXECUTION}"),
        assume_role_policy_document={"Version": "2012-10-17", "Statement": [trust]},
        policies=[{"policyName": name, "policyDocument": policy(*statements)} for name, statements in layers(stack).items()],
    )
    return administration, execution


def layers(stack: Stack) -> dict[str, list[Statement]]:
    """What it takes to make each layer, tags included, in resources of this deployment alone wherever a service can tell them apart."""

    def own(service: str, resource: str) -> str:
        return stack.sub(f"arn:${{AWS::Partition}}:{service}:*:${{AWS::AccountId}}:{resource}")

    queues = allow("sqs:*", own("sqs", "${Prefix}-*"))
    groups = [own("logs", f"log-group:/aws/{service}/${{Prefix}}-*") for service in ("lambda", "apigateway")]
    delivery = ["logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery"]
    policies = ["logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DeleteResourcePolicy", "logs:DescribeResourcePolicies"]
    gateway = [stack.sub(f"arn:${{AWS::Partition}}:apigateway:*::/{path}") for path in ("restapis", "restapis/*", "account", "tags/*")]
    return {
        "StackSets": [allow(STACK_SETS_MINIMUM, "*")],
        "Every": [
            allow("lambda:*", own("lambda", "function:${Prefix}-*")),
            allow("logs:*", groups),
            allow([*delivery, *policies, "logs:DescribeLogGroups"], "*"),
            allow(role_actions(), stack.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Prefix}-*")),
        ],
        "Routing": [allow("apigateway:*", gateway), allow("dynamodb:*", own("dynamodb", "table/${Prefix}-AuthorityTable"))],
        "Identity": [
            allow(pool_actions(), own("cognito-idp", "userpool/*")),
            allow("cognito-idp:CreateUserPool", "*"),
            allow("events:*", own("events", "rule/${Prefix}-*")),
            queues,
        ],
        "Keys": key_statements(own("kms", "key/*")),
        "Operations": [
            allow(
                [f"cloudwatch:{action}" for action in ("PutMetricAlarm", "DeleteAlarms", *TAGGING)], own("cloudwatch", "alarm:${Prefix}-*")
            ),
            allow("sns:*", own("sns", "${Prefix}-alarms*")),
            allow(["cloudwatch:DescribeAlarms", "sns:Unsubscribe"], "*"),
        ],
    }


def role_actions() -> list[str]:
    kinds = ("CreateRole", "DeleteRole", "GetRole", "UpdateRole", "UpdateRoleDescription", "UpdateAssumeRolePolicy", "PassRole")
    inline = ("PutRolePolicy", "GetRolePolicy", "DeleteRolePolicy", "ListRolePolicies", "ListAttachedRolePolicies")
    return [f"iam:{action}" for action in (*kinds, *inline, "TagRole", "UntagRole", "ListRoleTags")]


def pool_actions() -> list[str]:
    pools = ("DescribeUserPool", "UpdateUserPool", "DeleteUserPool", "SetUserPoolMfaConfig", "GetUserPoolMfaConfig", "AddCustomAttributes")
    clients = (
        "CreateUserPoolClient",
        "DescribeUserPoolClient",
        "UpdateUserPoolClient",
        "DeleteUserPoolClient",
        "ListUserPoolClientSecrets",
    )
    users = ("AdminCreateUser", "AdminDeleteUser", "AdminGetUser", "AdminAddUserToGroup", "AdminRemoveUserFromGroup")
    groups = ("CreateGroup", "GetGroup", "UpdateGroup", "DeleteGroup", "AdminListGroupsForUser")
    replicas = ("ListUserPoolReplicas", "UpdateUserPoolReplica")
    return [f"cognito-idp:{action}" for action in (*pools, *clients, *users, *groups, *replicas, *TAGGING)]


def key_statements(keys: str) -> list[Statement]:
    """The replica of the user pools' key itself, and keys in the hands of the two services that encrypt with them."""
    making = ("ReplicateKey", "DescribeKey", "UpdateKeyDescription", "EnableKey", "DisableKey", "ScheduleKeyDeletion")
    reading = ("GetKeyPolicy", "PutKeyPolicy", "GetKeyRotationStatus", "TagResource", "UntagResource", "ListResourceTags")
    using = ("CreateGrant", "RevokeGrant", "Encrypt", "Decrypt", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo")
    services = {"StringLike": {"kms:ViaService": ["dynamodb.*.amazonaws.com", "cognito-idp.*.amazonaws.com"]}}
    return [
        allow([f"kms:{action}" for action in (*making, *reading)], keys),
        allow([f"kms:{action}" for action in using], keys, Condition=services),
        allow(["kms:CreateKey", "kms:ListAliases"], "*"),
    ]


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
