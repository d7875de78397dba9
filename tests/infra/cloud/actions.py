"""Which IAM actions an API call needs, on which resources."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from moto.awslambda.models import lambda_backends

from tests.infra.cloud.policies import NotModelled, Request

Parameters = Mapping[str, Any]
TRANSACTION = {"ConditionCheck": "ConditionCheckItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "Get": "GetItem"}
BATCH = {"PutRequest": "PutItem", "DeleteRequest": "DeleteItem"}
# Operations whose permission has another name.
S3_ACTIONS = {
    "CopyObject": "PutObject",
    "DeleteBucketPolicy": "DeleteBucketPolicy",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketReplication": "GetReplicationConfiguration",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketReplication": "PutReplicationConfiguration",
}


def requests(service: str, operation: str, parameters: Parameters, region: str, account: str) -> list[Request]:
    """Everything that one call must be allowed. Raises NotModelled for a service that is not known here."""
    if service not in SERVICES:
        raise NotModelled(f"permissions of {service}:{operation}")
    facts = {"aws:RequestedRegion": region, "aws:SecureTransport": "true"}
    return [
        Request(each.action, each.resource, {**facts, **each.facts}) for each in SERVICES[service](operation, parameters, region, account)
    ]


def dynamodb(operation: str, parameters: Parameters, region: str, account: str) -> Iterator[Request]:
    def item(action: str, target: Parameters, enclosing: Mapping[str, str] | None = None) -> Request:
        name = target["TableName"]
        arn = name if name.startswith("arn:") else f"arn:aws:dynamodb:{region}:{account}:table/{name}"
        index = f"/index/{target['IndexName']}" if "IndexName" in target else ""
        return Request(f"dynamodb:{action}", arn + index, {**leading_keys(target), **(enclosing or {})})

    enclosing = {"dynamodb:EnclosingOperation": operation}
    if operation in ("TransactWriteItems", "TransactGetItems"):
        yield from (item(TRANSACTION[kind], each, enclosing) for entry in parameters["TransactItems"] for kind, each in entry.items())
    elif operation == "BatchWriteItem":
        # AWS asks for BatchWriteItem itself as well as for what is in it.
        for table in parameters["RequestItems"]:
            yield item("BatchWriteItem", {"TableName": table})
    elif operation == "BatchGetItem":
        yield from (item("BatchGetItem", {"TableName": table}) for table in parameters["RequestItems"])
    elif "TableName" in parameters:
        yield item(operation, parameters)
    elif "ResourceArn" in parameters:
        yield Request(f"dynamodb:{operation}", parameters["ResourceArn"])
    else:
        yield Request(f"dynamodb:{operation}", "*")


def leading_keys(target: Parameters) -> dict[str, list[str]]:
    """The key values that a policy may be limited to, where the request names them plainly."""
    key = target.get("Key") or {}
    return {"dynamodb:LeadingKeys": [str(next(iter(value.values()))) for value in list(key.values())[:1]]} if key else {}


def s3(operation: str, parameters: Parameters, region: str, account: str) -> Iterator[Request]:
    if operation == "ListBuckets":
        yield Request("s3:ListAllMyBuckets", "*")
        return
    bucket = f"arn:aws:s3:::{parameters['Bucket']}"
    action = S3_ACTIONS.get(operation, operation)
    if operation == "DeleteObjects":
        for each in parameters["Delete"]["Objects"]:
            yield Request("s3:DeleteObjectVersion" if "VersionId" in each else "s3:DeleteObject", f"{bucket}/{each['Key']}")
        return
    if operation == "CopyObject":
        yield Request("s3:GetObject", f"arn:aws:s3:::{copy_source(parameters['CopySource'])}")
    if "Key" in parameters:
        versioned = "Version" if "VersionId" in parameters else ""
        yield Request(f"s3:{action}{versioned}", f"{bucket}/{parameters['Key']}")
    else:
        yield Request(f"s3:{action}", bucket, {"s3:prefix": parameters.get("Prefix", "")})
    if operation == "PutBucketReplication":
        role = parameters["ReplicationConfiguration"]["Role"]
        yield Request("iam:PassRole", role, {"iam:PassedToService": "s3.amazonaws.com"})


def copy_source(source: str | Mapping[str, str]) -> str:
    return source.lstrip("/").partition("?")[0] if isinstance(source, str) else f"{source['Bucket']}/{source['Key']}"


def cognito(operation: str, parameters: Parameters, region: str, account: str) -> Iterator[Request]:
    pool = parameters.get("UserPoolId")
    yield Request(f"cognito-idp:{operation}", f"arn:aws:cognito-idp:{region}:{account}:userpool/{pool}" if pool else "*")


def functions(operation: str, parameters: Parameters, region: str, account: str) -> Iterator[Request]:
    name = parameters.get("FunctionName", "*")
    arn = name if name.startswith("arn:") or name == "*" else f"arn:aws:lambda:{region}:{account}:function:{name}"
    if operation in ("CreateEventSourceMapping", "ListEventSourceMappings"):  # IAM knows no resource for these
        yield Request(f"lambda:{operation}", "*", {"lambda:FunctionArn": arn})
    elif "UUID" in parameters:
        mapped = lambda_backends[account][region].get_event_source_mapping(parameters["UUID"])
        facts = {"lambda:FunctionArn": mapped.function_arn} if mapped else {}
        yield Request(f"lambda:{operation}", f"arn:aws:lambda:{region}:{account}:event-source-mapping:{parameters['UUID']}", facts)
    else:
        yield Request("lambda:InvokeFunction" if operation == "Invoke" else f"lambda:{operation}", arn)


def stacks(operation: str, parameters: Parameters, region: str, account: str) -> Iterator[Request]:
    if "StackSetName" in parameters:
        resource = f"arn:aws:cloudformation:{region}:{account}:stackset/{parameters['StackSetName']}"
    else:
        name = parameters.get("StackName", "*")
        resource = name if name.startswith("arn:") else f"arn:aws:cloudformation:{region}:{account}:stack/{name}/x"
    yield Request(f"cloudformation:{operation}", resource)


def distributions(operation: str, parameters: Parameters, region: str, account: str) -> Iterator[Request]:
    kinds = {"ResponseHeadersPolicy": "response-headers-policy", "Invalidation": "distribution", "Distribution": "distribution"}
    kind = next((kind for word, kind in kinds.items() if word in operation), None)
    name = parameters.get("Id") or parameters.get("DistributionId")
    yield Request(f"cloudfront:{operation}", f"arn:aws:cloudfront::{account}:{kind}/{name}" if kind and name else "*")


def metrics(operation: str, parameters: Parameters, region: str, account: str) -> Iterator[Request]:
    facts = {"cloudwatch:namespace": parameters["Namespace"]} if "Namespace" in parameters else {}
    yield Request(f"cloudwatch:{operation}", "*", facts)


def caller(operation: str, parameters: Parameters, region: str, account: str) -> Iterator[Request]:
    """GetCallerIdentity needs no permission; nothing else of STS is called by a template's role."""
    if operation != "GetCallerIdentity":
        raise NotModelled(f"permissions of sts:{operation}")
    yield from ()


SERVICES: dict[str, Callable[[str, Parameters, str, str], Iterator[Request]]] = {
    "dynamodb": dynamodb,
    "s3": s3,
    "cognito-idp": cognito,
    "lambda": functions,
    "cloudformation": stacks,
    "cloudfront": distributions,
    "cloudwatch": metrics,
    "sts": caller,
}
