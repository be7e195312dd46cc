"""Read the records of a CSV file; leave out those with malformed quotes, not the file."""

import csv
from _csv import Reader
from collections.abc import Iterable, Iterator

from newsletter.display import counted
from newsletter.errors import Problem
from newsletter.subscribers.table import Record
from newsletter.subscribers.text_lines import MAX_LINE_CHARACTERS

MAX_RECORD_LINES = 1_000
"""The lines of a record: a quote that is not closed would go on to the end of the file."""
_QUOTES = 'write a quote inside a field as two quotes (""), and nothing between a quote and a delimiter'
_END = "unexpected end of data"  # as the csv module words it
_CLOSE = "close the quote, or delete it"


def reader(lines: Iterable[str], delimiter: str) -> Reader:
    """Return a reader of CSV that raises csv.Error for malformed quotes."""
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)


class _Lines:
    """The lines of a file, of which the last can be read again; `record` has those of the current record."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.record: list[str] = []
        self._lines = lines
        self._again: list[str] = []
        self._characters = 0

    def __iter__(self) -> Iterator[str]:
        """Yield the lines from the current one on; raise csv.Error if they are too many for a record."""
        record, again = self.record, self._again
        while again:
            record.append(again.pop())
            yield record[-1]
        for line in self._lines:
            record.append(line)
            if len(record) > 1:
                self._refuse_long_record()
            yield line

    def take_record(self) -> list[str]:
        """Return the lines of the current record, and start another one."""
        lines = self.record.copy()
        self.record.clear()
        self._characters = 0
        return lines

    def read_again(self, line: str) -> None:
        self._again.append(line)

    def _refuse_long_record(self) -> None:
        self._characters += len(self.record[-1])
        if len(self.record) > MAX_RECORD_LINES or self._characters > MAX_LINE_CHARACTERS:
            raise csv.Error("a quote is not closed")


class CsvRecords:
    """The records of a CSV file below its header, which has `width` columns.

    A quote that is not closed makes a record of many lines. Such a record is left out up to the first line
    that is a row by itself, with as many fields as the header or as an earlier row. Each line is read four
    times at most, so that the time is in proportion to the length of the file.
    """

    def __init__(self, lines: Iterator[str], delimiter: str, width: int, shown: str, first: int) -> None:
        """Take the lines from number `first` on."""
        self._lines = _Lines(lines)
        self._delimiter = delimiter
        self._width = width
        self._widths = {width}
        self._shown = shown
        self._number = first

    def __iter__(self) -> Iterator[Record | Problem]:
        while True:
            try:
                yield from self._rows()
                return
            except csv.Error as failure:
                reason = str(failure)
            yield from self._recovered(reason)

    def _rows(self) -> Iterator[Record | Problem]:
        """Yield the rows up to the first malformed quote, for which csv.Error is raised."""
        taken, width = self._lines.record, self._width
        for row in reader(self._lines, self._delimiter):
            fields = list(map(str.strip, row))
            if len(taken) > 1:
                yield from self._several_lines(fields)
                continue
            taken.clear()
            number = self._number
            self._number = number + 1
            if len(fields) != width:
                yield from self._row(number, fields)
            elif any(fields):
                yield Record(number, fields)

    def _row(self, number: int, fields: list[str]) -> Iterator[Record | Problem]:
        """Yield a row of any width; nothing if it is blank."""
        fields = self._without_blank_ends(fields)
        if not any(fields):
            return
        if len(fields) > self._width:
            what = f"the line has {counted(len(fields), 'field')}, the header has {self._width}"
            yield self._problem(number, what, "put a field that contains a delimiter in quotes")
            return
        if len(fields) > 1:
            self._widths.add(len(fields))
        yield Record(number, fields + [""] * (self._width - len(fields)))

    def _without_blank_ends(self, fields: list[str]) -> list[str]:
        """Return fields without those after the last column, if all of these are blank."""
        return fields if any(fields[self._width :]) else fields[: self._width]

    def _several_lines(self, fields: list[str]) -> Iterator[Record | Problem]:
        """Yield a record of several lines, unless another width shows that a quote was closed by chance."""
        lines = self._lines.take_record()
        if len(self._without_blank_ends(fields)) != self._width:
            rows = [self._alone(line) for line in lines]
            if start := self._first_row(rows):
                yield from self._resumed(rows, start)
                return
        yield from self._row(self._number, fields)
        self._number += len(lines)

    def _recovered(self, reason: str) -> Iterator[Record | Problem]:
        """Yield a Problem for a record with a malformed quote, and the rows in the lines that it has taken.

        The last line of several is read again: another record may begin in it.
        """
        lines = self._lines.take_record()
        if len(lines) > 1:
            self._lines.read_again(lines.pop())
            rows = [self._alone(line) for line in lines]
            yield from self._resumed(rows, self._first_row(rows) or len(rows))
            return
        yield self._malformed(self._number, reason)
        self._number += 1

    def _resumed(self, rows: list[list[str] | str], start: int) -> Iterator[Record | Problem]:
        """Yield a Problem for the rows before `start`, and then the others."""
        what = "a quote is opened and not closed"
        if start > 1:
            what += f"; lines {self._number} to {self._number + start - 1} are left out"
        yield self._problem(self._number, what, _CLOSE)
        for number, row in enumerate(rows[start:], self._number + start):
            if isinstance(row, str):
                yield self._malformed(number, row)
            else:
                yield from self._row(number, row)
        self._number += len(rows)

    def _alone(self, line: str) -> list[str] | str:
        """Return the fields of a line that is read as a record of its own, or why that is not possible."""
        try:
            return list(map(str.strip, next(reader([line], self._delimiter))))
        except csv.Error as failure:
            return str(failure)

    def _first_row(self, rows: list[list[str] | str]) -> int:
        """Return the position of the first row after a malformed one that has a usual width, or 0."""
        usual = (n for n, row in enumerate(rows) if n and isinstance(row, list) and len(row) in self._widths)
        return next(usual, 0)

    def _malformed(self, number: int, reason: str) -> Problem:
        if reason == _END:
            return self._problem(number, "a quote is opened and not closed", _CLOSE)
        return self._problem(number, f"the line is not CSV ({reason})", _QUOTES)

    def _problem(self, number: int, what: str, fix: str) -> Problem:
        return Problem(f"{self._shown}:{number}", what, fix)
