"""Test the copy of the database that is published: what is intended in it, and who may read it."""

import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.errors import StoreError
from newsletter.sending.model import ChunkResult, Counts, NewSend, NextChunk, Send, Transition
from newsletter.sending.outcomes import Accepted, Refused
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.published_copy import write_published_copy
from newsletter.store.schema import attempt_table
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples

LEASE = timedelta(minutes=2)
Publish = Callable[..., LedgerQueries]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(samples.newsletter(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def ledger(database: Database, tmp_path: Path) -> Ledger:
    return Ledger(database, SendProcess(tmp_path / "runs"), lambda: samples.NOW)


@pytest.fixture
def send(database: Database, ledger: Ledger) -> Send:
    """Plan a send of ten recipients in chunks of two, and acquire its lease."""
    subscribers = Subscribers(database, lambda: samples.NOW)
    for n in range(1, 11):
        subscribers.add(parse_subscriber(f"reader{n}@example.com")[0])
    send = ledger.plan(NewSend("2026-04-27", "subscribers", "sha", b"content", "listed", 2))
    assert send
    ledger.acquire_lease(send, LEASE)
    return send


@pytest.fixture
def publish(database: Database, tmp_path: Path) -> Iterator[Publish]:
    """Return a function that writes a copy with the given next chunks, and opens the copy."""
    opened: list[Database] = []

    def published(*chunks: NextChunk) -> LedgerQueries:
        folder = tmp_path / f"machine{len(opened)}"
        folder.mkdir()
        write_published_copy(database, folder / "copy.db", chunks, lambda: samples.NOW)
        assert [path.name for path in folder.iterdir()] == ["copy.db"]
        newsletter = samples.newsletter(folder, NEWS_DATABASE_URL=f"sqlite:///{folder}/copy.db")
        opened.append(Database.open(newsletter))
        return LedgerQueries(opened[-1], lambda: samples.NOW)

    yield published
    for one in opened:
        one.close()


def test_the_next_chunks_are_intended_in_the_copy_only(ledger: Ledger, send: Send, publish: Publish) -> None:
    copy = publish(NextChunk(send.id, 1, 2), NextChunk(send.id, 3, 4))
    assert copy.counts(send) == Counts(10, unknown=4, waiting=6, in_flight=4)
    assert ledger.counts(send) == Counts(10, waiting=10)
    assert not ledger.abandoned_attempts(send)


def test_a_next_chunk_is_in_its_held_batch(ledger: Ledger, send: Send, publish: Publish) -> None:
    batch = ledger.open_held_batch(send, "provider's id", samples.NOW + timedelta(minutes=30))
    copy = publish(NextChunk(send.id, 1, 2, batch.number))
    (status,) = copy.held_batches(send)
    assert (status.intended, status.accepted, status.unknown) == (2, 0, 0)


def test_an_attempt_of_the_copy_is_abandoned_and_has_no_notes(
    send: Send, publish: Publish, tmp_path: Path
) -> None:
    """The machine that reads the copy may be the same one, with notes of another attempt."""
    copy = publish(NextChunk(send.id, 1, 2))
    reader = Ledger(copy._database, SendProcess(tmp_path / "runs"), lambda: samples.NOW)
    ((claimed, notes),) = reader.abandoned_attempts(send)
    assert (claimed.first, claimed.last, notes) == (1, 2, None)
    assert [recipient.number for recipient in claimed.recipients] == [1, 2]


def test_only_recipients_who_still_wait_become_intended(ledger: Ledger, send: Send, publish: Publish) -> None:
    (claimed,) = ledger.claim(send, 1, 99, None, LEASE, with_journal=False)
    ledger.settle([ChunkResult(claimed, Accepted(), (Transition(1, 2, "accepted"),))])
    copy = publish(NextChunk(send.id, 1, 2))
    assert copy.counts(send) == Counts(10, accepted=2, waiting=8)


def test_the_halves_of_a_refused_chunk_are_intended(ledger: Ledger, send: Send, publish: Publish) -> None:
    (claimed,) = ledger.claim(send, 1, 99, None, LEASE, with_journal=False)
    halves = (Transition(1, 1, "waiting", "no"), Transition(2, 2, "waiting", "no"))
    ledger.settle([ChunkResult(claimed, Refused("no"), halves)])
    copy = publish(NextChunk(send.id, 1, 2))
    assert copy.counts(send) == Counts(10, unknown=2, waiting=8, in_flight=2)


def test_the_copy_names_no_process(ledger: Ledger, send: Send, publish: Publish) -> None:
    ledger.claim(send, 2, 99, None, LEASE, with_journal=False)
    copy = publish()
    found = copy.find(send.issue, send.list)
    assert found and (found.lease_holder, found.lease_until) == (None, None)
    with copy._database.reading() as connection:
        assert list(connection.scalars(select(attempt_table.c.process))) == [None, None]
    mine = ledger.find(send.issue, send.list)
    assert mine and mine.lease_holder


def test_only_its_owner_may_read_the_copy(database: Database, send: Send, tmp_path: Path) -> None:
    write_published_copy(database, tmp_path / "copy.db", [])
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


def test_a_file_with_content_is_not_replaced(database: Database, send: Send, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_bytes(b"something else")
    with pytest.raises(StoreError, match=r"copy\.db: there is such a file already"):
        write_published_copy(database, tmp_path / "copy.db", [])
    assert (tmp_path / "copy.db").read_bytes() == b"something else"


def test_postgresql_is_not_copied(postgresql_url: str, tmp_path: Path) -> None:
    database = Database.open(samples.newsletter(tmp_path, NEWS_DATABASE_URL=postgresql_url))
    with pytest.raises(StoreError, match="PostgreSQL keeps no state in a file"):
        write_published_copy(database, tmp_path / "copy.db", [])
    assert not (tmp_path / "copy.db").exists()
    database.close()
