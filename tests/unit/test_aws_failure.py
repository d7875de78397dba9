"""Why an operation in AWS failed: the first cause, in plain words."""

import re
from datetime import UTC, datetime

import pytest

from multiregion.cloud.failure import ADVICE, Failure, explain, said
from multiregion.cloud.progress import STACK, Event, Snapshot
from multiregion.cloud.stack import Stack
from multiregion.cloud.template import STACK_SET

HUB = Stack("arn:aws:cloudformation:us-east-1:1:stack/gallery/a-b", "gallery", "us-east-1", "UPDATE_ROLLBACK_COMPLETE", "", {}, {})


def event(second: int, resource: str, type: str, status: str, reason: str = "", region: str = "us-east-1") -> Event:
    at = datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
    return Event(f"{second}-{resource}", at, region, resource, "", type, status, reason, of_stack=type == STACK)


BEGUN = event(0, "gallery", STACK, "UPDATE_IN_PROGRESS", "User Initiated")
UNDOING = event(4, "gallery", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update: [Stores].")
SET = event(3, "Stores", STACK_SET, "UPDATE_FAILED", "the operation did not succeed")
CANCELLED = event(1, "Bucket", "AWS::S3::Bucket", "UPDATE_FAILED", "Resource update cancelled", "ap-northeast-1")
CAUSE = event(2, "Table", "AWS::DynamoDB::Table", "UPDATE_FAILED", "Rate exceeded (Service: X, Request ID: 1)", "ap-northeast-1")


def test_the_cause_is_the_first_resource_that_failed_by_itself() -> None:
    found = explain(Snapshot(HUB, [BEGUN, CANCELLED, CAUSE, SET, UNDOING]))
    assert (found.resource, found.region, found.reason) == ("Table", "ap-northeast-1", "Rate exceeded")
    assert found.sentence() == "Table (AWS::DynamoDB::Table) failed in ap-northeast-1: Rate exceeded"
    assert found.advice.startswith("AWS was asked too much at once")


def test_a_set_of_stacks_is_to_blame_only_if_nothing_in_it_is() -> None:
    assert explain(Snapshot(HUB, [BEGUN, CANCELLED, SET, UNDOING])).resource == "Stores"


def test_a_stack_that_failed_without_a_resource_says_its_own_reason() -> None:
    found = explain(Snapshot(HUB, [BEGUN, UNDOING]))
    assert (found.resource, found.reason) == ("gallery", "The following resource(s) failed to update: [Stores].")


def test_where_nothing_is_said_the_place_that_may_say_more_is() -> None:
    assert "Events tab" in explain(Snapshot(HUB, [BEGUN])).reason


VERIFIED = (
    "Your account must be verified before you can add new CloudFront resources. To verify your account, please contact AWS Support"
    " (https://console.aws.amazon.com/support/home#/) and include this error message."
)
REASONS = [
    # AWS's own words, from public threads
    (f"Access denied for operation 'AWS::CloudFront::Distribution: {VERIFIED}'", "Open a case in the AWS Support Center"),
    (
        f"{VERIFIED} (Service: AmazonCloudFront; Status Code: 403; Error Code: AccessDenied; Request ID: 6d47)",
        "Open a case in the AWS Support",
    ),
    ("The AWS Access Key Id needs a subscription for the service (Status Code: 403)", "finish signing up"),
    ("Your account is not signed up for the S3 service. You must sign up before you can use S3. (Status Code: 403)", "finish signing up"),
    (
        "User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: lambda:CreateFunction on resource: x with an explicit deny"
        " in a service control policy",
        "A policy of your organisation",
    ),
    ("User: x is not authorized to perform: iam:CreateRole because no permissions boundary allows the iam:CreateRole action", "a boundary"),
    ("The security token included in the request is expired (Status Code: 403)", "Your credentials ran out"),
    (
        "The role ARN does not have required permissions configured. Please grant trust permission for API Gateway and add the required"
        " role policy. (Service: ApiGateway, Status Code: 400)",
        "up to a minute",
    ),
    ("Account 1 should have 'x-StackSetAdministration' role with trust relationship to CloudFormation service.", "up to a minute"),
    ("User: y is not authorized to perform: sts:AssumeRole on resource: x-StackSetExecution (Status Code: 403)", "up to a minute"),
    ("The role defined for the function cannot be assumed by Lambda.", "up to a minute"),
    (
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of"
        " [10].",
        "too few functions at a time",
    ),
    (
        "A conflicting conditional operation is currently in progress against this resource. Please try again. (Status Code: 409)",
        "same bucket",
    ),
    (
        "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the table in the last 24"
        " hours.",
        "Delete the copy there",
    ),
    ("The bucket you tried to delete is not empty. You must delete all versions in the bucket. (Status Code: 409)", "Empty it"),
    ("User: arn:aws:iam::1:user/x is not authorized to perform: iam:CreateRole", "lack a permission"),
    ("User: arn:aws:sts::1:assumed-role/x-StackSetExecution/y is not authorized to perform: sqs:TagQueue", "lack a permission"),
    ("multiregion-1-photos already exists in stack", "left from an earlier deployment"),
    ("Resource limit exceeded: LimitExceededException", "Service Quotas"),
    ("Rate exceeded (Service: X, Status Code: 429)", "asked too much at once"),
    ("The AWS region is not enabled for this account", "Enable it"),
    ("Invalid email address format.", "was not accepted"),
    ("Exceeded attempts to wait: did not stabilize", "did not finish in time"),
    ("The colour is wrong", "Remove its cause, or give other values"),
]


@pytest.mark.parametrize(("reason", "words"), REASONS)
def test_what_to_do_follows_from_the_reason(reason: str, words: str) -> None:
    failed = event(1, "Thing", "AWS::X::Y", "CREATE_FAILED", reason)
    found = explain(Snapshot(HUB, [BEGUN, failed]))
    assert found == Failure("Thing", "AWS::X::Y", "us-east-1", said(reason), found.advice)
    assert words in found.advice


def test_each_advice_has_a_reason_here_that_leads_to_it() -> None:
    for pattern, advice in ADVICE:
        assert any(words in advice and re.search(pattern, reason, re.IGNORECASE) for reason, words in REASONS), pattern
