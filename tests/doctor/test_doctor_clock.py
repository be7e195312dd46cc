"""Tests of the findings on clocks."""

from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import format_datetime

import pytest

from newsletter.doctor.clock import clock
from newsletter.findings import ClockReading, clock_of


@pytest.mark.parametrize(
    ("seconds", "state", "words"),
    [
        pytest.param(0, "ok", "agrees within a second", id="right"),
        pytest.param(119, "ok", "agrees", id="nearly-two-minutes"),
        pytest.param(121, "warning", "2 minutes behind", id="behind"),
        pytest.param(-121, "warning", "2 minutes ahead", id="ahead"),
        pytest.param(600, "warning", "10 minutes behind", id="ten"),
        pytest.param(601, "error", "10 minutes behind", id="more-than-ten"),
        pytest.param(-7200, "error", "120 minutes ahead", id="hours"),
    ],
)
def test_a_clock(seconds: int, state: str, words: str) -> None:
    (finding,) = clock([ClockReading("SendGrid", timedelta(seconds=seconds))])
    assert finding.state == state and words in finding.what
    assert finding.looked_at == "clock, against SendGrid"
    assert bool(finding.fix) is (state != "ok")


def test_several_clocks_and_none() -> None:
    two = clock([ClockReading("the database", timedelta()), ClockReading("SendGrid", timedelta(hours=1))])
    assert [finding.state for finding in two] == ["ok", "error"]
    (none,) = clock([])
    assert none.state == "skipped" and "no server" in none.what


def headers(**fields: str) -> Message:
    message = Message()
    for name, value in fields.items():
        message[name] = value
    return message


def test_the_date_of_an_answer() -> None:
    theirs = datetime.now(UTC) + timedelta(minutes=5)
    (reading,) = clock_of("SendGrid", headers(Date=format_datetime(theirs, usegmt=True)))
    assert abs(reading.offset - timedelta(minutes=5)) < timedelta(seconds=5)
    (cached,) = clock_of("SendGrid", headers(Date=format_datetime(theirs, usegmt=True), Age="3600"))
    assert abs(cached.offset - timedelta(minutes=65)) < timedelta(seconds=5)
    (zoneless,) = clock_of("SendGrid", headers(Date=f"{theirs:%d %b %Y %H:%M:%S} -0000"))
    assert abs(zoneless.offset - timedelta(minutes=5)) < timedelta(seconds=5)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026 99:99:99 GMT"])
def test_no_date_is_no_clock(date: str) -> None:
    assert clock_of("SendGrid", headers(Date=date)) == ()
    assert clock_of("SendGrid", headers()) == ()


@pytest.mark.parametrize(
    ("date", "age"),
    [
        ("Mon, 04 May 2026 09:00:00 GMT", "999999999999999999"),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "1"),
        ("Fri, 31 Dec 9999 23:59:59 -2359", "0"),
        ("Mon, 04 May 2026 09:00:00 +9999999999999999", "0"),
    ],
)
def test_a_time_beyond_all_calendars_is_no_clock(date: str, age: str) -> None:
    assert clock_of("SendGrid", headers(Date=date, Age=age)) == ()
