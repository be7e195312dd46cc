"""Tables of an import for tests, and their results in one line each."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from newsletter.errors import Problem
from newsletter.subscribers.formats.options import ImportOptions
from newsletter.subscribers.formats.reader import Result, read
from newsletter.subscribers.import_row import ImportRow, KeptOut
from newsletter.subscribers.table import Record, Table
from newsletter.subscribers.table_file import open_tables

IMPORTS = Path(__file__).parent / "data" / "imports"


def table(content: str, name: str = "list.csv") -> Table:
    """Return the table of a CSV file as its reader returns it."""
    reader = csv.reader(io.StringIO(content, newline=""))
    header = next(reader)
    return Table(name, name, header, 1, _records(reader, len(header)))


def bare(content: str, name: str = "list.txt") -> Table:
    """Return the table of a list without a header."""
    lines = enumerate(content.splitlines(), 1)
    return Table(name, name, None, 1, (Record(number, [line]) for number, line in lines))


def results(source: Table, **options: Any) -> list[Result]:
    """Return the results of a table."""
    return list(read(source, ImportOptions(**options)))


def read_file(path: Path, encoding: str = "utf-8", **options: Any) -> list[Result]:
    """Return the results of all tables of a file."""
    with open_tables(path, encoding) as tables:
        return [result for table in tables for result in results(table, **options)]


def shown(source: Table, **options: Any) -> list[str]:
    """Return the results of a table in one line each, without the notes."""
    found = (_shown(result) for result in results(source, **options) if not is_note(result))
    return list(found)


def notes(source: Table, **options: Any) -> list[str]:
    """Return the notes and warnings about a table."""
    return [f"{result.severity}: {result}" for result in results(source, **options) if is_note(result)]


def is_note(result: Result) -> bool:
    """Return True for a problem that refuses no row."""
    return isinstance(result, Problem) and result.severity != "error"


def _records(reader: Any, width: int) -> Iterator[Record]:
    line = 2
    for fields in reader:
        yield Record(line, fields + [""] * (width - len(fields)))
        line = reader.line_num + 1


def _time(time: datetime | None) -> str:
    return time.isoformat().removesuffix("+00:00") if time else ""


def _shown(result: Result) -> str:
    line = result.where.rpartition(":")[2]
    match result:
        case ImportRow():
            joined, left = map(_time, (result.consent_at, result.left_at))
            state = result.state or "no state"
            since = f" since {joined}" if joined else ""
            left = f" left {left}" if left else ""
            name = f" ({result.name})" if result.name else ""
            return f"{line} {result.address.given}{name} {state}{since}{left}"
        case KeptOut():
            return f"{line} {result.address} kept out: {result.reason} {result.value}".rstrip()
    return f"{line} {result.what}"
