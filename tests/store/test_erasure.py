"""Test on both databases that a person is erased from each table, and only this person."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import String, insert, select, update

from newsletter.errors import DatabaseBusy, SubscriberError
from newsletter.store.database import Database
from newsletter.store.erasure import NOT_SEARCHED, erase, is_being_sent_to
from newsletter.store.import_chunk import move_chunk
from newsletter.store.recipient_pages import FORGOTTEN
from newsletter.store.schema import (
    attempt_table,
    chunk_table,
    consent_event_table,
    delivery_event_table,
    metadata,
    service_mail_table,
    sign_up_table,
    subscriber_table,
    wording_table,
)
from newsletter.store.staged_people import StagedPerson
from newsletter.store.subscribers import Subscribers
from newsletter.store.suppression import forgotten, forgotten_at
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.store.history import LEASE, History
from tests.store.sign_up_story import HOUR, WORDING, Story

ADA, BO = (parse_subscriber(f"{name}@example.com")[0] for name in ("ada", "bo"))
READER = parse_subscriber("reader4@example.com")[0]


def contents(database: Database) -> str:
    """Return the content of all tables as text."""
    with database.reading() as connection:
        return repr([connection.execute(select(table)).all() for table in metadata.sorted_tables])


def test_a_person_is_erased_and_forgotten_once(database: Database) -> None:
    subscribers = Subscribers(database)
    subscribers.add(ADA, "Ada Example")
    subscribers.add(BO, "Bo")
    with database.writing() as connection:
        assert erase(connection, ADA, samples.NOW) == "erased"
    assert "ada@" not in contents(database).lower() and "Ada Example" not in contents(database)
    with database.writing() as connection:
        later = samples.NOW + timedelta(days=1)
        upper = parse_subscriber("ADA@Example.com")[0]
        assert erase(connection, upper, later) == "already"
        assert forgotten_at(connection, ADA.key) == samples.NOW
        assert forgotten_at(connection, BO.key) is None
    assert [entry.address for entry in subscribers.iter_all()] == ["bo@example.com"]


def test_an_address_that_was_never_here_is_kept_out(database: Database) -> None:
    with database.writing() as connection:
        assert erase(connection, ADA, samples.NOW) == "never_here"
        assert forgotten(connection, [ADA.key, BO.key]) == {ADA.key}


def test_sign_ups_consents_mail_and_reports_are_erased(database: Database) -> None:
    story = Story(database)
    ada, bo = story.joined(), story.joined("bo@example.com")
    story.deliver()
    story.leave(ada)
    story.wait(2 * HOUR)
    for name in ("ada", "bo", "cy"):
        story.ask(f"{name}@example.com")
    report = {"source": "sendgrid", "kind": "soft", "at": story.now}
    with database.writing() as connection:
        reports = [report | {"digest": bytes([number]), "subscriber_id": number} for number in (ada, bo)]
        connection.execute(insert(delivery_event_table), reports)
    with database.writing() as connection:
        assert erase(connection, ADA, story.now) == "erased"
        cy, _ = parse_subscriber("cy@example.com")
        assert erase(connection, cy, story.now) == "erased", "a person who has only signed up"
        assert forgotten(connection, [ADA.key, BO.key, cy.key]) == {ADA.key, cy.key}
    assert "ada@" not in contents(database) and "cy@" not in contents(database)
    with database.reading() as connection:
        for table in (consent_event_table, delivery_event_table):
            assert set(connection.scalars(select(table.c.subscriber_id))) == {bo}
        mails = connection.execute(
            select(service_mail_table.c.kind, service_mail_table.c.subscriber_id)
        ).all()
        assert mails == [("already", bo)]
        assert connection.scalars(select(sign_up_table.c.address)).all() == ["bo@example.com"]
        assert connection.scalars(select(wording_table.c.text)).all() == [WORDING]


def test_whoever_had_left_and_is_forgotten_is_kept_out_too(database: Database) -> None:
    subscribers = Subscribers(database)
    subscribers.add(ADA)
    subscribers.remove(ADA)
    with database.writing() as connection:
        assert erase(connection, ADA, samples.NOW) == "erased"
        assert forgotten(connection, [ADA.key]) == {ADA.key}


def test_the_replies_of_servers_lose_the_address(database: Database, tmp_path: Path) -> None:
    history = History(database, tmp_path)
    history.step("accept", 0)
    reply = "550 <READER4@example.com> Reader Four unknown; ask reader40@example.com"
    with database.writing() as connection:
        connection.execute(update(attempt_table).values(error=reply, message_id="<reader4@example.com>"))
        connection.execute(update(chunk_table).values(reason=reply))
        named = update(subscriber_table).where(subscriber_table.c.address_key == READER.key)
        connection.execute(named.values(name="Reader Four"))
        connection.execute(
            update(subscriber_table)
            .where(subscriber_table.c.address_key == "reader5@example.com")
            .values(name="for reader4@example.com", consent_source="reader4@example.com.csv")
        )
    with database.writing() as connection:
        erase(connection, READER, samples.NOW)
    found = contents(database)
    assert "reader4@" not in found.lower() and "Reader Four" not in found
    with database.reading() as connection:
        expected = f"550 <{FORGOTTEN}> {FORGOTTEN} unknown; ask reader40@example.com"
        assert set(connection.scalars(select(chunk_table.c.reason))) == {expected}
        assert set(connection.scalars(select(attempt_table.c.message_id))) == {f"<{FORGOTTEN}>"}


def test_mail_on_its_way_is_known(database: Database, tmp_path: Path) -> None:
    history = History(database, tmp_path)
    history.ledger.acquire_lease(history.send, LEASE)
    (claimed,) = history.ledger.claim(history.send, 1, 99, None, LEASE, with_journal=False)
    addresses = {recipient.address for recipient in claimed.recipients}
    with database.reading() as connection:
        for number in (0, 1, 7):
            address = parse_subscriber(f"reader{number}@example.com")[0]
            assert is_being_sent_to(connection, address) == (address.given in addresses)


def test_each_column_with_text_is_searched_or_has_a_reason() -> None:
    """Compare NOT_SEARCHED with the schema: each other column is searched, a new one too."""
    texts = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, String)
    }
    assert texts >= NOT_SEARCHED
    assert texts - NOT_SEARCHED == {
        *(("subscriber", name) for name in ("name", "consent_source")),
        *(("attempt", name) for name in ("run", "message_id", "error")),
        ("chunk", "reason"),
        ("lane", "batch_id"),
        *(("send", name) for name in ("issue", "list", "content_sha256", "provider", "holder")),
        *(("send", name) for name in ("key_fingerprint", "started_on", "nonce")),
        ("service_mail", "reason"),
        ("wording", "text"),
    }


@pytest.mark.parametrize("local", ["o'neil", "a_b", "100%"])
def test_signs_of_sql_in_an_address_are_harmless(local: str, database: Database) -> None:
    address = parse_subscriber(f"{local}@example.com")[0]
    subscribers = Subscribers(database)
    subscribers.add(address)
    subscribers.add(BO)
    with database.writing() as connection:
        assert erase(connection, address, samples.NOW) == "erased"
    assert [entry.address for entry in subscribers.iter_all()] == ["bo@example.com"]


SPELLINGS = [
    ("ada+news", "export ada%2Bnews%40example.com.csv"),
    ("ada+news", "ada=2bnews=40example.com"),
    ("ada+news", "bounce-ada=2Bnews=example.com"),
    ("ada+news", "ADA+News (at) Example.com"),
    ("ada_k", "to ada=5Fk@example.com"),
    ("o'neil", "o%27neil%40example.com"),
    ("o'neil", "<o&#39;neil&#64;example.com>"),
    ("a&b", "<a&amp;b@example.com>"),
    ("_", "550 _@example.com"),
    ("e", "550 e@exam\u2026"),
    ("e", "550 e%40exam\u2026"),
]


def test_each_spelling_that_the_pattern_knows_is_erased(database: Database) -> None:
    Subscribers(database).add(BO)
    left = []
    with database.writing() as connection:
        for local, text in SPELLINGS:
            connection.execute(update(subscriber_table).values(consent_source=text))
            erase(connection, parse_subscriber(f"{local}@example.com")[0], samples.NOW)
            if FORGOTTEN not in str(connection.scalar(select(subscriber_table.c.consent_source))):
                left.append(text)
    assert left == []


def test_whoever_is_being_added_is_forgotten_afterwards(database: Database) -> None:
    people = [StagedPerson(ImportRow("list.csv:2", ADA), "list.csv")]
    with database.writing() as importing:
        move_chunk(importing, people, samples.NOW)
        with pytest.raises(DatabaseBusy), database.writing(lock_seconds=0.05) as connection:
            erase(connection, ADA, samples.NOW)


def test_whoever_is_being_forgotten_is_not_added_meanwhile(database: Database) -> None:
    """PostgreSQL permits two writers: a look at the hashes before they are committed would find none."""
    people = [StagedPerson(ImportRow("list.csv:2", ADA), "list.csv")]
    with ThreadPoolExecutor() as pool:
        with database.writing() as connection:
            erase(connection, ADA, samples.NOW)
            with pytest.raises(DatabaseBusy), database.writing(lock_seconds=0.05) as importing:
                move_chunk(importing, people, samples.NOW)
            adding = pool.submit(Subscribers(database).add, ADA)
            wait([adding], timeout=0.3)
        with pytest.raises(SubscriberError, match="was forgotten"):
            adding.result(timeout=60)
