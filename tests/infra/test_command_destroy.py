"""`multiregion aws destroy`: what stays is said before it asks; what it could not delete can be deleted again."""

import shlex
import subprocess
from collections.abc import Iterator

import pytest

from multiregion.cloud.removal import Kept
from tests.infra.worlds import PRIMARY, SECONDARY, World, world

BUCKET = f"multiregion-123456789012-{PRIMARY}"


@pytest.fixture(scope="module")
def w(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An account with two deployments, `multiregion` and `second`."""
    with world(tmp_path_factory.mktemp("destroy")) as made:
        for name in ("multiregion", "second"):
            done = made.deploy("--name", name)
            assert done.code == 0, done.said
        yield made


def buckets(w: World) -> set[str]:
    return {each["Name"] for each in w.cloud.client("s3", PRIMARY).list_buckets()["Buckets"]}


def test_it_says_what_stays_before_it_asks_and_no_means_no(w: World) -> None:
    names = w.outputs()
    w.cloud.client("s3", PRIMARY).put_object(Bucket=names["PrimaryPhotosBucket"], Key="photos/1.jpg", Body=b"x" * 2_000_000)
    asked = w.run("destroy", typed="n\n")
    assert asked.code == 1
    assert f"bucket {names['PrimaryPhotosBucket']} in {PRIMARY}: 1 object, 2.0 MB" in asked.said
    for region in (PRIMARY, SECONDARY):
        assert f"table {names['CommentsTableName']} in {region}" in asked.said
        setting, role = f"setting API Gateway's log role in {region}", f"-ApiLogs-{region} in {region}"
        assert asked.said.index("other APIs of the account may use it") < asked.said.index(setting) < asked.said.index(role)
    assert asked.said.index("This stays") < asked.said.index("Take multiregion down")
    assert "not to be seen" not in asked.said
    assert "Nothing has been changed" in asked.said
    assert w.status() == "CREATE_COMPLETE"


def test_of_a_table_the_copy_is_named_before_the_one_that_it_was_made_from(w: World) -> None:
    """DynamoDB refuses the other order until a day after the copy was made."""
    kept = w.run("destroy", typed="n\n")
    table = w.outputs()["CommentsTableName"]
    assert kept.said.index(f"table {table} in {SECONDARY}") < kept.said.index(f"table {table} in {PRIMARY}")


def test_logs_that_api_gateway_makes_by_itself_are_among_what_stays(w: World) -> None:
    api = w.cloud.client("cloudformation", SECONDARY)
    (name,) = [
        each["StackName"] for each in api.describe_stacks()["Stacks"] if f"{w.outputs()['StackSetPrefix']}-routing" in each["StackName"]
    ]
    (id,) = [
        each["PhysicalResourceId"]
        for each in api.list_stack_resources(StackName=name)["StackResourceSummaries"]
        if each["ResourceType"] == "AWS::ApiGateway::RestApi"
    ]
    group = f"API-Gateway-Execution-Logs_{id}/v1"
    w.cloud.client("logs", SECONDARY).create_log_group(logGroupName=group)
    assert f"log group {group} in {SECONDARY}" in w.run("destroy", typed="n\n").said


def test_the_command_for_a_bucket_removes_it_with_all_versions(w: World) -> None:
    s3 = w.cloud.client("s3", SECONDARY)
    s3.create_bucket(Bucket="stays", CreateBucketConfiguration={"LocationConstraint": SECONDARY})
    s3.put_bucket_versioning(Bucket="stays", VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        s3.put_object(Bucket="stays", Key="photos/1.jpg", Body=b"x")
    s3.delete_object(Bucket="stays", Key="photos/1.jpg")
    command = Kept("bucket", "stays", SECONDARY, None).removal()
    done = subprocess.run(shlex.split(command), env=w.operator.environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "stays" in buckets(w)) == (0, False), done.stderr


def test_nothing_to_take_down_is_said_and_no_failure(w: World) -> None:
    none = w.run("destroy", "--yes", "--name", "elsewhere")
    assert none.code == 0
    assert f"There is no stack elsewhere in {PRIMARY}, so there is nothing to take down." in none.said
    assert BUCKET in buckets(w)


def test_what_could_not_be_deleted_is_told_and_deleted_the_next_time(w: World) -> None:
    names = w.outputs()
    w.slow.undeletable["SecurityHeaders"] = "the policy is in use"
    failed = w.run("destroy", "--yes")
    assert failed.code == 1
    assert "SecurityHeaders (AWS::CloudFront::ResponseHeadersPolicy) failed" in failed.said and "the policy is in use" in failed.said
    assert "run again: multiregion aws destroy" in failed.said
    assert w.status() == "DELETE_FAILED"
    w.slow.undeletable.clear()
    gone = w.run("destroy", "--yes", "--json")
    assert gone.code == 0, gone.said
    assert w.status() is None
    kept = {each["name"] for each in gone.answer["kept"] if each["kind"] == "bucket"} | {names["PrimaryPhotosBucket"]}
    assert kept <= buckets(w)


def test_an_interrupted_deletion_goes_on_and_is_watched_again(w: World) -> None:
    w.slow.hold(after=5)
    stopped = w.operator.interrupted("destroy", "--yes", "--name", "second", when=lambda: w.status("second") == "DELETE_IN_PROGRESS")
    assert (stopped.code, w.status("second")) == (130, "DELETE_IN_PROGRESS")
    assert "goes on in AWS" in stopped.said
    watching = w.operator.begin("destroy", "--yes", "--name", "second")
    assert watching.stdout is not None
    assert "second in us-east-1" in watching.stdout.readline()
    w.slow.go()
    _, err = watching.communicate(timeout=120)
    assert watching.returncode == 0, err
    left = w.stacks()
    assert "second" not in {each["StackName"] for each in left}
    # What was published for deployments goes with the last of them.
    assert (BUCKET in buckets(w)) == bool(left)
