"""What a resource of a template names, and in which order resources can be made."""

import re
from collections.abc import Mapping
from graphlib import TopologicalSorter
from typing import Any


def in_order(described: Mapping[str, Any]) -> list[str]:
    """Each resource after those that it names."""
    return list(TopologicalSorter({name: named_in(each) & set(described) for name, each in described.items()}).static_order())


def named_in(term: Any) -> set[str]:
    match term:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return {name}
        case {"Fn::Sub": str(text)}:
            return {name.partition(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text)}
        case {"Fn::Sub": [str(text), values]}:
            return named_in({"Fn::Sub": text}) | named_in(values)
    if isinstance(term, dict):
        depends = term.get("DependsOn", [])
        return set().union([depends] if isinstance(depends, str) else depends, *map(named_in, term.values()))
    return set().union(*map(named_in, term)) if isinstance(term, list) else set()
