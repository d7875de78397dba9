"""Every resource against the schema that AWS publishes of its type, inside StackSets as well: nothing missing, unknown, or AWS's to set.

What is only given at creation is looked at in test_kept.py.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.infra.cloud.schemas import Path, handler_actions, paths, schema
from tests.infra.template import all_templates, hub, layer, resources

REGIONS = ("us-east-1", "ap-northeast-1", "eu-central-1")
TEMPLATES = all_templates()
EVERY = [(f"{name}/{id}", each) for name, found in TEMPLATES.items() for id, each in found["Resources"].items()]
RESOURCES = [(place, each) for place, each in EVERY if not each["Type"].startswith("Custom::")]
each_resource = pytest.mark.parametrize(("place", "resource"), RESOURCES, ids=[place for place, _ in RESOURCES])


def problems(resource: Mapping[str, Any], region: str = REGIONS[0]) -> list[str]:
    """In the words of this test: what is missing, unknown or read-only, with its path."""
    found = schema(resource["Type"], region)
    properties = resource.get("Properties", {})
    read_only = paths(resource["Type"], "readOnlyProperties")
    set_by_aws = [f"{'/'.join(path)} is read-only" for path in read_only if is_given(properties, path)]
    return [*set_by_aws, *against(properties, found, found, ())]


def is_given(value: Any, path: Path) -> bool:
    if not path:
        return True
    if isinstance(value, list):
        return any(is_given(each, path[1:] if path[0] == "*" else path) for each in value)
    return isinstance(value, dict) and path[0] in value and is_given(value[path[0]], path[1:])


def against(value: Any, part: Mapping[str, Any], whole: Mapping[str, Any], path: Path) -> Iterator[str]:
    """What the schema's properties say of a value; functions of CloudFormation are followed to what they choose from."""
    part = resolved(part, whole)
    for chosen in choices(value):
        if isinstance(chosen, list) and "items" in part:
            for each in chosen:
                yield from against(each, part["items"], whole, (*path, "*"))
        elif isinstance(chosen, dict) and not is_function(chosen) and "properties" in part:
            yield from (f"{'/'.join((*path, name))} is missing" for name in part.get("required", ()) if name not in chosen)
            for name, each in chosen.items():
                if name in part["properties"]:
                    yield from against(each, part["properties"][name], whole, (*path, name))
                elif part.get("additionalProperties") is False and not part.get("patternProperties"):
                    yield f"{'/'.join((*path, name))} is unknown"


def resolved(part: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in part:
        found: Any = whole
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def choices(value: Any) -> list[Any]:
    if isinstance(value, dict) and "Fn::If" in value:
        return [each for branch in value["Fn::If"][1:] for each in choices(branch)]
    return [value]


def is_function(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))


@each_resource
def test_it_has_all_that_its_type_needs_and_nothing_that_it_does_not_know(place: str, resource: dict[str, Any]) -> None:
    assert {region: problems(resource, region) for region in REGIONS} == {region: [] for region in REGIONS}


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_every_kind_of_mistake_would_be_found(name: str) -> None:
    """In each template, wherever its resources have something to forget: a property taken away, one too many, one that is AWS's."""
    found = set()
    for each in TEMPLATES[name]["Resources"].values():
        if each["Type"].startswith("Custom::"):
            continue
        properties = each.get("Properties", {})
        for required in schema(each["Type"]).get("required", ()):
            left = {key: value for key, value in properties.items() if key != required}
            assert f"{required} is missing" in problems({"Type": each["Type"], "Properties": left})
            found.add("missing")
        if ("Arn",) in paths(each["Type"], "readOnlyProperties"):
            assert "Arn is read-only" in problems({"Type": each["Type"], "Properties": {**properties, "Arn": "x"}})
            found.add("read-only")
        assert "Colour is unknown" in problems({"Type": each["Type"], "Properties": {**properties, "Colour": "x"}})
    assert "missing" in found


def test_mistakes_inside_are_found_through_functions_and_lists() -> None:
    bucket = TEMPLATES["stores"]["Resources"]["PhotosBucket"]
    condition, forward, backward = bucket["Properties"]["ReplicationConfiguration"]["Fn::If"]
    (rule,) = forward["Rules"]
    wrong = {**forward, "Rules": [{key: value for key, value in rule.items() if key != "Destination"} | {"Colour": "red"}]}
    planted = {**bucket["Properties"], "ReplicationConfiguration": {"Fn::If": [condition, wrong, backward]}}
    assert problems({**bucket, "Properties": planted}) == [
        "ReplicationConfiguration/Rules/*/Destination is missing",
        "ReplicationConfiguration/Rules/*/Colour is unknown",
    ]


def test_each_type_of_a_stack_set_says_what_its_handlers_call() -> None:
    """Or else the execution role's rights would be held against nothing."""
    for each in resources(hub(), "AWS::CloudFormation::StackSet").values():
        for resource in TEMPLATES[layer(each["Properties"])]["Resources"].values():
            assert handler_actions(resource["Type"], "create") and handler_actions(resource["Type"], "delete")
