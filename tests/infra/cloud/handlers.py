"""What making a resource needs of the role that it is made with: each call that the type's handlers declare, on what the call is about.

The schemas name every call that a handler can make. Those that only a property of the resource leads to are left out without it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from tests.infra.cloud.policies import NotModelled, Request, matches
from tests.infra.cloud.schemas import handler_actions

Properties = Mapping[str, Any]
ONLY_WITH: Mapping[str, tuple[tuple[str, str], ...]] = {
    "AWS::Cognito::UserPool": (("kms:*", "KeyConfiguration"), ("iam:CreateServiceLinkedRole", "EmailConfiguration")),
    "AWS::Cognito::UserPoolClient": (("iam:*", "AnalyticsConfiguration"),),
    "AWS::Cognito::UserPoolGroup": (("iam:*", "RoleArn"),),
    "AWS::DynamoDB::Table": (
        ("kinesis:*", "KinesisStreamSpecification"),
        ("iam:CreateServiceLinkedRole", "KinesisStreamSpecification"),
        ("logs:*", "ImportSourceSpecification"),
    ),
    "AWS::IAM::Role": (
        ("iam:AttachRolePolicy", "ManagedPolicyArns"),
        ("iam:DetachRolePolicy", "ManagedPolicyArns"),
        ("iam:*PermissionsBoundary", "PermissionsBoundary"),
    ),
    "AWS::Lambda::Function": (
        ("ec2:*", "VpcConfig"),
        ("elasticfilesystem:*", "FileSystemConfigs"),
        ("s3files:*", "FileSystemConfigs"),
        ("kms:*", "KmsKeyArn"),
    ),
    "AWS::Logs::LogGroup": (("firehose:*", "DataProtectionPolicy"),),
    "AWS::S3::Bucket": (("s3tables:*", "MetadataTableConfiguration"),),
    "AWS::SNS::Topic": (("iam:GetRole", "DeliveryStatusLogging"),),
}
"""Calls by type, and the property without which the handler does not make them."""
WITHOUT_RESOURCE = (
    "cloudwatch:DescribeAlarms",
    "cognito-idp:CreateUserPool",
    "kms:CreateKey",
    "kms:ListAliases",
    "logs:CreateLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:PutResourcePolicy",
    "logs:DeleteResourcePolicy",
    "sns:Unsubscribe",
)
"""Actions that IAM knows no resource for: a policy has to name all."""
ROLES = {"AWS::Lambda::Function": "lambda", "AWS::S3::Bucket": "s3", "AWS::ApiGateway::Account": "apigateway"}
"""Types that pass a role on, and to whom."""


def needed(type: str, verb: str, properties: Properties, region: str, account: str) -> Iterator[Request]:
    """`verb` is create, update or delete. Raises NotModelled for a service whose resources are not known here."""
    facts = {"aws:RequestedRegion": region, "aws:SecureTransport": "true"}
    for action in sorted(handler_actions(type, verb)):
        if any(matches(pattern, action) and name not in properties for pattern, name in ONLY_WITH.get(type, ())):
            continue
        if action == "iam:PassRole":
            passed = {"iam:PassedToService": f"{ROLES.get(type)}.amazonaws.com"}
            yield from (Request(action, role, facts | passed) for role in passed_roles(properties))
            continue
        service = action.partition(":")[0]
        via = {"kms:ViaService": f"{type.split('::')[1].lower().replace('cognito', 'cognito-idp')}.{region}.amazonaws.com"}
        for resource in ["*"] if action in WITHOUT_RESOURCE else resources(service, type, properties, region, account):
            yield Request(action, resource, facts | (via if service == "kms" and "KMS" not in type else {}))


def passed_roles(properties: Properties) -> list[str]:
    replication = properties.get("ReplicationConfiguration") or {}
    named = (properties.get("Role"), properties.get("CloudWatchRoleArn"), replication.get("Role"))
    return [str(role) for role in named if role]


def resources(service: str, type: str, properties: Properties, region: str, account: str) -> list[str]:
    if service == "apigateway":
        return api_resources(type, properties, region)
    if service not in ARNS:
        raise NotModelled(f"what {service} calls of {type} are about")
    return [ARNS[service](properties, region, account)]


def api_resources(type: str, properties: Properties, region: str) -> list[str]:
    """Resources of API Gateway's API, and what tags of them are put to."""
    api = f"/restapis/{properties.get('RestApiId', 'made')}"
    paths = {
        "AWS::ApiGateway::Account": ["/account"],
        "AWS::ApiGateway::Deployment": [f"{api}/deployments", f"{api}/deployments/made"],
        "AWS::ApiGateway::RestApi": ["/restapis", api],
        "AWS::ApiGateway::Stage": [f"{api}/stages", f"{api}/stages/{properties.get('StageName')}"],
    }[type]
    here = f"arn:aws:apigateway:{region}::"
    tagged = [] if type.endswith(("Account", "Deployment")) else [f"{here}/tags/{quote(here + paths[-1], safe='')}"]
    return [here + path for path in paths] + tagged


def function_arn(properties: Properties, region: str, account: str) -> str:
    name = str(properties["FunctionName"])
    return name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{name}"


def bucket_arn(properties: Properties, region: str, account: str) -> str:
    return f"arn:aws:s3:::{properties.get('BucketName') or properties.get('Bucket') or 'any'}"


def key_arn(properties: Properties, region: str, account: str) -> str:
    """A replica is made by a call about the key that it is a replica of."""
    return str(properties.get("PrimaryKeyArn", f"arn:aws:kms:{region}:{account}:key/made"))


def topic_arn(properties: Properties, region: str, account: str) -> str:
    named = properties.get("Topics")
    return str(named[0]) if named else f"arn:aws:sns:{region}:{account}:{properties['TopicName']}"


def queue_arn(properties: Properties, region: str, account: str) -> str:
    """A policy names its queues by their addresses."""
    named = properties.get("Queues")
    return f"arn:aws:sqs:{region}:{account}:{str(named[0]).rpartition('/')[2] if named else properties['QueueName']}"


ARNS: Mapping[str, Callable[[Properties, str, str], str]] = {
    "cloudwatch": lambda properties, region, account: f"arn:aws:cloudwatch:{region}:{account}:alarm:{properties['AlarmName']}",
    "cognito-idp": lambda properties, region, account: (
        f"arn:aws:cognito-idp:{region}:{account}:userpool/{properties.get('UserPoolId', 'made')}"
    ),
    "dynamodb": lambda properties, region, account: f"arn:aws:dynamodb:{region}:{account}:table/{properties['TableName']}",
    "events": lambda properties, region, account: f"arn:aws:events:{region}:{account}:rule/{properties['Name']}",
    "iam": lambda properties, region, account: next(
        iter(passed_roles(properties)), f"arn:aws:iam::{account}:role/{properties.get('RoleName')}"
    ),
    "kms": key_arn,
    "lambda": function_arn,
    "logs": lambda properties, region, account: f"arn:aws:logs:{region}:{account}:log-group:{properties['LogGroupName']}",
    "s3": bucket_arn,
    "sns": topic_arn,
    "sqs": queue_arn,
}
