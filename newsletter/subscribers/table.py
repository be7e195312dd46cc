"""The tables of an import: what is read from a file before the meaning of its columns is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from newsletter.errors import Problem


class Record(NamedTuple):
    """The fields of a row, and the line of the file where it begins."""

    line: int
    fields: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a file, or of a member of an archive; its records are read once, one after the other.

    `shown` names it in messages, `name` is the name of its file; `folders` are the names of the archive with
    the file, and of the folders in the archive. `header` is None for a list of bare
    addresses: each record then has one field, the text of the line. Else it has one field for each name of
    the header. A malformed row is a Problem.
    """

    shown: str
    name: str
    header: list[str] | None
    header_line: int
    records: Iterator[Record | Problem]
    folders: tuple[str, ...] = ()
