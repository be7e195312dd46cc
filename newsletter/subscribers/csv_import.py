"""Read subscribers from a CSV file, line by line; report each invalid line as a Problem."""

import codecs
import csv
import io
import logging
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import AnyStr

from newsletter.disk import reading
from newsletter.disk.boundary import UnsafeFile
from newsletter.disk.failures import cannot_be
from newsletter.display import counted, display_path, printable
from newsletter.errors import Problem, SubscriberError
from newsletter.subscribers.address import Address
from newsletter.subscribers.departures import Record, refuse_departures
from newsletter.subscribers.parsing import parse_subscriber
from newsletter.subscribers.state_columns import StateColumns, is_suppression_list

log = logging.getLogger(__name__)

_ADDRESS_COLUMNS = ("address", "email", "e-mail", "email address", "e-mail address", "mail")
_DELIMITERS = ",;\t"
_PROTECTED = re.compile("'[=+@\u2212-]")
_MAX_LINE = 1_000_000
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Row:
    """A valid row: a subscriber's address and name; `where` is its `file:line`."""

    where: str
    address: Address
    name: str


def read(path: Path, encoding: str = "utf-8", ignored: Collection[str] = ()) -> Iterator[Row | Problem]:
    """Yield the rows of a file in order, and a Problem for each invalid line and each column not imported.

    The delimiter (comma, semicolon or tab) is the most frequent one in the header. Raise SubscriberError if
    the whole file cannot be read (no header, another encoding, a quote that is not closed), or if a column,
    even in the last row, tells who has left; `ignored` are the names of columns that are not examined for it.
    """
    shown = display_path(path)
    if is_suppression_list(path.stem):
        what = "by its name, the file lists people who have left; nothing was imported"
        raise SubscriberError(what, "if everyone in it is to get mail, rename it", where=shown)
    lines = _lines(path, shown, encoding)
    first = next((line for line in lines if line.text.strip()), None)
    if first is None:
        raise SubscriberError("the file is empty", "write a first line `address,name`", where=shown)
    delimiter = max(_DELIMITERS, key=first.text.count)
    log.debug("CSV file opened", extra={"file": shown, "encoding": encoding, "delimiter": delimiter})
    where = f"{shown}:{first.number}"
    header = _header(first, delimiter, where)
    columns = _columns(header, where)
    skipped = _ignored_columns(header, columns, ignored, where)
    yield from _report_skipped_columns(header, columns, where)
    records = _records(lines, delimiter, shown, first.number)
    states = StateColumns(header, {*columns, *skipped})
    for number, fields in refuse_departures(records, states, len(header), where):
        if any(field.strip() for field in fields):
            yield _row(f"{shown}:{number}", fields, header, columns)


def _header(first: "_Line", delimiter: str, where: str) -> list[str]:
    try:
        return next(csv.reader([first.text], delimiter=delimiter, skipinitialspace=True))
    except csv.Error as problem:
        hint = "write a first line `address,name`"
        raise SubscriberError(f"the line is not CSV ({problem})", hint, where=where) from problem


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str


def _lines(path: Path, shown: str, encoding: str) -> Iterator[_Line]:
    try:
        with reading.open_regular(path) as file:
            start = file.read(2)
            if start == b"PK":
                raise SubscriberError("the file is an Excel workbook", "save it as CSV", where=shown)
            if start in _UTF16_BOMS:
                file.seek(0)
                text = io.TextIOWrapper(file, encoding="utf-16", newline="\n")
                for number, line in enumerate(iter(partial(text.readline, _MAX_LINE), ""), 1):
                    yield _Line(number, _whole(line, "\n", f"{shown}:{number}"))
                return
            file.seek(0)
            for number, raw in enumerate(iter(partial(file.readline, _MAX_LINE), b""), 1):
                where = f"{shown}:{number}"
                line = _decode(_whole(raw, b"\n", where), where, encoding, first=number == 1)
                yield _Line(number, line)
    except OSError as failure:
        is_special = isinstance(failure, UnsafeFile)
        hint = "save the list as a file, and name that file" if is_special else "check its name"
        raise SubscriberError(cannot_be("read", failure), hint, where=shown) from failure
    except UnicodeError as failure:
        raise SubscriberError("the file is not UTF-16 text", "save it as UTF-8", where=shown) from failure


