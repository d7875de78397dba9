"""The page on AWS says of the template what is true, and of what nobody has seen how to see it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from multiregion.cloud.failure import advice
from multiregion.cloud.fixed import FIXED
from multiregion.cloud.regions import SUPPORTED
from multiregion.config import REGION_LABELS
from tests.infra.template import hub

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "deploy-aws.md").read_text()


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    return re.split(r"^#+ ", PAGE.partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(title: str) -> Iterator[list[str]]:
    """The rows of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    yield from ([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:])


def test_what_is_not_verified_has_a_way_to_see_it_and_what_one_should_see() -> None:
    found = list(rows("What is not verified"))
    assert len(found) > 20
    assert [row for row in found if len(row) != 3 or not all(row)] == []
    shown = [
        row
        for row in found
        if "`" in row[1] or "the same" in row[1] or re.search(r"\b(load|sign in|add|change|write|in the console)\b", row[1])
    ]
    assert [row[0] for row in found if row not in shown] == []


def test_the_guides_nine_steps_are_there() -> None:
    assert re.findall(r"^(\d)\. ", section("From the console"), re.MULTILINE) == [str(number) for number in range(1, 10)]


def test_every_parameter_is_described_and_no_other() -> None:
    described = [name for row in rows("From the console") for name in re.split(r", ", row[0])]
    assert sorted(described) == sorted(hub()["Parameters"])


def test_what_cannot_be_changed_is_what_the_command_refuses() -> None:
    assert {name for row in rows("What cannot be changed") for name in re.split(r", ", row[0])} == set(FIXED)


def test_the_regions_are_those_that_the_command_takes() -> None:
    named = {label for label in map(REGION_LABELS.get, SUPPORTED) if label}
    assert [label for label in named if label not in section("Regions")] == []
    assert len(SUPPORTED) == 17 and "seventeen" in section("Regions")


@pytest.mark.parametrize("row", list(rows("What a new account may refuse"))[:-1], ids=lambda row: row[0][:40])
def test_what_a_new_account_may_refuse_is_explained_by_the_command_as_well(row: list[str]) -> None:
    assert any(word in advice(row[0]) for word in ("AWS Support", "signing up", "organisation"))
