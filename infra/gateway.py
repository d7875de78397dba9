"""A REST API from an OpenAPI document: deployed anew when the document changes, throttled, with access logs."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from aws_cdk import aws_apigateway as apigateway

from infra.stack import Stack, allow, keep, log_group, role, trusted

STAGE = "v1"
LOG_ROLE = "ApiLogs"
REQUESTS_PER_SECOND, REQUESTS_AT_ONCE = 500, 1_000
LOG_FIELDS = ("requestId", "requestTime", "httpMethod", "resourcePath", "status", "responseLength", "responseLatency", "integrationLatency")
LOG_FORMAT = json.dumps({name: f"$context.{name}" for name in LOG_FIELDS} | {"ip": "$context.identity.sourceIp"})


def log_role(stack: Stack) -> None:
    """What API Gateway writes the logs of all APIs as that an account has in a region. It is in an earlier layer than the setting that
    names it: API Gateway tries the role, and a new one is not known everywhere."""
    anywhere = stack.sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*")
    writing = [
        "CreateLogGroup",
        "CreateLogStream",
        "DescribeLogGroups",
        "DescribeLogStreams",
        "PutLogEvents",
        "GetLogEvents",
        "FilterLogEvents",
    ]
    keep(role(stack, LOG_ROLE, trusted("apigateway.amazonaws.com"), [allow([f"logs:{each}" for each in writing], anywhere)]))


def allow_logs(stack: Stack) -> apigateway.CfnAccount:
    """There is one role for all APIs of the account, so this outlives the deployment."""
    arn = stack.sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/${{Prefix}}-{LOG_ROLE}-${{AWS::Region}}")
    account = apigateway.CfnAccount(stack, "ApiAccount", cloud_watch_role_arn=arn)
    keep(account)
    return account


def rest_api(stack: Stack, name: str, body: Mapping[str, Any], variables: Mapping[str, str]) -> apigateway.CfnStage:
    """Mapping templates find the names of tables and regions in the stage's variables."""
    api = apigateway.CfnRestApi(
        stack,
        name,
        name=stack.sub(f"${{Prefix}}-{name}"),
        body=body,
        endpoint_configuration={"types": ["REGIONAL"]},
        disable_execute_api_endpoint=False,
    )
    content = sha256(json.dumps(stack.resolve(body), sort_keys=True).encode()).hexdigest()[:12]
    deployment = apigateway.CfnDeployment(stack, f"{name}Deployment{content}", rest_api_id=api.ref)
    log = log_group(stack, f"{name}AccessLog", f"/aws/apigateway/${{Prefix}}-{name}")
    stage = apigateway.CfnStage(
        stack,
        f"{name}Stage",
        rest_api_id=api.ref,
        deployment_id=deployment.ref,
        stage_name=STAGE,
        variables=dict(variables),
        access_log_setting={"destinationArn": stack.sub(log_arn(name)), "format": LOG_FORMAT},
        method_settings=[
            {
                "httpMethod": "*",
                "resourcePath": "/*",
                "metricsEnabled": True,
                "loggingLevel": "ERROR",
                "dataTraceEnabled": False,
                "throttlingRateLimit": REQUESTS_PER_SECOND,
                "throttlingBurstLimit": REQUESTS_AT_ONCE,
            }
        ],
    )
    stage.add_resource_dependency(log)
    return stage


def log_arn(name: str) -> str:
    return f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:/aws/apigateway/${{Prefix}}-{name}"
