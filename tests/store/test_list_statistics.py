"""Test on both databases that the subscribers are counted right."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from newsletter.store.database import Database
from newsletter.store.list_statistics import Movement, month_starts, read_statistics
from newsletter.store.schema import send_table, subscriber_table, suppressed_table
from newsletter.store.suppression import forget
from tests.store.sign_up_story import Story

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
SENT = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)


def add(
    database: Database, address: str, joined: datetime, state: str = "active", changed: datetime | None = None
) -> None:
    values = {"address": address, "address_key": address, "state": state, "consent_at": joined}
    values |= {"consent_how": "imported", "changed_at": changed or joined}
    with database.writing() as connection:
        connection.execute(insert(subscriber_table).values(values))


def sent(database: Database, list_name: str, issue: str, started: datetime) -> None:
    values = {"issue": issue, "list": list_name, "content_sha256": "", "provider": "smtp", "recipients": 2}
    with database.writing() as connection:
        connection.execute(insert(send_table).values(started_at=started, **values))


def test_the_numbers_of_a_list(database: Database) -> None:
    before_midnight = datetime(2026, 3, 31, 23, 59, 59, 999999, tzinfo=UTC)
    add(database, "a@example.com", datetime(2025, 5, 31, 23, 59, 59, tzinfo=UTC))
    add(database, "h@post.example", datetime(2025, 6, 1, tzinfo=UTC))
    add(database, "b@example.com", before_midnight)
    add(database, "c@mail.example", before_midnight + timedelta(microseconds=1))
    add(database, "d@mail.example", SENT + timedelta(hours=1))
    add(database, "e@example.com", datetime(2026, 3, 1, tzinfo=UTC), "bounced", SENT + timedelta(hours=2))
    add(
        database,
        "f@example.com",
        datetime(2026, 3, 2, tzinfo=UTC),
        "unsubscribed",
        datetime(2026, 4, 1, 5, tzinfo=UTC),
    )
    add(database, "g@example.com", NOW, "pending")
    sent(database, "subscribers", "2026-04-27", SENT)
    sent(database, "rehearsal 1", "2026-05-04", NOW)
    with database.writing() as connection:
        forget(connection, ["x@example.com", "y@example.com"], NOW)
        numbers = read_statistics(connection, NOW)
    assert numbers.states == {"pending": 1, "active": 5, "unsubscribed": 1, "bounced": 1, "complained": 0}
    assert (numbers.forgotten, numbers.last_issue) == (2, "2026-04-27")
    assert numbers.since_last == Movement(SENT, joined=1, left=1)
    assert [(f"{one.since:%Y-%m}", one.joined, one.left) for one in numbers.months[-3:]] == [
        ("2026-03", 3, 0),
        ("2026-04", 1, 1),
        ("2026-05", 1, 1),
    ]
    assert len(numbers.months) == 12 and numbers.origins == [("imported", 5)]
    assert (f"{numbers.months[0].since:%Y-%m}", numbers.months[0].joined) == ("2025-06", 1)
    assert numbers.domains == [("example.com", 2), ("mail.example", 2), ("post.example", 1)]
    assert numbers.other_domains == 0


def test_sign_ups_that_wait_are_pending(database: Database) -> None:
    story = Story(database)
    story.joined()
    for name in ("bo", "cy", "di"):
        story.ask(f"{name}@example.com")
        story.wait(timedelta(days=3))
    with database.writing() as connection:
        forget(connection, ["x@example.com"], story.now)
        limited = suppressed_table.insert().values(address_hash=b"y", since=story.now, until=story.now)
        connection.execute(limited)
        numbers = read_statistics(connection, story.now)
    assert (numbers.states["active"], numbers.states["pending"]) == (1, 2), "the link of Bo has expired"
    assert numbers.forgotten == 1, "a hash with an end is that of a bounce"
    assert numbers.months[-1].joined == 1 and numbers.origins == [("sign-up form", 1)]


def test_an_empty_list(database: Database) -> None:
    with database.reading() as connection:
        numbers = read_statistics(connection, NOW)
    assert set(numbers.states.values()) == {0} and numbers.domains == numbers.origins == []
    assert numbers.last_issue is None and numbers.since_last is None


def test_the_five_most_frequent_domains(database: Database) -> None:
    for domain in range(7):
        for person in range(1 + domain):
            add(database, f"p{person}@d{domain}.example", NOW)
    with database.reading() as connection:
        numbers = read_statistics(connection, NOW)
    assert numbers.domains == [(f"d{n}.example", n + 1) for n in (6, 5, 4, 3, 2)]
    assert numbers.other_domains == 2


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        (datetime(2026, 1, 31, tzinfo=UTC), (2024, 12), (2026, 1)),
        (datetime(2026, 12, 1, tzinfo=UTC), (2025, 11), (2026, 12)),
        (datetime(2024, 2, 29, tzinfo=UTC), (2023, 1), (2024, 2)),
    ],
)
def test_months_begin_on_the_first(now: datetime, first: tuple[int, int], last: tuple[int, int]) -> None:
    starts = month_starts(now, 14)
    assert len(starts) == 14 and {start.day for start in starts} == {1}
    assert ((starts[0].year, starts[0].month), (starts[-1].year, starts[-1].month)) == (first, last)


def test_whoever_joined_and_left_counts_as_both_in_each_movement(database: Database) -> None:
    sent(database, "subscribers", "2026-05-01", datetime(2026, 5, 1, tzinfo=UTC))
    add(database, "a@example.com", SENT)
    add(database, "b@example.com", SENT, "unsubscribed", NOW)
    add(database, "c@example.com", SENT, "pending")
    add(database, "d@example.com", SENT, "bounced")  # in an import
    with database.writing() as connection:
        imported = update(subscriber_table).where(subscriber_table.c.state == "bounced")
        connection.execute(imported.values(changed_how="imported"))
    with database.reading() as connection:
        numbers = read_statistics(connection, NOW)
    assert numbers.since_last == numbers.months[-1] == Movement(datetime(2026, 5, 1, tzinfo=UTC), 2, 1)
