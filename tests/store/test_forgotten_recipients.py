"""Test on both databases that the ledger answers for recipients whose subscribers were erased."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random

from sqlalchemy import delete

from newsletter.errors import SubscriberError
from newsletter.store.compaction import compact_settled
from newsletter.store.database import Database
from newsletter.store.recipient_pages import FORGOTTEN
from newsletter.store.schema import subscriber_table
from tests import samples
from tests.store.history import PEOPLE, STATES, STEPS, History

LATER = samples.NOW + timedelta(days=100)


def erase(database: Database, *numbers: int) -> None:
    keys = [f"reader{number}@example.com" for number in numbers]
    with database.writing() as connection:
        connection.execute(delete(subscriber_table).where(subscriber_table.c.address_key.in_(keys)))


def listed(history: History) -> dict[str, list[str]]:
    return {
        state: [address for _, address, _ in history.ledger.recipients(history.send, state)]
        for state in STATES
    }


def test_lists_and_counts_agree_whoever_is_erased_and_whenever(database: Database, tmp_path: Path) -> None:
    history, chance = History(database, tmp_path), Random(3)
    for turn in range(12):
        if turn % 3 == 1:
            erase(database, turn // 3)
        name, number = chance.choice(STEPS), chance.randrange(36)
        with suppress(SubscriberError):  # of an erased subscriber, who cannot leave
            history.step(name, number)
        if turn % 5 == 4:
            compact_settled(database, LATER, block_size=3)
        for send in history.ledger.sends():
            counts = history.ledger.counts(send)
            for state in set(STATES) - {"unknown"}:  # `unknown` counts those in flight too
                numbers = [number for number, _, _ in history.ledger.recipients(send, state)]
                assert len(numbers) == getattr(counts, state), (turn, name, state)
            assert sum(getattr(counts, state) for state in STATES) == counts.recipients


def test_a_recipient_that_is_erased_is_listed_without_an_address(database: Database, tmp_path: Path) -> None:
    history = History(database, tmp_path)
    history.step("accept", 0)
    erase(database, 0, 5)
    others = [f"reader{n}@example.com" for n in (1, 3, 4)] + [FORGOTTEN, "reader6@example.com"]
    expected = [FORGOTTEN, *others, "reader7@example.com"]
    assert listed(history)["accepted"] == expected
    assert compact_settled(database, LATER, block_size=3) == len(expected)
    assert listed(history)["accepted"] == expected


def test_an_erased_recipient_gets_no_mail_and_counts_as_left(database: Database, tmp_path: Path) -> None:
    history = History(database, tmp_path)
    erase(database, 0, PEOPLE - 1)
    history.step("accept", 0)
    found = listed(history)
    assert found["left"] == [FORGOTTEN, FORGOTTEN]
    assert FORGOTTEN not in found["accepted"] and len(found["accepted"]) == PEOPLE - 3


def test_the_outcome_of_an_erased_recipient_counts(database: Database, tmp_path: Path) -> None:
    """An outcome that is settled later must not count the erased as people who left before their turn."""
    history = History(database, tmp_path)
    history.step("accept", 0)
    history.ledger.override_state(history.send, "accepted", "unknown", "lost")
    erase(database, 4)
    history.ledger.override_state(history.send, "unknown", "refused", "a person")
    counts = history.ledger.counts(history.send)
    assert (counts.refused, counts.left) == (PEOPLE - 1, 0)
    assert listed(history)["refused"].count(FORGOTTEN) == 1
