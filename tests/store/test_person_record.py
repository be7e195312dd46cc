"""Test on both databases that a person's record agrees with the lists of all recipients."""

from datetime import timedelta
from pathlib import Path

from newsletter.store.compaction import compact_settled
from newsletter.store.database import Database
from newsletter.store.person_record import read_person
from newsletter.store.subscribers import Subscribers
from newsletter.store.suppression import suppress
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.store.history import PEOPLE, STATES, History


def test_the_outcomes_are_those_of_the_lists(database: Database, tmp_path: Path) -> None:
    history = History(database, tmp_path)
    history.step("accept", 0)
    assert compact_settled(database, samples.NOW + timedelta(days=100), block_size=2)
    for name, number in [("plan", 3), ("leave", 5), ("deliver", 3), ("deliver", 4), ("deliver", 2)]:
        history.step(name, number)
    expected: dict[str, list[tuple[str, str]]] = {}
    for send in history.ledger.sends():
        for state in STATES:
            for _, address, _ in history.ledger.recipients(send, state):
                expected.setdefault(address, []).append((send.issue, state))
    assert len({state for issues in expected.values() for _, state in issues}) >= 4, expected
    for n in range(PEOPLE):
        address = parse_subscriber(f"Reader{n}@example.com")[0]
        with database.reading() as connection:
            record = read_person(connection, address)
        assert [(issue.issue, issue.outcome) for issue in record.issues] == expected.get(address.key, [])


def test_an_accepted_issue_has_its_time_and_the_id_of_the_provider(
    database: Database, tmp_path: Path
) -> None:
    history = History(database, tmp_path)
    history.step("accept", 0)
    with database.reading() as connection:
        (issue,) = read_person(connection, parse_subscriber("reader3@example.com")[0]).issues
    assert (issue.provider, issue.outcome, issue.at) == ("listed", "accepted", history.time.now)
    assert (issue.provider_message_id, issue.reason, issue.is_rehearsal) == ("id", "", False)


def test_a_subscriber_a_forgotten_person_and_a_stranger(database: Database) -> None:
    ada, bo, cy = (parse_subscriber(f"{name}@example.com")[0] for name in ("ada", "bo", "cy"))
    Subscribers(database, lambda: samples.NOW).add(ada, "Ada")
    with database.writing() as connection:
        suppress(connection, [bo.key], samples.NOW)
    with database.reading() as connection:
        here, forgotten, stranger = (read_person(connection, address) for address in (ada, bo, cy))
    assert here.subscriber and (here.subscriber.name, here.subscriber.consent_at) == ("Ada", samples.NOW)
    assert (forgotten.forgotten_at, forgotten.subscriber, forgotten.issues) == (samples.NOW, None, [])
    assert [record.is_known for record in (here, forgotten, stranger)] == [True, True, False]
