"""Refuse a CSV file in which a column tells who has left."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from newsletter.display import masked, printable
from newsletter.errors import Problem, SubscriberError
from newsletter.subscribers.departure_columns import Column, DepartureColumns
from newsletter.subscribers.table import Record

_FIRST_RECORDS = 100  # are examined together, so that the error names every column that they decide
_EXAMPLES = 3


def _advice(columns: Sequence[Column]) -> str:
    """Return the advice to map a column, to ignore the columns, or to give everyone one state."""
    state, left = (shlex.quote(f"{field}={printable(columns[0].name)}") for field in ("state", "left"))
    return (
        f"if a column tells the state of each person, add --map {state}, or --map {left} if it has the time "
        f"of the departure; if everyone in the file has left, "
        f"add --as unsubscribed; if everyone in it is to get mail, add {' '.join(map(_ignored, columns))}"
    )


def refuse_departures(
    records: Iterator[Record | Problem], columns: DepartureColumns, where: str
) -> Iterator[Record | Problem]:
    """Yield the records of a file; raise SubscriberError at the first that may tell who has left.

    Raise the error before the first record if the first hundred or the names of the columns are enough.
    """
    first = list(islice(records, _FIRST_RECORDS))
    found = set(columns.certain)
    found.update(column for record in first for column in _departures(columns, record))
    if found:
        raise _has_left(sorted(found), first, where)
    for record in chain(first, records):
        if late := _departures(columns, record):
            raise _has_left(late, [record], where)
        yield record


def _departures(columns: DepartureColumns, record: Record | Problem) -> list[Column]:
    return [] if isinstance(record, Problem) else columns.departures(record.fields)


def _has_left(columns: Sequence[Column], records: Sequence[Record | Problem], where: str) -> SubscriberError:
    """Return the error for columns that tell who has left, with values of these records as examples."""
    rows = [record for record in records if not isinstance(record, Problem)]
    named = ", ".join(f"{_shown(column)}{_examples(column, rows)}" for column in columns)
    return SubscriberError(
        f"the column{'s' if len(columns) > 1 else ''} {named} may tell who has left; nothing was imported",
        _advice(columns),
        where=where,
    )


def _ignored(column: Column) -> str:
    return f"--ignore-column {shlex.quote(printable(column.name))}"


def _shown(column: Column) -> str:
    return f"`{printable(column.name)}`" if column.name else f"{column.position + 1}, which has no name,"


def _examples(column: Column, records: Iterable[Record]) -> str:
    """Return in brackets a few values of a column, with the line of the first; leave out addresses."""
    lines: dict[str, int] = {}
    is_empty = True
    for line, fields in records:
        value = fields[column.position].strip()[:300] if column.position < len(fields) else ""
        is_empty = is_empty and not value
        if value and masked(value) == value:
            lines.setdefault(printable(value, 30), line)
    if is_empty:
        return " (empty so far)"
    shown = list(lines)[:_EXAMPLES]
    return f" (line {lines[shown[0]]}: {', '.join(shown)})" if shown else ""
