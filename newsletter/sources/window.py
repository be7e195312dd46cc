"""Compute the week whose entries an issue presents, and fill it into the address of a source."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from newsletter.config.sources import FIELDS, iso_week

_WEEK = re.compile(r"([12][0-9]{3})-W([0-9]{2})")


@dataclass(frozen=True)
class Week:
    """A week from Monday to Sunday, in UTC."""

    monday: date

    def __str__(self) -> str:
        """Return the week in the notation of ISO 8601: 2026-W18."""
        return iso_week(self.monday)

    @property
    def sunday(self) -> date:
        """Return the last day."""
        return self.monday + timedelta(days=6)

    @property
    def days(self) -> str:
        """Return the first and the last day as words: `2026-04-27 to 2026-05-03`."""
        return f"{self.monday} to {self.sunday}"

    def contains(self, moment: datetime) -> bool:
        """Return True for a time in this week."""
        return self.monday <= moment.astimezone(UTC).date() <= self.sunday

    def fill(self, address: str) -> str:
        """Return an address with the values of its fields, such as `{week}`."""
        for field, value in FIELDS.items():
            address = address.replace(f"{{{field}}}", value(self.monday))
        return address


def week_of(day: date) -> Week:
    """Return the week of a date."""
    return Week(day - timedelta(days=day.weekday()))


def week_before(day: date) -> Week:
    """Return the last whole week before the week of a date: an issue of Monday presents the week before."""
    return week_of(day - timedelta(days=7))


def parse_week(text: str) -> Week:
    """Parse `2026-W18`; raise ValueError for other text."""
    if not (match := _WEEK.fullmatch(text)):
        raise ValueError(text)
    return Week(date.fromisocalendar(int(match[1]), int(match[2]), 1))
