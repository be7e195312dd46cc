"""Read the subscribers as rows of a table, which `news subscribers import` reads back."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import select

from newsletter.display import printable
from newsletter.store.database import Database
from newsletter.store.schema import subscriber_table
from newsletter.subscribers.formats.mailing_lists import OWN_HEADER

COLUMNS = tuple(OWN_HEADER.split(","))
"""The columns of an export; the rows have them in this order."""
_PAGE = 5000


def iter_rows(database: Database, state: str | None = None) -> Iterator[tuple[str, ...]]:
    """Yield a row for each subscriber, or for each in a state, oldest first; read them in pages."""
    after = 0
    columns = [subscriber_table.c[name] for name in COLUMNS]
    while True:
        query = select(subscriber_table.c.id, *columns).where(subscriber_table.c.id > after)
        if state:
            query = query.where(subscriber_table.c.state == state)
        with database.reading() as connection:
            rows = connection.execute(query.order_by(subscriber_table.c.id).limit(_PAGE)).all()
        for row in rows:
            source = printable(row.consent_source, 1000)  # the name of a file may have control characters
            joined, changed = iso_time(row.consent_at), iso_time(row.changed_at)
            yield row.address, row.name, row.state, joined, row.consent_how, source, changed, row.changed_how
        if len(rows) < _PAGE:
            return
        after = rows[-1].id


def iso_time(moment: datetime) -> str:
    """Return a time in ISO 8601 in UTC, such as `2026-04-27T09:00:00Z`; fractions of a second are kept."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
