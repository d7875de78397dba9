"""Every test that the guarantees name is there."""

import re
from pathlib import Path

import pytest

from tests.acceptance.expectations import lines_of_the_page

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`((?:acceptance|contract|unit|web)/[^`]+)::([^`]+)`")
PAGE = ROOT / "docs" / "guarantees.md"
STORAGE, STORAGE_END = "<!-- generated: storage -->", "<!-- end: storage -->"


def is_there(module: str, name: str) -> bool:
    if module.startswith("web/"):
        file = ROOT / "web" / "test" / module.removeprefix("web/")
        return file.is_file() and f"it('{name}'" in file.read_text()
    file = ROOT / "tests" / f"{module}.py"
    return file.is_file() and re.search(rf"^(async )?def {re.escape(name)}\(", file.read_text(), re.MULTILINE) is not None


def test_every_test_that_is_named_exists() -> None:
    named = NAMED.findall(PAGE.read_text())
    assert len(named) > 50
    assert [f"{module}::{name}" for module, name in named if not is_there(module, name)] == []


@pytest.mark.parametrize(
    ("module", "name"),
    [("unit/test_guarantees", "test_nothing"), ("unit/test_nowhere", "test_x"), ("web/connection.test.ts", "no such test")],
)
def test_one_that_does_not_exist_is_found(module: str, name: str) -> None:
    assert not is_there(module, name)


def test_every_row_of_the_tables_of_hazards_names_a_test() -> None:
    text = PAGE.read_text()
    tables = text[text.index("## What each mode promises") : text.index("## What you see when it says no")]
    tables = tables[: tables.index(STORAGE)] + tables[tables.index(STORAGE_END) :]  # the table of cells, see below
    rows = [line for line in tables.splitlines() if line.startswith("| ") and not line.endswith("| shown by |")]
    assert len(rows) > 30
    assert [row for row in rows if not NAMED.search(row)] == []


def told_of_storage(page: str) -> list[list[str]]:
    """The lines of the table of cells, without its head."""
    table = page[page.index(STORAGE) : page.index(STORAGE_END)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("| ")][2:]


def test_the_page_tells_what_is_tried_of_storage_that_fails() -> None:
    assert told_of_storage(PAGE.read_text()) == [[str(cell) for cell in line] for line in lines_of_the_page()]


def test_a_page_that_tells_something_else_is_found() -> None:
    page = PAGE.read_text()
    told = told_of_storage(page)
    first = f"| {told[0][0]} | {told[0][1]} | "
    assert told_of_storage(page.replace(first, f"{first}not ")) != told
    assert told_of_storage(page.replace(f"{first}{told[0][2]} |", "")) != told
