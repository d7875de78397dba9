"""What AWS publishes of each resource type, as cfn-lint ships it: properties, what cannot be changed, what its handlers call."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

Path = tuple[str, ...]
PROPERTIES = "/properties/"


@cache
def schema(type: str, region: str = "us-east-1") -> Mapping[str, Any]:
    """Raises if the type is not there in that region."""
    found: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, type).schema
    return found


def paths(type: str, kind: str) -> list[Path]:
    """The properties of a kind, such as `readOnlyProperties`; a `*` in a path is any element of a list."""
    return [tuple(each.removeprefix(PROPERTIES).split("/")) for each in schema(type).get(kind, ())]


@cache
def create_only(type: str) -> frozenset[str]:
    """The properties, by their first name, of which a change makes a new resource in the place of the old one."""
    named = paths(type, "createOnlyProperties") + paths(type, "conditionalCreateOnlyProperties")
    return frozenset(path[0] for path in named)


@cache
def handler_actions(type: str, verb: str) -> frozenset[str]:
    """What CloudFormation calls to create, update or delete a resource that has tags, and to look at it afterwards."""
    found = schema(type)
    handlers = found["handlers"]
    called = {action for each in (verb, "read") for action in handlers.get(each, {}).get("permissions", ())}
    return frozenset(called | ({*found.get("tagging", {}).get("permissions", ())} if verb != "delete" else set()))
