"""Limits of the mail that strangers can have sent to an address by filling in forms."""

from datetime import datetime, timedelta
from typing import NamedTuple

MIN_MAIL_INTERVAL = timedelta(hours=1)
"""The shortest time between two mails of a kind to one person, which the person asked for."""
MAIL_COUNT_PERIOD = timedelta(days=7)
MAX_MAILS = 3
"""The most mails of a kind to one person in a MAIL_COUNT_PERIOD."""
ALREADY_PAUSE = timedelta(days=1)
"""The shortest time between two mails that tell a subscriber that nothing is left to do."""


class MailCount(NamedTuple):
    """The mails of a kind to a person: `number` since `since`, the last one `last_at`."""

    number: int
    since: datetime
    last_at: datetime


def with_next(count: MailCount | None, now: datetime) -> MailCount | None:
    """Return the count with a mail that is written now; None if it may not be written."""
    if count is None:
        return MailCount(1, now, now)
    if now - count.last_at < MIN_MAIL_INTERVAL:
        return None
    recent = _recent(count, now)
    if recent is None:
        return MailCount(1, now, now)
    number, since = recent
    return MailCount(number + 1, since, now) if number < MAX_MAILS else None


def _recent(count: MailCount, now: datetime) -> tuple[int, datetime] | None:
    """Return the number of mails in the last MAIL_COUNT_PERIOD, and the time of the first; None if none.

    Only the times of the first and the last mail are known. When the first one is out of the period, the
    others count as if they were written with the last one: never more than MAX_MAILS are in a period.
    """
    if now - count.since < MAIL_COUNT_PERIOD:
        return count.number, count.since
    if now - count.last_at < MAIL_COUNT_PERIOD:
        return count.number - 1, count.last_at
    return None
