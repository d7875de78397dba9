"""What finishes a deployment once both regions are there: the web application in both, the first state, the page's policy."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lam

from infra.front_end import POLICY
from infra.key_value_store import USERS
from infra.parameters import Chosen
from infra.routing import STATES, UPDATER
from infra.stack import Stack, Statement, allow, function, invocable
from infra.web_bundle import PUBLISHER
from multiregion.config import PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN, REGION_LABELS
from multiregion.gallery.settings import GallerySettings, limits

FINALIZER = "Finalizer"
FINALIZER_SECONDS = 600
ANSWER_SECONDS = 1_320
"""How long CloudFormation waits, an hour if it is not told: Lambda runs a function again that did not come to its end."""
PASSWORD_LIMITS = {"passwordCharactersMin": PASSWORD_CHARACTERS_MIN, "passwordCharactersMax": PASSWORD_CHARACTERS_MAX}
DASHBOARD = "https://${AWS::Region}.console.aws.amazon.com/cloudwatch/home?region=${AWS::Region}#dashboards:name=${Prefix}"


def finish(
    stack: Stack,
    chosen: Chosen,
    headers: cloudfront.CfnResponseHeadersPolicy,
    bodies: Mapping[str, str],
    bundle: str,
    after: tuple[cdk.CfnResource, ...],
) -> cdk.CfnCustomResource:
    finalizer, publisher = finalizing_function(stack, chosen), publishing_function(stack, bundle)
    given = properties(stack, chosen, headers)
    made = cdk.CfnCustomResource(stack, "Finalize", service_token=finalizer.attr_arn, service_timeout=ANSWER_SECONDS)
    made.add_override("Type", "Custom::Finalize")
    config = json.dumps(stack.resolve(headers.response_headers_policy_config), sort_keys=True)
    content = sha256("".join([*bodies.values(), bundle, config]).encode()).hexdigest()[:12]
    for name, value in {**given, "Content": content}.items():
        made.add_property_override(name, stack.resolve(value))
    for resource in (*after, publisher):
        made.add_resource_dependency(resource)
    after_updates(stack, finalizer, given)
    return made


def properties(stack: Stack, chosen: Chosen, headers: cloudfront.CfnResponseHeadersPolicy) -> dict[str, Any]:
    return {
        "Primary": cdk.Aws.REGION,
        "Secondary": chosen.secondary,
        "Prefix": stack.sub("${Prefix}"),
        "AppId": stack.sub("${AppId}"),
        "StateTable": stack.sub(f"${{Prefix}}-{STATES}"),
        "UsersTable": stack.sub(f"${{Prefix}}-{USERS}"),
        "UserReplication": chosen.user_replication,
        "HeadersPolicyId": headers.attr_id,
        "ContentSecurityPolicy": POLICY,
        "WebBundleBucket": stack.sub("${WebBundleBucket}"),
        "WebBundleKey": stack.sub("${WebBundleKey}"),
        "DashboardUrl": stack.sub(DASHBOARD),
        "Limits": {**limits(GallerySettings()), **PASSWORD_LIMITS},
        "Labels": REGION_LABELS,
    }


def after_updates(stack: Stack, finalizer: lam.CfnFunction, given: Mapping[str, Any]) -> None:
    """CloudFormation writes its own policies for the page and the buckets whenever it changes them, and when it takes such a change back it
    does not ask the custom resource again. So the finalizer looks after every update, however it has ended."""
    ends = {"status": ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]}
    kept = ("Primary", "Secondary", "Prefix", "AppId", "StateTable", "HeadersPolicyId", "ContentSecurityPolicy")
    event = {"StackId": cdk.Aws.STACK_ID, "ResourceProperties": {name: given[name] for name in kept}}
    rule = events.CfnRule(
        stack,
        "AfterUpdates",
        name=stack.sub("${Prefix}-AfterUpdates"),
        event_pattern={
            "source": ["aws.cloudformation"],
            "detail-type": ["CloudFormation Stack Status Change"],
            "detail": {"stack-id": [cdk.Aws.STACK_ID], "status-details": ends},
        },
        state="ENABLED",
        targets=[{"id": "finalizer", "arn": finalizer.attr_arn, "input": stack.to_json_string(event)}],
    )
    invocable(stack, "AfterUpdatesInvokes", finalizer.attr_arn, "events.amazonaws.com", rule.attr_arn)


def site_buckets(stack: Stack) -> list[str]:
    buckets = stack.sub("arn:${AWS::Partition}:s3:::${Prefix}-site-*")
    return [buckets, f"{buckets}/*"]


def finalizing_function(stack: Stack, chosen: Chosen) -> lam.CfnFunction:
    return function(
        stack,
        FINALIZER,
        "finalizer",
        "Finishes a deployment once both regions are there",
        environment={},
        statements=finalizer_statements(stack, chosen.secondary),
        seconds=FINALIZER_SECONDS,
        megabytes=512,
    )


def finalizer_statements(stack: Stack, secondary: str) -> list[Statement]:
    def there(service: str, resource: str) -> str:
        return cdk.Fn.join("", [stack.sub(f"arn:${{AWS::Partition}}:{service}:"), secondary, stack.sub(f":${{AWS::AccountId}}:{resource}")])

    def function_arn(name: str) -> str:
        return stack.sub(f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:${{Prefix}}-{name}")

    photos = stack.sub("arn:${AWS::Partition}:s3:::${Prefix}-photos-*")
    role = stack.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${Prefix}-Replication-*")
    policies = stack.sub("arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:response-headers-policy/*")
    sets = stack.sub("arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}:stackset/${Prefix}-*")
    stacks = stack.sub("arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}:stack/StackSet-${Prefix}-*")
    mapping = {"ArnEquals": {"lambda:FunctionArn": there("lambda", "function:${Prefix}-UserImporter")}}
    changes = ["lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping"]
    return [
        allow("cloudformation:ListStackInstances", sets),
        allow("cloudformation:DescribeStacks", stacks),
        allow(["s3:GetReplicationConfiguration", "s3:PutReplicationConfiguration"], photos),
        allow("iam:PassRole", role, Condition={"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}}),
        allow(["s3:DeleteObject", "s3:ListBucket"], site_buckets(stack)),
        allow("dynamodb:DescribeTable", there("dynamodb", f"table/${{Prefix}}-{USERS}")),
        allow("lambda:InvokeFunction", [function_arn(UPDATER), function_arn(PUBLISHER)]),
        allow("lambda:ListEventSourceMappings", "*"),
        allow(changes, "*", Condition=mapping),
        allow(["cloudfront:GetResponseHeadersPolicy", "cloudfront:UpdateResponseHeadersPolicy"], policies),
    ]


def publishing_function(stack: Stack, bundle: str) -> lam.CfnFunction:
    files = site_buckets(stack)[1]
    given = stack.condition("HasWebBundle", stack.sub("${WebBundleBucket}"), "", differs=True)
    other = stack.sub("arn:${AWS::Partition}:s3:::${WebBundleBucket}/${WebBundleKey}")
    read = cdk.Fn.condition_if(given.logical_id, other, files).to_string()
    return function(
        stack,
        PUBLISHER,
        "site_publisher",
        "Carries the web application, and puts it into both regions",
        environment={},
        statements=[allow("s3:PutObject", files), allow("s3:GetObject", read)],
        seconds=300,
        megabytes=512,
        values={"BUNDLE": bundle},
    )
