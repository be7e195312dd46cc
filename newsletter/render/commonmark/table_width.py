"""Estimate the width of tables on a phone."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from markdown_it.token import Token

from newsletter.render.commonmark.picture_tokens import asked_width
from newsletter.render.pictures import MAX_WIDTH
from newsletter.render.wrapping import widest_piece

PHONE_WIDTH = 280
"""The width of the text on a phone of 320 pixels, in pixels."""
# A column of text of 14 pixels, as wide as in common fonts, and the padding of a cell.
_COLUMN_PIXELS, _PADDING = 8, 12


class TableWidth(NamedTuple):
    """A table: its opening token, and the widest word or picture of each column, in pixels."""

    opening: Token
    widths: list[int]

    @property
    def phone_width(self) -> int:
        """Return the width in pixels below which a word would be broken."""
        return sum(width + _PADDING for width in self.widths)


def tables_in(tokens: Iterable[Token]) -> Iterator[TableWidth]:
    """Yield the tables among the tokens of a passage."""
    table: TableWidth | None = None
    column = 0
    for token in tokens:
        match token.type:
            case "table_open":
                table = TableWidth(token, [])
            case "tr_open":
                column = 0
            case "inline" if table:
                table.widths.extend([0] * (column + 1 - len(table.widths)))
                table.widths[column] = max(table.widths[column], _width(token.children or []))
                column += 1
            case "table_close" if table:
                yield table
                table = None


def _width(cell: list[Token]) -> int:
    """Return the width of the widest word or picture of a cell; a line may also end after a hyphen."""
    pictures = [asked_width(child) or MAX_WIDTH for child in cell if child.type == "image"]
    shown = (" " if child.type in ("softbreak", "image") else child.content for child in cell)
    return max(_COLUMN_PIXELS * widest_piece("".join(shown).replace("-", "- ")), *pictures, 0)
