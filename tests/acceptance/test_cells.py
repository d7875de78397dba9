"""Storage fails in every state, one store or two, with the line up and cut: each cell of the table, over real processes."""

from pathlib import Path

import pytest

from tests.acceptance.cell_story import story
from tests.acceptance.cells import Cell, cells
from tests.acceptance.expectations import TABLE

CELLS = list(cells())


def test_every_cell_stands_in_one_row() -> None:
    assert [str(cell) for cell in CELLS if sum(row.has(cell) for row in TABLE) != 1] == []


def test_every_row_has_cells() -> None:
    assert [row for row in TABLE if not any(row.has(cell) for cell in CELLS)] == []


EVERY_RUN = (
    "primary-lost-active-line-up",
    "primary-old-copy-active-line-cut",
    "primary-damaged-active-line-up",
    "primary-slow-active-line-up",
    "primary-full-automatic-line-up",
    "secondary-full-writable-failover-line-up",
    "authority-failing-active-line-up",
    "authority-old-copy-automatic-line-up",
    "primary-lost+secondary-lost-active-line-up",
    "primary-old-copy+secondary-old-copy-fenced-line-cut",
    "primary-failing+secondary-failing-automatic-line-up",
    "primary-lost+authority-lost-active-line-up",
)
"""Those that differ most; the others take too long for every run."""


def test_the_cells_of_every_run_exist() -> None:
    assert set(EVERY_RUN) <= {str(cell) for cell in CELLS}


@pytest.mark.parametrize("cell", [cell for cell in CELLS if str(cell) in EVERY_RUN], ids=str)
def test_a_cell_of_every_run(cell: Cell, tmp_path: Path) -> None:
    try_cell(cell, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("cell", [cell for cell in CELLS if str(cell) not in EVERY_RUN], ids=str)
def test_a_cell(cell: Cell, tmp_path: Path) -> None:
    try_cell(cell, tmp_path)


def try_cell(cell: Cell, folder: Path) -> None:
    with story(cell, folder) as told:
        told.begin()
        told.enter()
        told.fail()
        told.observe()
        told.mend()
        told.judge()
