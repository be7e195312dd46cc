"""Write a table as plain text: in aligned columns, or row by row where it is too wide for them."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from newsletter.render.east_asian import columns
from newsletter.render.wrapping import wrap

_GAP = "  "


class Cell(NamedTuple):
    """A cell: its words, and where they stand in a column."""

    words: str
    align: str = ""  # "left", "right", "center"; "" is left


_EMPTY = Cell("")


def table_text(rows: Sequence[Sequence[Cell]], width: int) -> str:
    """Return a table of at most `width` columns of text; the first row is its head."""
    widths = [max(columns(cell.words) for cell in column) for column in zip_longest(*rows, fillvalue=_EMPTY)]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        head, *others = rows
        # A table without rows is a list of its heads.
        return "\n\n".join(filter(None, (_row_by_row(head, row, width) for row in others or [head])))
    first, *lines = (_aligned(row, widths) for row in rows)
    return "\n".join([first, _GAP.join("-" * size for size in widths), *lines])


def _aligned(row: Sequence[Cell], widths: Sequence[int]) -> str:
    cells = [*row, *[_EMPTY] * (len(widths) - len(row))]
    return _GAP.join(map(_padded, cells, widths)).rstrip()


def _padded(cell: Cell, size: int) -> str:
    space = size - columns(cell.words)
    before = {"right": space, "center": space // 2}.get(cell.align, 0)
    return " " * before + cell.words + " " * (space - before)


def _row_by_row(head: Sequence[Cell], row: Sequence[Cell], width: int) -> str:
    """Return a row as a paragraph: its first cell, then the others, each after the head of its column."""
    lines = [row[0].words]
    for name, cell in zip(head[1:], row[1:], strict=False):
        named = name.words and cell.words and name is not cell
        lines.append(f"{name.words}: {cell.words}" if named else cell.words)
    return "\n".join(wrap(line, width, prefix="  ") for line in lines if line)
