"""The one template that is launched, in the primary region: tables, the distribution, StackSets for both regions, and the finalizer."""

from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256

import aws_cdk as cdk
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_lambda as lam
from constructs import Construct

from infra.front_end import POLICY, front_end
from infra.key_value_store import COMMENTS, USERS, key_value_store
from infra.native import KEY, native_pool
from infra.operations import dashboard
from infra.parameters import Chosen, ask
from infra.regional import APPLICATION, AUTHORITY_LAYER, OPERATIONS, ROUTING, STORES, WRITER
from infra.routing import AUTHORITY, STATES, UPDATER, state_table, table_arn
from infra.stack import Stack, allow, function
from infra.stack_sets import roles, stack_set
from multiregion.config import REGION_LABELS, Settings

DESCRIPTION = "An application in two regions, and the means to fail over from one to the other (multiregion)"


class Hub(Stack):
    """Its parts are named after the stack's own unique id, so several deployments fit into one account."""

    def __init__(self, scope: Construct, bodies: Mapping[str, str]) -> None:
        super().__init__(scope, "hub", DESCRIPTION)
        self.app_id = cdk.Fn.select(2, cdk.Fn.split("/", cdk.Aws.STACK_ID))
        self.prefix = cdk.Fn.join("-", ["multiregion", cdk.Fn.select(0, cdk.Fn.split("-", self.app_id))])
        self.build(ask(self), bodies)

    def sub(self, text: str) -> str:
        names = {"${Prefix}": self.prefix, "${AppId}": self.app_id}
        used = {name[2:-1]: value for name, value in names.items() if name in text}
        return names.get(text) or (cdk.Fn.sub(text, used) if used else super().sub(text))

    def build(self, chosen: Chosen, bodies: Mapping[str, str]) -> None:
        both = [cdk.Aws.REGION, chosen.secondary]
        states, tables = state_table(self, both), key_value_store(self, both)
        distribution, headers = front_end(self, chosen.secondary)
        using = roles(self)
        pool, client = native_pool(self, chosen.native, chosen.secondary, bodies[KEY.name], using)
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
        authority = stack_set(self, "AuthorityStackSet", AUTHORITY_LAYER, bodies["authority"], [chosen.authority_region], values, using)
        ready = cdk.Fn.condition_if(native, cdk.Fn.sub("Users are replicated to ${UserPoolReplica}"), STORES.description)
        stores = stack_set(
            self, "StoresStackSet", STORES, bodies["stores"], order, values, using, *tables.values(), states, description=ready.to_string()
        )
        routing = stack_set(self, "RoutingStackSet", ROUTING, bodies["routing"], order, values, using, states, authority)
        writer = stack_set(self, "WriterStackSet", WRITER, bodies["writer"], order, values, using, *tables.values(), states)
        application = stack_set(
            self, "ApplicationStackSet", APPLICATION, bodies["application"], order, values, using, stores, routing, writer
        )
        stack_set(self, "OperationsStackSet", OPERATIONS, bodies["operations"], order, values, using, application)
        dashboard(self, chosen.secondary)
        finished = self.finish(chosen, headers, bodies, application, stores, routing)
        self.outputs(chosen, distribution, finished)

    def finish(
        self,
        chosen: Chosen,
        headers: cloudfront.CfnResponseHeadersPolicy,
        bodies: Mapping[str, str],
        *after: cdk.CfnResource,
    ) -> cdk.CfnCustomResource:
        finalizer = self.finalizer(chosen, headers)
        made = cdk.CfnCustomResource(self, "Finalize", service_token=finalizer.attr_arn)
        made.add_override("Type", "Custom::Finalize")
        settings = asdict(Settings())
        limits = {
            "photoBytes": "photo_bytes_max",
            "commentCharacters": "comment_characters_max",
            "captionCharacters": "caption_characters_max",
        }
        properties = {
            "Primary": cdk.Aws.REGION,
            "Secondary": chosen.secondary,
            "Prefix": self.prefix,
            "AppId": self.app_id,
            "StateTable": self.sub(f"${{Prefix}}-{STATES}"),
            "UsersTable": self.sub(f"${{Prefix}}-{USERS}"),
            "UserReplication": chosen.user_replication,
            "HeadersPolicyId": headers.attr_id,
            "ContentSecurityPolicy": POLICY,
            "WebBundleBucket": self.sub("${WebBundleBucket}"),
            "WebBundleKey": self.sub("${WebBundleKey}"),
            "Limits": {name: settings[setting] for name, setting in limits.items()},
            "Labels": REGION_LABELS,
            "Content": sha256("".join(bodies.values()).encode()).hexdigest()[:12],
        }
        for name, value in properties.items():
            made.add_property_override(name, self.resolve(value))
        for resource in after:
            made.add_resource_dependency(resource)
        return made

    def finalizer(self, chosen: Chosen, headers: cloudfront.CfnResponseHeadersPolicy) -> lam.CfnFunction:
        second = f"{chosen.secondary}"

        def there(service: str, resource: str) -> str:
            return cdk.Fn.join("", [self.sub(f"arn:${{AWS::Partition}}:{service}:"), second, self.sub(f":${{AWS::AccountId}}:{resource}")])

        anywhere = self.sub("arn:${AWS::Partition}:s3:::${Prefix}")
        sites = [f"{anywhere}-site-*", f"{anywhere}-site-*/*"]
        role = self.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Prefix}-Replication-*")
        bundle = self.sub("arn:${AWS::Partition}:s3:::${WebBundleBucket}/${WebBundleKey}")
        policies = self.sub("arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:response-headers-policy/*")
        updater = self.sub(f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:${{Prefix}}-{UPDATER}")
        sets = self.sub("arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}:stackset/${Prefix}-*")
        stacks = self.sub("arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}:stack/StackSet-${Prefix}-*")
        mapping = {"ArnEquals": {"lambda:FunctionArn": there("lambda", "function:${Prefix}-UserImporter")}}
        changes = ["lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping"]
        statements = [
            allow("cloudformation:ListStackInstances", sets),
            allow("cloudformation:DescribeStacks", stacks),
            allow(["s3:GetReplicationConfiguration", "s3:PutReplicationConfiguration"], f"{anywhere}-photos-*"),
            allow("iam:PassRole", role, Condition={"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}}),
            allow(["s3:PutObject", "s3:DeleteObject", "s3:ListBucket"], sites),
            allow("s3:GetObject", bundle),
            allow("dynamodb:GetItem", table_arn(self, STATES)),
            allow("dynamodb:DescribeTable", there("dynamodb", f"table/${{Prefix}}-{USERS}")),
            allow("lambda:InvokeFunction", updater),
            allow("lambda:ListEventSourceMappings", "*"),
            allow(changes, "*", Condition=mapping),
            allow(["cloudfront:GetResponseHeadersPolicy", "cloudfront:UpdateResponseHeadersPolicy"], policies),
        ]
        return function(
            self,
            "Finalizer",
            "finalizer",
            "Finishes a deployment once both regions are there",
            environment={},
            statements=statements,
            seconds=600,
            megabytes=512,
        )

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
        address = "https://${AWS::Region}.console.aws.amazon.com/cloudwatch/home?region=${AWS::Region}#dashboards:name=${Prefix}"
        self.output("DashboardUrl", self.sub(address), "Both regions at a glance")
        self.output("StackSetPrefix", self.prefix, "What the names of StackSets and resources begin with")
        self.output("FinalizerName", self.sub("${Prefix}-Finalizer"))
