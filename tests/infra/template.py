"""The committed template, parsed: the hub, the regional bodies in its StackSets, and what refers to what in either."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[2] / "deployment" / "multi-region-application-architecture.template"
Template = dict[str, Any]
PSEUDO = re.compile(r"AWS::\w+")
IN_TEXT = re.compile(r"\$\{([^!}][^}]*)\}")


@cache
def committed() -> str:
    return FILE.read_text()


CHANGED: list[str] = []


def text() -> str:
    return CHANGED[-1] if CHANGED else committed()


@contextmanager
def instead(changed: str) -> Iterator[None]:
    """Another template for whoever asks for it meanwhile."""
    CHANGED.append(changed)
    try:
        yield
    finally:
        CHANGED.pop()


def hub() -> Template:
    """A fresh copy, which a test may change."""
    parsed: Template = json.loads(text())
    return parsed


def bodies(template: Template | None = None) -> dict[str, Template]:
    """The regional templates by layer."""
    found = (template or hub())["Resources"].values()
    sets = [each["Properties"] for each in found if each["Type"] == "AWS::CloudFormation::StackSet"]
    return {layer(each): json.loads(each["TemplateBody"]) for each in sets}


def layer(stack_set: dict[str, Any]) -> str:
    """`stores` of `${Prefix}-stores`."""
    name: str = stack_set["StackSetName"]["Fn::Sub"][0]
    return name.rpartition("-")[2]


def all_templates() -> dict[str, Template]:
    return {"hub": hub(), **bodies()}


def resources(template: Template, type: str) -> dict[str, Any]:
    return {id: each for id, each in template["Resources"].items() if each["Type"] == type}


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a template."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from walk(each)
    elif isinstance(value, list):
        for each in value:
            yield from walk(each)


def references(value: Any) -> Iterator[str]:
    """The logical ids and parameters that something refers to, in whatever way."""
    for each in walk(value):
        if isinstance(each.get("Ref"), str):
            yield each["Ref"]
        if "Fn::GetAtt" in each:
            yield each["Fn::GetAtt"][0]
        if "Fn::Sub" in each:
            given = each["Fn::Sub"]
            pattern, named = (given, {}) if isinstance(given, str) else given
            yield from (name.partition(".")[0] for name in IN_TEXT.findall(pattern) if name not in named)


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every role, with the role's id."""
    for id, role in resources(template, "AWS::IAM::Role").items():
        for policy in role["Properties"].get("Policies", []):
            yield from ((id, statement) for statement in policy["PolicyDocument"]["Statement"])
    for id, policy in resources(template, "AWS::IAM::RolePolicy").items():
        yield from ((id, statement) for statement in policy["Properties"]["PolicyDocument"]["Statement"])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
