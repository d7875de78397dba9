"""Every planted bug has exactly one place to be planted in, and a test that is there to notice it."""

import ast
from functools import cache

import pytest

from tests.planted.mutants import MUTANTS, ROOT, Mutant

FAST = ("tests/unit/", "tests/contract/", "tests/simulation/", "tests/infra/")


@cache
def nodes_in(file: str) -> set[str]:
    """The node ids of a file's tests, without parameters."""
    found = set()
    for node in ast.parse((ROOT / file).read_text()).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        owner = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {f"{file}::{owner}{each.name}" for each in inside if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    return found


def objections(mutant: Mutant) -> str:
    """What keeps a planted bug from being one, if anything does."""
    try:
        ast.parse(mutant.planted_in(mutant.source.read_text()))
    except (OSError, ValueError, SyntaxError) as error:
        return f"{type(error).__name__}: {error}"
    if not mutant.test.startswith(FAST):
        return f"{mutant} is not noticed by a fast test"
    if mutant.test.partition("[")[0] not in nodes_in(mutant.test.partition("::")[0]):
        return f"there is no test {mutant.test}"
    return "" if mutant.old != mutant.new else f"{mutant} changes nothing"


def test_every_bug_can_be_planted_and_has_its_test() -> None:
    assert [found for mutant in MUTANTS if (found := objections(mutant))] == []


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        ({"old": "return", "new": "yield"}, "places for"),
        ({"old": "nowhere in it"}, "0 places"),
        ({"file": "nowhere.py"}, "FileNotFoundError"),
        ({"new": "if"}, "SyntaxError"),
        ({"test": "tests/acceptance/test_up.py::test_x"}, "not noticed by a fast test"),
        ({"test": "tests/unit/test_planted.py::test_x"}, "no test"),
    ],
)
def test_a_bug_that_cannot_be_planted_is_found(change: dict[str, str], objection: str) -> None:
    good = Mutant(
        "x", "errors.py", "class Fenced(", "class Unfenced(", "tests/unit/test_planted.py::test_a_bug_that_cannot_be_planted_is_found"
    )
    assert objections(good) == ""
    assert objection in objections(good._replace(**change))
