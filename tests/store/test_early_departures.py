"""People who leave just after the delivery: an alarm for link scanners."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from newsletter.sending.model import ChunkResult, NewSend, Send, Transition
from newsletter.sending.outcomes import Accepted
from newsletter.store import compaction
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.ledger_queries import LedgerQueries
from newsletter.store.schema import subscriber_table
from newsletter.store.unsubscription import leave
from newsletter.subscribers.origins import ONE_CLICK, REMOVED_BY_HAND, StateOrigin
from tests import samples
from tests.store.history import LEASE, Time

PEOPLE = 100
CHUNK = 50


def _person(number: int) -> dict[str, object]:
    address = f"reader{number}@{'bank.example.com' if number % 2 else 'example.com'}"
    times = {"consent_at": samples.NOW, "changed_at": samples.NOW}
    return {"address": address, "address_key": address, "state": "active", "consent_how": "", **times}


class Sent:
    """A send to 100 people in two chunks, the second of which left an hour later."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.time = database, Time()
        with database.writing() as connection:
            connection.execute(insert(subscriber_table), [_person(number) for number in range(PEOPLE)])
        self.ledger = Ledger(database, SendProcess(folder), self.time)
        self.ledger.plan(NewSend("2026-04-27", "subscribers", "sha", b"content", "smtp", CHUNK))
        for _ in range(2):
            self.ledger.acquire_lease(self.send, LEASE)
            (claimed,) = self.ledger.claim(self.send, 1, CHUNK, None, LEASE, with_journal=False)
            transition = Transition(claimed.first, claimed.last, "accepted")
            self.ledger.settle([ChunkResult(claimed, Accepted(), (transition,))])
            self.time.now += timedelta(hours=1)
        self.ledger.finish(self.send)

    @property
    def send(self) -> Send:
        return self.ledger.sends()[0]

    def leave(self, ids: Sequence[int], minutes: float, how: StateOrigin = ONE_CLICK) -> None:
        """Let people leave this long after the first chunk was delivered."""
        with self.database.writing() as connection:
            for subscriber_id in ids:
                leave(connection, subscriber_id, how, samples.NOW + timedelta(minutes=minutes))

    def early(self) -> Counter[str]:
        return LedgerQueries(self.database, self.time).early_departures(self.send)


@pytest.fixture
def sent(database: Database, tmp_path: Path) -> Sent:
    return Sent(database, tmp_path)


def test_many_who_leave_at_once_are_counted_by_the_domain_of_their_mail(sent: Sent) -> None:
    sent.leave([2, 4, 6, 8, 1], minutes=3)
    assert sent.early() == {"bank.example.com": 4, "example.com": 1}


def test_few_are_no_alarm(sent: Sent) -> None:
    sent.leave([2, 4, 6, 8], minutes=3)
    assert sent.early() == {}


@pytest.mark.parametrize("minutes", [-1, 10.1, 59])
def test_those_who_leave_before_their_mail_or_later_are_not_counted(minutes: float, sent: Sent) -> None:
    sent.leave(range(1, 40), minutes=minutes)
    assert sent.early() == {}


def test_those_who_left_after_the_mail_of_others_are_not_counted(sent: Sent) -> None:
    sent.leave(range(CHUNK + 1, PEOPLE + 1), minutes=5)  # their own mail leaves an hour after this
    assert sent.early() == {}
    sent.leave(range(1, 7), minutes=65)
    assert sent.early() == {}


def test_those_who_were_removed_by_hand_are_not_counted(sent: Sent) -> None:
    sent.leave(range(1, 40), minutes=5, how=REMOVED_BY_HAND)
    assert sent.early() == {}


def test_the_second_chunk_has_its_own_time(sent: Sent) -> None:
    sent.leave(range(CHUNK + 1, CHUNK + 11), minutes=69)
    assert sent.early().total() == 10


def test_compacted_recipients_are_found(sent: Sent) -> None:
    sent.leave([2, 4, 6, 8, 1], minutes=3)
    compaction.compact_settled(sent.database, sent.time.now + timedelta(days=400))
    assert sent.early().total() == 5
