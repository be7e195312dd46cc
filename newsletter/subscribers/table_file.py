"""Open a file of subscribers as tables: CSV, a list of addresses, a zip archive of such files, or a pipe."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from newsletter.disk import reading
from newsletter.disk.boundary import UnsafeFile
from newsletter.disk.failures import cannot_be
from newsletter.display import display_path, printable
from newsletter.errors import Problem, SubscriberError
from newsletter.subscribers import address_list, csv_records, text_lines, zip_archive
from newsletter.subscribers.csv_records import CsvRecords
from newsletter.subscribers.table import Table

_DELIMITERS = ",;\t|"
_SEPARATOR = re.compile(r'"?sep=(?P<delimiter>.)"?[,;\t| ]*\Z', re.IGNORECASE)
_MAX_HEADER_LINES = 50
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # of Microsoft's Compound File Binary Format
_MAX_COLUMNS = 1_000  # short rows get a field for each column
_SAVE_HINT = "save the list as a file, and name that file"
_HEADER_HINT = "write a first line `address,name`"


@contextmanager
def open_tables(path: Path, encoding: str = "utf-8") -> Iterator[Iterator[Table]]:
    """Open the tables of a file that a user names: one, or one for each CSV or text file of a zip archive.

    Read the records of a table before the next one is asked for; they are not held in memory. Raise
    SubscriberError, also while records are read, if the file cannot be read as a whole.
    """
    shown = display_path(path)
    with ExitStack() as stack:
        try:
            file = stack.enter_context(reading.open_named(path))
            start = file.read(text_lines.START_BYTES)
        except UnsafeFile as failure:
            raise SubscriberError(failure.reason, _SAVE_HINT, where=shown) from failure
        except OSError as failure:
            hint = "check its name and its permissions"
            raise SubscriberError(cannot_be("read", failure), hint, where=shown) from failure
        if start.startswith(zip_archive.MAGIC):
            yield _archive_tables(file, path.name, shown, encoding)
        else:
            yield iter([_table(start, file, shown, path.name, encoding)])


def _archive_tables(file: io.BufferedReader, archive_name: str, shown: str, encoding: str) -> Iterator[Table]:
    """Yield a table for each list of an archive; the first records are notes about what is left out."""
    archive, lists, note = zip_archive.read_directory(file, shown)
    notes = [Problem(shown, note, severity="note")] if note else []
    for entry in lists:
        where = f"{shown}/{printable(entry.filename, 200)}"
        member = zip_archive.Member(archive, entry, where)
        *folders, name = entry.filename.split("/")
        table = _member_table(member, where, name, encoding)
        records = chain(notes, table.records) if notes else table.records
        yield replace(table, records=records, folders=(archive_name, *folders))
        notes = []


def _member_table(member: zip_archive.Member, shown: str, name: str, encoding: str) -> Table:
    """Return the table of a file in an archive; for an empty file, one with a note about it."""
    start = member.read(text_lines.START_BYTES)
    if start.startswith(zip_archive.MAGIC):
        what = "the file in the archive is an archive or a workbook itself"
        raise SubscriberError(what, "unpack the archive, and name the CSV files in it", where=shown)
    try:
        return _table(start, member, shown, name, encoding)
    except _EmptyFile as empty:
        note = Problem(shown, empty.what, severity="note")
        return Table(shown, name, None, 1, iter([note]))


class _EmptyFile(SubscriberError):
    """The error for a file without a line that is not blank."""


def _table(start: bytes, rest: io.BufferedIOBase, shown: str, name: str, encoding: str) -> Table:
    """Return the table of a stream; `start` was read from it before."""
    if start == _OLD_WORKBOOK:
        raise SubscriberError("the file is an Excel workbook", "save it as CSV", where=shown)
    lines = text_lines.lines(start, rest, shown, encoding)
    number, first = _first_line(lines, 1, shown)
    delimiter = ""
    if separator := _SEPARATOR.match(first.rstrip("\r\n")):
        delimiter = _known(separator["delimiter"], f"{shown}:{number}")
        number, first = _first_line(lines, number + 1, shown)
    where = f"{shown}:{number}"
    if "\0" in first:
        hint = "save it as UTF-8 text; if it is UTF-16, add --encoding utf-16-le"
        raise SubscriberError("the file has NUL characters, so it is not text", hint, where=where)
    if "@" in first:
        if not address_list.is_list(first):
            raise SubscriberError("the file has no header", _HEADER_HINT, where=where)
        return Table(shown, name, None, number, address_list.records(chain([first], lines), number))
    taken = _header_lines(first, lines)
    header, delimiter, used = _header(taken, delimiter or _DELIMITERS, where)
    if len(header) > _MAX_COLUMNS:
        what = f"the header has {len(header):,} columns, more than {_MAX_COLUMNS:,}"
        raise SubscriberError(what, "delete the columns that are not to be imported", where=where)
    records = CsvRecords(chain(taken[used:], lines), delimiter, len(header), shown, number + used)
    return Table(shown, name, header, number, iter(records))


def _first_line(lines: Iterator[str], number: int, shown: str) -> tuple[int, str]:
    """Return the next line that has more than blanks and delimiters; `number` is that of the next line."""
    for found, line in enumerate(lines, number):
        line = line.lstrip("\ufeff")  # some programs write a second byte order mark
        if line.strip().strip(_DELIMITERS + " "):
            return found, line
    raise _EmptyFile("the file is empty", _HEADER_HINT, where=shown)


def _known(delimiter: str, where: str) -> str:
    if delimiter not in _DELIMITERS:
        what = f"the delimiter `{printable(delimiter)}` is not supported"
        raise SubscriberError(what, "use a comma, a semicolon, a tab or |", where=where)
    return delimiter


def _header_lines(first: str, lines: Iterator[str]) -> list[str]:
    """Return the first line, and those after it that a name of several lines may need."""
    taken = [first]
    if first.count('"') % 2:
        for line in islice(lines, _MAX_HEADER_LINES):
            taken.append(line)
            if line.count('"') % 2 or sum(map(len, taken)) > text_lines.MAX_LINE_CHARACTERS:
                break
    return taken


def _header(lines: list[str], delimiters: str, where: str) -> tuple[list[str], str, int]:
    """Return the columns' names, the delimiter that makes most of them, and the number of lines read."""
    found = list[tuple[list[str], str, int]]()
    failure: csv.Error | None = None
    for delimiter in delimiters:
        rows = csv_records.reader(lines, delimiter)
        try:
            found.append((list(map(str.strip, next(rows))), delimiter, rows.line_num))
        except csv.Error as error:
            failure = failure or error
    best = max(found, key=lambda names: len(names[0]), default=None)
    if best is None or (failure and len(best[0]) == 1):  # that delimiter is not in the header
        raise SubscriberError(f"the header is not CSV ({failure})", _HEADER_HINT, where=where) from failure
    return best
