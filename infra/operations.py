"""Operations: alarms on whatever makes a failover lose data or an operator come too late, and a dashboard of both regions."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

from infra.application import WRITER
from infra.key_value_store import COMMENTS, USERS
from infra.lambdas.user_importer import METRICS, REFUSED
from infra.object_store import RULE
from infra.routing import STATES, UPDATER
from infra.stack import Stack, only_if

LAG_MILLISECONDS_MAX = 60_000
OBJECT_LAG_SECONDS_MAX = 900
FAILURES_MAX = 5


def alarms(stack: Stack, peer: str, in_primary: cdk.CfnCondition) -> None:
    """One region's alarms, by e-mail to the administrator once the subscription is confirmed."""
    topic = alarm_topic(stack)
    for table in (STATES, COMMENTS, USERS):
        dimensions = {"TableName": stack.sub(f"${{Prefix}}-{table}"), "ReceivingRegion": peer}
        alarm(stack, f"{table}Lag", topic, "AWS/DynamoDB", "ReplicationLatency", dimensions, LAG_MILLISECONDS_MAX, "Average")
    here, there = stack.sub("${Prefix}-photos-${AWS::Region}"), cdk.Fn.sub("${Prefix}-photos-${Peer}", {"Peer": peer})
    coming, going = route(there, here), route(here, there)
    alarm(stack, "PhotosLag", topic, "AWS/S3", "ReplicationLatency", coming, OBJECT_LAG_SECONDS_MAX, "Maximum")
    alarm(stack, "PhotosNotReplicated", topic, "AWS/S3", "OperationsFailedReplication", going, 0, "Sum")
    function_alarms(stack, topic, in_primary)
    for api in ("Routing", "Application"):
        dimensions = {"ApiName": stack.sub(f"${{Prefix}}-{api}")}
        alarm(stack, f"{api}Failures", topic, "AWS/ApiGateway", "5XXError", dimensions, FAILURES_MAX, "Sum")


def function_alarms(stack: Stack, topic: sns.CfnTopic, in_primary: cdk.CfnCondition) -> None:
    """One failure is enough: schedules come once in minutes or hours. Not of the guard, whose refusals are failures, too."""
    in_secondary = stack.condition("InSecondary", cdk.Aws.REGION, stack.sub("${SecondaryRegion}"))
    for name, condition in ((UPDATER, None), (WRITER, None), ("UserExporter", in_primary), ("UserImporter", in_secondary)):
        dimensions = {"FunctionName": stack.sub(f"${{Prefix}}-{name}")}
        only_if(condition, alarm(stack, f"{name}Errors", topic, "AWS/Lambda", "Errors", dimensions, 0, "Sum", bad_minutes=1))
    dimensions = {"Deployment": stack.sub("${Prefix}")}
    only_if(in_secondary, alarm(stack, REFUSED, topic, METRICS, REFUSED, dimensions, 0, "Maximum", bad_minutes=1))


def route(source: str, to: str) -> dict[str, str]:
    """S3 tells what is late in the region where it should have arrived, and what has failed in the region where it was."""
    return {"SourceBucket": source, "DestinationBucket": to, "RuleId": RULE}


def alarm_topic(stack: Stack) -> sns.CfnTopic:
    topic = sns.CfnTopic(
        stack,
        "Alarms",
        topic_name=stack.sub("${Prefix}-alarms"),
        subscription=[{"protocol": "email", "endpoint": stack.sub("${AdminEmail}")}],
    )
    account = {"StringEquals": {"AWS:SourceAccount": cdk.Aws.ACCOUNT_ID}}
    publishing = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic.ref}
    clear = {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": topic.ref}
    statements = [publishing | {"Condition": account}, clear | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}]
    document = {"Version": "2012-10-17", "Statement": statements}
    sns.CfnTopicPolicy(stack, "AlarmsPolicy", topics=[topic.ref], policy_document=document)
    return topic


def alarm(
    stack: Stack,
    name: str,
    topic: sns.CfnTopic,
    space: str,
    metric: str,
    dimensions: Mapping[str, str],
    most: float,
    statistic: str,
    *,
    bad_minutes: int = 3,
) -> cloudwatch.CfnAlarm:
    """That many bad minutes of five. No data is no alarm: what is idle has no lag to measure."""
    return cloudwatch.CfnAlarm(
        stack,
        name,
        alarm_name=stack.sub(f"${{Prefix}}-{name}"),
        namespace=space,
        metric_name=metric,
        dimensions=[{"name": each, "value": value} for each, value in dimensions.items()],
        statistic=statistic,
        period=60,
        evaluation_periods=5,
        datapoints_to_alarm=bad_minutes,
        threshold=most,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
        alarm_actions=[topic.ref],
        ok_actions=[topic.ref],
    )


def dashboard(stack: Stack, secondary: str) -> None:
    """Both regions side by side, on one page that is not in either of them."""
    primary = cdk.Aws.REGION
    rows = []
    for number, (region, peer) in enumerate(((primary, secondary), (secondary, primary))):
        rows += [
            widget(stack, number, 0, region, "Requests and failures", requests(stack)),
            widget(stack, number, 1, region, "Records: lag to the other region (ms)", lags(stack, peer)),
            widget(stack, number, 2, region, "Photos: lag behind the other region", photos(stack, peer, region)),
        ]
    body = stack.to_json_string({"widgets": rows})
    cloudwatch.CfnDashboard(stack, "Dashboard", dashboard_name=stack.sub("${Prefix}"), dashboard_body=body)


def widget(stack: Stack, column: int, row: int, region: str, title: str, metrics: Any) -> dict[str, Any]:
    place = {"type": "metric", "x": 12 * column, "y": 6 * row, "width": 12, "height": 6}
    properties = {"title": cdk.Fn.join("", [region, ": ", title]), "region": region, "metrics": metrics, "period": 60, "view": "timeSeries"}
    return {**place, "properties": properties}


def requests(stack: Stack) -> list[Any]:
    return [
        ["AWS/ApiGateway", metric, "ApiName", stack.sub(f"${{Prefix}}-{api}"), {"stat": "Sum"}]
        for api in ("Routing", "Application")
        for metric in ("Count", "4XXError", "5XXError")
    ]


def lags(stack: Stack, peer: str) -> list[Any]:
    space = "AWS/DynamoDB", "ReplicationLatency", "TableName"
    return [[*space, stack.sub(f"${{Prefix}}-{table}"), "ReceivingRegion", peer] for table in (STATES, COMMENTS, USERS)]


def photos(stack: Stack, source: str, to: str) -> list[Any]:
    buckets = [cdk.Fn.join("", [stack.sub("${Prefix}-photos-"), each]) for each in (source, to)]
    dimensions = [part for pair in route(*buckets).items() for part in pair]
    return [["AWS/S3", metric, *dimensions] for metric in ("ReplicationLatency", "OperationsPendingReplication")]
