"""Read the subscribers as rows of a table, which `news subscribers import` reads back."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import select

from newsletter.display import printable
from newsletter.store.database import Database
from newsletter.store.schema import subscriber_table

COLUMNS = (
    *("address", "name", "state", "consent_at", "consent_how", "consent_source"),
    *("changed_at", "changed_how"),
)
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
        for _, address, name, is_in, consent_at, consent_how, source, changed_at, changed_how in rows:
            source = printable(source, 1000)  # the name of a file may have control characters
            times = iso_time(consent_at), iso_time(changed_at)
            yield address, name, is_in, times[0], consent_how, source, times[1], changed_how
        if len(rows) < _PAGE:
            return
        after = rows[-1].id


def iso_time(moment: datetime) -> str:
    """Return a time in ISO 8601 in UTC, such as `2026-04-27T09:00:00Z`; fractions of a second are kept."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
