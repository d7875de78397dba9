"""`multiregion aws deploy` with the real template when it does not go smoothly: interrupted, failed, retried, another's name."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.worlds import PRIMARY, SECONDARY, TEMPLATE, World, world

REASON = "You are not authorized to perform: s3:CreateBucket (Service: S3, Status Code: 403, Request ID: 1F2E)"

VERIFIED = (
    "Access denied for operation 'AWS::CloudFront::Distribution: Your account must be verified before you can add new CloudFront resources."
    " To verify your account, please contact AWS Support (https://console.aws.amazon.com/support/home#/) and include this error message."
    " (Service: CloudFront, Status Code: 403, Request ID: 1F2E)'."
)


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def test_an_interrupted_deployment_goes_on_and_is_watched_again(w: World) -> None:
    w.slow.hold(after=12)
    arguments = ("deploy", "--template", str(TEMPLATE), "--web", str(w.site), "--secondary-region", SECONDARY)
    admin = ("--admin-name", "maria", "--admin-email", "maria@example.com", "--admin-phone", "+12345678999")
    stopped = w.operator.interrupted(*arguments, *admin, when=lambda: w.status() == "CREATE_IN_PROGRESS")
    assert stopped.code == 130
    assert "What has begun goes on in AWS. Run the same command again to watch it." in stopped.said
    assert w.status() == "CREATE_IN_PROGRESS"
    watching = w.operator.begin("deploy", "--template", str(TEMPLATE))
    assert watching.stdout is not None
    assert any("An operation goes on already" in line for line in watching.stdout)
    w.slow.go()
    _, err = watching.communicate(timeout=60)
    assert watching.returncode == 0, err
    assert w.status() == "CREATE_COMPLETE"


def test_a_failed_deployment_tells_the_first_cause_rolls_back_and_can_be_retried(w: World) -> None:
    w.cloud.fail("PhotosBucket", REASON)
    failed = w.deploy()
    assert failed.code == 1
    assert f"PhotosBucket (AWS::S3::Bucket) failed in {SECONDARY}" in failed.said
    assert "You are not authorized to perform: s3:CreateBucket" in failed.said
    assert "Request ID" not in failed.said.partition("ended as")[2]
    assert "lack a permission" in failed.said
    assert w.status() == "ROLLBACK_COMPLETE"
    stuck = w.deploy()
    assert (stuck.code, w.status()) == (1, "ROLLBACK_COMPLETE")
    assert "Add --retry" in stuck.said and "Nothing has been changed" in stuck.said
    w.cloud.fail("PhotosBucket", None)
    w.cloud.fail("SiteBucket", "Rate exceeded")
    again = w.deploy("--retry", "--json")
    assert (again.code, again.answer["status"]) == (1, "ROLLBACK_COMPLETE")
    assert (again.answer["failure"]["resource"], again.answer["failure"]["region"]) == ("SiteBucket", SECONDARY)
    assert "Wait a minute" in again.answer["failure"]["advice"]
    w.cloud.fail("SiteBucket", None)
    retried = w.deploy("--retry")
    assert retried.code == 0, retried.said
    assert w.status() == "CREATE_COMPLETE"


def test_an_account_that_aws_has_not_verified_is_warned_and_sent_to_aws_support(w: World) -> None:
    w.cloud.fail("Distribution", VERIFIED)
    failed = w.deploy()
    assert (failed.code, w.status()) == (1, "ROLLBACK_COMPLETE")
    assert "! cloudfront this account has no distribution yet If the first one is refused: AWS lets an account make no" in failed.said
    assert f"Distribution (AWS::CloudFront::Distribution) failed in {PRIMARY}" in failed.said
    ended = failed.said.partition("ended as")[2]
    assert "must be verified" in ended and "Open a case in the AWS Support Center" in ended and "lack a permission" not in ended
    w.cloud.fail("Distribution", None)
    assert w.deploy("--retry").code == 0
    other = w.deploy("--name", "second")
    assert "✓ cloudfront this account has a distribution already" in other.said


def test_what_a_late_failure_leaves_is_named_with_its_removal_and_is_not_in_the_way_of_a_retry(w: World) -> None:
    """Stacks of StackSets were whole when they were taken back, so they keep what would hold data."""
    w.cloud.fail("Finalize", "Received response status [FAILED] from custom resource.")
    failed = w.deploy()
    assert (failed.code, w.status()) == (1, "ROLLBACK_COMPLETE")
    stays = {each["Name"] for each in w.cloud.client("s3", PRIMARY).list_buckets()["Buckets"] if "-123456789012-" not in each["Name"]}
    assert {name.split("-", 2)[2] for name in stays} == {
        f"{kind}-{region}" for kind in ("photos", "logs") for region in (PRIMARY, SECONDARY)
    }
    assert {name for name in stays if f"bucket {name} in" in failed.said and f'Bucket("{name}")' in failed.said} == stays
    tables = w.cloud.client("dynamodb", SECONDARY).list_tables()["TableNames"]
    assert [f"table {name} in {SECONDARY}" in failed.said for name in tables] == [True], "the authority's"
    assert failed.said.count("user pool ") == 2 and "setting API Gateway's log role" in failed.said
    assert failed.said.index("but for:") < failed.said.index("deploy --retry")
    w.cloud.fail("Finalize", None)
    retried = w.deploy("--retry")
    assert (retried.code, w.status()) == (0, "CREATE_COMPLETE"), retried.said


def test_another_stack_of_that_name_is_left_alone(w: World) -> None:
    other = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    w.cloud.client("cloudformation", PRIMARY).create_stack(StackName="multiregion", TemplateBody=other)
    w.slow.joined()
    refused = w.deploy()
    assert (refused.code, w.status()) == (1, "CREATE_COMPLETE")
    assert "multiregion is another stack of this account" in refused.said
    assert "is not a deployment of this application" in w.run("destroy", "--yes").said
