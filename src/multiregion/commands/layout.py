"""How lists and amounts look: a table where the terminal is wide enough for every cell, else two lines for each entry."""

from collections.abc import Iterable, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDTH_MAX = 10_000
KILOBYTE, MEGABYTE = 1_000, 1_000_000

Entry = tuple[Sequence[Text], Sequence[Text]]


class Fitting:
    """The table if nothing in it has to be cut or broken, else the entries one below the other. Follows a terminal that is resized."""

    def __init__(self, table: Table, entries: Iterable[Entry]) -> None:
        self._table = table
        self._entries = list(entries)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        needed = Measurement.get(console, options.update(max_width=WIDTH_MAX), self._table).maximum
        yield self._table if needed <= options.max_width else stacked(self._entries)


def stacked(entries: Sequence[Entry]) -> Group:
    """Each entry's cells, aligned with those of the others, and its details below them, indented."""
    firsts = aligned([cells for cells, _ in entries])
    lines: list[Text | Padding] = []
    for first, (_, details) in zip(firsts, entries, strict=True):
        lines += [first, *(Padding(detail, (0, 0, 0, 2), expand=False) for detail in details)]
    return Group(*lines)


def aligned(rows: Sequence[Sequence[Text]]) -> list[Text]:
    widths = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
    return [joined(row, widths) for row in rows]


def joined(cells: Sequence[Text], widths: Sequence[int]) -> Text:
    line = Text()
    for cell, width in zip(cells, widths, strict=True):
        line.append_text(cell).append(" " * (width - cell.cell_len + 2))
    line.rstrip()
    return line


def dim(*facts: str) -> Text:
    return Text(" · ".join(fact for fact in facts if fact), style="dim")


def say(console: Console, words: str, indent: int = 0) -> None:
    """A sentence, with markup: broken between words on a terminal, and left whole in a file or a pipe."""
    if console.is_terminal:
        console.print(Padding(Text.from_markup(words), (0, 0, 0, indent), expand=False))
    else:
        console.print(f"{' ' * indent}{words}", soft_wrap=True)


def counted(number: int, noun: str) -> str:
    plural = f"{noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def size_words(size: int) -> str:
    if size >= MEGABYTE:
        return f"{size / MEGABYTE:.1f} MB"
    return f"{size / KILOBYTE:.0f} kB" if size >= KILOBYTE else f"{size} bytes"
