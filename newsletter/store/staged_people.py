"""The rows of an import in a temporary database, which merges the rows of each person when they are read."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from newsletter.errors import MAX_PROBLEMS
from newsletter.subscribers.address import Address
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.import_rules import merge_rows

_TABLE = """\
create table person_row (
    id integer primary key, address_key text not null, place text not null, address text not null,
    name text not null, state text, consent_at text, left_at text, source text not null
)"""
# Made when all rows are there: an index of each new row takes a third of the time of an import.
_INDEX = "create index if not exists by_key on person_row (address_key)"
_COLUMNS = "address_key, place, address, name, state, consent_at, left_at, source"
_INSERT = f"insert into person_row ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)"
_LAST_KEY = """\
select max(address_key) from (
    select distinct address_key from person_row where address_key > ? order by address_key limit ?
)"""
_BETWEEN = f"""\
select id, {_COLUMNS} from person_row where address_key > ? and address_key <= ? order by address_key, id"""
_BUFFERED_ROWS = 1000

_Columns = tuple[Any, ...]


class StagedPerson(NamedTuple):
    """A person of an import: the merged row, and the name of the file with the first row.

    `repeats` is the number of further rows of this person, `repeated` has the first of them.
    """

    row: ImportRow
    source: str
    repeats: int = 0
    repeated: tuple[ImportRow, ...] = ()


class StagedPeople:
    """The people of an import."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the table in an empty database."""
        self._connection = connection
        self._buffered: list[_Columns] = []
        connection.execute(_TABLE)

    def add(self, row: ImportRow, source: str) -> None:
        """Add a row of a person."""
        self._buffered.append(
            (
                row.address.key,
                row.where,
                row.address.given,
                row.name,
                row.state,
                _text(row.consent_at),
                _text(row.left_at),
                source,
            )
        )
        if len(self._buffered) == _BUFFERED_ROWS:
            self._flush()

    def after(self, key: str, size: int) -> list[StagedPerson]:
        """Return the next people by address key, in the order of their first rows; "" is before all keys.

        In the order of the files, each person of a large import would change another page of the store's
        index of address keys, and the log of its changes would take gigabytes.
        """
        self._flush()
        self._connection.execute(_INDEX)
        ((last,),) = self._connection.execute(_LAST_KEY, (key, size))
        if last is None:
            return []
        rows = self._connection.execute(_BETWEEN, (key, last))
        people = (_merged(columns) for _, columns in groupby(rows, key=lambda columns: columns[1]))
        return [person for _, person in sorted(people, key=lambda numbered: numbered[0])]

    def _flush(self) -> None:
        self._connection.executemany(_INSERT, self._buffered)
        self._buffered.clear()


def _merged(rows: Iterator[tuple[int, *_Columns]]) -> tuple[int, StagedPerson]:
    """Merge the rows of a person; return the number of the first one, too."""
    first, *columns = next(rows)
    row, source = _row(columns), columns[-1]
    repeats, repeated = 0, list[ImportRow]()
    for _, *columns in rows:
        further = _row(columns)
        repeats += 1
        if len(repeated) < MAX_PROBLEMS:
            repeated.append(further)
        row = merge_rows(row, further)
    return first, StagedPerson(row, source or "", repeats, tuple(repeated))


def _row(columns: list[Any]) -> ImportRow:
    key, place, address, name, state, consent_at, left_at, _ = columns
    return ImportRow(place, Address(address, key), name, state, _time(consent_at), _time(left_at))


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
