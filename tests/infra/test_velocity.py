"""The simulation's mapping templates against golden vectors of real Velocity 1.7, and its refusal of what it does not know."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.infra.cloud.mapping import Input, apply, at_path
from tests.infra.cloud.policies import NotModelled
from tests.infra.cloud.velocity import render
from tests.infra.vectors import deployed, language, stored

LANGUAGE, DEPLOYED = stored.read("language"), stored.read("deployed")


def ours(vector: dict[str, Any]) -> str:
    given = Input(vector["body"], vector["path"], vector["query"], vector["headers"])
    return apply(vector["template"], given, vector["context"], vector["stageVariables"])[0]


def ours_or_none(vector: dict[str, Any]) -> str | None:
    try:
        return ours(vector)
    except NotModelled:
        return None


@pytest.mark.parametrize("vector", LANGUAGE, ids=lambda vector: vector["template"][:40].replace("\n", " "))
def test_a_template_comes_out_as_velocity_renders_it(vector: dict[str, Any]) -> None:
    if vector["output"] is None:
        with pytest.raises(NotModelled):
            ours(vector)
    else:
        assert ours(vector) == vector["output"]


def test_every_hard_text_survives_the_way_into_json() -> None:
    quoted = {vector["body"]: vector["output"] for vector in LANGUAGE if vector["template"] == language.QUOTE}
    for text in language.HARD:
        assert json.loads(quoted[json.dumps({"text": text})]) == text


def test_the_templates_of_the_api_come_out_as_velocity_renders_them() -> None:
    assert [vector["output"] for vector in DEPLOYED] == [ours_or_none(vector) for vector in DEPLOYED]


def test_velocity_understands_every_template_of_the_api() -> None:
    understood = {vector["template"] for vector in DEPLOYED if vector["output"] is not None}
    assert set(deployed.templates()) - understood == set()


@pytest.mark.parametrize(("name", "cases"), [("language", language.cases), ("deployed", deployed.cases)])
def test_the_vectors_are_up_to_date(name: str, cases: Callable[[], list[dict[str, Any]]]) -> None:
    given = [{field: value for field, value in vector.items() if field != "output"} for vector in stored.read(name)]
    assert given == json.loads(json.dumps(cases())), "run scripts/velocity_vectors.py"


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
