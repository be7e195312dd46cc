"""The rows of an import in a temporary database, which merges the rows of each person when they are read.

The rows are sorted by address key in runs that fit into memory, and the runs are merged when they are read
(an external merge sort): an index of all rows, or a sort by SQLite, would take more time and memory.
"""

import marshal
import sqlite3
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from heapq import merge
from itertools import pairwise
from typing import Any, NamedTuple

from newsletter.errors import MAX_PROBLEMS
from newsletter.store.batches import batches
from newsletter.subscribers.address import Address
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.import_rules import merge_rows

RUN_ROWS = 20_000
"""The number of rows of a run; a million rows make 50 runs."""

# `rows` has some rows of a run, in their order: SQLite takes several times longer for each row by itself. The
# blocks of a run have successive ids. `marshal` reads plain values, and runs no code, unlike `pickle`.
_TABLE = "create table block (id integer primary key, rows blob not null)"
_INSERT = "insert into block (rows) values (?)"
_SELECT = "select rows from block where id > ? and id <= ? order by id"
_BLOCK_ROWS = 100

# The address key; the number of the row, which is its position in the files; its place, address, name and
# state; the times of the consent and of the departure, in seconds since 1970, which are exact to the
# microsecond; and the name of its file.
_Columns = tuple[Any, ...]


class StagedPerson(NamedTuple):
    """A person of an import: the merged row, and the name of the file with the first row.

    `number` is the position of the first row. `repeats` is the number of further rows of this person,
    `repeated` has the first of them.
    """

    row: ImportRow
    source: str
    number: int = 0
    repeats: int = 0
    repeated: tuple[ImportRow, ...] = ()


class StagedPeople:
    """The people of an import."""

    def __init__(self, connection: sqlite3.Connection, *, run_rows: int = RUN_ROWS) -> None:
        """Make the table in an empty database."""
        self._connection, self._run_rows = connection, run_rows
        self._run: list[_Columns] = []  # that is not stored yet
        self._ends = [0]  # the last ids of the stored runs
        self._rows = 0
        connection.execute(_TABLE)

    def add(self, row: ImportRow, source: str) -> None:
        """Add a row of a person."""
        where, address, name, state, consent_at, left_at = row
        self._run.append(
            (
                address.key,
                self._rows,
                where,
                address.given,
                name,
                state,
                consent_at.timestamp() if consent_at else None,
                left_at.timestamp() if left_at else None,
                source,
            )
        )
        self._rows += 1
        if len(self._run) == self._run_rows:
            self._store_run()

    @contextmanager
    def sorted(self) -> Iterator[Iterator[StagedPerson]]:
        """Open the people, sorted by address key.

        In the order of the files, each person of a large import would change another page of the store's
        index of address keys, and the log of its changes would take gigabytes.
        """
        self._store_run()
        runs = (self._stored_run(*ids) for ids in pairwise(self._ends))
        with closing(_merged(merge(*runs))) as people:
            yield people

    def _stored_run(self, start: int, end: int) -> Iterator[_Columns]:
        """Yield the rows of a run, which is between two ids; a block at a time is in memory."""
        for (rows,) in self._connection.execute(_SELECT, (start, end)):
            yield from marshal.loads(rows)

    def _store_run(self) -> None:
        """Store the rows in memory as a run."""
        self._run.sort()
        blocks = [(marshal.dumps(tuple(rows)),) for rows in batches(self._run, _BLOCK_ROWS)]
        if blocks:
            self._connection.executemany(_INSERT, blocks)
            self._ends.append(self._ends[-1] + len(blocks))
        self._run.clear()


def _merged(rows: Iterable[_Columns]) -> Generator[StagedPerson, None, None]:
    """Merge the rows of each person, which follow one another in the order of the files."""
    person, key = None, None
    for columns in rows:
        if person and columns[0] == key:
            person = _with_further(person, _row(columns))
            continue
        if person:
            yield person
        key = columns[0]
        person = StagedPerson(_row(columns), columns[-1], columns[1])
    if person:
        yield person


def _with_further(person: StagedPerson, further: ImportRow) -> StagedPerson:
    """Merge a further row of a person."""
    row, source, number, repeats, repeated = person
    if repeats < MAX_PROBLEMS:
        repeated = (*repeated, further)
    return StagedPerson(merge_rows(row, further), source, number, repeats + 1, repeated)


def _row(columns: _Columns) -> ImportRow:
    key, _, place, address, name, state, consent_at, left_at, _ = columns
    return ImportRow(place, Address(address, key), name, state, _time(consent_at), _time(left_at))


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
