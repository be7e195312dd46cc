"""Copy the rows of all tables from one database to another, in batches, and compare them afterwards.

The tables are those of the schema's metadata: a new table needs no change here.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    String,
    Table,
    func,
    select,
    text,
    type_coerce,
)

from newsletter.errors import StoreError
from newsletter.store.database import translate_db_errors
from newsletter.store.postgresql import copy_in
from newsletter.store.schema import UtcDateTime, metadata
from newsletter.store.sqlite import insert_rows

_BATCH = 1000
_HASH_BYTES = 16
_MODULUS = 1 << 8 * _HASH_BYTES
_MAX_INTEGER = 2**31 - 1  # of PostgreSQL's `integer`; SQLite's has 64 bits
_SHOWN_CHARACTERS = 16

Row = tuple[Any, ...]
"""The values of a row: numbers, texts, bytes and None; a time is a text in UTC, as SQLite stores it."""


@dataclass(frozen=True)
class TableCopy:
    """The copied rows of a table: their number and their checksum, which both databases have."""

    table: str
    rows: int
    checksum: str

    def __str__(self) -> str:
        return f"{self.rows:,} rows with the checksum {self.checksum}"


class _Checksum:
    """A checksum of rows that does not depend on their order, which differs between databases."""

    def __init__(self) -> None:
        self.rows = self._sum = 0

    def add(self, rows: Sequence[Row]) -> None:
        self.rows += len(rows)
        for row in rows:
            digest = blake2b(repr(row).encode(errors="surrogatepass"), digest_size=_HASH_BYTES).digest()
            self._sum += int.from_bytes(digest)
        self._sum %= _MODULUS

    def of(self, table: Table) -> TableCopy:
        return TableCopy(table.name, self.rows, f"{self._sum:0{2 * _HASH_BYTES}x}"[:_SHOWN_CHARACTERS])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Checksum) and (self.rows, self._sum) == (other.rows, other._sum)

    __hash__ = None  # type: ignore[assignment]  # it changes


def lock_rows(connection: Connection) -> None:
    """Keep processes of earlier versions from writing too; SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(_quoted(connection, table) for table in metadata.sorted_tables)
        connection.execute(text(f"lock table {names} in exclusive mode"))


def copy_rows(source: Connection, target: Connection) -> Iterator[TableCopy]:
    """Copy all rows and sequences to a database whose tables are empty; yield each table when it is compared.

    Both connections are in a transaction in which no other process writes. Raise StoreError for a value that
    the target cannot store, and if the rows of the target differ afterwards.
    """
    for table in metadata.sorted_tables:
        yield _copy_table(source, target, table)


def _copy_table(source: Connection, target: Connection, table: Table) -> TableCopy:
    copied, found = _Checksum(), _Checksum()
    _insert(target, table, _read(source, target, table, copied))
    _set_highest_id(target, table, highest_id(source, table))
    for batch in _batches(target, table):
        found.add(batch)
    if found != copied:
        what = f"the copy of the table {table.name} has {found.of(table)}, not {copied.of(table)}"
        raise StoreError(what, "nothing was copied; report this, and use the database that you have")
    return copied.of(table)


def _read(source: Connection, target: Connection, table: Table, copied: _Checksum) -> Iterator[list[Row]]:
    """Yield the rows of a table in batches; raise StoreError for a row that the target cannot store."""
    for batch in _batches(source, table):
        if target.dialect.name == "postgresql":
            _refuse_unstorable(table, batch)
        copied.add(batch)
        yield batch


def _refuse_unstorable(table: Table, batch: Sequence[Row]) -> None:
    for column, values in zip(table.columns, zip(*batch, strict=True), strict=True):
        if isinstance(column.type, String):
            _refuse(table, column, batch, (value and "\0" in value for value in values))
        elif isinstance(column.type, Integer):
            _refuse(table, column, batch, map(_is_too_large, values))


def _is_too_large(value: Any) -> bool:
    return value is not None and not -_MAX_INTEGER <= value <= _MAX_INTEGER


