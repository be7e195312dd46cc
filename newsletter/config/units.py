"""Spans, shares, rates and moments as people write them: 30m, 5%, 500/h, 2026-05-04 09:00 Europe/Berlin."""

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
    """At most `count` recipients in any stretch of time as long as `period`."""

    count: int
    period: timedelta


def parse_duration(text: str) -> timedelta:
    """`30m`, `2h`, `90s`, `0` or `off`; raises ValueError."""
    if text in ("0", "off"):
        return timedelta()
    found = re.fullmatch(r"([0-9]{1,6})\s*([smhd])", text)
    if not found:
        raise ValueError(text)
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def parse_percent(text: str) -> float | None:
    """`5%` as 0.05, `off` as None; raises ValueError."""
    if text == "off":
        return None
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]+)?)\s*%", text)
    if not found or float(found[1]) > 100:
        raise ValueError(text)
    return float(found[1]) / 100


def parse_rates(text: str) -> list[Rate]:
    """`20/s` or `20/s, 5000/hour, 100k/day`; raises ValueError."""
    return [_parse_rate(part.strip()) for part in text.split(",")]


def _parse_rate(text: str) -> Rate:
    found = re.fullmatch(r"([0-9]{1,9})\s*(k?)\s*/\s*([a-z]+)", text)
    count = int(found[1]) * (1000 if found[2] else 1) if found else 0
    if not found or found[3] not in _PERIODS or not count:
        raise ValueError(text)
    return Rate(count, timedelta(seconds=_PERIODS[found[3]]))


def parse_datetime(text: str) -> datetime:
    """Return `2026-05-04 09:00 Europe/Berlin`, or ISO 8601, in UTC; raise ValueError.

    ISO 8601 is `2026-05-04T09:00:00Z` or `2026-05-04T09:00+02:00`. Without a zone it is UTC.
    An hour that a zone's clocks skip or show twice is refused: nobody knows which is meant.
    """
    found = _DATETIME.fullmatch(text.strip())
    if not found:
        raise ValueError("write it as 2026-05-04 09:00 Europe/Berlin, or as 2026-05-04T09:00:00Z")
    naive = datetime.fromisoformat(f"{found[1]} {found[2]}").replace(microsecond=0)
    if found[3] in (None, "Z", "UTC"):
        return naive.replace(tzinfo=UTC)
    if _OFFSET.fullmatch(found[3]):
        return datetime.fromisoformat(f"{naive}{found[3]}").astimezone(UTC)
    try:
        zone = ZoneInfo(found[3])
    except (ValueError, OSError, KeyError) as failure:  # one that is not there is a KeyError
        raise ValueError(f"{found[3]} is no time zone; write one such as Europe/Berlin") from failure
    local = naive.replace(tzinfo=zone)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise ValueError("clocks are changed in that hour; choose another one, or write it in UTC")
    return local.astimezone(UTC)
