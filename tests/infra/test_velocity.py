"""The simulation's mapping templates against golden vectors of real Velocity 1.7, and its refusal of what it does not know."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.infra.cloud.mapping import Input, apply, at_path
from tests.infra.cloud.policies import NotModelled
from tests.infra.cloud.velocity import render
from tests.infra.vectors import language

VECTORS = Path(__file__).with_name("vectors")


def vectors(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text())["vectors"]
    return found


def ours(vector: dict[str, Any]) -> str:
    given = Input(vector["body"], vector["path"], vector["query"], vector["headers"])
    return apply(vector["template"], given, vector["context"], vector["stageVariables"])[0]


@pytest.mark.parametrize("vector", vectors("language"), ids=lambda vector: vector["template"][:40].replace("\n", " "))
def test_a_template_comes_out_as_velocity_renders_it(vector: dict[str, Any]) -> None:
    if vector["output"] is None:
        with pytest.raises(NotModelled):
            ours(vector)
    else:
        assert ours(vector) == vector["output"]


def test_every_hard_text_survives_the_way_into_json() -> None:
    quoted = {vector["body"]: vector["output"] for vector in vectors("language") if vector["template"] == language.QUOTE}
    for text in language.HARD:
        assert json.loads(quoted[json.dumps({"text": text})]) == text


def test_the_vectors_are_of_the_templates_that_are_listed() -> None:
    def given(case: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in case.items() if name != "output"}

    assert [given(vector) for vector in vectors("language")] == json.loads(json.dumps(language.cases()))


@pytest.mark.parametrize(
    "template",
    [
        "#macro(x)#end",
        "#parse('x')",
        "#foo($x)",
        "#if($x",
        "#if(true)",
        "#else",
        "\\$x",
        "${x",
        "#set($x = 1.5)",
        "#set($x.call() = 1)",
        "#foreach($x of [1])#end",
        '#set($x = "a ""quoted"" word")',
        "#set($x = [1..3])",
        "$input.path('$.*')",
        "$input.path('$..a')",
        "$input.path('$')",
        "$input.path('$.list')",
        "$input.path('$.text').format('x')",
        "$util.qr('x')",
    ],
)
def test_what_is_not_modelled_is_refused(template: str) -> None:
    given = Input('{"list": [], "text": "x"}')
    with pytest.raises((NotModelled, AttributeError)):
        apply(template, given, {})


def test_a_value_at_a_path() -> None:
    document = {"a": [{"b c": 1}], "d": None}
    assert at_path(document, "$") is document
    assert at_path(document, "$.a[0]['b c']") == 1
    assert [at_path(document, path) for path in ("$.a[1]", "$.d.e", "$.x", "$.a.b")] == [None] * 4


def test_a_loop_gives_its_names_back() -> None:
    scope: dict[str, Any] = {"x": "outer"}
    assert render("#foreach($x in ['a'])$x#end$x", scope) == "aouter"
    assert "foreach" not in scope
