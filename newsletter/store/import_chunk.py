"""Compare a chunk of an import with the store, and move it into the store."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from newsletter.store.batches import batches
from newsletter.store.schema import subscriber_table
from newsletter.store.sqlite import insert_rows, time_text
from newsletter.store.staged_people import StagedPerson
from newsletter.store.suppression import lock_to_add_people, suppressed
from newsletter.subscribers.import_rules import Change, Known, merged

_COLUMNS = ("id", "address_key", "name", "state", "consent_at", "consent_how", "changed_at")
# One statement for all chunks: SQLAlchemy's new ones are in reference cycles, and keep a chunk's keys alive.
_QUERY = (
    select(*(subscriber_table.c[name] for name in _COLUMNS))
    .where(subscriber_table.c.address_key.in_(bindparam("keys", expanding=True)))
    .order_by(subscriber_table.c.id)
)
_LOCKED_QUERY = _QUERY.with_for_update()
_INSERT = insert(subscriber_table)
_Id = int


def compare_chunk(connection: Connection, people: Sequence[StagedPerson], now: datetime) -> list[Change]:
    """Return the change of each person that `move_chunk` would make; change nothing."""
    return _changes(people, _known(connection, people, _QUERY), connection, now)


def move_chunk(connection: Connection, people: Sequence[StagedPerson], now: datetime) -> list[Change]:
    """Move people into the store; return the change of each. PostgreSQL locks those that are in the store."""
    lock_to_add_people(connection)
    known = _known(connection, people, _LOCKED_QUERY)
    changes = _changes(people, known, connection, now)
    _insert(connection, people, changes)
    _update(connection, people, changes, known)
    return changes


def _known(
    connection: Connection, people: Sequence[StagedPerson], query: Select[Any]
) -> dict[str, tuple[_Id, Known]]:
    """Return the subscribers of these people, with their ids, by address key."""
    keys = [person.row.address.key for person in people]
    found: dict[str, tuple[_Id, Known]] = {}
    for some in batches(keys):
        for row in connection.execute(query, {"keys": some}):
            found[row.address_key] = row.id, Known(*row[2:])
    return found


def _changes(
    people: Sequence[StagedPerson],
    known: Mapping[str, tuple[_Id, Known]],
    connection: Connection,
    now: datetime,
) -> list[Change]:
    keys = [person.row.address.key for person in people]
    forgotten = suppressed(connection, [key for key in keys if key not in known])
    return [
        merged(known[key][1] if key in known else None, person.row, now, is_forgotten=key in forgotten)
        for key, person in zip(keys, people, strict=True)
    ]


def _insert(connection: Connection, people: Sequence[StagedPerson], changes: Sequence[Change]) -> None:
    new = [
        {
            **change.values,
            "address": person.row.address.given,
            "address_key": person.row.address.key,
            "consent_source": person.source,
        }
        for person, change in zip(people, changes, strict=True)
        if change.result == "added"
    ]
    if new and connection.dialect.name == "sqlite":
        insert_rows(connection, subscriber_table, list(new[0]), [_stored(row) for row in new])
    elif new:
        connection.execute(_INSERT, new)


def _stored(row: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(time_text(value) if isinstance(value, datetime) else value for value in row.values())


def _update(
    connection: Connection,
    people: Sequence[StagedPerson],
    changes: Sequence[Change],
    known: Mapping[str, tuple[_Id, Known]],
) -> None:
    """Change the subscribers that are in the store; one statement for those with the same columns."""
    by_columns = defaultdict[tuple[str, ...], list[dict[str, object]]](list)
    for person, change in zip(people, changes, strict=True):
        if change.result == "changed":
            values = {**change.values, "id_": known[person.row.address.key][0]}
            by_columns[tuple(change.values)].append(values)
    query = update(subscriber_table).where(subscriber_table.c.id == bindparam("id_"))
    for columns, rows in by_columns.items():
        connection.execute(query.values({name: bindparam(name) for name in columns}), rows)
