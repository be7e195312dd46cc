"""The published ledger in SQLite: another machine continues from the copy."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from newsletter.sending.abandoned import settle_abandoned
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.model import ChunkResult, Counts, NewSend, NextChunk, Send, Transition
from newsletter.sending.outcomes import Accepted
from newsletter.sending.publisher import Publisher
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.published_copy import write_published_copy
from newsletter.store.published_ledger import PublishedLedger
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples

LEASE = timedelta(minutes=2)


class FileSync:
    """A remote that is a folder of copies; the newest one counts."""

    def __init__(self, database: Database, folder: Path, deadline: datetime | None = None) -> None:
        self._database, self._folder, self.deadline = database, folder, deadline
        self.deadlines: list[datetime | None] = []

    def save(self, next_chunks: Sequence[NextChunk], deadline: datetime | None) -> None:
        self.deadlines.append(deadline)
        file = self._folder / f"{len(self.deadlines)}.db"
        write_published_copy(self._database, file, next_chunks, lambda: samples.NOW)

    def newest(self) -> tuple[Path, datetime | None]:
        return self._folder / f"{len(self.deadlines)}.db", self.deadlines[-1]


Open = Callable[[Path | None, datetime | None], tuple[PublishedLedger, FileSync, Database]]


@pytest.fixture
def open_machine(tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens a machine's ledger, of a copy with its deadline or of a new database."""
    opened: list[Database] = []

    def machine(
        copy: Path | None = None, deadline: datetime | None = None
    ) -> tuple[PublishedLedger, FileSync, Database]:
        folder = tmp_path / f"machine{len(opened)}"
        folder.mkdir()
        environment = {"NEWS_DATABASE_URL": f"sqlite:///{copy}"} if copy else {}
        database = Database.open(samples.newsletter(folder, **environment))
        opened.append(database)
        sync = FileSync(database, folder, deadline)
        publisher = Publisher(sync, lambda: samples.NOW)
        process = SendProcess(folder / "runs")
        return PublishedLedger(database, process, lambda: samples.NOW, publisher), sync, database

    yield machine
    for database in opened:
        database.close()


def plan(ledger: PublishedLedger, issue: str) -> Send:
    send = ledger.plan(NewSend(issue, "subscribers", "sha", b"content", "model", 2))
    assert send
    ledger.acquire_lease(send, LEASE)
    return send


def test_another_machine_continues_with_who_is_not_published(open_machine: Open) -> None:
    ledger, sync, database = open_machine(None, None)
    subscribers = Subscribers(database, lambda: samples.NOW)
    for n in range(1, 11):
        subscribers.add(parse_subscriber(f"reader{n}@example.com")[0])
    send = plan(ledger, "2026-04-27")
    batch = ledger.open_held_batch(send, "id", samples.NOW + timedelta(minutes=30))
    (claimed,) = ledger.claim(send, 1, 99, batch, LEASE, with_journal=False, lookahead=3)
    ledger.settle([ChunkResult(claimed, Accepted(), (Transition(1, 2, "accepted"),))])
    assert ledger.counts(send) == Counts(10, accepted=2, held=2, waiting=8)

    other, _, _ = open_machine(*sync.newest())
    assert other.counts(send) == Counts(10, unknown=6, in_flight=6, waiting=4)
    other.acquire_lease(send, LEASE)
    again = other.claim(send, 9, 99, None, LEASE, with_journal=False, lookahead=9)
    assert [chunk.first for chunk in again] == [7, 9]


@pytest.mark.parametrize("minutes", [-40, 3], ids=["past", "to-come"])
def test_abandoned_attempts_are_unknown_from_the_deadline_on(open_machine: Open, minutes: int) -> None:
    """Before a deadline that is to come, the other process may still begin calls."""
    ledger, sync, database = open_machine(None, None)
    Subscribers(database, lambda: samples.NOW).add(parse_subscriber("reader1@example.com")[0])
    send = plan(ledger, "2026-04-27")
    batch = ledger.open_held_batch(send, "id", samples.NOW + timedelta(minutes=30))
    ledger.claim(send, 1, 99, batch, LEASE, with_journal=False)
    deadline = samples.NOW + timedelta(minutes=minutes)
    other, _, _ = open_machine(sync.newest()[0], deadline)
    settle_abandoned(other, send, samples.NOW, SendTimings())
    (status,) = other.held_batches(send)
    assert (status.unknown, status.unknown_since) == (1, deadline)


def test_several_sends_of_a_process_are_published_each_for_itself(open_machine: Open) -> None:
    ledger, sync, database = open_machine(None, None)
    subscribers = Subscribers(database, lambda: samples.NOW)
    for n in range(1, 5):
        subscribers.add(parse_subscriber(f"reader{n}@example.com")[0])
    for issue in ("2026-04-20", "2026-04-27"):
        send = plan(ledger, issue)
        for claimed in ledger.claim(send, 1, 99, None, LEASE, with_journal=False, lookahead=9):
            ledger.settle([ChunkResult(claimed, Accepted(), (Transition(1, 2, "accepted"),))])
        other, _, _ = open_machine(*sync.newest())
        assert other.counts(send) == Counts(4, unknown=4, in_flight=4)
        ledger.release_lease(send)
        other, _, _ = open_machine(*sync.newest())
        assert other.counts(send) == Counts(4, accepted=2, waiting=2)
    assert [deadline is None for deadline in sync.deadlines] == [False, True, False, True]
