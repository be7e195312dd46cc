"""The subscribers: added, removed, listed and counted. `staged_import` adds those of a file."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, insert, select, update

from newsletter.errors import SubscriberError
from newsletter.store import consent_history, suppression
from newsletter.store.database import Database
from newsletter.store.schema import subscriber_table
from newsletter.store.unsubscription import leave
from newsletter.subscribers.address import Address, BadAddress, parse
from newsletter.subscribers.origins import ADDED_BY_HAND, ASKED_AGAIN, REMOVED_BY_HAND, ConsentOrigin

_PAGE_ROWS = 5000

Change = Literal[
    "added",  # a new subscriber, or one that subscribed again
    "known",  # on the list already, and not changed
    "renamed",  # on the list already, now with another name
]


@dataclass(frozen=True, slots=True)
class Entry:
    """A subscriber in the store."""

    address: str
    name: str
    state: str


class Subscribers:
    """The subscribers of a newsletter in its database."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._clock = clock

    def add(self, address: Address, name: str = "", *, again: bool = False) -> Change:
        """Add a subscriber, or rename one that is on the list already; return the change.

        `again`: add an address that is off the list or was forgotten, because its owner asked for it. Without
        `again`, raise SubscriberError for such an address.
        """
        with self._database.writing() as connection:
            suppression.lock_to_add_people(connection)
            known = _find(connection, [address.key]).get(address.key)
            if known is None:
                how = self._consent_of_stranger(connection, address, again)
                connection.execute(insert(subscriber_table), self._new(address, name, how))
                return "added"
            if known.state == "active":
                return self._rename(connection, known, name)
            if not again:
                raise SubscriberError(
                    f"{known.address} is off the list ({known.state} since {known.changed_at:%Y-%m-%d})",
                    "if the owner of the address asked to subscribe again, use --again",
                )
            suppression.release(connection, address.key)
            self._bring_back(connection, known, name)
            return "added"

    def remove(self, address: Address) -> bool:
        """Unsubscribe an address; return False if it is unsubscribed already, or has complained.

        Raise SubscriberError if the address is not in the store.
        """
        with self._database.writing() as connection:
            known = _find(connection, [address.key]).get(address.key)
            if known is None:
                raise _not_on_the_list(connection, address)
            return leave(connection, known.id, REMOVED_BY_HAND, self._clock())

    def iter_all(self, state: str | None = None) -> Iterator[Entry]:
        """Yield all subscribers, or those in a state, oldest first; read them in pages."""
        for row in subscriber_rows(self._database, state):
            yield Entry(row.address, row.name, row.state)

    def search(self, text: str, limit: int) -> list[Entry]:
        """Return up to `limit` active subscribers whose address or name contains a text, oldest first."""
        matches = (subscriber_table.c.address.icontains(text, autoescape=True)) | (
            subscriber_table.c.name.icontains(text, autoescape=True)
        )
        query = (
            select(subscriber_table)
            .where(subscriber_table.c.state == "active", matches)
            .order_by(subscriber_table.c.id)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return [Entry(row.address, row.name, row.state) for row in rows]

    def known(self, addresses: Iterable[str]) -> frozenset[str]:
        """Return those of the addresses, as they are given, that belong to a subscriber in any state."""
        keys: dict[str, str] = {}
        for address in addresses:
            with suppress(BadAddress):
                keys[parse(address).key] = address
        with self._database.reading() as connection:
            return frozenset(keys[key] for key in _find(connection, list(keys)))

    def count_active(self) -> int:
        """Return the number of active subscribers: the recipients of a send that starts now."""
        query = select(func.count()).select_from(subscriber_table).where(subscriber_table.c.state == "active")
        with self._database.reading() as connection:
            return connection.scalar(query) or 0

    def _consent_of_stranger(self, connection: Connection, address: Address, again: bool) -> ConsentOrigin:
        """Return the origin of the consent of an address that is not in the store.

        Raise SubscriberError if it was forgotten, unless it is added `again`.
        """
        if again and suppression.release(connection, address.key):
            return ASKED_AGAIN
        if suppression.forgotten(connection, [address.key]):
            what = f"{address.given} was forgotten, because its owner asked for it"
            raise SubscriberError(what, "if the owner of the address asked to subscribe again, use --again")
        return ADDED_BY_HAND

    def _new(self, address: Address, name: str, how: ConsentOrigin) -> dict[str, object]:
        now = self._clock()
        return {
            "address": address.given,
            "address_key": address.key,
            "name": name,
            "state": "active",
            "consent_at": now,
            "consent_how": how,
            "changed_at": now,
        }

    def _bring_back(self, connection: Connection, known: Row[tuple[object, ...]], name: str) -> None:
        """Make a known person active again, who asked for it."""
        now = self._clock()
        values = {"state": "active", "name": name or known.name, "changed_at": now, "changed_how": ""}
        values |= {"consent_at": now, "consent_how": ASKED_AGAIN, "consent_source": ""}
        connection.execute(update(subscriber_table).where(subscriber_table.c.id == known.id).values(values))
        consent_history.record(connection, known.id, "returned", ASKED_AGAIN, now)

    def _rename(self, connection: Connection, known: Row[tuple[object, ...]], name: str) -> Change:
        if not name or name == known.name:
            return "known"
        connection.execute(
            update(subscriber_table).where(subscriber_table.c.id == known.id).values(name=name)
        )
        return "renamed"


def _not_on_the_list(connection: Connection, address: Address) -> SubscriberError:
    """Return the error for an address that cannot be removed."""
    if suppression.forgotten(connection, [address.key]):
        what = f"{address.given} was forgotten: it is not on the list, and no import adds it"
        return SubscriberError(what, "nothing needs to be done")
    return SubscriberError(f"{address.given} is not on the list", "run: news subscribers list")


def subscriber_rows(database: Database, state: str | None = None) -> Iterator[Row[Any]]:
    """Yield the rows of all subscribers, or of those in a state, oldest first; read them in pages."""
    query = select(subscriber_table).order_by(subscriber_table.c.id).limit(_PAGE_ROWS)
    if state:
        query = query.where(subscriber_table.c.state == state)
    after = 0
    while True:
        with database.reading() as connection:
            rows = connection.execute(query.where(subscriber_table.c.id > after)).all()
        yield from rows
        if len(rows) < _PAGE_ROWS:
            return
        after = rows[-1].id


def _find(connection: Connection, keys: list[str]) -> dict[str, Row[tuple[object, ...]]]:
    query = select(subscriber_table).where(subscriber_table.c.address_key.in_(keys))
    return {row.address_key: row for row in connection.execute(query)} if keys else {}
