"""The people of an import in a temporary database: one row a person."""

import sqlite3
from datetime import datetime
from typing import NamedTuple

from newsletter.subscribers.address import Address
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.import_rules import merge_rows

_TABLE = """\
create table person (
    id integer primary key, address_key text not null unique, place text not null, address text not null,
    name text not null, state text, consent_at text, left_at text, source text not null
)"""
_COLUMNS = "address_key, place, address, name, state, consent_at, left_at, source"
_INSERT = f"insert or ignore into person ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)"
_UPDATE = (
    "update person set place = ?, name = ?, state = ?, consent_at = ?, left_at = ? where address_key = ?"
)
_BY_KEY = f"select {_COLUMNS} from person where address_key = ?"
_NEXT = f"select id, {_COLUMNS} from person where address_key > ? order by address_key limit ?"


class StagedPerson(NamedTuple):
    """A person of an import: the merged row, and the name of the file with the first row."""

    row: ImportRow
    source: str


class StagedPeople:
    """The people of an import."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the table in an empty database."""
        self._connection = connection
        connection.execute(_TABLE)

    def add(self, row: ImportRow, source: str) -> bool:
        """Add the row of a person; return False if there was one, with which it is merged now."""
        values = (
            row.address.key,
            row.where,
            row.address.given,
            row.name,
            row.state,
            _text(row.consent_at),
            _text(row.left_at),
            source,
        )
        if self._connection.execute(_INSERT, values).rowcount:
            return True
        (known,) = self._connection.execute(_BY_KEY, (row.address.key,))
        both = merge_rows(_person(known).row, row)
        times = _text(both.consent_at), _text(both.left_at)
        self._connection.execute(_UPDATE, (both.where, both.name, both.state, *times, row.address.key))
        return False

    def after(self, key: str, size: int) -> list[StagedPerson]:
        """Return the next people by address key, in the order of their first rows; "" is before all keys.

        In the order of the files, each person of a large import would change another page of the store's
        index of address keys, and the log of its changes would take gigabytes.
        """
        rows = self._connection.execute(_NEXT, (key, size)).fetchall()
        return [_person(columns) for _, *columns in sorted(rows)]


def _person(columns: list[str]) -> StagedPerson:
    key, place, address, name, state, consent_at, left_at, source = columns
    row = ImportRow(place, Address(address, key), name, state, _time(consent_at), _time(left_at))  # type: ignore[arg-type]
    return StagedPerson(row, source)


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
