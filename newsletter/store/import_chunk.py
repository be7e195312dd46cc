"""Compare a chunk of an import with the store, and move it into the store."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from newsletter.store.batches import batches
from newsletter.store.schema import subscriber_table
from newsletter.store.sqlite import insert_rows, time_text
from newsletter.store.staged_people import StagedPerson
from newsletter.store.suppression import forgotten, lock_to_add_people
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
# The columns of a new subscriber; the rules of the import decide about the second part of them.
_DECIDED = ("name", "state", "consent_how", "changed_how", "consent_at", "changed_at")
_INSERTED = ("address", "address_key", "consent_source", *_DECIDED)
_Id = int


def compare_chunk(connection: Connection, people: Sequence[StagedPerson], now: datetime) -> list[Change]:
    """Return the change of each person that `move_chunk` would make; change nothing."""
    return _changes(people, _known(connection, people, _QUERY), connection, now)


def move_chunk(connection: Connection, people: Sequence[StagedPerson], now: datetime) -> list[Change]:
    """Move people into the store; return the change of each. PostgreSQL locks those that are in the store."""
    lock_to_add_people(connection)
    known = _known(connection, people, _LOCKED_QUERY)
    changes = _changes(people, known, connection, now)
    _insert(connection, people, changes, now)
    _update(connection, people, changes, known)
    return changes


def _known(
    connection: Connection, people: Sequence[StagedPerson], query: Select[Any]
) -> dict[str, tuple[_Id, Known]]:
    """Return the subscribers of these people, with their ids, by address key."""
    keys = [person.row.address.key for person in people]
    found: dict[str, tuple[_Id, Known]] = {}
    for batch in batches(keys):
        for row in connection.execute(query, {"keys": batch}):
            found[row.address_key] = row.id, Known(*row[2:])
    return found


def _changes(
    people: Sequence[StagedPerson],
    known: Mapping[str, tuple[_Id, Known]],
    connection: Connection,
    now: datetime,
) -> list[Change]:
    keys = [person.row.address.key for person in people]
    kept_out = forgotten(connection, [key for key in keys if key not in known])
    return [
        merged(known[key][1] if key in known else None, person.row, now, is_forgotten=key in kept_out)
        for key, person in zip(keys, people, strict=True)
    ]


def _insert(
    connection: Connection, people: Sequence[StagedPerson], changes: Sequence[Change], now: datetime
) -> None:
    new = [
        _row(person, change.values)
        for person, change in zip(people, changes, strict=True)
        if change.result == "added"
    ]
    if new and connection.dialect.name == "sqlite":
        insert_rows(connection, subscriber_table, _INSERTED, _stored(new, now))
    elif new:
        connection.execute(_INSERT, [dict(zip(_INSERTED, row, strict=True)) for row in new])


def _row(person: StagedPerson, values: Mapping[str, object]) -> tuple[Any, ...]:
    """Return the values of a new subscriber, in the order of _INSERTED."""
    address = person.row.address
    return address.given, address.key, person.source, *map(values.__getitem__, _DECIDED)


def _stored(rows: Iterable[tuple[Any, ...]], now: datetime) -> list[tuple[object, ...]]:
    """Return the values of new subscribers as SQLite stores them; most of them have the time `now`."""
    now_text = time_text(now)

    def stored(time: datetime) -> str:
        return now_text if time is now else time_text(time)

    return [(*row[:-2], stored(row[-2]), stored(row[-1])) for row in rows]


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
