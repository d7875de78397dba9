"""`multiregion aws deploy` with the real template when it does not go smoothly: interrupted, failed, retried, another's name."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.worlds import PRIMARY, SECONDARY, TEMPLATE, World, world

REASON = "You are not authorized to perform: s3:CreateBucket (Service: S3, Status Code: 403, Request ID: 1F2E)"


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


def test_another_stack_of_that_name_is_left_alone(w: World) -> None:
    other = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    w.cloud.client("cloudformation", PRIMARY).create_stack(StackName="multiregion", TemplateBody=other)
    w.slow.joined()
    refused = w.deploy()
    assert (refused.code, w.status()) == (1, "CREATE_COMPLETE")
    assert "multiregion is another stack of this account" in refused.said
    assert "is not a deployment of this application" in w.run("destroy", "--yes").said
