"""Test on both databases that delivery events are stored once, and change the states of their people."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from newsletter.errors import DatabaseBusy
from newsletter.store import suppression
from newsletter.store.consent_history import history
from newsletter.store.database import Database
from newsletter.store.delivery_events import BOUNCE_PAUSE, Recorded, count_reported, record
from newsletter.store.erasure import erase
from newsletter.store.schema import (
    consent_event_table,
    delivery_event_table,
    service_mail_table,
    sign_up_table,
    subscriber_table,
    suppressed_table,
    wording_table,
)
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.delivery_event import DeliveryEvent
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.store.history import History

NOW = samples.NOW
ADA = parse_subscriber("ada@example.com")[0]


@pytest.fixture
def people(database: Database) -> list[int]:
    """Three subscribers, with the ids 1 to 3, who joined ten weeks ago."""
    subscribers = Subscribers(database, lambda: NOW - timedelta(weeks=10))
    for number in range(3):
        subscribers.add(parse_subscriber(f"reader{number}@example.com")[0])
    with database.reading() as connection:
        return list(connection.scalars(select(subscriber_table.c.id).order_by(subscriber_table.c.id)))


def event(kind: Any, subscriber_id: int | None = 1, *, days: float = 0, **fields: Any) -> DeliveryEvent:
    """Return an event `days` before now, about a message of its own."""
    at = NOW - timedelta(days=days)
    return DeliveryEvent("sendgrid", f"message of {at}", kind, at, subscriber_id, **fields)


def do(database: Database, *events: DeliveryEvent) -> Recorded:
    with database.writing() as connection:
        return record(connection, events, NOW)


def states(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.scalars(select(subscriber_table.c.state).order_by(subscriber_table.c.id)))


def stored(database: Database) -> int:
    with database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(delivery_event_table)) or 0


def ask(database: Database, *, subscriber_id: int | None = None) -> int:
    """Insert a sign-up of ADA with a mail that waits; return its id."""
    with database.writing() as connection:
        connection.execute(insert(wording_table), {"id": 1, "text": "Yes, send it.", "since": NOW})
        times = {name: NOW for name in ("asked_at", "expires_at", "mails_since", "mailed_at")}
        row = {"address": ADA.given, "address_key": ADA.key, "asked_how": "sign-up form", "wording_id": 1}
        row |= {"mails": 1, "subscriber_id": subscriber_id, "id": 7}
        connection.execute(insert(sign_up_table), row | times)
        mail = {"kind": "confirm", "sign_up_id": 7, "written_at": NOW, "state": "waiting", "tries": 0}
        connection.execute(insert(service_mail_table), mail)
    return 7


def rows(database: Database, table: Any) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(select(table)))


def test_events_are_stored_once_and_change_the_states(database: Database, people: list[int]) -> None:
    events = [
        event("delivered", people[0]),
        event("bounced", people[1], status="5.1.1"),
        event("complained", people[2]),
    ]
    assert do(database, *events) == Recorded(3, 0, 0, 2, 0)
    assert states(database) == ["active", "bounced", "complained"]
    assert do(database, *events, events[0]) == Recorded(0, 4, 0, 0, 0)
    assert stored(database) == 3
    (row,) = [row for row in rows(database, delivery_event_table) if row.kind == "bounced"]
    assert (row.source, row.subscriber_id, row.status, row.at, len(row.digest)) == (
        "sendgrid",
        people[1],
        "5.1.1",
        NOW,
        16,
    )
    (changed,) = [row for row in rows(database, subscriber_table) if row.state == "bounced"]
    assert (changed.changed_at, changed.changed_how) == (NOW, "hard bounce")


def test_an_event_of_another_kind_time_person_or_message_is_another_one(
    database: Database, people: list[int]
) -> None:
    first = event("soft", people[0])
    others = [
        first._replace(kind="delivered"),
        first._replace(at=NOW + timedelta(seconds=1)),
        first._replace(subscriber_id=people[1]),
        first._replace(message="another"),
        first._replace(source="report"),
    ]
    assert do(database, first, *others).stored == 6


def test_the_send_of_an_event_is_that_of_its_issue(database: Database, tmp_path: Path) -> None:
    history = History(database, tmp_path)
    issue = history.send.issue
    for events in (
        [event("delivered", number, issue=issue) for number in (1, 2, 4)],
        [event("bounced", 4, issue=issue), event("bounced", 5, issue="2020-01-06"), event("soft", 1)],
        [event("delivered", 1, days=-1, issue=issue)],
    ):
        do(database, *events)
    with database.reading() as connection:
        assert count_reported(connection, history.send.id) == {"delivered": 3, "bounced": 1}


def test_soft_bounces_stop_and_a_late_delivery_takes_them_back(database: Database, people: list[int]) -> None:
    do(database, *(event("soft", people[0], days=days) for days in (20, 13)))
    assert states(database)[0] == "active"
    assert do(database, event("soft", people[0], days=6)).changed_subscribers == 1
    assert states(database)[0] == "bounced"
    assert do(database, event("delivered", people[0], days=14)).changed_subscribers == 1
    assert states(database)[0] == "active"


def test_the_same_request_at_the_same_time_is_stored_once(database: Database, people: list[int]) -> None:
    """Record events in a transaction that begins before the other one, with the same events, is committed."""
    events = [*(event("soft", people[0], days=days) for days in (20, 13, 6)), event("complained", people[1])]
    with ThreadPoolExecutor() as pool:
        with database.writing() as connection:
            first = record(connection, events, NOW)
            second = pool.submit(do, database, *reversed(events))
            assert not wait([second], timeout=0.3).done
        assert (first, second.result(timeout=30)) == (Recorded(4, 0, 0, 2, 0), Recorded(0, 4, 0, 0, 0))
    assert states(database) == ["bounced", "complained", "active"] and stored(database) == 4


def test_events_before_the_consent_and_before_a_return_do_not_count(
    database: Database, people: list[int]
) -> None:
    with database.writing() as connection:
        returned = {
            "subscriber_id": people[1],
            "at": NOW - timedelta(days=5),
            "change": "returned",
            "how": "",
        }
        connection.execute(insert(consent_event_table), returned)
    do(database, event("complained", people[0], days=71), event("unsubscribed", people[1], days=6))
    assert states(database) == ["active"] * 3
    do(database, event("unsubscribed", people[1], days=4))
    assert states(database) == ["active", "unsubscribed", "active"]


def test_an_event_about_nobody_is_not_kept(database: Database, people: list[int]) -> None:
    with database.writing() as connection:
        erase(connection, parse_subscriber("reader0@example.com")[0], NOW)
    assert do(database, event("complained", people[0]), event("soft", 2**31 - 1)) == Recorded(0, 0, 2, 0, 0)
    assert stored(database) == 0 and states(database) == ["active", "active"]


@pytest.mark.parametrize("kind", ["bounced", "complained", "unsubscribed"])
def test_a_confirmation_mail_that_bounces_ends_the_sign_up(database: Database, kind: str) -> None:
    about = event(kind, None, sign_up_id=ask(database))
    assert do(database, about, event("delivered", None, sign_up_id=7, days=1)) == Recorded(0, 0, 0, 0, 1)
    assert not rows(database, sign_up_table) and not rows(database, service_mail_table)
    (kept,) = rows(database, suppressed_table)
    assert (kept.since, kept.until) == (NOW, NOW + BOUNCE_PAUSE) and timedelta(days=30) == BOUNCE_PAUSE
    assert do(database, about) == Recorded(0, 0, 1, 0, 0)


@pytest.mark.parametrize("kind", ["delivered", "soft"])
def test_a_confirmation_mail_that_may_arrive_ends_nothing(database: Database, kind: str) -> None:
    assert do(database, event(kind, None, sign_up_id=ask(database))) == Recorded(0, 0, 1, 0, 0)
    assert rows(database, sign_up_table) and rows(database, service_mail_table)
    assert not rows(database, suppressed_table)


def test_the_confirmation_mail_of_a_subscriber_is_one_of_the_subscriber(
    database: Database, people: list[int]
) -> None:
    sign_up = ask(database, subscriber_id=people[2])
    about = event("complained", None, sign_up_id=sign_up)
    assert do(database, about) == Recorded(1, 0, 0, 1, 0)
    assert states(database)[2] == "complained" and rows(database, sign_up_table)
    # A bounce before the confirmation is out of date: the mail has arrived.
    assert do(database, about, event("bounced", None, sign_up_id=sign_up, days=75)).changed_subscribers == 0


def test_a_hash_with_an_end_never_replaces_one_without(database: Database) -> None:
    keys = [ADA.key]
    with database.writing() as connection:
        suppression.pause(connection, keys, NOW, NOW + timedelta(days=2))
        suppression.pause(connection, keys, NOW, NOW + timedelta(days=1))
        assert suppression.forgotten(connection, keys) == set()
    assert [row.until for row in rows(database, suppressed_table)] == [NOW + timedelta(days=2)]
    with database.writing() as connection:
        suppression.pause(connection, keys, NOW, NOW + timedelta(days=3))
    assert [row.until for row in rows(database, suppressed_table)] == [NOW + timedelta(days=3)]
    with database.writing() as connection:
        suppression.forget(connection, keys, NOW)
        suppression.pause(connection, keys, NOW, NOW + timedelta(days=9))
        assert suppression.forgotten(connection, keys) == {ADA.key}
    assert [row.until for row in rows(database, suppressed_table)] == [None]


def test_ten_thousand_events_in_any_order_have_one_end(database: Database) -> None:
    """Record events in two orders and partitions, each twice; the tables are the same afterwards."""
    random = Random(20260504)
    joined = NOW - timedelta(days=30)
    addresses = [f"reader{number}@example.com" for number in range(400)]
    consent = {"consent_at": joined, "consent_how": "form", "changed_at": joined, "state": "active"}
    with database.writing() as connection:
        for number, address in enumerate(addresses, 1):
            row = {"id": number, "address": address, "address_key": address, **consent}
            connection.execute(insert(subscriber_table), row)
    kinds = ("delivered", "delivered", "soft", "soft", "soft", "bounced", "unsubscribed", "complained")
    weights = (60, 60, 60, 60, 60, 1, 1, 1)
    events = [
        event(kind, random.randint(1, 420), days=random.randint(0, 35))
        for kind in random.choices(kinds, weights, k=5_000)
    ]
    ends = []
    for _ in range(2):
        arriving = events * 2
        random.shuffle(arriving)
        while arriving:
            size = random.randint(1, 3000)
            do(database, *arriving[:size])
            arriving = arriving[size:]
        ends.append(
            (
                sorted(rows(database, subscriber_table)),
                {row.digest for row in rows(database, delivery_event_table)},
            )
        )
        with database.writing() as connection:
            connection.execute(delivery_event_table.delete())
            connection.execute(update(subscriber_table).values(changed_how="", **consent))
    assert ends[0] == ends[1]
    assert len({row.state for row in ends[0][0]}) == 4 and len(ends[0][1]) < 5_000


def history_of(database: Database, subscriber_id: int = 1) -> list[tuple[str, str, Any]]:
    with database.reading() as connection:
        return [(each.change, each.how, each.at) for each in history(connection, subscriber_id)]


def test_a_departure_by_an_event_is_in_the_history_once(database: Database, people: list[int]) -> None:
    bounce, later, earlier = event("bounced", days=5), event("bounced", days=4), event("bounced", days=6)
    for each in (bounce, bounce, later, earlier):
        do(database, each)
    left = ("left", "hard bounce", NOW - timedelta(days=5))
    assert history_of(database) == [left], "of the first report that arrived"
    do(database, event("complained", days=1))
    assert history_of(database) == [left, ("left", "spam report", NOW - timedelta(days=1))]
    assert history_of(database, 2) == []


def test_a_delivery_after_soft_bounces_is_in_the_history_and_no_consent(
    database: Database, people: list[int]
) -> None:
    do(database, *(event("soft", days=days) for days in (20, 15, 10)))
    do(database, event("delivered", days=8))
    left, returned = ("left", "soft bounces", NOW - timedelta(days=10)), ("returned", "delivery", NOW)
    assert history_of(database) == [left, returned]
    do(database, event("bounced", days=5))
    assert states(database)[0] == "bounced", "reported late, and after the consent"


def test_events_wait_while_people_are_forgotten(database: Database, people: list[int]) -> None:
    """Otherwise an event of a person could be stored after the person was erased."""
    if database.url.get_backend_name() != "postgresql":
        return  # SQLite has one writer at a time
    with database.writing() as connection:
        suppression.lock_to_forget_people(connection)
        with pytest.raises(DatabaseBusy), database.writing(lock_seconds=0.2) as other:
            record(other, [event("delivered")], NOW)
    assert stored(database) == 0
