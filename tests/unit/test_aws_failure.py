"""Why an operation in AWS failed: the first cause, in plain words."""

from datetime import UTC, datetime

import pytest

from multiregion.aws.failure import Failure, explain
from multiregion.aws.progress import STACK, Event, Snapshot
from multiregion.aws.stack import Stack
from multiregion.aws.template import STACK_SET

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


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("User: arn:aws:iam::1:user/x is not authorized to perform: iam:CreateRole", "lack a permission"),
        ("multiregion-1-photos already exists in stack", "left from an earlier deployment"),
        ("Resource limit exceeded: LimitExceededException", "Service Quotas"),
        ("The role defined for the function cannot be assumed by Lambda.", "up to a minute"),
        ("Exceeded attempts to wait: did not stabilize", "did not finish in time"),
        ("The colour is wrong", "Remove its cause, or give other values"),
    ],
)
def test_what_to_do_follows_from_the_reason(reason: str, words: str) -> None:
    failed = event(1, "Thing", "AWS::X::Y", "CREATE_FAILED", reason)
    found = explain(Snapshot(HUB, [BEGUN, failed]))
    assert found == Failure("Thing", "AWS::X::Y", "us-east-1", reason, found.advice)
    assert words in found.advice