def _refuse(table: Table, column: Column[Any], batch: Sequence[Row], unstorable: Iterable[object]) -> None:
    """Raise StoreError for the first row whose value in a column PostgreSQL does not store."""
    index = next((index for index, value in enumerate(unstorable) if value), None)
    if index is None:
        return
    row = dict(zip(table.columns, batch[index], strict=True))
    ids = ", ".join(f"{key.name} {row[key]}" for key in table.primary_key)
    if isinstance(column.type, String):
        what, fix = "has the character NUL, which PostgreSQL does not store", "replace the text"
    else:
        what, fix = f"is {row[column]}, and the largest number is {_MAX_INTEGER}", "correct the number"
    where = f"table {table.name}, row with {ids}"
    fix += f" (sqlite3 FILE, update {table.name} set {column.name} = …), then run the same command again"
    raise StoreError(f"{column.name} {what}", f"{fix}; nothing was copied", where=where)


def _batches(connection: Connection, table: Table) -> Iterator[list[Row]]:
    """Yield the rows of a table in batches, the values in the order of its columns."""
    times = [n for n, column in enumerate(table.columns) if isinstance(column.type, UtcDateTime)]
    query = select(*(_without_zone(connection, column) for column in table.columns))
    with translate_db_errors(connection.engine.url):
        try:
            streamed = {"yield_per": _BATCH}  # for this statement only
            with connection.execute(query, execution_options=streamed) as result:
                for partition in result.partitions():
                    yield (
                        [_with_texts(row, times) for row in partition]
                        if times
                        else list(map(tuple, partition))
                    )
        except ValueError as failure:  # for example, a text in the place of a time
            what = f"a row of the table {table.name} has a value that cannot be read: {failure}"
            raise StoreError(what, "correct the value; nothing was copied") from failure


def _without_zone(connection: Connection, column: Column[Any]) -> ColumnElement[Any]:
    """Return a column; a time is one in UTC without its zone, which is quicker to read."""
    if not isinstance(column.type, UtcDateTime):
        return column
    is_server = connection.dialect.name == "postgresql"
    return type_coerce(func.timezone("UTC", column) if is_server else column, DateTime())


def _with_texts(row: Sequence[Any], times: Sequence[int]) -> Row:
    values = list(row)
    for n in times:
        if values[n] is not None:
            values[n] = values[n].isoformat(" ", "microseconds")
    return tuple(values)


def _insert(target: Connection, table: Table, batches: Iterable[list[Row]]) -> None:
    if target.dialect.name == "postgresql":
        target.execute(text("set local time zone 'UTC'"))
        copy_in(target, table, chain.from_iterable(batches))
        return
    names = [column.name for column in table.columns]
    for batch in batches:
        insert_rows(target, table, names, batch)


def highest_id(connection: Connection, table: Table) -> int | None:
    """Return the highest id that was ever given to a row of a table, also a deleted one, as far as is known.

    Return None for a table whose ids are not generated.
    """
    if (column := table.autoincrement_column) is None:
        return None
    highest: int = connection.scalar(select(func.max(column))) or 0
    if connection.dialect.name == "postgresql":
        last, is_given = connection.execute(
            text(f"select last_value, is_called from {_sequence(connection, table)}")
        ).one()
        return max(highest, int(last if is_given else last - 1))
    if not table.dialect_options["sqlite"]["autoincrement"]:
        return highest  # SQLite records no more
    query = text("select max(seq) from sqlite_sequence where name = :table")
    return max(highest, int(connection.scalar(query, {"table": table.name}) or 0))


def _set_highest_id(connection: Connection, table: Table, highest: int | None) -> None:
    """Let the next row of a table have an id above the highest one."""
    if highest is None:
        return
    if connection.dialect.name == "postgresql":
        # Not `setval`, which a rollback does not undo.
        sequence = _sequence(connection, table)
        connection.execute(text(f"alter sequence {sequence} restart with {highest + 1}"))
    elif table.dialect_options["sqlite"]["autoincrement"]:
        name = {"table": table.name}
        connection.execute(text("delete from sqlite_sequence where name = :table"), name)
        if highest:
            new = text("insert into sqlite_sequence (name, seq) values (:table, :highest)")
            connection.execute(new, name | {"highest": highest})


def _sequence(connection: Connection, table: Table) -> str:
    """Return the name of the sequence that PostgreSQL takes the ids of a table from, quoted for SQL."""
    column = table.autoincrement_column
    assert column is not None
    query = text("select pg_get_serial_sequence(:table, :column)")
    return str(connection.scalar(query, {"table": table.name, "column": column.name}))


def _quoted(connection: Connection, table: Table) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(table.name)
