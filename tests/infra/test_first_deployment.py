"""The template as the source makes it, in an account where nothing is forgiven: rights by the handlers' own lists, tags on everything,
roles that work only a while after they were made, regions that have to be enabled first."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.stack_sets import ADMINISTRATION, EXECUTION
from infra.synthesis import synthesise
from multiregion.cloud.regions import SUPPORTED
from tests.infra.cloud.cloud import Cloud
from tests.infra.cloud.principals import Denied
from tests.infra.cloud.registry import ResourceFailed
from tests.infra.cloud.rules import broken
from tests.infra.cloud.stacksets import ENABLED_BY_DEFAULT
from tests.infra.cloud.timeline import too_early, unknown_principal
from tests.infra.deployed import PARAMETERS, PRIMARY, SECONDARY
from tests.infra.template import resources, statements

ENABLED_FIRST = "eu-south-1"
POLICY_CHARACTERS_MAX = 10_240


@pytest.fixture(scope="module")
def template() -> str:
    return synthesise()


@contextmanager
def launched(template: str | Mapping[str, Any], region: str = PRIMARY, **parameters: str) -> Iterator[Cloud]:
    with Cloud() as cloud:
        cloud.deploy(template, {**PARAMETERS, **parameters}, region=region)
        yield cloud


@pytest.mark.parametrize("replication", ["profile", "native"])
def test_the_execution_role_may_make_change_and_delete_whatever_stack_sets_make(template: str, replication: str) -> None:
    """All that handlers call, tags included, in both regions and the witness."""
    given = {**PARAMETERS, "UserReplication": replication, "WitnessRegion": "us-west-2"}
    with launched(template, **given) as cloud:
        made = {(region, kind) for region, kind, _ in cloud.registry.created}
        assert {(region, "AWS::CloudWatch::Alarm") for region in (PRIMARY, SECONDARY)} < made
        client = cloud.client("cloudformation", PRIMARY)
        changed = {**given, "MetricsEndpoint": "https://metrics.example.com/"}
        client.update_stack(StackName="gallery", UsePreviousTemplate=True, Parameters=listed(changed))
        client.delete_stack(StackName="gallery")
        for region in (PRIMARY, SECONDARY, "us-west-2"):
            assert cloud.client("cloudformation", region).describe_stacks()["Stacks"] == []


def listed(parameters: Mapping[str, str]) -> list[Any]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]


def test_the_execution_roles_policies_fit_into_a_role(template: str) -> None:
    role = json.loads(template)["Resources"]["StackSetExecutionRole"]["Properties"]
    documents = [json.dumps(each["PolicyDocument"], separators=(",", ":")) for each in role["Policies"]]
    assert sum(map(len, documents)) < POLICY_CHARACTERS_MAX


def test_the_execution_role_has_what_stack_sets_need_at_least(template: str) -> None:
    """Documented for self-managed StackSets, on every resource, whatever the stacks hold."""
    allowed = [each for id, each in statements(json.loads(template)) if id == "StackSetExecutionRole" and each["Resource"] == "*"]
    assert {"cloudformation:*", "s3:*"} <= {action for each in allowed for action in each["Action"]}


def test_nobody_but_the_administration_role_may_take_the_execution_role(template: str) -> None:
    with launched(template) as cloud:
        prefix = next(name for name in roles(cloud) if name.endswith(EXECUTION)).removesuffix(f"-{EXECUTION}")
        arn = f"arn:aws:iam::123456789012:role/{prefix}"
        administration = cloud.principals.assume(f"{arn}-{ADMINISTRATION}", "cloudformation.amazonaws.com")
        assert cloud.principals.assume_from(administration, f"{prefix}-{EXECUTION}").role_arn == f"{arn}-{EXECUTION}"
        for other in ("cloudformation.amazonaws.com", "lambda.amazonaws.com", f"{arn}-Finalizer-{PRIMARY}"):
            with pytest.raises(Denied):
                cloud.principals.assume(f"{arn}-{EXECUTION}", other)
        with pytest.raises(Denied):
            cloud.principals.assume_from(administration, f"{prefix}-Finalizer-{PRIMARY}")


def roles(cloud: Cloud) -> list[str]:
    return [each["RoleName"] for each in cloud.client("iam", PRIMARY).list_roles()["Roles"]]


def test_no_stack_set_begins_before_its_roles_are_known_everywhere(template: str) -> None:
    described = json.loads(template)["Resources"]
    sets = resources(json.loads(template), "AWS::CloudFormation::StackSet")
    assert {name: too_early(described, name) for name in sets} == dict.fromkeys(sets)
    assert set(sets) == {f"{each}StackSet" for each in ("Key", "Authority", "Stores", "Routing", "Writer", "Application", "Operations")}


def test_a_stack_set_that_begins_at_once_fails(template: str) -> None:
    hub = json.loads(template)
    del hub["Resources"]["AuthorityStackSet"]["DependsOn"]
    with pytest.raises(ResourceFailed, match=r"should have 'StackSet.*Role' role with trust relationship"), launched(hub):
        pass


def test_no_role_trusts_another_before_that_one_is_known_everywhere(template: str) -> None:
    """IAM refuses a principal that it does not know; a condition it takes as it is."""
    hub = json.loads(template)
    assert [name for name in resources(hub, "AWS::IAM::Role") if unknown_principal(hub["Resources"], name)] == []
    trust = hub["Resources"]["StackSetExecutionRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    trust["Principal"] = {"AWS": {"Fn::GetAtt": ["StackSetAdministrationRole", "Arn"]}}
    with pytest.raises(ResourceFailed, match="Invalid principal in policy: StackSetAdministrationRole is not known yet"), launched(hub):
        pass


def test_api_gateway_refuses_a_role_for_its_logs_that_has_just_been_made(template: str) -> None:
    hub = json.loads(template)
    body = json.loads(hub["Resources"]["RoutingStackSet"]["Properties"]["TemplateBody"])
    writer = json.loads(hub["Resources"]["WriterStackSet"]["Properties"]["TemplateBody"])
    body["Resources"]["ApiLogsRole"] = writer["Resources"].pop("ApiLogsRole")
    body["Resources"]["ApiAccount"]["Properties"]["CloudWatchRoleArn"] = {"Fn::GetAtt": ["ApiLogsRole", "Arn"]}
    hub["Resources"]["RoutingStackSet"]["Properties"]["TemplateBody"] = json.dumps(body)
    hub["Resources"]["WriterStackSet"]["Properties"]["TemplateBody"] = json.dumps(writer)
    with pytest.raises(ResourceFailed, match="The role ARN does not have required permissions configured"), launched(hub):
        pass


@pytest.mark.parametrize("where", [{"SecondaryRegion": ENABLED_FIRST}, {"WitnessRegion": ENABLED_FIRST}, {"region": ENABLED_FIRST}])
def test_a_region_that_has_to_be_enabled_first_is_refused_with_the_reason(template: str, where: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="cannot be used: only regions that every account has are supported"), launched(template, **where):
        pass


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"SecondaryRegion": ENABLED_FIRST}, f"cloudformation.{ENABLED_FIRST}.amazonaws.com is not trusted to assume"),
        ({"WitnessRegion": ENABLED_FIRST}, f"cloudformation.{ENABLED_FIRST}.amazonaws.com is not trusted to assume"),
        ({"region": ENABLED_FIRST}, f"CloudFront writes no access logs to a bucket in {ENABLED_FIRST}"),
    ],
)
def test_without_its_rules_the_template_would_fail_in_the_middle(template: str, where: dict[str, str], said: str) -> None:
    hub = json.loads(template)
    del hub["Rules"]
    with pytest.raises(ResourceFailed, match=said), launched(hub, **where):
        pass


def test_every_other_region_may_be_any_of_the_three(template: str) -> None:
    hub = json.loads(template)
    assert set(SUPPORTED) == ENABLED_BY_DEFAULT
    for number, region in enumerate(SUPPORTED):
        second, third = (SUPPORTED[(number + more) % len(SUPPORTED)] for more in (1, 2))
        assert broken(hub, {"SecondaryRegion": second, "WitnessRegion": third}, region) == []
        assert broken(hub, {"SecondaryRegion": second}, region) == []
