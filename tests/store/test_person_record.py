"""Test on both databases that a person's record agrees with the lists of all recipients."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, update

from newsletter.store.compaction import compact_settled
from newsletter.store.database import Database
from newsletter.store.person_record import read_person
from newsletter.store.schema import delivery_event_table, suppressed_table
from newsletter.store.subscribers import Subscribers
from newsletter.store.suppression import forget
from newsletter.subscribers.parsing import parse_subscriber
from tests import samples
from tests.store.history import PEOPLE, STATES, History
from tests.store.sign_up_story import HOUR, WORDING, Story


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
        forget(connection, [bo.key], samples.NOW)
    with database.reading() as connection:
        here, forgotten, stranger = (read_person(connection, address) for address in (ada, bo, cy))
    assert here.subscriber and (here.subscriber.name, here.subscriber.consent_at) == ("Ada", samples.NOW)
    assert (forgotten.forgotten_at, forgotten.subscriber, forgotten.issues) == (samples.NOW, None, [])
    assert [record.is_known for record in (here, forgotten, stranger)] == [True, True, False]


def test_a_sign_up_consents_mail_and_reports_are_in_the_record(database: Database, tmp_path: Path) -> None:
    history = History(database, tmp_path)
    story = Story(database)
    ada = story.joined()
    story.deliver()
    story.leave(ada)
    story.wait(2 * HOUR)
    story.ask(wording="Other words.")
    with database.writing() as connection:
        report = {"source": "sendgrid", "kind": "soft", "at": story.now, "subscriber_id": ada}
        rows = [report | {"digest": b"1", "send_id": history.send.id, "status": "4.2.2"}]
        rows.append(report | {"digest": b"2", "send_id": None, "status": None, "subscriber_id": ada + 1})
        rows.append(report | {"digest": b"3", "send_id": None, "status": None})
        connection.execute(insert(delivery_event_table), rows)
        record = read_person(connection, parse_subscriber("ada@example.com")[0])
    assert record.subscriber and record.subscriber.state == "unsubscribed"
    assert record.sign_up and (record.sign_up.wording, record.sign_up.is_confirmed) == ("Other words.", False)
    assert [(event.change, event.wording) for event in record.consents] == [
        ("asked", WORDING),
        ("confirmed", WORDING),
        ("left", ""),
    ]
    assert [(mail.kind, mail.state) for mail in record.service_mails] == [("confirm", "waiting")]
    assert [(one.issue, one.status) for one in record.deliveries] == [(history.send.issue, "4.2.2"), ("", "")]


def test_a_person_who_has_only_signed_up_is_known(database: Database) -> None:
    story = Story(database)
    story.ask("Ada@example.com")
    with database.writing() as connection:
        forget(connection, ["bo@example.com"], samples.NOW)
        connection.execute(update(suppressed_table).values(until=story.now))
        ada, bo = (
            read_person(connection, parse_subscriber(f"{name}@example.com")[0]) for name in ("ada", "bo")
        )
    assert ada.is_known and ada.address == "Ada@example.com" and ada.subscriber is None
    assert ada.sign_up and ada.sign_up.asked_at == samples.NOW
    assert [mail.kind for mail in ada.service_mails] == ["confirm"]
    assert bo.is_known and (bo.paused_until, bo.forgotten_at, bo.sign_up) == (story.now, None, None)
