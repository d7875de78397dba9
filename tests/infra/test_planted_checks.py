"""Each check that only looks at the template notices a bug: the template is changed, and the check fails. None is without a bug."""

import importlib
import inspect
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.infra import test_template, test_template_running
from tests.infra.template import all_templates, bodies, hub, instead
from tests.planted.mutants import MUTANTS
from tests.planted.template import PLANTS

LAYERS = tuple(bodies())


def planted(where: str, old: str, new: str) -> str:
    """The template with the bug. Raises ValueError if there is no place for it."""
    layer, *path = where.split("/")
    template, stack_set = hub(), f"{layer.title()}StackSet"
    whole = json.loads(template["Resources"][stack_set]["Properties"]["TemplateBody"]) if layer in LAYERS else template
    inside = whole
    for name in path[:-1]:
        inside = inside[name]
    text = json.dumps(inside[path[-1]])
    if old not in text:
        raise ValueError(f"no place in {where} for {old}")
    inside[path[-1]] = json.loads(text.replace(old, new, 1))
    if layer in LAYERS:
        template["Resources"][stack_set]["Properties"]["TemplateBody"] = json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
    return json.dumps(template, ensure_ascii=False)


def check_named(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def arguments(check: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """What a check is called with: every template as it is now, or what its parameters are."""
    taken = list(inspect.signature(check).parameters)
    if taken[:1] == ["name"]:
        yield from (
            {"name": name, "template": template} if len(taken) == 2 else {"name": name} for name, template in all_templates().items()
        )
        return
    marks = [mark for mark in getattr(check, "pytestmark", []) if mark.name == "parametrize"]
    for values in marks[0].args[1] if marks else [()]:
        yield dict(zip(taken, values, strict=True))


def run(name: str) -> None:
    check = check_named(name)
    for given in arguments(check):
        check(**given)


@pytest.mark.parametrize(("where", "old", "new", "check"), PLANTS, ids=[f"{where} {number}" for number, (where, *_) in enumerate(PLANTS)])
def test_a_planted_bug_is_noticed(where: str, old: str, new: str, check: str) -> None:
    with instead(planted(where, old, new)), pytest.raises((AssertionError, KeyError)):
        run(check)


def test_every_check_passes_on_the_template_as_it_is() -> None:
    for name in sorted({check for *_, check in PLANTS}):
        run(name)


@pytest.mark.parametrize("module", [test_template, test_template_running])
def test_no_check_is_without_a_bug(module: Any) -> None:
    written = {f"{module.__name__}:{name}" for name in vars(module) if name.startswith("test_")}
    elsewhere = {mutant.test.replace("/", ".").replace(".py::", ":") for mutant in MUTANTS}
    assert written - {check for *_, check in PLANTS} - elsewhere == set()
