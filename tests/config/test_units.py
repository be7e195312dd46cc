"""Durations, percentages, rates and times, as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from newsletter.config import units
from newsletter.config.units import Rate


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("0m", 0), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400)]
)
def test_spans(text: str, seconds: int) -> None:
    assert units.parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "count", "seconds"),
    [("20/s", 20, 1), ("5000/hour", 5000, 3600), ("100k/day", 100_000, 86400), ("60 / minute", 60, 60)],
)
def test_rates(text: str, count: int, seconds: int) -> None:
    assert units.parse_rates(text) == [Rate(count, timedelta(seconds=seconds))]
    assert len(units.parse_rates(f"{text}, 1/s")) == 2


def test_shares() -> None:
    texts = ("5%", "0.5 %", "100%", "0%", "off")
    assert [units.parse_percent(text) for text in texts] == [0.05, 0.005, 1, 0, None]


@pytest.mark.parametrize("text", ["", "soon", "-5m", "5", "5 weeks", "٣m", "1e3s", "9999999m"])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(ValueError):
        units.parse_duration(text)


@pytest.mark.parametrize(
    "text", ["", "20", "0/s", "fast", "20/year", "/s", "20//s", "-1/s", "20/s,", "20/s; 3/h"]
)
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError):
        units.parse_rates(text)


@pytest.mark.parametrize("text", ["", "5", "five%", "-5%", "101%"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(ValueError):
        units.parse_percent(text)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        pytest.param("2026-05-04 09:00 Europe/Berlin", 7, id="summer"),
        pytest.param("2026-01-04 09:00 Europe/Berlin", 8, id="winter"),
        pytest.param("2026-05-04 09:00", 9, id="utc"),
        pytest.param("2026-05-04T09:00 UTC", 9, id="named-utc"),
        pytest.param("2026-05-04T09:00Z", 9, id="z"),
        pytest.param("2026-12-05T09:00:00Z", 9, id="z-with-seconds"),
        pytest.param("2026-12-05T09:00:00.000Z", 9, id="z-with-milliseconds"),
        pytest.param("2026-05-04T09:00:00", 9, id="utc-with-seconds"),
        pytest.param("2026-05-04 09:00:00 Europe/Berlin", 7, id="zone-with-seconds"),
        pytest.param("2026-05-04T09:00:00+02:00", 7, id="offset-with-seconds"),
        pytest.param("2026-05-04T09:00+02:00", 7, id="offset"),
        pytest.param("2026-05-04T09:00-0230", 11.5, id="offset-west-without-a-colon"),
        pytest.param("2026-05-04 09:00 +02", 7, id="offset-of-hours"),
        pytest.param(" 2026-05-04 09:00  America/New_York ", 13, id="west"),
    ],
)
def test_moments(text: str, hour: float) -> None:
    parsed = units.parse_datetime(text)
    midnight = datetime(2026, parsed.month, parsed.day, tzinfo=UTC)
    assert text.strip().startswith(f"{midnight:%Y-%m-%d}")
    assert (parsed, parsed.tzinfo) == (midnight + timedelta(hours=hour), UTC)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("tomorrow", "write it as", id="word"),
        pytest.param("2026-05-04", "write it as", id="no-time"),
        pytest.param("2026-13-04 09:00", "month", id="no-month"),
        pytest.param("2026-05-04 25:00", "hour", id="no-hour"),
        pytest.param("2026-05-04T09:00:61Z", "second", id="no-second"),
        pytest.param("2026-05-04T09:00:00+99:00", r"\+99:00 is not a time zone", id="no-offset"),
        pytest.param("2026-05-04T09:00:00+0200 CET", "write it as", id="two-zones"),
        pytest.param("2026-05-04 09:00 Berlin", "Berlin is not a time zone", id="no-zone"),
        pytest.param("2026-05-04 09:00 ../../etc/passwd", "is not a time zone", id="a-path"),
        pytest.param("2026-10-25 02:30 Europe/Berlin", "clocks change", id="shown-twice"),
        pytest.param("2026-03-29 02:30 Europe/Berlin", "clocks change", id="skipped"),
    ],
)
def test_moments_that_nobody_understands(text: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        units.parse_datetime(text)
