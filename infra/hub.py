"""The one template that is launched, in the primary region: tables, the distribution, StackSets for both regions, and the finalizer."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.finishing import DASHBOARD, FINALIZER, finish
from infra.front_end import front_end
from infra.key_value_store import COMMENTS, USERS, key_value_store
from infra.native import KEY, native_pool
from infra.operations import dashboard
from infra.parameters import Chosen, ask
from infra.regional import APPLICATION, AUTHORITY_LAYER, OPERATIONS, ROUTING, STORES, WRITER
from infra.routing import AUTHORITY, STATES, UPDATER, state_table
from infra.stack import Stack, function
from infra.stack_sets import roles, stack_set
from multiregion.cloud.fixed import FIXED

DESCRIPTION = "An application in two regions, and the means to fail over from one to the other (multiregion)"
GUARD_SECONDS = 300


def waiting(tables: Sequence[dynamodb.CfnGlobalTable], *before: cdk.CfnResource) -> Sequence[dynamodb.CfnGlobalTable]:
    """The tables, begun once the guard has agreed and the role is there. StackSets wait for the tables, which take minutes: a new role is
    not known everywhere at once, and a StackSet that meets an unknown one fails."""
    for table in tables:
        for resource in before:
            table.add_resource_dependency(resource)
    return tables


def parameter_guard(stack: Stack) -> cdk.CfnCustomResource:
    """Whatever must not change with its parameters waits for this."""
    checks = function(
        stack,
        "ParameterGuard",
        "parameter_guard",
        "Keeps an update from changing what cannot change",
        environment={},
        statements=[],
        seconds=60,
    )
    made = cdk.CfnCustomResource(stack, "FixedParameters", service_token=checks.attr_arn, service_timeout=GUARD_SECONDS)
    made.add_override("Type", "Custom::FixedParameters")
    made.add_property_override("Values", {name: {"Ref": name} for name in FIXED})
    made.add_property_override("Advice", FIXED)
    return made


class Hub(Stack):
    """Its parts are named after the stack's own unique id, so several deployments fit into one account."""

    def __init__(self, scope: Construct, bodies: Mapping[str, str], bundle: str) -> None:
        super().__init__(scope, "hub", DESCRIPTION)
        self.app_id = cdk.Fn.select(2, cdk.Fn.split("/", cdk.Aws.STACK_ID))
        self.prefix = cdk.Fn.join("-", ["multiregion", cdk.Fn.select(0, cdk.Fn.split("-", self.app_id))])
        self.build(ask(self), bodies, bundle)

    def sub(self, text: str) -> str:
        names = {"${Prefix}": self.prefix, "${AppId}": self.app_id}
        used = {name[2:-1]: value for name, value in names.items() if name in text}
        return names.get(text) or (cdk.Fn.sub(text, used) if used else super().sub(text))

    def build(self, chosen: Chosen, bodies: Mapping[str, str], bundle: str) -> None:
        both = [cdk.Aws.REGION, chosen.secondary]
        guard = parameter_guard(self)
        states, others = state_table(self, both), key_value_store(self, both)
        distribution, headers = front_end(self, chosen.secondary)
        using = roles(self)
        tables = waiting([states, *others.values()], guard, using[1])
        pool, client = native_pool(self, chosen.native, chosen.secondary, bodies[KEY.name], using, tables)
        native = chosen.native.logical_id
        values = {
            "Prefix": self.prefix,
            "DeploymentName": cdk.Aws.STACK_NAME,
            "PrimaryRegion": cdk.Aws.REGION,
            "SecondaryRegion": chosen.secondary,
            "AuthorityRegion": chosen.authority_region,
            "AppId": self.app_id,
            "AllowedOrigin": cdk.Fn.sub("https://${Distribution.DomainName}"),
            "DistributionArn": self.sub("arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"),
            "UserPoolId": cdk.Fn.condition_if(native, pool.ref, "none").to_string(),
            "UserPoolClientId": cdk.Fn.condition_if(native, client.ref, "none").to_string(),
            "SendAnonymousData": cdk.Fn.find_in_map("Solution", "Metrics", "SendAnonymousData"),
            "SolutionId": cdk.Fn.find_in_map("Solution", "Data", "ID"),
            "Version": cdk.Fn.find_in_map("Solution", "Data", "Version"),
            **{name: self.sub(f"${{{name}}}") for name in ("AdminName", "AdminEmail", "AdminPhone", "FailoverWritable")},
            **{name: self.sub(f"${{{name}}}") for name in ("MetricsEndpoint", "UserReplication")},
        }
        order = [chosen.secondary, cdk.Aws.REGION]
        authority = stack_set(
            self, "AuthorityStackSet", AUTHORITY_LAYER, bodies["authority"], [chosen.authority_region], values, using, *tables
        )
        ready = cdk.Fn.condition_if(native, cdk.Fn.sub("Users are replicated to ${UserPoolReplica}"), STORES.description)
        stores = stack_set(self, "StoresStackSet", STORES, bodies["stores"], order, values, using, *tables, description=ready.to_string())
        writer = stack_set(self, "WriterStackSet", WRITER, bodies["writer"], order, values, using, *tables)
        routing = stack_set(self, "RoutingStackSet", ROUTING, bodies["routing"], order, values, using, authority, writer)
        application = stack_set(
            self, "ApplicationStackSet", APPLICATION, bodies["application"], order, values, using, stores, routing, writer, *tables
        )
        stack_set(self, "OperationsStackSet", OPERATIONS, bodies["operations"], order, values, using, application)
        dashboard(self, chosen.secondary)
        finished = finish(self, chosen, headers, bodies, bundle, (application, stores, routing))
        self.outputs(chosen, distribution, finished)

    def outputs(self, chosen: Chosen, distribution: cloudfront.CfnDistribution, finished: cdk.CfnCustomResource) -> None:
        """What an operator, and the commands, need to know; the first three are the guide's."""
        region = cdk.Aws.REGION
        self.output("SampleApplicationAppId", self.app_id, "AppId of the application, for AppStateUpdaterLambda")
        self.output("AppConfigGlobalTableName", self.sub(f"${{Prefix}}-{STATES}"), "TableName, for AppStateUpdaterLambda")
        self.output("ConsoleUrl", cdk.Fn.sub("https://${Distribution.DomainName}"), "The web application")
        self.output("AppStateUpdaterLambdaName", self.sub(f"${{Prefix}}-{UPDATER}"), "The function that changes the state, in both regions")
        self.output("PrimaryRegion", region)
        self.output("SecondaryRegion", chosen.secondary)
        self.output("AuthorityRegion", chosen.authority_region, "Where the state is decided")
        for name, table in (("AuthorityTableName", AUTHORITY), ("CommentsTableName", COMMENTS), ("UsersTableName", USERS)):
            self.output(name, self.sub(f"${{Prefix}}-{table}"))
        for role, place in (("Primary", region), ("Secondary", chosen.secondary)):
            for purpose in ("Photos", "Site"):
                bucket = cdk.Fn.join("", [self.sub(f"${{Prefix}}-{purpose.lower()}-"), place])
                self.output(f"{role}{purpose}Bucket", bucket)
            for name in ("ApiUrl", "RoutingUrl", "UserPoolId", "UserPoolClientId"):
                self.output(f"{role}{name}", finished.get_att(f"{role}{name}").to_string())
        self.output("DistributionId", distribution.ref)
        self.output("DashboardUrl", self.sub(DASHBOARD), "Both regions at a glance")
        self.output("StackSetPrefix", self.prefix, "What the names of StackSets and resources begin with")
        self.output("FinalizerName", self.sub(f"${{Prefix}}-{FINALIZER}"))
