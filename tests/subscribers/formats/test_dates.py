"""The times in exports, and those whose order of day and month is not known."""

from datetime import UTC, datetime

import pytest

from newsletter.errors import Problem, SubscriberError
from newsletter.subscribers.formats.dates import UnknownDateOrder, parse_time
from newsletter.subscribers.formats.options import ImportOptions
from tests.import_tables import notes, results, shown, table

GHOST = "email,subscribed_to_emails,complimentary_plan,created_at\n"
BEEHIIV = "email,status,tier,created_at,unsubscribed_at\n"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2018-02-12 10:54:27", datetime(2018, 2, 12, 10, 54, 27)),
        (" 2018-02-12 ", datetime(2018, 2, 12)),
        ("20180212", datetime(2018, 2, 12)),
        ("2025-01-01T10:00:00.000Z", datetime(2025, 1, 1, 10)),
        ("2024-03-13 00:03:09.183465+00:00", datetime(2024, 3, 13, 0, 3, 9, 183465)),
        ("2023-04-21 11:16:57.12345+00", datetime(2023, 4, 21, 11, 16, 57, 123450)),
        ("2023-03-24 10:23:10 UTC", datetime(2023, 3, 24, 10, 23, 10)),
        ("2021-02-04 07:55:20 +0100", datetime(2021, 2, 4, 6, 55, 20)),
        ("2021-02-04T07:55:20-05:00", datetime(2021, 2, 4, 12, 55, 20)),
        ("1774600000", datetime(2026, 3, 27, 8, 26, 40)),
        ("1774600000.5", datetime(2026, 3, 27, 8, 26, 40)),
        ("1774600000000", datetime(2026, 3, 27, 8, 26, 40)),
        ("202401021530", datetime(2024, 1, 2, 15, 30)),
        ("20240102153045", datetime(2024, 1, 2, 15, 30, 45)),
    ],
)
def test_a_time_is_in_utc(value: str, expected: datetime) -> None:
    assert parse_time(value) == expected.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "day_first"),
    [
        ("1/2/23", "%d/%m/%y"),
        ("01/02/2023", "%d/%m/%Y"),
        ("13/2/2023", "%d/%m/%Y"),
        ("6.5.2024 10:00", "%d.%m.%Y %H:%M"),
        ("1-2-23", "%d-%m-%y"),
        ("12/31/1999 11:59:00", "%d/%m/%Y %H:%M:%S"),
        ("12/31/1999 11:59 PM", "%d/%m/%Y %I:%M %p"),
    ],
)
def test_a_date_whose_order_of_day_and_month_is_not_known(value: str, day_first: str) -> None:
    """13/2/2023 tells its order, but not that of the other dates: it is no reason to guess."""
    with pytest.raises(UnknownDateOrder):
        parse_time(value)
    content = f"{GHOST}a@example.com,true,false,2024-01-01\nb@example.com,true,false,{value}\n"
    with pytest.raises(SubscriberError) as refused:
        shown(table(content))
    what = f"list.csv:3: the order of day and month is not known for dates such as {value} in the column"
    assert str(refused.value).startswith(f"{what} `created_at`")
    month_first = day_first.translate(str.maketrans("dm", "md"))
    assert f'"{day_first}" if the day is first, or --date-format "{month_first}"' in refused.value.hint
    fitting = month_first if value.startswith("12/31") else day_first
    assert parse_time(value, fitting).year in (1999, 2023, 2024)


