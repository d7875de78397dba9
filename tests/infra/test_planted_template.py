"""Each planted bug of the template is noticed: the changed template is deployed, and the suite's own check fails on it."""

import asyncio
import importlib
import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
from moto.core.exceptions import JsonRESTError

from tests.infra.cloud.policies import NotModelled
from tests.infra.deployed import PRIMARY, Deployment, deployed, hub_template
from tests.planted.aws import DEPLOYMENT, PLANTS


def planted(where: str, old: str, new: str) -> dict[str, Any]:
    """The template with the bug. Raises ValueError if there is no place for it."""
    hub = hub_template()
    properties = hub["Resources"][where]["Properties"]
    inside = "TemplateBody" in properties
    body = json.dumps(json.loads(properties["TemplateBody"]) if inside else properties)
    if old not in body:  # a line of code: as JSON writes it
        old, new = json.dumps(old)[1:-1], json.dumps(new)[1:-1]
    if old not in body:
        raise ValueError(f"no place in {where} for {old}")
    changed = json.loads(body.replace(old, new))
    if inside:
        properties["TemplateBody"] = json.dumps(changed, separators=(",", ":"))
    else:
        hub["Resources"][where]["Properties"] = changed
    return hub


def check_named(name: str) -> Callable[[Deployment], Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    more = {"region": PRIMARY} if "region" in inspect.signature(found).parameters else {}
    return lambda here: found(here, **more)


def run(check: Callable[[Deployment], Any], here: Deployment) -> None:
    outcome = check(here)
    if inspect.iscoroutine(outcome):
        asyncio.run(outcome)


@pytest.mark.parametrize(("where", "old", "new", "check"), [plant for plant in PLANTS if plant[3] != DEPLOYMENT])
def test_a_planted_bug_is_noticed(where: str, old: str, new: str, check: str) -> None:
    with deployed(planted(where, old, new)) as here, pytest.raises((AssertionError, pytest.fail.Exception)):
        run(check_named(check), here)


@pytest.mark.parametrize(("where", "old", "new", "check"), [plant for plant in PLANTS if plant[3] == DEPLOYMENT])
def test_a_planted_bug_is_noticed_at_once(where: str, old: str, new: str, check: str) -> None:
    with pytest.raises(JsonRESTError, match="may not invoke"), deployed(planted(where, old, new)):
        pass


def test_a_resource_that_is_not_modelled_is_refused_loudly() -> None:
    hub = hub_template()
    hub["Resources"]["Ledger"] = {"Type": "AWS::QLDB::Ledger", "Properties": {}}
    with pytest.raises(NotModelled, match="AWS::QLDB::Ledger"), deployed(hub, users=False):
        pass


def test_a_bug_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        planted("StoresStackSet", "nowhere in it", "x")


def test_every_check_passes_on_the_template_as_it_is() -> None:
    with deployed() as here:
        for name in sorted({check for _, _, _, check in PLANTS} - {DEPLOYMENT}):
            here.clear()
            run(check_named(name), here)