def _whole(line: AnyStr, end: AnyStr, where: str) -> AnyStr:
    """Return the line; raise SubscriberError if it is a part of a longer one, which memory may not hold."""
    if len(line) == _MAX_LINE and not line.endswith(end):
        what = f"the line is longer than {_MAX_LINE:,} characters, so the file is not a list of subscribers"
        raise SubscriberError(what, "name a CSV file with one subscriber per line", where=where)
    return line


def _decode(raw: bytes, where: str, encoding: str, *, first: bool) -> str:
    try:
        utf8 = codecs.lookup(encoding).name == "utf-8"
        text = raw.decode("utf-8-sig" if first and utf8 else encoding)
        if "\r" in text.rstrip("\r\n"):
            raise SubscriberError(
                "the line has a CR without LF", "save the file with LF or CR LF line endings", where=where
            )
        return text
    except UnicodeError as failure:
        hint = "save the file as UTF-8, or name its encoding: --encoding cp1252"
        raise SubscriberError(f"the line is not {encoding} text", hint, where=where) from failure
    except LookupError as failure:
        raise SubscriberError(f"the encoding {encoding} is unknown", "try utf-8 or cp1252") from failure


def _columns(header: list[str], where: str) -> tuple[int, int | None]:
    names = [_comparable(name) for name in header]
    address_column = next((names.index(name) for name in _ADDRESS_COLUMNS if name in names), None)
    if address_column is None:
        if "@" in "".join(names):
            raise SubscriberError("the file has no header", "write a first line `address,name`", where=where)
        fix = f"rename the column with the addresses to `address`; the columns are {', '.join(header)[:300]}"
        raise SubscriberError("the header has no column `address`", fix, where=where)
    return address_column, names.index("name") if "name" in names else None


def _ignored_columns(
    header: list[str], columns: tuple[int, int | None], ignored: Collection[str], where: str
) -> set[int]:
    """Return the positions of the columns that `--ignore-column` names; raise SubscriberError for another."""
    names = [_comparable(name) for name in header]
    for name in map(_comparable, ignored):
        if name not in names:
            hint = f"its columns: {', '.join(printable(column.strip()) for column in header)}"
            raise SubscriberError(f"the header has no column `{printable(name)}`", hint, where=where)
        if names.index(name) in columns:
            what = f"the column `{printable(name)}` is imported, so it cannot be ignored"
            raise SubscriberError(what, "ignore a column that tells who has left", where=where)
    return {n for n, name in enumerate(names) if name in set(map(_comparable, ignored))}


def _comparable(name: str) -> str:
    return name.strip().lower()


def _report_skipped_columns(
    header: list[str], columns: tuple[int, int | None], where: str
) -> Iterator[Problem]:
    for index, name in enumerate(header):
        if index not in columns:
            yield Problem(where, f"the column `{printable(name.strip())}` is not imported", severity="note")


def _records(lines: Iterator[_Line], delimiter: str, shown: str, header_line: int) -> Iterator[Record]:
    reader = csv.reader(
        (line.text for line in lines), delimiter=delimiter, strict=True, skipinitialspace=True
    )
    while True:
        number = header_line + reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            hint = "look for a quote that is not closed"
            raise SubscriberError(
                f"the line is not CSV ({problem})", hint, where=f"{shown}:{number}"
            ) from problem
        yield number, fields


def _row(where: str, fields: list[str], header: list[str], columns: tuple[int, int | None]) -> Row | Problem:
    if len(fields) != len(header):
        what = f"the line has {counted(len(fields), 'field')}, the header has {len(header)}"
        return Problem(where, what, "put a field that contains a separator in quotes")
    address_column, name_column = columns
    try:
        name = fields[name_column] if name_column is not None else ""
        return Row(where, *parse_subscriber(_unprotected(fields[address_column]), _unprotected(name)))
    except SubscriberError as problem:
        return Problem(where, problem.what, problem.hint)


def _unprotected(cell: str) -> str:
    """Return a cell without the `'` that protects a spreadsheet from the formula after it (`csv_output`)."""
    return cell[1:] if _PROTECTED.match(cell) else cell
