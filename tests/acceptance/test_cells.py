"""Storage fails in every state, one store or two, with the line up and cut: each cell of the table, over real processes."""

from pathlib import Path

import pytest

from tests.acceptance.cell_story import story
from tests.acceptance.cells import TABLE, Cell, cells

CELLS = list(cells())


def test_every_cell_stands_in_one_row() -> None:
    assert [str(cell) for cell in CELLS if sum(row.has(cell) for row in TABLE) != 1] == []


def test_every_row_has_cells() -> None:
    assert [row for row in TABLE if not any(row.has(cell) for cell in CELLS)] == []


@pytest.mark.long
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_cell(cell: Cell, tmp_path: Path) -> None:
    with story(cell, tmp_path) as told:
        told.begin()
        told.enter()
        told.fail()
        told.observe()
        told.mend()
        told.judge()
