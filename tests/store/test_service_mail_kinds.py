"""Tests of the queue of mail about subscriptions, as the mailer reads it: by kind, and within an hour."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from newsletter.constants import ServiceMailKind
from newsletter.store import service_mails
from newsletter.store.database import Database
from newsletter.store.schema import subscriber_table
from newsletter.store.service_mails import ServiceMailResult
from tests.samples import NOW

HOUR = timedelta(hours=1)


def add(database: Database, *kinds: ServiceMailKind) -> None:
    """Add a subscriber, and a mail to it of each kind."""
    row = {"address": "ada@example.com", "address_key": "ada@example.com", "state": "active"}
    times = {"consent_at": NOW, "consent_how": "sign-up form", "changed_at": NOW}
    with database.writing() as connection:
        connection.execute(subscriber_table.insert(), row | times)
        for kind in kinds:
            service_mails.write(connection, kind, NOW, subscriber_id=1)


def settle(database: Database, number: int, at: datetime, **fields: object) -> None:
    """Record the result of a call for a mail that waits."""
    with database.writing() as connection:
        (mail,) = [mail for mail in service_mails.waiting(connection, NOW, 100) if mail.id == number]
        service_mails.claim(connection, [mail])
        service_mails.settle(connection, {number: ServiceMailResult(**fields)}, at)


@pytest.mark.parametrize(
    ("kinds", "found"), [(("already", "data"), [2, 3]), (("confirm",), [1, 4]), ((), [])]
)
def test_mails_of_some_kinds_wait_apart_from_the_others(
    kinds: tuple[str, ...], found: list[int], database: Database
) -> None:
    add(database, "confirm", "data", "already", "confirm")
    with database.reading() as connection:
        assert [mail.id for mail in service_mails.waiting(connection, NOW, 100, kinds)] == found
        assert [mail.id for mail in service_mails.waiting(connection, NOW, 3)] == [1, 2, 3]


def test_the_calls_of_an_hour_are_those_that_perhaps_sent_a_mail(database: Database) -> None:
    add(database, *["confirm"] * 5, "data")
    settle(database, 1, NOW - HOUR, state="accepted")
    settle(database, 2, NOW + HOUR / 2, state="unknown")
    settle(database, 3, NOW, state="refused")
    settle(database, 4, NOW, state="waiting", retry_at=NOW + HOUR)
    settle(database, 6, NOW, state="accepted")
    with database.reading() as connection:
        assert service_mails.settled_since(connection, "confirm", NOW - HOUR) == [NOW, NOW + HOUR / 2]


def test_what_waits_is_found_by_its_index(database: Database) -> None:
    """The mail that was sent stays for a month, and the database is asked every few seconds."""
    if database.url.get_backend_name() != "sqlite":
        return  # PostgreSQL reads a small table whole
    statements: list[tuple[str, object]] = []
    with database.reading() as connection:
        event.listen(
            connection,
            "before_cursor_execute",
            lambda _c, _u, sql, given, *_: statements.append((sql, given)),
        )
        service_mails.waiting(connection, NOW, 10, ("confirm",))
        (sql, given) = statements[-1]
        plan = connection.exec_driver_sql(f"explain query plan {sql}", given).all()
    assert any("ix_service_mail_waiting" in str(step) for step in plan), plan
