"""What `multiregion aws deploy` refuses beforehand: it says why, and nothing has been changed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from multiregion.cloud.permissions import FOR_NATIVE_USERS, FOR_THE_FIRST_GLOBAL_TABLE, TO_MAKE, TO_TAKE_BACK
from tests.infra.cloud.schemas import handler_actions
from tests.infra.template import hub
from tests.infra.worlds import PRIMARY, SECONDARY, TEMPLATE, World, committed_template, world


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An account in which no test leaves anything."""
    with world(tmp_path_factory.mktemp("empty")) as made:
        yield made
        assert made.stacks() == []
        assert made.cloud.client("s3", PRIMARY).list_buckets()["Buckets"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--admin-phone", "0123"), "AdminPhone cannot be '0123'"),
        (("--parameter", "Nonsense=1"), "has no parameter Nonsense; it has AdminName"),
        (("--parameter", "Nonsense"), "--parameter takes NAME=VALUE"),
        (("--web", "/nowhere"), "/nowhere holds no index.html"),
    ],
)
def test_what_is_called_wrongly_is_named(empty: World, arguments: tuple[str, ...], said: str) -> None:
    refused = empty.deploy(*arguments)
    assert refused.code == 2
    assert said in refused.said


def test_a_new_deployment_needs_its_administrator(empty: World) -> None:
    refused = empty.run("deploy", "--template", str(TEMPLATE), "--secondary-region", SECONDARY)
    assert (refused.code, empty.stacks()) == (2, [])
    assert "AdminName, AdminEmail, AdminPhone must be given" in refused.said


def test_bad_checks_are_all_told_and_nothing_is_changed(empty: World) -> None:
    stacks, quotas = empty.limits.stacks, dict(empty.limits.quotas)
    empty.limits.stacks, empty.limits.quotas["L-DC2B2D3D"], empty.limits.quotas["L-B99A9384"] = 3, 2.0, 10.0
    empty.limits.denied.add("iam:PassRole")
    empty.limits.roles = 20
    refused = empty.deploy("--parameter", "SecondaryRegion=us-east-1")
    empty.limits.stacks, empty.limits.quotas, empty.limits.roles = stacks, quotas, 1_000
    empty.limits.denied.clear()
    assert (refused.code, empty.stacks()) == (1, [])
    used = ("✗ stacks 0 of 3 used", "✗ buckets 0 of 2 used", "✗ roles 0 of 20 used", "! functions 10 at a time")
    for said in ("have to differ", *used, "missing: iam:PassRole"):
        assert said in refused.said
    assert "Nothing has been changed" in refused.said


REPLICATION = "iam:CreateServiceLinkedRole"


def permissions(empty: World, *arguments: str) -> str:
    """What is said of them. Nothing is begun: the regions are the same."""
    refused = empty.deploy("--parameter", "SecondaryRegion=us-east-1", *arguments)
    assert (refused.code, empty.stacks()) == (1, [])
    return refused.said.partition("permissions ")[2]


def test_permissions_are_asked_for_on_what_they_are_needed_for(empty: World) -> None:
    """Or whoever may make roles of this deployment alone would be refused."""
    roles, buckets = "arn:aws:iam::123456789012:role/*", "arn:aws:s3:::multiregion-*"
    empty.limits.allowed_on = {"iam:": roles, "s3:": buckets, "lambda:": "arn:aws:lambda:us-east-1:123456789012:function:multiregion-*"}
    assert "most important ones are there" in permissions(empty)
    empty.limits.allowed_on = {"s3:": "arn:aws:s3:::other-*"}
    assert permissions(empty).startswith("missing: s3:CreateBucket, s3:PutBucketOwnershipControls")
    empty.limits.allowed_on = {}


def test_what_only_the_first_global_table_and_native_users_need_is_asked_for_only_then(empty: World) -> None:
    empty.limits.denied = {REPLICATION, "kms:CreateKey"}
    assert permissions(empty).startswith(f"missing: {REPLICATION} ")
    assert permissions(empty, "--parameter", "UserReplication=native").startswith(f"missing: kms:CreateKey, {REPLICATION} ")
    iam = empty.cloud.client("iam", PRIMARY)
    role = {"RoleName": "AWSServiceRoleForDynamoDBReplication"}
    iam.create_role(**role, AssumeRolePolicyDocument="{}")
    assert "most important ones are there" in permissions(empty)
    iam.delete_role(**role)
    empty.limits.denied = set()


def test_who_could_not_take_a_failure_back_is_warned(empty: World) -> None:
    empty.limits.denied = {"iam:DeleteRole"}
    said = permissions(empty)
    empty.limits.denied = set()
    assert said.startswith("a failure could not be undone without iam:DeleteRole Get them granted")


def test_every_type_that_the_operator_makes_is_in_the_list_of_permissions_and_nothing_that_is_not_called() -> None:
    """CloudFormation makes the hub's resources as the operator; what it calls for that is in the types' own lists."""
    groups = (TO_MAKE, FOR_NATIVE_USERS, FOR_THE_FIRST_GLOBAL_TABLE)
    listed = {action for group in groups for actions in group.values() for action in actions}
    kinds = {each["Type"] for each in hub()["Resources"].values() if not each["Type"].startswith("Custom::")}
    assert {kind for kind in kinds if not listed & handler_actions(kind, "create")} == set()
    called = set().union(*(handler_actions(kind, "create") for kind in kinds))
    assert listed - called == {"cloudformation:CreateStack"}
    undone = {action for actions in TO_TAKE_BACK.values() for action in actions}
    assert undone <= set().union(*(handler_actions(kind, "delete") for kind in kinds))


@pytest.mark.parametrize("region", ["ap-west-9", "eu-south-1"])
def test_a_region_that_not_every_account_has_is_refused_with_the_reason_and_those_that_may_be_chosen(empty: World, region: str) -> None:
    refused = empty.deploy("--secondary-region", region)
    assert refused.code == 1
    assert f"{region} cannot be used: only regions that every account has are supported" in refused.said and "eu-west-1" in refused.said


def test_a_template_that_is_too_large_is_refused_before_it_is_sent(empty: World, tmp_path: Path) -> None:
    document = committed_template().document
    name = next(name for name, each in document["Resources"].items() if each["Type"].endswith("StackSet"))
    document["Resources"][name]["Properties"]["TemplateBody"] += " " * 51_200
    file = tmp_path / "large.template"
    file.write_text(json.dumps(document))
    refused = empty.deploy("--template", str(file))
    assert (refused.code, empty.stacks()) == (1, [])
    assert "At most 1,000,000 and 51,200 bytes are allowed" in refused.said


def test_without_credentials_it_says_so(empty: World) -> None:
    key = empty.operator.environment.pop("AWS_ACCESS_KEY_ID")
    refused = empty.deploy()
    empty.operator.environment["AWS_ACCESS_KEY_ID"] = key
    assert refused.code == 1
    assert "there are no usable AWS credentials" in refused.said and "--profile" in refused.said
