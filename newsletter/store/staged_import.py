"""Import files in two phases: read them into a temporary database, then move the people into the store.

The first phase takes no lock of the store, the second one short locks: another process that writes waits for
one chunk at most.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from newsletter.config.loader import Newsletter
from newsletter.errors import Problem
from newsletter.state.identity import claim
from newsletter.store.database import Conflict, Database
from newsletter.store.import_outcome import Example, ImportOutcome
from newsletter.store.schema import subscriber_table
from newsletter.store.sqlite import POLL_SECONDS
from newsletter.store.staged_people import StagedPeople, StagedPerson
from newsletter.store.suppression import suppressed
from newsletter.store.temporary_database import temporary_database
from newsletter.subscribers.import_row import ImportRow, KeptOut
from newsletter.subscribers.import_rules import Change, Known, merged

log = logging.getLogger(__name__)

CHUNK_ROWS = 2000
# Twice the time after which a waiting process looks for a free lock again.
PAUSE_SECONDS = 2 * POLL_SECONDS
# SQLite before 3.32 permits 999 parameters in a statement, PostgreSQL 65,535.
_KEYS_PER_QUERY = 500
_TRIES = 3

Clock = Callable[[], datetime]
_Id = int
_COLUMNS = ("id", "address_key", "name", "state", "consent_at", "consent_how", "changed_at")
# One statement for all chunks: SQLAlchemy's new ones are in reference cycles, and keep a chunk's keys alive.
_QUERY = (
    select(*(subscriber_table.c[name] for name in _COLUMNS))
    .where(subscriber_table.c.address_key.in_(bindparam("keys", expanding=True)))
    .order_by(subscriber_table.c.id)
)
_LOCKED_QUERY = _QUERY.with_for_update()
_INSERT = insert(subscriber_table)


class StagedImport:
    """The rows of an import in a temporary database, which is deleted at the end of the `with` block."""

    def __init__(self, newsletter: Newsletter, *, chunk_rows: int = CHUNK_ROWS) -> None:
        self._newsletter, self._chunk_rows = newsletter, chunk_rows
        self._stack = ExitStack()
        self._read = ImportOutcome()

    def __enter__(self) -> Self:
        """Make the temporary database in the newsletter's state; raise StoreError or StateError."""
        claim(self._newsletter.location, self._newsletter.list_id)
        with ExitStack() as stack:
            self._people = StagedPeople(stack.enter_context(temporary_database(self._newsletter.state)))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, at)

    def add(self, rows: Iterable[ImportRow | KeptOut | Problem], source: str) -> None:
        """Read the rows of a file; `source` is its name, for the record of the consent."""
        for row in rows:
            if isinstance(row, ImportRow):
                self._read.rows += 1
                if not self._people.add(row, source):
                    self._read.count("known", "twice", Example(row.where, row.address.given))
            elif isinstance(row, KeptOut):
                self._read.count_kept_out(row)
            else:
                self._read.count_problem(row)

    def compare(self, database: Database, clock: Clock = lambda: datetime.now(UTC)) -> ImportOutcome:
        """Return the outcome that `apply` would have now; change nothing."""
        outcome = self._read.copy()
        for people in self._people.chunks(self._chunk_rows):
            with database.reading() as connection:
                changes = _changes(people, _known(connection, people, _QUERY), connection, clock())
            _count(outcome, people, changes)
        return outcome

    def apply(self, database: Database, clock: Clock = lambda: datetime.now(UTC)) -> ImportOutcome:
        """Move the people into the store, a chunk in each transaction; return the outcome.

        After an error the chunks that were moved stay; a second import of the same files moves the others.
        """
        outcome = self._read.copy()
        for number, people in enumerate(self._people.chunks(self._chunk_rows)):
            if number:
                time.sleep(PAUSE_SECONDS)
            _count(outcome, people, _move_again(database, people, clock))
        counts = {" ".join(filter(None, kind)): number for kind, number in outcome.counts.items()}
        log.info("subscribers imported", extra={"rows": outcome.rows, "counts": counts})
        return outcome


def _move_again(database: Database, people: Sequence[StagedPerson], clock: Clock) -> list[Change]:
    """Move a chunk; try again if another process of PostgreSQL added one of these people meanwhile."""
    for _ in range(_TRIES - 1):
        try:
            return _move(database, people, clock)
        except Conflict:
            log.info("a chunk of an import is moved again: another process added one of its people")
    return _move(database, people, clock)


def _move(database: Database, people: Sequence[StagedPerson], clock: Clock) -> list[Change]:
    """Move a chunk into the store in one transaction; return the change of each person."""
    with database.writing() as connection:
        known = _known(connection, people, _LOCKED_QUERY)
        changes = _changes(people, known, connection, clock())
        _insert(connection, people, changes)
        _update(connection, people, changes, known)
    return changes


def _known(
    connection: Connection, people: Sequence[StagedPerson], query: Select[Any]
) -> dict[str, tuple[_Id, Known]]:
    """Return the subscribers of these people, with their ids, by address key."""
    keys = [person.row.address.key for person in people]
    found: dict[str, tuple[_Id, Known]] = {}
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        for row in connection.execute(query, {"keys": keys[start : start + _KEYS_PER_QUERY]}):
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
    if new:
        connection.execute(_INSERT, new)


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


def _count(outcome: ImportOutcome, people: Sequence[StagedPerson], changes: Sequence[Change]) -> None:
    for person, change in zip(people, changes, strict=True):
        example = Example(person.row.where, person.row.address.given)
        outcome.count(change.result, change.detail, example)
