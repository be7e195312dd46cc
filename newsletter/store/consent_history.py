"""The history of the consents and departures of subscribers, and the words with which they were asked."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from newsletter.constants import ConsentChange
from newsletter.store.schema import consent_event_table, wording_table
from newsletter.subscribers.origins import ConsentOrigin, StateOrigin


@dataclass(frozen=True)
class ConsentEvent:
    """A change of a consent; `wording` has the words with which the person was asked, or is ""."""

    at: datetime
    change: ConsentChange
    how: str
    wording: str


def record(
    connection: Connection,
    subscriber_id: int,
    change: ConsentChange,
    how: ConsentOrigin | StateOrigin,
    at: datetime,
    *,
    wording_id: int | None = None,
) -> None:
    """Add a change to the history of a subscriber."""
    values = {"subscriber_id": subscriber_id, "at": at, "change": change, "how": how}
    connection.execute(insert(consent_event_table), values | {"wording_id": wording_id})


def history(connection: Connection, subscriber_id: int) -> list[ConsentEvent]:
    """Return the changes of a subscriber, oldest first."""
    events = consent_event_table
    query = (
        select(events.c.at, events.c.change, events.c.how, wording_table.c.text)
        .outerjoin(wording_table, wording_table.c.id == events.c.wording_id)
        .where(events.c.subscriber_id == subscriber_id)
        .order_by(events.c.at, events.c.id)
    )
    return [ConsentEvent(row.at, row.change, row.how, row.text or "") for row in connection.execute(query)]


def wording_id(connection: Connection, text: str, now: datetime) -> int:
    """Return the number of a wording, which is stored on its first use."""
    query = select(wording_table.c.id).where(wording_table.c.text == text)
    if (known := connection.scalar(query)) is not None:
        return int(known)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(wording_table).values(text=text, since=now).on_conflict_do_nothing()
    connection.execute(new)
    return int(connection.scalars(query).one())
