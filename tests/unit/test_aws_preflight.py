"""What is said beforehand of a stack that is there, and of what an account does not let us see."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from multiregion.cloud.account import USUAL, Account, AwsFailure, Identity, Patience
from multiregion.cloud.permissions import role_arn
from multiregion.cloud.preflight import BAD, GOOD, UNKNOWN, Check, Preflight, Wish
from multiregion.cloud.stack import Stack
from multiregion.cloud.template import CALLER_MUST_GIVE, Template
from multiregion.errors import Forbidden

TEMPLATE = Template('{"Resources": {}}')
PLACES = {"SecondaryRegion": "eu-west-1"}
Answer = Callable[[dict[str, Any]], Any]


class Scripted(Account):
    """Answers by operation; what is not scripted may not be seen."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        super().__init__(region="us-east-1")
        self._answers = answers

    def call(self, service: str, operation: str, region: str | None = None, *, patience: Patience = USUAL, **arguments: Any) -> Any:
        if operation not in self._answers:
            raise Forbidden(f"your credentials may not do this ({service} {operation})")
        return self._answers[operation](arguments)

    def pages(
        self, service: str, operation: str, key: str, region: str | None = None, *, patience: Patience = USUAL, **arguments: Any
    ) -> Iterator[Any]:
        yield from self.call(service, operation, region, **arguments)


def checks(
    stack: Stack | None = None, *, retry: bool = False, arn: str = "arn:aws:iam::1:user/x", given: Template = TEMPLATE, **answers: Answer
) -> dict[str, Check]:
    wish = Wish("gallery", given, None, PLACES, retry)
    return {check.name: check for check in Preflight(Scripted(answers), Identity("1", arn), stack, wish).run()}


def stack(status: str, **parameters: str) -> Stack:
    given = {**dict.fromkeys(CALLER_MUST_GIVE, "x"), **PLACES, **parameters}
    return Stack("arn:aws:cloudformation:us-east-1:1:stack/gallery/a-b", "gallery", "us-east-1", status, "", given, {})


@pytest.mark.parametrize(
    ("status", "retry", "outcome", "said"),
    [
        ("CREATE_IN_PROGRESS", False, GOOD, "an operation is going on"),
        ("ROLLBACK_COMPLETE", False, BAD, "left from a deployment that failed"),
        ("DELETE_FAILED", False, BAD, "left from a deployment that failed"),
        ("ROLLBACK_COMPLETE", True, GOOD, "it is deleted first"),
        ("UPDATE_ROLLBACK_COMPLETE", False, GOOD, "will be updated"),
        ("UPDATE_ROLLBACK_FAILED", False, BAD, "cannot be changed now"),
        ("REVIEW_IN_PROGRESS", False, BAD, "a change set that was never carried out"),
    ],
)
def test_what_can_be_done_follows_from_the_stacks_status(status: str, retry: bool, outcome: str, said: str) -> None:
    found = checks(stack(status), retry=retry)["name"]
    assert (found.outcome, said in found.found) == (outcome, True)


def test_a_stack_that_is_stuck_half_way_back_is_answered_with_the_command_that_helps() -> None:
    assert "aws cloudformation continue-update-rollback --stack-name gallery" in checks(stack("UPDATE_ROLLBACK_FAILED"))["name"].advice


def test_a_change_set_that_was_never_carried_out_is_answered_with_its_removal() -> None:
    left = Stack("arn:aws:cloudformation:us-east-1:1:stack/gallery/a-b", "gallery", "us-east-1", "REVIEW_IN_PROGRESS", "", {}, {})
    assert "aws cloudformation delete-stack --stack-name gallery --region us-east-1" in checks(left)["name"].advice


def test_nothing_is_asked_for_twice_of_a_deployment_that_is_there() -> None:
    assert set(checks(stack("UPDATE_COMPLETE"))) == {"credentials", "regions", "name", "template", "web application", "settings", "data"}


def test_what_the_credentials_may_not_look_at_is_unknown_and_stops_nothing() -> None:
    found = checks()
    unseen = {name for name, check in found.items() if check.found == "not to be seen with these credentials"}
    assert unseen == {"stacks", "buckets", "functions", "roles", "cloudfront", "permissions"}
    assert {found[name].outcome for name in unseen} == {UNKNOWN}
    assert BAD not in {check.outcome for check in found.values()}


def test_a_limit_that_aws_does_not_tell_is_unknown() -> None:
    found = checks(describe_account_limits=lambda _: {"AccountLimits": []}, describe_stacks=lambda _: [])["stacks"]
    assert (found.outcome, found.found) == (UNKNOWN, "AWS does not say how many are allowed")


@pytest.mark.parametrize(("limit", "outcome"), [(10, UNKNOWN), (19, UNKNOWN), (20, GOOD), (1_000, GOOD)])
def test_a_new_account_may_run_few_functions_at_a_time_which_is_enough_for_a_try(limit: int, outcome: str) -> None:
    found = checks(get_service_quota=lambda _: {"Quota": {"Value": float(limit)}})["functions"]
    assert (found.outcome, bool(found.advice)) == (outcome, outcome == UNKNOWN)


def test_the_root_user_needs_nothing_granted() -> None:
    assert checks(arn="arn:aws:iam::1:root")["permissions"].outcome == GOOD


def test_a_session_is_looked_at_as_the_role_behind_it() -> None:
    asked = []

    def simulated(arguments: dict[str, Any]) -> list[Any]:
        asked.append(arguments["PolicySourceArn"])
        return []

    def missing(_: dict[str, Any]) -> Any:
        raise AwsFailure("no such role", "NoSuchEntity")

    checks(arn="arn:aws:sts::1:assumed-role/Admin/maria", simulate_principal_policy=simulated, get_role=missing)
    assert set(asked) == {"arn:aws:iam::1:role/Admin"}
    assert role_arn("arn:aws:iam::1:user/x") == "arn:aws:iam::1:user/x"