@pytest.mark.parametrize(
    "value",
    [
        *("soon", "2023-13-01", "2023-02-30", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
        *(
            "1899-12-31",
            "2101-01-01",
            "123456789012345",
            "202413021530",
            "20240102153099",
            "99999999999999999999",
            "1" * 5000,
            "1e9",
            "45000",
        ),
        *("\u0661\u0667\u0667\u0664\u0666\u0660\u0660\u0660\u0660\u0660", "\uff12\uff10\uff12\uff14-01-01"),
        *("\u00b2" * 10, "NaT", "=1+1", "Infinity"),
    ],
)
def test_a_date_that_cannot_be_read_is_named_once_and_loses_no_row(value: str) -> None:
    rows = "".join(f"reader{n}@example.com,true,false,{value}\n" for n in range(3))
    assert shown(table(GHOST + rows)) == [f"{n + 2} reader{n}@example.com active" for n in range(3)]
    problems = [note for note in notes(table(GHOST + rows)) if "cannot be read" in note]
    assert len(problems) == 1 and problems[0].startswith("warning: list.csv:2: the column `created_at`")


@pytest.mark.parametrize(
    "value", ["", " ", "null", "NULL", "0", "-", "0000-00-00 00:00:00", "no", "false", "\\N"]
)
def test_no_date_of_a_departure(value: str) -> None:
    assert shown(table(f"{BEEHIIV}a@example.com,active,free,,{value}\n")) == ["2 a@example.com active"]


@pytest.mark.parametrize("value", ["soon", "yes", "true", "2023-13-01", "1", "x"])
def test_a_departure_counts_though_its_date_cannot_be_read(value: str) -> None:
    content = f"{BEEHIIV}a@example.com,active,free,,{value}\n"
    assert shown(table(content)) == ["2 a@example.com unsubscribed"]
    assert len([note for note in notes(table(content)) if "cannot be read" in note]) == 1


@pytest.mark.parametrize(
    "value", ["no", "never", "unsubscribed", "opted out", "nein", "abgemeldet am 6. Mai"]
)
def test_a_word_in_place_of_a_consent_keeps_the_row_out(value: str) -> None:
    content = f"{GHOST}a@example.com,true,false,{value}\nb@example.com,false,false,{value}\n"
    assert shown(table(content)) == [
        f"2 a@example.com kept out: unknown_state {value}",
        "3 b@example.com unsubscribed",
    ]


def test_the_latest_departure_of_a_row_counts() -> None:
    content = (
        "email,status,tier,created_at,unsubscribed_at,unsubscribed_at\n"
        "a@example.com,inactive,free,,2023-05-01,2024-05-01\nb@example.com,active,free,,,2024-05-01\n"
    )
    assert shown(table(content)) == [
        "2 a@example.com unsubscribed left 2024-05-01T00:00:00",
        "3 b@example.com unsubscribed left 2024-05-01T00:00:00",
    ]


@pytest.mark.parametrize(
    ("date_format", "value", "expected"),
    [
        ("%d/%m/%Y", "1/2/2023", "2023-02-01T00:00:00"),
        ("%m/%d/%y", "1/2/23", "2023-01-02T00:00:00"),
        ("%d.%m.%Y %H:%M", "06.05.2024 07:08", "2024-05-06T07:08:00"),
        ("%d/%m/%Y", "2023-04-21", "2023-04-21T00:00:00"),
    ],
)
def test_the_format_of_dates_is_given(date_format: str, value: str, expected: str) -> None:
    content = f"{GHOST}a@example.com,true,false,{value}\n"
    assert shown(table(content), date_format=date_format) == [f"2 a@example.com active since {expected}"]


def test_a_date_that_does_not_have_the_given_format_still_has_no_known_order() -> None:
    content = f"{GHOST}a@example.com,true,false,1/2/23\n"
    with pytest.raises(SubscriberError, match="the order of day and month is not known"):
        shown(table(content), date_format="%d.%m.%Y")


@pytest.mark.parametrize(
    "date_format", ["", "%d/%m", "%Q", "%", "%Y", "dd/mm/yyyy", "%d%d/%m/%Y", "%H:%M", "\x00"]
)
def test_a_format_that_does_not_tell_the_day(date_format: str) -> None:
    with pytest.raises(SubscriberError, match="does not tell year, month and day") as refused:
        ImportOptions(date_format=date_format)
    assert "--date-format" in refused.value.hint


def test_warnings_stand_beside_the_rows_in_order() -> None:
    found = results(table(f"{GHOST}a@example.com,true,false,soon\n"))
    assert [isinstance(one, Problem) for one in found] == [True, True, True, False]
