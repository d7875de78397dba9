"""The list of what the deployed template lacks is short, and each of its lines is true of some test."""

from pathlib import Path

import pytest

from tests.contract.worlds import DEPLOYED, EMBEDDED, LACKING, Ability, worlds_for

TESTS = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))


@pytest.mark.parametrize("ability", Ability)
def test_each_difference_is_one_that_a_test_knows(ability: Ability) -> None:
    assert f"Ability.{ability.name}" in TESTS


def test_a_test_without_needs_runs_in_every_world() -> None:
    assert worlds_for(frozenset()) == [EMBEDDED, DEPLOYED]
    assert worlds_for(frozenset({Ability.DECODING})) == [EMBEDDED]
    assert LACKING[EMBEDDED] == frozenset()
