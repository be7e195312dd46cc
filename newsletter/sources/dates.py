"""Parse the dates of entries: ISO 8601, RFC 5322, or seconds or milliseconds since 1970."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MILLISECONDS = 100_000_000_000  # seconds since 1970 reach this number in the year 5138


def parse_moment(value: object) -> datetime | None:
    """Return the time of a value in UTC; None for a value that is no date. A time without a zone is UTC."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS else value, UTC)
        if isinstance(value, str):
            return _in_utc(_parse(value.strip()[:100]))
    except (ValueError, TypeError, OverflowError, OSError):
        pass
    return None


def _parse(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parsedate_to_datetime(text)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
