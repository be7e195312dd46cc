"""Test on both databases that a compacted send looks and behaves as before."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, text, update

from newsletter.errors import StoreError
from newsletter.sending.model import NewSend
from newsletter.store.compaction import BLOCK_SIZE, SETTLED_AFTER, compact_settled
from newsletter.store.database import Database
from newsletter.store.journal import SendProcess
from newsletter.store.ledger import Ledger
from newsletter.store.recipient_blocks import decode, encode
from newsletter.store.schema import (
    chunk_table,
    recipient_block_table,
    recipient_table,
    send_table,
    subscriber_table,
)
from tests import samples
from tests.store.conftest import delete_rows
from tests.store.history import STEPS, History

LATER = samples.NOW + timedelta(days=100)
SENT = [("deliver", 3), ("override", 1), ("accept", 0)]


def random_steps(seed: str) -> list[tuple[str, int]]:
    """Return steps that finish a send, and others after them."""
    chance = Random(seed)
    return SENT + [(chance.choice(STEPS), chance.randrange(36)) for _ in range(12)]


def test_compacted_sends_have_the_same_history(database: Database, tmp_path: Path, every_case: bool) -> None:
    """They are compacted as early as possible: after each step, and by a clock that is far ahead."""
    seed, compactions = os.environ.get("NEWS_SEED", "20260427"), 0
    for case in range(40 if every_case else 2):
        steps, results = random_steps(f"{seed} {case}"), []
        for is_compacted in (False, True):
            delete_rows(database)
            history = History(database, tmp_path)
            for name, number in steps:
                history.step(name, number)
                if is_compacted and compact_settled(database, LATER, block_size=3):
                    compactions += 1
            results.append(history.look())
        assert results[0] == results[1], (case, steps)
    assert compactions > case, "sends were compacted, and changed after that"


@pytest.fixture
def history(database: Database, tmp_path: Path) -> History:
    """Return a history whose send is finished: 3 recipients are refused, one left, and 3 are accepted."""
    return finished(database, tmp_path)


@pytest.fixture
def file_database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(samples.newsletter(tmp_path))
    yield database
    database.close()


def finished(database: Database, folder: Path) -> History:
    history = History(database, folder)
    history.step("leave", 6)
    history.step("accept", 0)
    with database.writing() as connection:
        refused = update(chunk_table).where(chunk_table.c.first == 1)
        connection.execute(refused.values(state="refused", reason="550"))
    return history


def rows(database: Database) -> list[int]:
    """Return the numbers of the recipients who have rows."""
    with database.reading() as connection:
        return list(connection.scalars(select(recipient_table.c.number).order_by(recipient_table.c.number)))


def blocks(database: Database) -> int:
    with database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(recipient_block_table)) or 0


def test_recipients_with_an_outcome_of_their_own_keep_their_rows(
    history: History, caplog: pytest.LogCaptureFixture
) -> None:
    before = history.look()
    assert compact_settled(history.database, LATER, block_size=3) == 3
    assert rows(history.database) == [1, 2, 3, 6]
    assert history.look() == before
    assert compact_settled(history.database, LATER, block_size=3) == 0, "a second call changes nothing"
    assert (rows(history.database), blocks(history.database)) == ([1, 2, 3, 6], 3)
    assert not caplog.records


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("update send set finished_at = null", id="not finished"),
        pytest.param("update chunk set state = 'waiting' where first = 7", id="waiting"),
        pytest.param("update chunk set state = 'intended' where first = 7", id="in flight"),
        pytest.param("update chunk set state = 'unknown' where first = 7", id="unknown"),
        pytest.param("update lane set state = 'cancelling'", id="being recalled"),
        pytest.param("update lane set send_at = '2026-12-24 18:00:00+00:00'", id="held back"),
        pytest.param("update recipient set subscriber_id = 99 where number = 4", id="not in order"),
        pytest.param("delete from recipient where number = 4", id="incomplete"),
    ],
)
def test_a_send_that_is_not_settled_keeps_its_rows(
    file_database: Database, tmp_path: Path, change: str
) -> None:
    history = finished(file_database, tmp_path)
    history.ledger.open_held_batch(history.send, "batch", samples.NOW)
    with history.database.writing() as connection:
        connection.execute(text(change))
    before = rows(history.database), history.look()
    assert compact_settled(history.database, LATER) == 0
    assert (rows(history.database), history.look()) == before
    assert blocks(history.database) == 0


def test_a_send_is_settled_a_day_after_it_finished(file_database: Database, tmp_path: Path) -> None:
    end = finished(file_database, tmp_path).send.finished_at
    assert end
    assert compact_settled(file_database, end + SETTLED_AFTER - timedelta(seconds=1)) == 0
    assert compact_settled(file_database, end + SETTLED_AFTER) == 3


def test_refused_recipients_are_tried_again_after_a_compaction(history: History) -> None:
    compact_settled(history.database, LATER)
    assert history.ledger.override_state(history.send, "waiting", "unknown", "restored") == 0
    assert blocks(history.database) == 1, "for a change of nobody, nothing is expanded"
    assert history.ledger.override_state(history.send, "refused", "waiting", "to be tried again", {2}) == 1
    assert rows(history.database) == [1, 2, 3, 4, 5, 6, 7], "the send is expanded"
    assert blocks(history.database) == 0
    history.step("leave", 1)
    history.step("accept", 0)
    assert [number for number, _, _ in history.ledger.recipients(history.send, "left")] == [2, 6]
    assert compact_settled(history.database, LATER) == 3


def test_accepted_recipients_are_overridden_after_a_compaction(history: History) -> None:
    compact_settled(history.database, LATER)
    assert history.ledger.override_state(history.send, "accepted", "unknown", "a person", {4, 6}) == 1
    assert [number for number, _, _ in history.ledger.recipients(history.send, "unknown")] == [4]
    assert history.ledger.counts(history.send).accepted == 2


def test_a_late_recall_after_a_compaction_forgets_nobody(file_database: Database, tmp_path: Path) -> None:
    history = History(file_database, tmp_path)
    history.step("deliver", 10)  # all are accepted, in a held batch
    before = history.look()
    assert compact_settled(file_database, LATER) == 7
    assert history.look() == before
    (status,) = history.ledger.held_batches(history.send)
    history.ledger.record_recall(status, "waiting", "recalled")
    history.step("leave", 0)
    history.step("accept", 0)
    counts = history.ledger.counts(history.send)
    assert (counts.accepted, counts.left) == (6, 1)


@pytest.mark.parametrize("compacted_first", [True, False])
def test_a_reader_misses_nobody_while_a_send_changes_its_form(
    history: History, compacted_first: bool
) -> None:
    expected = list(history.ledger.recipients(history.send, "accepted"))
    if compacted_first:
        compact_settled(history.database, LATER, block_size=2)
    read = history.ledger.recipients(history.send, "accepted")
    seen = [next(read)]
    if compacted_first:
        history.ledger.override_state(history.send, "refused", "unknown", "expands it")
    else:
        compact_settled(history.database, LATER, block_size=2)
    assert [*seen, *read] == expected


def test_all_sends_are_compacted_or_none(file_database: Database, tmp_path: Path) -> None:
    """The second of two sends cannot be compacted."""
    history = History(file_database, tmp_path / "runs")
    history.step("accept", 0)
    history.step("plan", 3)
    history.step("accept", 0)
    second = history.send.id
    with file_database.writing() as connection:
        connection.execute(
            text(
                f"create trigger broken before delete on recipient when old.send_id = {second}"
                " begin select raise(abort, 'broken'); end"
            )
        )
    with pytest.raises(StoreError):
        compact_settled(file_database, LATER)
    assert (len(rows(file_database)), blocks(file_database)) == (14, 0)


def test_a_send_that_another_transaction_changes_is_left_alone(tmp_path: Path, postgresql_url: str) -> None:
    database = Database.open(samples.newsletter(tmp_path, NEWS_DATABASE_URL=postgresql_url))
    history = finished(database, tmp_path / "runs")
    with database.writing() as connection:
        connection.execute(update(send_table).values(finished_at=None))
        assert compact_settled(database, LATER) == 0, "it does not wait"
    assert compact_settled(database, LATER) == 0
    history.step("accept", 0)
    assert compact_settled(database, LATER) == 3
    database.close()


def test_a_long_list_needs_little_room(file_database: Database, tmp_path: Path) -> None:
    database, people = file_database, BLOCK_SIZE + 1_000
    person = {"state": "active", "consent_at": samples.NOW, "consent_how": "", "changed_at": samples.NOW}
    with database.writing() as connection:
        connection.execute(
            insert(subscriber_table),
            [
                {**person, "address": f"r{n}@example.com", "address_key": f"r{n}@example.com"}
                for n in range(people)
            ],
        )
        left = update(subscriber_table).where(subscriber_table.c.id % 20 == 3)
        connection.execute(left.values(state="unsubscribed"))
    ledger = Ledger(database, SendProcess(tmp_path / "runs"))
    send = ledger.plan(NewSend("2026-04-27", "subscribers", "sha", b"content", "listed", 1000))
    assert send
    with database.writing() as connection:
        connection.execute(update(chunk_table).values(state="accepted"))
        connection.execute(update(send_table).values(finished_at=samples.NOW))
    before = list(ledger.recipients(send, "accepted"))
    assert compact_settled(database, LATER) == send.recipients
    with database.reading() as connection:
        size = connection.scalar(select(func.sum(func.length(recipient_block_table.c.subscriber_ids))))
    assert 0 < (size or 0) < send.recipients / 10, "about a bit a recipient"
    assert (rows(database), blocks(database)) == ([], 2)
    assert list(ledger.recipients(send, "accepted")) == before


@given(st.sets(st.integers(1, 2**31 - 1)).map(sorted))
def test_ids_are_decoded_as_they_were_encoded(ids: list[int]) -> None:
    assert decode(encode(ids)) == ids
