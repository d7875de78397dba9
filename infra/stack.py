"""What every stack here has: names that begin with the deployment's prefix, and functions with a role and a log of their own."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.inline import inline
from infra.limits import SOURCE_BYTES_MAX, roomy

ALONE = re.compile(r"\$\{([A-Za-z0-9:]+)\}")
RUNTIME = "python3.14"
LOG_DAYS = 90
Statement = Mapping[str, Any]


class Stack(cdk.Stack):
    """Raw templates, which CloudFormation takes as they are: no bootstrap, no assets."""

    def __init__(self, scope: Construct, id: str, description: str) -> None:
        super().__init__(scope, id, description=description, synthesizer=cdk.LegacyStackSynthesizer(), analytics_reporting=False)

    def sub(self, text: str) -> str:
        """`text` with what is between `${` and `}` filled in by CloudFormation."""
        alone = ALONE.fullmatch(text)
        return cdk.Fn.ref(alone[1]) if alone else cdk.Fn.sub(text)

    def parameter(self, name: str, description: str = "", **more: Any) -> cdk.CfnParameter:
        return cdk.CfnParameter(self, name, type="String", description=description or None, **more)

    def condition(self, name: str, left: Any, right: Any, *, differs: bool = False) -> cdk.CfnCondition:
        equal = cdk.Fn.condition_equals(left, right)
        return cdk.CfnCondition(self, name, expression=cdk.Fn.condition_not(equal) if differs else equal)

    def both(self, name: str, *conditions: Any) -> cdk.CfnCondition:
        return cdk.CfnCondition(self, name, expression=cdk.Fn.condition_and(*conditions))

    def output(
        self, name: str, value: str, description: str = "", export: str | None = None, condition: cdk.CfnCondition | None = None
    ) -> None:
        made = cdk.CfnOutput(self, f"{name}Output", value=value, description=description or None, export_name=export, condition=condition)
        made.override_logical_id(name)


def only_if(condition: cdk.CfnCondition | None, *resources: cdk.CfnResource) -> None:
    for resource in resources:
        if condition is not None:
            resource.cfn_options.condition = condition


def keep(resource: cdk.CfnResource) -> None:
    """Deleting or replacing the stack leaves it, because it holds somebody's data; a deployment that failed leaves nothing."""
    resource.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)


def allow(actions: str | Sequence[str], resources: str | Sequence[str], **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def trusted(service: str, conditions: Mapping[str, Any] | None = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement | ({"Condition": conditions} if conditions else {})]}


def policy(*statements: Statement) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def role(stack: Stack, name: str, trust: Mapping[str, Any], statements: Sequence[Statement]) -> iam.CfnRole:
    """A role called like its user and the region, so that whoever may make roles can be held to those of this deployment."""
    return iam.CfnRole(
        stack,
        f"{name}Role",
        role_name=stack.sub(f"${{Prefix}}-{name}-${{AWS::Region}}"),
        assume_role_policy_document=trust,
        policies=[{"policyName": name, "policyDocument": policy(*statements)}],
    )


def log_group(stack: Stack, name: str, path: str) -> logs.CfnLogGroup:
    return logs.CfnLogGroup(stack, name, log_group_name=stack.sub(path), retention_in_days=LOG_DAYS)


def function(
    stack: Stack,
    name: str,
    module: str,
    description: str,
    *,
    environment: Mapping[str, str],
    statements: Sequence[Statement],
    seconds: int,
    megabytes: int = 256,
    condition: cdk.CfnCondition | None = None,
    values: Mapping[str, str] | None = None,
) -> lam.CfnFunction:
    """One of the functions in `infra/lambdas`, inline and with these values in it, with a role that may do exactly this and write its
    log."""
    log = log_group(stack, f"{name}Logs", f"/aws/lambda/${{Prefix}}-{name}")
    writing = allow(
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        stack.sub(f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:/aws/lambda/${{Prefix}}-{name}:*"),
    )
    runs_as = role(stack, name, trusted("lambda.amazonaws.com"), [writing, *statements])
    made = lam.CfnFunction(
        stack,
        name,
        function_name=stack.sub(f"${{Prefix}}-{name}"),
        description=description,
        runtime=RUNTIME,
        architectures=["arm64"],
        handler="index.handler",
        code={"zipFile": roomy(f"the function {name}", inline(module, values), SOURCE_BYTES_MAX)},
        role=runs_as.attr_arn,
        timeout=seconds,
        memory_size=megabytes,
        environment={"variables": dict(environment)},
    )
    made.add_resource_dependency(log)
    only_if(condition, log, runs_as, made)
    return made


def invocable(stack: Stack, name: str, function: str, principal: str, source: str, condition: cdk.CfnCondition | None = None) -> None:
    """Lets a service invoke a function, which is given by its name or ARN, on behalf of one resource."""
    made = lam.CfnPermission(stack, name, action="lambda:InvokeFunction", function_name=function, principal=principal, source_arn=source)
    only_if(condition, made)
