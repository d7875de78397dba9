"""The list of what the deployed template lacks is short, and each of its lines is true of some test."""

from pathlib import Path

import pytest

from tests.contract.worlds import DEPLOYED, EMBEDDED, LACKING, Ability, worlds_for

PAGE = Path(__file__).resolve().parents[2] / "docs" / "deploy-aws.md"
TESTS = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))


@pytest.mark.parametrize("ability", Ability)
def test_each_difference_is_one_that_a_test_knows(ability: Ability) -> None:
    assert f"Ability.{ability.name}" in TESTS


def told(page: str) -> dict[str, str]:
    """The differences that the page for operators lists, by name."""
    table = page.partition("| a region of this package … |")[2].lstrip("\n").partition("\n\n")[0]
    return dict([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:])


def test_operators_are_told_exactly_these_differences() -> None:
    page = PAGE.read_text()
    assert told(page) == {each.name.lower(): each.value for each in Ability}
    assert told(page.replace("| methods |", "| other |")) != told(page)
    assert "(engines.md)" in page and "(deploy-aws.md)" in PAGE.with_name("engines.md").read_text()


def test_a_test_without_needs_runs_in_every_world() -> None:
    assert worlds_for(frozenset()) == [EMBEDDED, DEPLOYED]
    assert worlds_for(frozenset({Ability.DECODING})) == [EMBEDDED]
    assert LACKING[EMBEDDED] == frozenset()
