"""The stacks that exist once in each region. A StackSet puts them there, so they know only what they are told as parameters."""

from collections.abc import Callable
from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct

from infra.application import application, writer
from infra.gateway import log_role
from infra.identity import identity, importer_given_up, negated
from infra.object_store import object_store
from infra.operations import alarms
from infra.routing import AUTHORITY, STATES, authority_table, routing
from infra.stack import Stack

MAY_BE_EMPTY = ("MetricsEndpoint",)
EVERYWHERE = ("Prefix", "PrimaryRegion", "SecondaryRegion", "AppId", "AllowedOrigin")


@dataclass(frozen=True)
class Layer:
    """A regional stack: what its StackSet passes on, and what makes it."""

    name: str
    description: str
    parameters: tuple[str, ...]
    build: Callable[[Stack], None]


def regional_stack(scope: Construct, layer: Layer) -> Stack:
    stack = Stack(scope, layer.name, f"Multi-region application: {layer.description}")
    for name in layer.parameters:
        stack.parameter(name, **({"default": ""} if name in MAY_BE_EMPTY else {}))
    layer.build(stack)
    return stack


def in_primary(stack: Stack) -> tuple[cdk.CfnCondition, str]:
    """Whether this is the primary, and the name of the other region."""
    here = stack.condition("InPrimary", cdk.Aws.REGION, stack.sub("${PrimaryRegion}"))
    return here, cdk.Fn.condition_if(here.logical_id, stack.sub("${SecondaryRegion}"), stack.sub("${PrimaryRegion}")).to_string()


def stores(stack: Stack) -> None:
    primary, peer = in_primary(stack)
    object_store(stack, primary, peer)
    identity(stack, primary)


def routing_layer(stack: Stack) -> None:
    environment = {
        "PREFIX": stack.sub("${Prefix}"),
        "PARTITION": cdk.Aws.PARTITION,
        "REPLICATION_ROLES": stack.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Prefix}-Replication-*"),
        "PRIMARY": stack.sub("${PrimaryRegion}"),
        "SECONDARY": stack.sub("${SecondaryRegion}"),
        "APP_ID": stack.sub("${AppId}"),
        "STATE_TABLE": stack.sub(f"${{Prefix}}-{STATES}"),
        "COMMENTS_TABLE": stack.sub("${Prefix}-CommentsTable"),
        "AUTHORITY_TABLE": stack.sub(f"${{Prefix}}-{AUTHORITY}"),
        "AUTHORITY_REGION": stack.sub("${AuthorityRegion}"),
        "FAILOVER_WRITABLE": stack.sub("${FailoverWritable}"),
        "SEND_METRICS": stack.sub("${SendAnonymousData}"),
        "METRICS_ENDPOINT": stack.sub("${MetricsEndpoint}"),
        "SOLUTION_ID": stack.sub("${SolutionId}"),
        "VERSION": stack.sub("${Version}"),
        "DEPLOYMENT_UUID": stack.sub("${AppId}"),
    }
    routing(stack, environment)


def writer_layer(stack: Stack) -> None:
    primary, _ = in_primary(stack)
    writer(stack, cdk.Fn.condition_if(primary.logical_id, "primary", "secondary").to_string())
    log_role(stack)


def operations(stack: Stack) -> None:
    primary, peer = in_primary(stack)
    alarms(stack, peer, primary)
    own = stack.condition("OwnPool", stack.sub("${UserReplication}"), "profile")
    importer_given_up(stack, stack.both("OwnPoolInSecondary", own, negated(primary)))


AUTHORITY_LAYER = Layer("authority", "the table that decides the state", ("Prefix",), authority_table)
STORES = Layer(
    "stores",
    "photos, the web application's files, and users",
    (
        *("Prefix", "PrimaryRegion", "SecondaryRegion", "AppId", "AllowedOrigin", "DistributionArn"),
        *("AdminName", "AdminEmail", "AdminPhone", "UserReplication", "UserPoolId", "UserPoolClientId"),
    ),
    stores,
)
ROUTING = Layer(
    "routing",
    "the state of the application",
    (
        *EVERYWHERE,
        *("DeploymentName", "AuthorityRegion", "FailoverWritable", "SendAnonymousData", "MetricsEndpoint", "SolutionId", "Version"),
    ),
    routing_layer,
)
WRITER = Layer("writer", "the function that writes comments and photos", EVERYWHERE, writer_layer)
APPLICATION = Layer("application", "the API of comments and photos", ("Prefix", "AllowedOrigin"), application)
OPERATIONS = Layer("operations", "alarms", ("Prefix", "PrimaryRegion", "SecondaryRegion", "AdminEmail", "UserReplication"), operations)
LAYERS = (AUTHORITY_LAYER, STORES, ROUTING, WRITER, APPLICATION, OPERATIONS)
