"""Read the rows of a table: recognise its tool, or judge its columns by their names and values."""

from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice

from newsletter.constants import DEPARTED_STATES
from newsletter.display import printable
from newsletter.errors import Problem, SubscriberError
from newsletter.subscribers.departure_columns import DepartureColumns, is_suppression_list
from newsletter.subscribers.departures import refuse_departures
from newsletter.subscribers.formats.address_rows import read_addresses
from newsletter.subscribers.formats.headings import refuse_headings
from newsletter.subscribers.formats.layout import (
    Layout,
    layout_of,
    layout_of_list,
    positions_of,
    with_mapped,
)
from newsletter.subscribers.formats.model import Format
from newsletter.subscribers.formats.options import ImportOptions
from newsletter.subscribers.formats.recognition import recognise
from newsletter.subscribers.formats.rows import RowMapper
from newsletter.subscribers.import_row import ImportRow, KeptOut
from newsletter.subscribers.table import Record, Table
from newsletter.subscribers.words import column_key

_FIRST_RECORDS = 100  # decide between tools whose columns are a guess
_AS_STATE = f"add {', or '.join(f'--as {state}' for state in DEPARTED_STATES)}"

Result = ImportRow | KeptOut | Problem


def read(table: Table, options: ImportOptions) -> Iterator[Result]:
    """Yield the rows of a table in order, and a Problem for each invalid row, and for what is left out.

    The first is a note with the tool that wrote the table, if it is known. Raise SubscriberError if the table
    cannot be understood: no addresses, a column that may tell who has left, dates whose order is not known.
    """
    first = list(islice(table.records, _FIRST_RECORDS))
    rows = [record.fields for record in first if not isinstance(record, Problem)]
    records: Iterator[Record | Problem] = chain(first, table.records)
    if table.header is None:
        if rows:  # an archive may have an empty file
            yield _note_without_header(table, options)
        yield from read_addresses(records, table.shown, options.as_state or "active")
        return
    found = recognise(table.header, (), table.name, rows)
    if found is not None and found.is_skipped:
        what = f"the file is an export of {found.title}: it lists no subscribers, and is not imported"
        yield Problem(table.shown, what, severity="note")
        yield from (record for record in first if isinstance(record, Problem))
        return
    where = f"{table.shown}:{table.header_line}"
    ignored = _ignored_positions(table.header, options, where)
    if ignored and found is not None:
        found = _chosen(found, table, ignored, rows, where)
    layout = _layout(table.header, rows, found, options, where)
    _refuse_ignored(layout, ignored, table.header, where)
    _refuse_suppression_list(table, layout.tells_state, options)
    if found is None and not ignored and not options.as_state:
        _refuse_unsubscribes(table.header, where)
    yield from _notes(table, found, layout, ignored, where)
    if not options.as_state:
        records = refuse_headings(records, table.header, layout.address, table.shown)
        explained = (layout.imported - layout.judged - layout.guessed) | layout.described | ignored
        columns = DepartureColumns(table.header, explained)
        records = refuse_departures(records, columns, where)
    yield from _mapped(records, RowMapper(layout, table.header, table.shown, options))


def _note_without_header(table: Table, options: ImportOptions) -> Problem:
    if options.mapped or options.ignored:
        what = "the file has no header, so no option can name its columns"
        raise SubscriberError(what, "write a first line with the names of the columns", where=table.shown)
    _refuse_suppression_list(table, False, options)
    return Problem(table.shown, "the file has no header: it is read as a list of addresses", severity="note")


def _chosen(
    found: Format, table: Table, ignored: Collection[int], rows: Sequence[list[str]], where: str
) -> Format | None:
    """Return the format of a table in which columns are ignored: a guess can be escaped so.

    Raise SubscriberError if one of them is imported from the export of this tool.
    """
    header = table.header or []
    if not found.is_guess:
        _refuse_ignored(layout_of(found, header, where), ignored, header, where)
    return recognise(header, ignored, table.name, rows)


def _layout(
    header: list[str], rows: Sequence[list[str]], found: Format | None, options: ImportOptions, where: str
) -> Layout:
    if found is not None and found.unclear and not options.as_state:
        what = f"the file is an export of {found.tool}; {found.unclear}"
        raise SubscriberError(what, _AS_STATE, where=where)
    layout = layout_of(found, header, where) if found else layout_of_list(header, rows, options, where)
    return with_mapped(layout, header, options, where)


def _mapped(records: Iterator[Record | Problem], mapper: RowMapper) -> Iterator[Result]:
    for record in records:
        if isinstance(record, Problem):
            yield record
        elif row := mapper.row(record):
            if mapper.unread:
                yield from mapper.unread
                mapper.unread.clear()
            yield row


def _refuse_suppression_list(table: Table, tells_state: bool, options: ImportOptions) -> None:
    """Raise SubscriberError for a file, or a file of an archive or folder, whose name tells its state."""
    if tells_state or options.as_state:
        return
    named = next(filter(is_suppression_list, (table.name, *table.folders)), None)
    if named is None:
        return
    name = "its name" if named is table.name else f"the name `{printable(named, 100)}`"
    what = f"by {name}, the file lists people who have left or never confirmed; nothing was imported"
    hint = f"{_AS_STATE}; if everyone in it is to get mail, rename it"
    if table.folders:
        hint = f"unpack the archive, and name this file alone: {hint}"
    raise SubscriberError(what, hint, where=table.shown)


def _refuse_unsubscribes(header: Sequence[str], where: str) -> None:
    """Raise SubscriberError for the columns of a file of unsubscribes, which may have any name."""
    if sorted(map(column_key, header)) == ["created", "email"]:
        what = "by its columns, the file may be a list of SendGrid's unsubscribes; nothing was imported"
        hint = f"{_AS_STATE}; if everyone in it is to get mail, add --ignore-column created"
        raise SubscriberError(what, hint, where=where)


def _ignored_positions(header: Sequence[str], options: ImportOptions, where: str) -> frozenset[int]:
    keys = [column_key(name) for name in header]
    return frozenset(
        position for name in options.ignored for position in positions_of(name, keys, header, where)
    )


def _refuse_ignored(layout: Layout, ignored: Collection[int], header: Sequence[str], where: str) -> None:
    if both := sorted(layout.imported.intersection(ignored)):
        what = f"the column `{printable(header[both[0]].strip())}` is imported, so it cannot be ignored"
        raise SubscriberError(what, "ignore a column that tells who has left", where=where)


def _notes(
    table: Table, found: Format | None, layout: Layout, ignored: Collection[int], where: str
) -> Iterator[Problem]:
    """Yield the tool, what its export does not tell, and the columns that are not imported."""
    if found is not None:
        yield Problem(table.shown, f"the file is an export of {found.title}", severity="note")
        if found.note:
            yield Problem(table.shown, found.note, severity="note")
    for position, name in enumerate(table.header or ()):
        if position in ignored or position not in layout.imported | layout.described:
            what = f"the column `{printable(name.strip())}` is not imported"
            yield Problem(where, what, severity="note")
