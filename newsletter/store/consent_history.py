"""The history of the consents and departures of subscribers, and the words with which they were asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from newsletter.constants import ConsentChange, SubscriberState
from newsletter.store.batches import batches
from newsletter.store.schema import consent_event_table, wording_table
from newsletter.subscribers.origins import DELIVERY, ConsentOrigin, StateOrigin

# One statement for all batches, which are as many as a request has thousands of events.
_RETURNS = (
    select(consent_event_table.c.subscriber_id, func.max(consent_event_table.c.at).label("at"))
    .where(
        consent_event_table.c.subscriber_id.in_(bindparam("ids", expanding=True)),
        consent_event_table.c.change == "returned",
        consent_event_table.c.how != DELIVERY,
    )
    .group_by(consent_event_table.c.subscriber_id)
)


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
    state_before: SubscriberState | None = None,
) -> None:
    """Add a change to the history of a subscriber; `state_before` is that before a departure."""
    values = {"subscriber_id": subscriber_id, "at": at, "change": change, "how": how}
    values |= {"wording_id": wording_id, "state_before": state_before}
    connection.execute(insert(consent_event_table), values)


def present_consents(connection: Connection, consents: Mapping[int, datetime]) -> dict[int, datetime]:
    """Return the times since which subscribers consent, by id; `consents` are those of `consent_at`.

    A person who took back an unsubscription has the old consent, but what happened before does not count any
    more. A return because of a delivery is no consent.
    """
    present = dict(consents)
    for ids in batches(list(consents)):
        for row in connection.execute(_RETURNS, {"ids": ids}):
            present[row.subscriber_id] = max(present[row.subscriber_id], row.at)
    return present


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
