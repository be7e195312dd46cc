"""Erase a person: the row of the subscriber, and each text of the database that has the address.

A keyed hash of the address stays (`store.suppression`), so that no import brings the person back. This is
where the rest of the database could have an address, and why it has none afterwards:

- `subscriber`: the row is deleted. The names and sources of other rows are searched: a file of an import may
  be named after a person.
- `attempt` and `chunk`: the replies of servers often name the recipient. They are searched, and the address
  is replaced in them.
- `recipient` and `recipient_block`: numbers of subscribers. They stay, so that the counts of a send stay
  true. A number is never given again, and leads to nobody.
- `send`, `lane`: dates, states, host names, ids of providers, and the content that all recipients share.
  Their texts are searched too.
- `suppressed` and `suppression_key`: hashes, and their key.
- `sign_up`, `consent_event`, `service_mail` and `delivery_event`: the rows of this person are deleted.
- `pull`: how far other places were read, without an address.
- `wording`: the words of a form, without an address. They are searched too.

A new column with text is searched, unless it is in `NOT_SEARCHED`; a test compares this list with the tables.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Column, ColumnElement, Connection, String, Table, and_, delete, or_, select, update

from newsletter.store import suppression
from newsletter.store.recipient_pages import FORGOTTEN
from newsletter.store.schema import (
    chunk_table,
    consent_event_table,
    delivery_event_table,
    metadata,
    recipient_table,
    service_mail_table,
    subscriber_table,
)
from newsletter.store.sign_ups import delete_sign_ups, sign_up_ids
from newsletter.subscribers.address import Address
from newsletter.subscribers.address_in_text import AddressInText

log = logging.getLogger(__name__)

_BATCH = 500

NOT_SEARCHED = {
    # Those of other people: ada@example.com is a part of ada@example.com.br.
    *((table, name) for table in ("subscriber", "sign_up") for name in ("address", "address_key")),
    ("sign_up", "mailbox_key"),
    # Words of this program.
    *(("subscriber", name) for name in ("state", "consent_how", "changed_how")),
    *((table, "state") for table in ("send", "lane", "chunk", "attempt", "service_mail")),
    *((table, "kind") for table in ("service_mail", "delivery_event")),
    *(("consent_event", name) for name in ("change", "how", "state_before")),
    *(("delivery_event", name) for name in ("source", "status")),
    *(("pull", name) for name in ("source", "position")),
    ("recipient", "outcome"),
    ("sign_up", "asked_how"),
}
"""The columns with text that are not searched: table and column."""

Erased = Literal[
    "erased",  # was a subscriber, also one who had left, or had signed up
    "already",  # was forgotten before
    "never_here",  # was no subscriber; is kept out from now on
]


def erase(connection: Connection, address: Address, now: datetime) -> Erased:
    """Erase a person from the database and keep the hash of the address; return what the person was."""
    suppression.lock_to_forget_people(connection)
    before = suppression.forgotten_at(connection, address.key)
    query = select(subscriber_table.c.id, subscriber_table.c.name)
    row = connection.execute(query.where(subscriber_table.c.address_key == address.key)).first()
    suppression.forget(connection, [address.key], now)
    had_signed_up = delete_sign_ups(connection, sign_up_ids(connection, address)) > 0
    if row:
        for table in (consent_event_table, service_mail_table, delivery_event_table):
            connection.execute(delete(table).where(table.c.subscriber_id == row.id))
        connection.execute(delete(subscriber_table).where(subscriber_table.c.id == row.id))
    wanted = AddressInText(address.key, row.name if row else "")
    texts = sum(_erase_from(connection, table, wanted) for table in metadata.sorted_tables)
    log.info("person erased", extra={"was_subscriber": bool(row), "texts": texts})
    return "erased" if row or had_signed_up else "already" if before else "never_here"


def names_of(connection: Connection, addresses: Iterable[Address]) -> dict[str, str]:
    """Return the names of those of the addresses that are in the store, by address key."""
    query = select(subscriber_table.c.name)
    names = {
        address.key: connection.scalar(query.where(subscriber_table.c.address_key == address.key))
        for address in addresses
    }
    return {key: name for key, name in names.items() if name}


def is_being_sent_to(connection: Connection, address: Address) -> bool:
    """Return True if a message to a subscriber is on its way: its outcome will be recorded later."""
    is_recipient = (
        (recipient_table.c.send_id == chunk_table.c.send_id)
        & recipient_table.c.number.between(chunk_table.c.first, chunk_table.c.last)
        & recipient_table.c.outcome.is_(None)
    )
    query = (
        select(chunk_table.c.first)
        .join(recipient_table, is_recipient)
        .join(subscriber_table, subscriber_table.c.id == recipient_table.c.subscriber_id)
        .where(chunk_table.c.state == "intended", subscriber_table.c.address_key == address.key)
    )
    return connection.execute(query.limit(1)).first() is not None


def searched_columns(table: Table) -> list[Column[Any]]:
    """Return the columns of a table whose texts are searched for an address."""
    return [
        column
        for column in table.columns
        if isinstance(column.type, String) and (table.name, column.name) not in NOT_SEARCHED
    ]


def _erase_from(connection: Connection, table: Table, wanted: AddressInText) -> int:
    """Replace an address in the texts of a table; return the number of changed rows."""
    columns = searched_columns(table)
    key = list(table.primary_key.columns)
    changes = list(_changes(connection, key, columns, wanted)) if columns else []
    for values, texts in changes:
        this = [column == value for column, value in zip(key, values, strict=True)]
        connection.execute(update(table).where(*this).values(texts))
    return len(changes)


def _changes(
    connection: Connection, key: Sequence[Column[Any]], columns: Sequence[Column[Any]], wanted: AddressInText
) -> Iterator[tuple[Sequence[Any], dict[str, str]]]:
    """Yield the primary key and the new texts of each row that has an address; read rows in batches."""
    perhaps = or_(*(_perhaps_has(column, wanted) for column in columns))
    query = select(*key, *columns).where(perhaps).execution_options(yield_per=_BATCH)
    for row in connection.execute(query):
        new = {
            column.key: text
            for column, old in zip(columns, row[len(key) :], strict=True)
            if old is not None and (text := wanted.replaced(old, FORGOTTEN)) != old
        }
        if new:
            yield row[: len(key)], new


def _perhaps_has(column: Column[Any], wanted: AddressInText) -> ColumnElement[bool]:
    """Return the condition that a text has one of each group of needles."""
    groups = wanted.needles()
    return and_(*(or_(*(column.icontains(text, autoescape=True) for text in group)) for group in groups))
