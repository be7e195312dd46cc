"""Parse durations, percentages, rates and times: 30m, 5%, 500/h, 2026-05-04 09:00 Europe/Berlin."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)(?:\s*(\S+))?"
)
_OFFSET = re.compile(r"[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PERIODS = {"s": 1, "second": 1, "m": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}


@dataclass(frozen=True)
class Rate:
    """A limit: at most `count` recipients in any interval of length `period`."""

    count: int
    period: timedelta


def parse_duration(text: str) -> timedelta:
    """Parse `30m`, `2h`, `90s`, `7d`, `0` or `off`; raise ValueError for other text."""
    if text in ("0", "off"):
        return timedelta()
    match = re.fullmatch(r"([0-9]{1,6})\s*([smhd])", text)
    if not match:
        raise ValueError(text)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def parse_percent(text: str) -> float | None:
    """Parse `5%` as 0.05 and `off` as None; raise ValueError for other text and for more than 100%."""
    if text == "off":
        return None
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]+)?)\s*%", text)
    if not match or float(match[1]) > 100:
        raise ValueError(text)
    return float(match[1]) / 100


def parse_rates(text: str) -> list[Rate]:
    """Parse `20/s` or `20/s, 5000/hour, 100k/day`; raise ValueError for other text."""
    return [_parse_rate(part.strip()) for part in text.split(",")]


def _parse_rate(text: str) -> Rate:
    match = re.fullmatch(r"([0-9]{1,9})\s*+(k?)\s*+/\s*+([a-z]+)", text)
    count = int(match[1]) * (1000 if match[2] else 1) if match else 0
    if not match or match[3] not in _PERIODS or not count:
        raise ValueError(text)
    return Rate(count, timedelta(seconds=_PERIODS[match[3]]))


def parse_datetime(text: str) -> datetime:
    """Parse `2026-05-04 09:00 Europe/Berlin` or ISO 8601; return the time in UTC.

    ISO 8601 is `2026-05-04T09:00:00Z` or `2026-05-04T09:00+02:00`; a time without a zone is UTC. Raise
    ValueError for other text, and for a local time that daylight saving skips or repeats.
    """
    match = _DATETIME.fullmatch(text.strip())
    if not match:
        raise ValueError("write it as 2026-05-04 09:00 Europe/Berlin, or as 2026-05-04T09:00:00Z")
    naive = datetime.fromisoformat(f"{match[1]} {match[2]}").replace(microsecond=0)
    if match[3] in (None, "Z", "UTC"):
        return naive.replace(tzinfo=UTC)
    if _OFFSET.fullmatch(match[3]):
        return datetime.fromisoformat(f"{naive}{match[3]}").astimezone(UTC)
    try:
        zone = ZoneInfo(match[3])
    except (ValueError, OSError, KeyError) as failure:  # an unknown zone raises KeyError
        raise ValueError(f"{match[3]} is not a time zone; write one such as Europe/Berlin") from failure
    local = naive.replace(tzinfo=zone)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise ValueError("the clocks change in that hour; choose another hour, or write the time in UTC")
    return local.astimezone(UTC)
