"""Write CSV files in which a spreadsheet finds no formula."""

import csv
from collections.abc import Iterable
from typing import IO

from newsletter.csv_guard import guarded


def write_rows(file: IO[str], rows: Iterable[Iterable[str | int]]) -> None:
    """Write rows of numbers and text; the text is never evaluated when a spreadsheet opens the file."""
    csv.writer(file).writerows(
        [cell if isinstance(cell, int) else guarded(cell) for cell in row] for row in rows
    )
