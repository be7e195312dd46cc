"""Read the subscribers as rows of a table, which `news subscribers import` reads back."""

from collections.abc import Iterator
from datetime import UTC, datetime

from newsletter.display import printable
from newsletter.store.database import Database
from newsletter.store.subscribers import subscriber_rows
from newsletter.subscribers.formats.mailing_lists import OWN_HEADER

COLUMNS = tuple(OWN_HEADER.split(","))
"""The columns of an export; the rows have them in this order."""


def iter_rows(database: Database, state: str | None = None) -> Iterator[tuple[str, ...]]:
    """Yield a row for each subscriber, or for each in a state, oldest first; read them in pages."""
    for row in subscriber_rows(database, state):
        source = printable(row.consent_source, 1000)  # the name of a file may have control characters
        joined, changed = iso_time(row.consent_at), iso_time(row.changed_at)
        yield row.address, row.name, row.state, joined, row.consent_how, source, changed, row.changed_how


def iso_time(moment: datetime) -> str:
    """Return a time in ISO 8601 in UTC, such as `2026-04-27T09:00:00Z`; fractions of a second are kept."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
