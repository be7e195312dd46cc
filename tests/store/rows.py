"""Rows for every table of the schema, made from its metadata: a new table is filled without a change here."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, Column, Connection, Integer, LargeBinary, String, Table, insert

from newsletter.store.schema import UtcDateTime, metadata

ROWS = 3
_FIRST = datetime(2023, 3, 26, 1, 59, 59, 123456, tzinfo=UTC)


def fill(connection: Connection) -> None:
    """Insert ROWS rows into each table; the second one has NULL and empty texts where they are possible."""
    for table in metadata.sorted_tables:
        connection.execute(insert(table), [_row(table, number) for number in range(1, ROWS + 1)])


def _row(table: Table, number: int) -> dict[str, Any]:
    return {column.key: _value(table, column, number) for column in table.columns}


def _value(table: Table, column: Column[Any], number: int) -> Any:
    if number == 2 and column.nullable:
        return None
    if words := _permitted(table, column):
        return words[number % len(words)]
    is_unique = column.primary_key or column.unique or column.name == "issue"
    match column.type:
        case UtcDateTime():
            return _FIRST + timedelta(days=200 * number, microseconds=number)
        case LargeBinary():
            # A key of a hash, which works with its table, has at most 64 bytes.
            return bytes([number]) * 32 if column.name == "key" else bytes(range(256)) * 40 + bytes([number])
        case Integer():
            return number
        case String():
            texts = {2: "", 3: "550 5.1.1 \\N \\. \t\n\r 'Zoë' \u2028 🥣 " * 60}
            return f"text {number}" if is_unique else texts.get(number, f"text {number}")
    raise AssertionError(f"no value for {table.name}.{column.name}: teach tests.store.rows its type")


def _permitted(table: Table, column: Column[Any]) -> list[str]:
    """Return the words that a check constraint permits in a column."""
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            found = re.fullmatch(rf"{column.name} in \((.+)\)", str(constraint.sqltext))
            if found:
                return re.findall(r"'([^']*)'", found[1])
    return []
