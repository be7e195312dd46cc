"""Read a list of addresses without a header, as people write it and as mail programs copy it."""

import re
from collections.abc import Iterable, Iterator

from newsletter.subscribers.departure_words import is_no
from newsletter.subscribers.table import Record
from newsletter.subscribers.words import words_of

_MARKS = re.compile('[",;<>]')


def is_list(line: str) -> bool:
    """Return True for the first line of a list of addresses, False for that of CSV without a header."""
    line = line.strip()
    return "\t" not in line and "|" not in line and all("@" in text for text in _addresses(line))


def records(lines: Iterable[str], first: int) -> Iterator[Record]:
    """Yield each address of a list, with its name as written; `first` is the number of the first line."""
    for number, line in enumerate(lines, first):
        for text in _addresses(line):
            yield Record(number, [text])


def _addresses(line: str) -> Iterator[str]:
    """Yield the parts of a line between commas and semicolons; `Doe, Jane <jane@example.com>` is one part."""
    name, before = "", ""
    for part in _parts(line):
        is_named = "<" in part and "@" in part and name and not _may_be_state(name, before)
        text = f"{name}, {part}" if is_named else part
        if name and text is part:
            yield name
        name = "" if "@" in text else text
        if not name:
            yield text
            before = text
    if name:
        yield name


def _may_be_state(name: str, before: str) -> bool:
    """Return True for a name that may be the state of the address before it, such as `2024-05-06`."""
    is_beside_address = bool(before) and "<" not in before
    return is_beside_address or any(map(str.isdigit, name)) or is_no(words_of(name))


def _parts(line: str) -> Iterator[str]:
    """Yield the parts of a line that commas and semicolons outside quotes and angle brackets separate."""
    start, closing = 0, ""
    for mark in _MARKS.finditer(line):
        if closing:
            closing = "" if mark[0] == closing else closing
        elif mark[0] in '"<':
            closing = '"' if mark[0] == '"' else ">"
        elif mark[0] in ",;":
            yield from _bare(line[start : mark.start()])
            start = mark.end()
    yield from _bare(line[start:])


def _bare(part: str) -> Iterator[str]:
    """Yield a part without blanks and quotes around the whole of it, unless nothing is left."""
    part = part.strip()
    if len(part) > 1 and part[0] == part[-1] == '"' and '"' not in part[1:-1]:
        part = part[1:-1].strip()
    if part:
        yield part
