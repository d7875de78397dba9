"""The CloudFormation template that the package brings: its parameters, its size, and how many resources it makes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from multiregion.errors import BadDeployment, InvalidInput

FILE_NAME = "multi-region-application-architecture.template"
TEMPLATE_BYTES_MAX, INLINE_BYTES_MAX = 1_000_000, 51_200
STACK_SET = "AWS::CloudFormation::StackSet"
CALLER_MUST_GIVE = ("AdminName", "AdminEmail", "AdminPhone", "SecondaryRegion")


@dataclass(frozen=True)
class Template:
    """A template as it is sent, byte for byte."""

    text: str

    @cached_property
    def document(self) -> dict[str, Any]:
        return msgspec.json.decode(self.text, type=dict[str, Any])

    @property
    def size(self) -> int:
        return len(self.text.encode())

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        return dict(self.document.get("Parameters", {}))

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        return dict(self.document["Resources"])

    @cached_property
    def inner(self) -> dict[str, "Template"]:
        """The templates that stand inside it, by the logical id of their StackSet."""
        return {
            name: Template(resource["Properties"]["TemplateBody"])
            for name, resource in self.resources.items()
            if resource["Type"] == STACK_SET and isinstance(resource["Properties"].get("TemplateBody"), str)
        }

    def checked(self, values: Mapping[str, str], *, known: Mapping[str, str] | None = None) -> dict[str, str]:
        """`values` if each is allowed and, with those that are `known` already, none is missing. Raises InvalidInput."""
        for name, value in values.items():
            if name not in self.parameters:
                raise InvalidInput(f"the template has no parameter {name}; it has {', '.join(self.parameters)}", field=name)
            check_parameter(name, self.parameters[name], value)
        absent = [name for name, each in self.parameters.items() if "Default" not in each and name not in {*values, *(known or {})}]
        if absent:
            raise InvalidInput(f"{', '.join(absent)} must be given, because this creates a deployment", field=absent[0])
        return dict(values)

    def made(self, values: Mapping[str, str], region: str) -> list[str]:
        """The logical ids of the resources that these parameters make in this region."""
        known = self._known(values, region)
        conditions = Conditions(self.document.get("Conditions", {}), known)
        return [name for name, each in self.resources.items() if "Condition" not in each or conditions.holds(each["Condition"])]

    def everything(self, values: Mapping[str, str], region: str) -> Iterator[tuple[str, str]]:
        """(region, type) of each resource of a whole deployment, those of its StackSets in all their regions included."""
        known = self._known(values, region)
        for name in self.made(values, region):
            resource = self.resources[name]
            yield region, resource["Type"]
            if name in self.inner:
                properties = resource["Properties"]
                passed = {each["ParameterKey"]: value_of(each["ParameterValue"], known) for each in properties.get("Parameters", ())}
                known_there = {key: value for key, value in passed.items() if isinstance(value, str)}
                for place in instance_regions(properties, known):
                    yield from self.inner[name].everything(known_there, place)

    def _known(self, values: Mapping[str, str], region: str) -> dict[str, str]:
        defaults = {name: str(each.get("Default", "")) for name, each in self.parameters.items()}
        return {**defaults, **values, "AWS::Region": region}


def instance_regions(properties: Mapping[str, Any], known: Mapping[str, str]) -> list[str]:
    """Where a StackSet has its instances."""
    named = [region for group in properties.get("StackInstancesGroup", ()) for region in group["Regions"]]
    return [found for term in named if isinstance(found := value_of(term, known), str)]


def value_of(term: Any, known: Mapping[str, str]) -> Any:
    """A term's value if it is known before anything is made, else the term itself."""
    match term:
        case {"Ref": str(name)}:
            return known.get(name, term)
    return term


def check_parameter(name: str, rules: Mapping[str, Any], value: str) -> None:
    """Raises InvalidInput in the template's own words."""
    allowed = rules.get("AllowedValues")
    fits = (
        (allowed is None or value in map(str, allowed))
        and re.fullmatch(rules.get("AllowedPattern", ".*"), value, re.DOTALL)
        and int(rules.get("MinLength", 0)) <= len(value) <= int(rules.get("MaxLength", 4_096))
    )
    if not fits:
        said = rules.get("ConstraintDescription") or (f"one of {', '.join(map(str, allowed))}" if allowed else rules.get("AllowedPattern"))
        raise InvalidInput(f"{name} cannot be {value!r}: {said}", field=name)


class Conditions:
    """A template's conditions, for known parameters. What cannot be told beforehand counts as false."""

    def __init__(self, written: Mapping[str, Any], known: Mapping[str, str]) -> None:
        self._written = written
        self._known = known

    def holds(self, name: str) -> bool:
        return self._true(self._written.get(name, False))

    def _true(self, term: Any) -> bool:
        match term:
            case {"Condition": str(name)}:
                return self.holds(name)
            case {"Fn::Equals": [left, right]}:
                return bool(value_of(left, self._known) == value_of(right, self._known))
            case {"Fn::Not": [inner]}:
                return not self._true(inner)
            case {"Fn::And": list(inner)}:
                return all(map(self._true, inner))
            case {"Fn::Or": list(inner)}:
                return any(map(self._true, inner))
        return False


def candidates() -> Iterator[Path]:
    """Inside an installed package, and in a checkout beside the sources."""
    package = Path(str(files("multiregion")))
    yield package / "deployment" / FILE_NAME
    yield package.parents[1] / "deployment" / FILE_NAME


def packaged_template() -> Template:
    for path in candidates():
        if path.is_file():
            return read_template(path)
    raise BadDeployment(f"this installation brings no {FILE_NAME}; name one with --template")


def read_template(path: Path) -> Template:
    """Raises BadDeployment if it is no JSON template."""
    try:
        template = Template(path.read_text(encoding="utf-8"))
        found = template.document.get("Resources")
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise BadDeployment(f"{path} cannot be read as a template in JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadDeployment(f"{path} is no CloudFormation template: it has no Resources")
    return template
