"""Requests for the link to a person's own data, which is sent to the address of the person alone."""

from datetime import datetime

from sqlalchemy import Connection, select

from newsletter.store import service_mails, sign_ups, suppression
from newsletter.store.schema import subscriber_table
from newsletter.subscribers.address import Address
from newsletter.subscribers.mail_limits import MAIL_COUNT_PERIOD, with_next


def ask_for_link(connection: Connection, address: Address, now: datetime) -> None:
    """Write the mail with the link to the data of a subscriber, also of one who has left, within the limits.

    A person whose sign-up waits gets the confirmation mail again, and an unknown one nothing. It returns
    nothing, as `sign_ups.ask` does: the form tells nobody who is on the list.
    """
    suppression.lock_to_forget_people(connection)
    query = select(subscriber_table.c.id).where(subscriber_table.c.address_key == address.key)
    subscriber_id = connection.scalar(query)
    if subscriber_id is None:
        sign_ups.remind(connection, address, now)
    elif _may_write(connection, subscriber_id, now):
        service_mails.write(connection, "data", now, subscriber_id=subscriber_id)


def _may_write(connection: Connection, subscriber_id: int, now: datetime) -> bool:
    count = service_mails.find_count(connection, "data", subscriber_id, now - MAIL_COUNT_PERIOD)
    return with_next(count, now) is not None
