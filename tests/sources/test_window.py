"""The week that an issue presents, and the fields of an address."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from newsletter.sources.window import Week, parse_week, week_before


@pytest.mark.parametrize(
    ("issue", "expected", "days"),
    [
        pytest.param("2026-05-04", "2026-W18", "2026-04-27 to 2026-05-03", id="monday"),
        pytest.param("2026-05-05", "2026-W18", "2026-04-27 to 2026-05-03", id="tuesday"),
        pytest.param("2026-05-10", "2026-W18", "2026-04-27 to 2026-05-03", id="sunday"),
        pytest.param("2026-05-11", "2026-W19", "2026-05-04 to 2026-05-10", id="next-monday"),
        pytest.param("2027-01-04", "2026-W53", "2026-12-28 to 2027-01-03", id="week-53"),
        pytest.param("2025-01-06", "2025-W01", "2024-12-30 to 2025-01-05", id="week-1-begins-in-december"),
    ],
)
def test_an_issue_presents_the_last_whole_week_before_its_own(issue: str, expected: str, days: str) -> None:
    week = week_before(date.fromisoformat(issue))
    assert (str(week), week.days) == (expected, days)


def test_the_fields_of_an_address_are_those_of_the_monday() -> None:
    week = Week(date(2026, 4, 27))
    assert week.fill("https://example.com/{month}?w={week}&d={date}&d={date}") == (
        "https://example.com/2026-04?w=2026-W18&d=2026-04-27&d=2026-04-27"
    )


def test_a_week_begins_and_ends_at_midnight_in_utc() -> None:
    week = Week(date(2026, 4, 27))
    first = datetime(2026, 4, 27, tzinfo=UTC)
    last = first + timedelta(days=7, microseconds=-1)
    assert [week.contains(moment) for moment in (first, last)] == [True, True]
    outside = (first - timedelta(microseconds=1), last + timedelta(microseconds=1))
    assert [week.contains(moment) for moment in outside] == [False, False]
    east = timezone(timedelta(hours=2))
    assert not week.contains(datetime(2026, 4, 27, 1, tzinfo=east))


def test_a_week_is_parsed() -> None:
    assert parse_week("2026-W18") == Week(date(2026, 4, 27))
    assert parse_week("2026-W53") == Week(date(2026, 12, 28))
    for text in ("2026-18", "2026-W54", "2025-W53", "2026-W00", "W18", "2026-w18", "2026-W18 ", ""):
        with pytest.raises(ValueError):
            parse_week(text)
