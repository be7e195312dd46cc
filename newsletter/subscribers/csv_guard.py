"""Write CSV files in whose cells a spreadsheet finds no formulas (OWASP, "CSV Injection")."""

import csv
import re
import unicodedata
from collections.abc import Iterable
from typing import IO

# The last is the minus sign of typography, which LibreOffice reads as one.
_FORMULA_STARTS = ("=", "+", "-", "@", "\u2212")
# Excel in some languages separates cells at semicolons, so a cell can also begin after one.
_SEPARATOR = re.compile(r"([,;\t\r\n])")
_BLANK_START = re.compile(r"'*[\t\r\n]")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
# Most cells: they begin with a letter or a digit and have no separator. A million rows take minutes without.
_HARMLESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .:@_+-]*")


def write_rows(file: IO[str], rows: Iterable[Iterable[str | int]]) -> None:
    """Write rows of numbers and text; the text is never evaluated when a spreadsheet opens the file."""
    csv.writer(file).writerows(
        [cell if isinstance(cell, int) else guarded(cell) for cell in row] for row in rows
    )


def guarded(cell: str) -> str:
    """Return a cell with `'` before each part that a spreadsheet could evaluate.

    The parts are what separators divide. Spaces, quotes and invisible characters before a sign do not matter,
    and a full-width sign is one too. A plain number stays as it is.
    """
    if not cell or _HARMLESS.fullmatch(cell) or _NUMBER.fullmatch(cell):
        return cell
    text = "".join(f"'{part}" if _is_formula(part) else part for part in _SEPARATOR.split(cell))
    return f"'{text}" if _BLANK_START.match(cell) else text


def unguarded(cell: str) -> str:
    """Return the cell that `guarded` was given."""
    if "'" not in cell:
        return cell
    text = cell[1:] if cell[0] == "'" and _BLANK_START.match(cell) else cell
    parts = (part[1:] if part[:1] == "'" and _is_formula(part) else part for part in _SEPARATOR.split(text))
    return "".join(parts)


def _is_formula(part: str) -> bool:
    return unicodedata.normalize("NFKC", next(filter(_is_visible, part), "")) in _FORMULA_STARTS


def _is_visible(character: str) -> bool:
    return not (character in "\"'" or character.isspace() or unicodedata.category(character) in ("Cc", "Cf"))
