"""Find the people who left within minutes of the delivery: a program may have pressed the button for them.

Some mail servers open every link of a message, and a few send the forms that they find. Then many people at
one domain leave at the same time.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select

from newsletter.sending.model import Send
from newsletter.store.batches import batches
from newsletter.store.recipient_blocks import find_number
from newsletter.store.schema import (
    attempt_table,
    consent_event_table,
    held_batch_table,
    recipient_table,
    subscriber_table,
)
from newsletter.subscribers.origins import BY_LINK

WINDOW = timedelta(minutes=10)
MANY_PEOPLE = 20
"""Number of early departures that is unusual in a send of any size."""
FEWEST_PEOPLE, MAX_SHARE = 5, 0.02
"""Number that is unusual in a small send, if it is a larger share of the recipients than MAX_SHARE."""


class _Delivery(NamedTuple):
    """The recipients first..last, whose mail left at a time."""

    first: int
    last: int
    at: datetime

    def is_just_before(self, moment: datetime) -> bool:
        return self.at <= moment <= self.at + WINDOW


class _Departure(NamedTuple):
    """A departure by the link in a mail."""

    subscriber_id: int
    at: datetime
    domain: str


def early_departures(connection: Connection, send: Send) -> Counter[str]:
    """Return the number of people who left at once, by the domain of their mail; empty if they are few."""
    deliveries = _deliveries(connection, send)
    found = [
        departure
        for departure in _departures(connection, deliveries)
        if any(delivery.is_just_before(departure.at) for delivery in deliveries)
    ]
    if not _are_many(len(found), send.recipients):
        return Counter()
    numbers = _numbers(connection, send, [departure.subscriber_id for departure in found])
    domains = Counter(
        departure.domain
        for departure in found
        if _is_early(departure, numbers.get(departure.subscriber_id), deliveries)
    )
    return domains if _are_many(domains.total(), send.recipients) else Counter()


def _are_many(people: int, recipients: int) -> bool:
    return people >= MANY_PEOPLE or (people >= FEWEST_PEOPLE and people > recipients * MAX_SHARE)


def _is_early(departure: _Departure, number: int | None, deliveries: Sequence[_Delivery]) -> bool:
    """Return True if a person left just after their own mail, and not after that of other recipients."""
    return number is not None and any(
        delivery.first <= number <= delivery.last and delivery.is_just_before(departure.at)
        for delivery in deliveries
    )


def _deliveries(connection: Connection, send: Send) -> list[_Delivery]:
    """Return the times at which the accepted mail of a send left: at once, or from its held batch."""
    attempts, batch = attempt_table.c, held_batch_table.c
    query = (
        select(attempts.first, attempts.last, attempts.settled_at, batch.send_at)
        .outerjoin(
            held_batch_table, (batch.send_id == attempts.send_id) & (batch.number == attempts.held_batch)
        )
        .where(attempts.send_id == send.id, attempts.state.in_(("accepted", "mixed")))
    )
    return [
        _Delivery(row.first, row.last, max(filter(None, (row.settled_at, row.send_at))))
        for row in connection.execute(query)
        if row.settled_at
    ]


def _departures(connection: Connection, deliveries: Sequence[_Delivery]) -> list[_Departure]:
    """Return the departures by a link from the first delivery until some minutes after the last one."""
    if not deliveries:
        return []
    times = [delivery.at for delivery in deliveries]
    events = consent_event_table.c
    query = (
        select(events.subscriber_id, events.at, subscriber_table.c.address_key)
        .join(subscriber_table, subscriber_table.c.id == events.subscriber_id)
        .where(
            events.at.between(min(times), max(times) + WINDOW),
            events.change == "left",
            events.how.in_(BY_LINK),
        )
    )
    return [
        _Departure(row.subscriber_id, row.at, row.address_key.rpartition("@")[2])
        for row in connection.execute(query)
    ]


def _numbers(connection: Connection, send: Send, subscriber_ids: Sequence[int]) -> dict[int, int]:
    """Return the numbers of these subscribers among the recipients of a send."""
    numbers: dict[int, int] = {}
    for ids in batches(subscriber_ids):
        of_send = (recipient_table.c.send_id == send.id) & recipient_table.c.subscriber_id.in_(ids)
        query = select(recipient_table.c.subscriber_id, recipient_table.c.number).where(of_send)
        numbers.update((row.subscriber_id, row.number) for row in connection.execute(query))
    for subscriber_id in set(subscriber_ids) - numbers.keys():
        if number := find_number(connection, send.id, subscriber_id):
            numbers[subscriber_id] = number
    return numbers
