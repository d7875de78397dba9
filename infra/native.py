"""Users carried by Cognito itself: one pool, its replica in the second region, and the key of both, whose replica must be there first."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from infra.identity import administrator, client, pool_properties
from infra.regional import Layer
from infra.stack import Stack, keep, only_if, policy
from infra.stack_sets import stack_set

KEY_DAYS = 30


def key_policy(stack: Stack) -> dict[str, object]:
    owner = {"AWS": stack.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")}
    own_account = {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}
    uses = ["kms:CreateGrant", "kms:DescribeKey"]
    return policy(
        {"Sid": "Account", "Effect": "Allow", "Principal": owner, "Action": "kms:*", "Resource": "*"},
        {
            "Sid": "Cognito",
            "Effect": "Allow",
            "Principal": {"Service": "cognito-idp.amazonaws.com"},
            "Action": uses,
            "Resource": "*",
            "Condition": own_account,
        },
    )


def key_replica(stack: Stack) -> None:
    kms.CfnReplicaKey(
        stack,
        "UserPoolKey",
        primary_key_arn=stack.sub("${PrimaryKeyArn}"),
        key_policy=key_policy(stack),
        pending_window_in_days=KEY_DAYS,
    )


KEY = Layer("key", "the replica of the user pool's key", ("PrimaryKeyArn",), key_replica)


def native_pool(
    stack: Stack,
    condition: cdk.CfnCondition,
    secondary: str,
    key_body: str,
    using: tuple[iam.CfnRole, iam.CfnRole],
    after: Sequence[cdk.CfnResource],
) -> tuple[cognito.CfnUserPool, cognito.CfnUserPoolClient]:
    key = kms.CfnKey(
        stack,
        "UserPoolKey",
        multi_region=True,
        enable_key_rotation=True,
        key_policy=key_policy(stack),
        pending_window_in_days=KEY_DAYS,
    )
    pool = cognito.CfnUserPool(
        stack,
        "UserPool",
        user_pool_name=stack.sub("${Prefix}-users"),
        key_configuration={"keyType": "CUSTOMER_MANAGED_KEY", "kmsKeyArn": key.attr_arn},
        issuer_configuration={"type": "UPDATED"},
        **pool_properties(stack, "https://${Distribution.DomainName}"),
    )
    for each in (key, pool):
        keep(each)
    for resource in after:
        key.add_resource_dependency(resource)
    application = client(stack, pool.ref)
    keys = stack_set(stack, "KeyStackSet", KEY, key_body, [secondary], {"PrimaryKeyArn": key.attr_arn}, using)
    replica = cognito.CfnUserPoolReplica(stack, "UserPoolReplica", user_pool_id=pool.ref, region_name=secondary)
    replica.add_resource_dependency(keys)
    only_if(condition, key, pool, application, keys, replica, *administrator(stack, pool.ref))
    return pool, application
