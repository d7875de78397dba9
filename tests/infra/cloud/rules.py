"""A template's rules: what CloudFormation checks of the parameters before it makes or changes anything."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend

from tests.infra.cloud.policies import NotModelled


def broken(template: Mapping[str, Any], given: Mapping[str, Any], region: str) -> list[str]:
    """What the assertions say that do not hold."""
    defaults = {name: each.get("Default", "") for name, each in template.get("Parameters", {}).items()}
    known = {**defaults, **given, "AWS::Region": region}
    rules = [rule for rule in template.get("Rules", {}).values() if holds(rule.get("RuleCondition", True), known)]
    assertions = [each for rule in rules for each in rule["Assertions"]]
    return [each["AssertDescription"] for each in assertions if not holds(each["Assert"], known)]


def holds(term: Any, known: Mapping[str, Any]) -> bool:
    match term:
        case bool():
            return term
        case {"Fn::Not": [inner]}:
            return not holds(inner, known)
        case {"Fn::Equals": [left, right]}:
            return bool(value(left, known) == value(right, known))
        case {"Fn::Contains": [list(members), wanted]}:
            return value(wanted, known) in members
        case {"Fn::Or": list(inner)}:
            return any(holds(each, known) for each in inner)
    raise NotModelled(f"{term} in a rule")


def value(term: Any, known: Mapping[str, Any]) -> Any:
    return known[term["Ref"]] if isinstance(term, dict) else term


@contextmanager
def rules_checked() -> Iterator[None]:
    create, update = CloudFormationBackend.create_stack, CloudFormationBackend.update_stack

    def checked_create(backend: CloudFormationBackend, **named: Any) -> Any:
        check(named["template"], named["parameters"], backend.region_name)
        return create(backend, **named)

    def checked_update(backend: CloudFormationBackend, **named: Any) -> Any:
        given = {each["ParameterKey"]: each["ParameterValue"] for each in named["parameters"] if "ParameterValue" in each}
        check(named["template"], {**backend.get_stack(named["name"]).stack_parameters, **given}, backend.region_name)
        return update(backend, **named)

    CloudFormationBackend.create_stack = checked_create  # type: ignore[method-assign, assignment]
    CloudFormationBackend.update_stack = checked_update  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        CloudFormationBackend.create_stack, CloudFormationBackend.update_stack = create, update  # type: ignore[method-assign]


def check(template: str, parameters: Mapping[str, Any], region: str) -> None:
    if said := broken(parsed(template), parameters, region):
        raise ValidationError(message=f"Template constraint violated: {' '.join(said)}")


def parsed(template: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(template)
    except (TypeError, ValueError):
        return {}  # YAML of another stack
    return found
