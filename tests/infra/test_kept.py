"""What holds data stays: no update replaces it, and what would is refused, with what to do instead, before anything has been changed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from multiregion.cloud.fixed import FIXED, PLACE, STATEFUL, replaced
from multiregion.cloud.template import Template
from tests.infra.cloud.schemas import create_only
from tests.infra.template import all_templates, bodies, hub, layer, references, resources, text, walk
from tests.infra.worlds import PRIMARY, World, world

CHANGES = {
    "AdminName": "eve",
    "AdminEmail": "eve@example.com",
    "AdminPhone": "+99999999999",
    "SecondaryRegion": "eu-west-1",
    "WitnessRegion": "eu-west-1",
    "UserReplication": "native",
}
NO_DATA = {"AWS::ApiGateway::Account", "AWS::IAM::Role"}
"""Types that are kept for other reasons."""


@pytest.fixture(scope="module")
def w(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("kept")) as made:
        done = made.deploy()
        assert done.code == 0, done.said
        yield made


# what may not change, and whether anything could


def test_it_is_known_what_holds_data_and_what_of_it_is_only_given_at_creation() -> None:
    kept = {each["Type"] for found in all_templates().values() for each in found["Resources"].values() if "UpdateReplacePolicy" in each}
    assert kept - NO_DATA == set(STATEFUL) - {"AWS::Cognito::UserPoolUser", "AWS::KMS::ReplicaKey"}
    assert {kind: create_only(kind) for kind in STATEFUL} == STATEFUL
    assert create_only("AWS::CloudFormation::StackSet") | {"StackInstancesGroup"} == PLACE


@pytest.mark.parametrize("name", list(all_templates()))
def test_no_parameter_that_may_change_replaces_what_holds_data(name: str) -> None:
    found = all_templates()[name]
    for id, each in found["Resources"].items():
        if each["Type"] in STATEFUL:
            only_at_creation = {key: value for key, value in each["Properties"].items() if key in create_only(each["Type"])}
            given = parameters_in([only_at_creation, {"Condition": each.get("Condition")}], found)
            assert (given if name == "hub" else in_the_hub(name, given)) <= set(FIXED), id


def test_no_parameter_that_may_change_moves_a_stack_set() -> None:
    for id, each in resources(hub(), "AWS::CloudFormation::StackSet").items():
        place = {key: value for key, value in each["Properties"].items() if key in PLACE}
        assert parameters_in([place, {"Condition": each.get("Condition")}], hub()) <= set(FIXED), id


def parameters_in(value: Any, template: Any) -> set[str]:
    """Those that a value depends on, through conditions as well."""
    named = set(references(value)) & set(template.get("Parameters", {}))
    conditions = {each["Fn::If"][0] for each in walk(value) if "Fn::If" in each}
    conditions |= {each["Condition"] for each in walk(value) if isinstance(each.get("Condition"), str)}
    return named.union(*(parameters_in(template["Conditions"][each], template) for each in conditions))


def in_the_hub(name: str, given: set[str]) -> set[str]:
    """The hub's parameters behind those of a layer."""
    (properties,) = (
        each["Properties"] for each in resources(hub(), "AWS::CloudFormation::StackSet").values() if layer(each["Properties"]) == name
    )
    passed = {each["ParameterKey"]: each["ParameterValue"] for each in properties["Parameters"]}
    return set().union(*(parameters_in(passed[each], hub()) for each in given))


# CloudFormation, as from the console


@pytest.mark.parametrize("name", list(FIXED))
def test_a_change_of_what_is_fixed_is_refused_first_and_undone(w: World, name: str) -> None:
    before, invoked = w.parameters(), len(w.cloud.functions.invoked)
    others = [{"ParameterKey": each, "UsePreviousValue": True} for each in before if each != name]
    wanted = [*others, {"ParameterKey": name, "ParameterValue": CHANGES[name]}]
    client = w.cloud.client("cloudformation", PRIMARY)
    client.update_stack(StackName="multiregion", TemplateBody=text(), Parameters=wanted, Capabilities=["CAPABILITY_NAMED_IAM"])
    w.slow.joined()
    assert (w.status(), w.parameters()) == ("UPDATE_ROLLBACK_COMPLETE", before)
    *during, finalizer, updater = (function.rpartition("-")[2] for function in w.cloud.functions.invoked[invoked:])
    assert (set(during), finalizer, updater) == ({"ParameterGuard"}, "Finalizer", "AppStateUpdaterLambda"), "restored once all is undone"
    events = client.describe_stack_events(StackName="multiregion")["StackEvents"]
    reasons = [each.get("ResourceStatusReason", "") for each in events if each["ResourceStatus"] == "UPDATE_FAILED"]
    assert any(f"{name} cannot be changed. {FIXED[name][:40]}" in reason for reason in reasons)


# the command


def test_the_command_refuses_beforehand_what_cannot_change_with_the_way_that_works(w: World) -> None:
    before = w.parameters()
    refused = w.update("--parameter", "AdminEmail=eve@example.com", "--parameter", "WitnessRegion=eu-west-1")
    assert (refused.code, w.parameters()) == (1, before)
    assert "✗ settings AdminEmail, WitnessRegion cannot be changed in a deployment" in refused.said
    assert "aws sns subscribe" in refused.said and "Nothing has been changed." in refused.said
    same = w.update("--parameter", f"AdminEmail={before['AdminEmail']}")
    assert same.code == 0, same.said


def test_the_command_refuses_a_template_that_would_replace_data(w: World) -> None:
    document = json.loads(text())
    document["Resources"]["CommentsTable"]["Properties"]["TableName"] = "comments"
    other = w.folder / "other.template"
    other.write_text(json.dumps(document))
    refused = w.update("--template", str(other))
    assert refused.code == 1
    assert "✗ data this template would replace CommentsTable (AWS::DynamoDB::GlobalTable) by empty ones" in refused.said


def test_what_a_template_would_replace_is_found_in_every_layer() -> None:
    before, document = Template(text()), json.loads(text())
    assert list(replaced(before, before)) == []
    stores = bodies()["stores"]
    stores["Resources"]["PhotosBucket"]["Properties"]["BucketName"] = "other"
    del stores["Resources"]["UserPool"]
    document["Resources"]["StoresStackSet"]["Properties"]["TemplateBody"] = json.dumps(stores)
    del document["Resources"]["AuthorityStackSet"]
    document["Resources"]["KeyStackSet"]["Properties"]["StackInstancesGroup"][0]["Regions"] = ["eu-west-1"]
    assert set(replaced(before, Template(json.dumps(document)))) == {
        "StoresStackSet/PhotosBucket (AWS::S3::Bucket)",
        "StoresStackSet/UserPool (AWS::Cognito::UserPool)",
        "AuthorityStackSet/AuthorityTable (AWS::DynamoDB::Table)",
        "AuthorityStackSet (AWS::CloudFormation::StackSet)",
        "KeyStackSet (AWS::CloudFormation::StackSet)",
    }
