"""Who gets the newsletter. Whoever has left stays away, whatever a file says."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Literal

from sqlalchemy import Connection, Row, func, insert, select, update

from newsletter.errors import Problem, SubscriberError
from newsletter.store.database import Database
from newsletter.store.schema import subscriber_table
from newsletter.subscribers.address import Address
from newsletter.subscribers.csv_import import Row as FileRow

log = logging.getLogger(__name__)

BATCH = 500

Change = Literal["added", "known", "renamed", "left", "twice"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A subscriber as the store keeps them."""

    address: str
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a line of a file."""

    where: str
    address: str
    change: Change


class Subscribers:
    """The subscribers of a newsletter in its database."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._clock = clock

    def add(self, address: Address, name: str = "", *, again: bool = False) -> Change:
        """Adds one; somebody who has left only if `again` says that they asked for it."""
        with self._database.writing() as connection:
            found = _find(connection, [address.key]).get(address.key)
            if found is None:
                connection.execute(insert(subscriber_table), self._new(address, name, "added by hand", ""))
                return "added"
            if found.state == "active":
                return self._rename(connection, found, name)
            if not again:
                raise SubscriberError(
                    f"{found.address} has left ({found.state} since {found.changed_at:%Y-%m-%d})",
                    "if they asked to come back themselves, add them with --again",
                )
            values = {"state": "active", "name": name or found.name, "changed_at": self._clock()}
            values |= {"consent_at": self._clock(), "consent_how": "asked to come back"}
            connection.execute(
                update(subscriber_table).where(subscriber_table.c.id == found.id).values(values)
            )
            return "added"

    def remove(self, address: Address) -> bool:
        """Takes one off the list, for good; False where they are off it already."""
        with self._database.writing() as connection:
            found = _find(connection, [address.key]).get(address.key)
            if found is None:
                raise SubscriberError(f"{address.given} is not on the list", "see: news subscribers list")
            if found.state == "unsubscribed":
                return False
            values = {"state": "unsubscribed", "changed_at": self._clock()}
            connection.execute(
                update(subscriber_table).where(subscriber_table.c.id == found.id).values(values)
            )
            return True

    def import_rows(self, rows: Iterable[FileRow | Problem], source: str) -> Iterator[Imported | Problem]:
        """Imports a file's rows in one transaction, and says what became of each.

        Nothing is kept unless the iteration comes to its end.
        """
        with self._database.writing() as connection:
            before = connection.scalar(select(func.coalesce(func.max(subscriber_table.c.id), 0))) or 0
            rows = iter(rows)
            counts: Counter[str] = Counter()
            while some := tuple(islice(rows, BATCH)):
                for change in self._import_batch(connection, some, source, before):
                    counts[change.severity if isinstance(change, Problem) else change.change] += 1
                    yield change
        log.info("subscribers imported", extra={"file": source, **counts})

    def iter_all(self, state: str | None = None) -> Iterator[Entry]:
        """Everybody, or those in a state, in the order they came; streamed."""
        after = 0
        while True:
            query = (
                select(subscriber_table)
                .where(subscriber_table.c.id > after)
                .order_by(subscriber_table.c.id)
                .limit(BATCH)
            )
            if state:
                query = query.where(subscriber_table.c.state == state)
            with self._database.reading() as connection:
                rows = connection.execute(query).all()
            for row in rows:
                yield Entry(row.address, row.name, row.state)
            if not rows:
                return
            after = rows[-1].id

    def search(self, words: str, most: int) -> list[Entry]:
        """Up to `most` active ones whose address or name holds these words, in the order they came."""
        held = (subscriber_table.c.address.icontains(words, autoescape=True)) | (
            subscriber_table.c.name.icontains(words, autoescape=True)
        )
        query = (
            select(subscriber_table)
            .where(subscriber_table.c.state == "active", held)
            .order_by(subscriber_table.c.id)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.limit(most)).all()
        return [Entry(row.address, row.name, row.state) for row in rows]

    def count_active(self) -> int:
        """How many an issue would go to now."""
        query = select(func.count()).select_from(subscriber_table).where(subscriber_table.c.state == "active")
        with self._database.reading() as connection:
            return connection.scalar(query) or 0

    def _import_batch(
        self, connection: Connection, rows: tuple[FileRow | Problem, ...], source: str, before: int
    ) -> Iterator[Imported | Problem]:
        keys = [row.address.key for row in rows if isinstance(row, FileRow)]
        found = _find(connection, keys)
        new: dict[str, dict[str, object]] = {}
        for row in rows:
            if isinstance(row, Problem):
                yield row
                continue
            key, known = row.address.key, found.get(row.address.key)
            change: Change
            if key in new or (known and known.id > before):
                change = "twice"
            elif known is None:
                new[key] = self._new(row.address, row.name, "imported", source)
                change = "added"
            elif known.state != "active":
                change = "left"
            else:
                change = self._rename(connection, known, row.name)
            yield Imported(row.where, row.address.given, change)
        if new:
            connection.execute(insert(subscriber_table), list(new.values()))

    def _new(self, address: Address, name: str, how: str, source: str) -> dict[str, object]:
        now = self._clock()
        return {
            "address": address.given,
            "address_key": address.key,
            "name": name,
            "state": "active",
            "consent_at": now,
            "consent_how": how,
            "consent_source": source,
            "changed_at": now,
        }

    def _rename(self, connection: Connection, found: Row[tuple[object, ...]], name: str) -> Change:
        if not name or name == found.name:
            return "known"
        connection.execute(
            update(subscriber_table).where(subscriber_table.c.id == found.id).values(name=name)
        )
        return "renamed"


def _find(connection: Connection, keys: list[str]) -> dict[str, Row[tuple[object, ...]]]:
    query = select(subscriber_table).where(subscriber_table.c.address_key.in_(keys))
    return {row.address_key: row for row in connection.execute(query)} if keys else {}
