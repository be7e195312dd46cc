"""Test on both databases that mail about subscriptions is sent at most once, and kept for a limited time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Literal

import pytest

from newsletter.store import data_links, service_mails
from newsletter.store.database import Database
from newsletter.store.erasure import erase
from newsletter.store.schema import service_mail_table
from newsletter.store.service_mails import ServiceMail, ServiceMailResult
from newsletter.subscribers.parsing import parse_subscriber
from tests.samples import NOW
from tests.store.sign_up_story import DAY, HOUR, Story

MINUTE = timedelta(minutes=1)
ADA, _ = parse_subscriber("ada@example.com")


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database)


def waiting(story: Story, limit: int = 100) -> list[ServiceMail]:
    with story.database.reading() as connection:
        return service_mails.waiting(connection, story.now, limit)


def claim(story: Story, mails: list[ServiceMail]) -> list[ServiceMail]:
    return story.write(lambda connection: service_mails.claim(connection, mails))


def settle(story: Story, mail: ServiceMail, result: ServiceMailResult) -> None:
    story.write(lambda connection: service_mails.settle(connection, {mail.id: result}, story.now))


def test_a_mail_has_the_address_of_its_sign_up_or_subscriber(story: Story) -> None:
    ada = story.joined()
    story.ask("Bo@example.com")
    story.ask_for_link()
    first, second = waiting(story)
    assert (first.kind, first.address, first.sign_up_id) == (
        "confirm",
        "Bo@example.com",
        story.sign_up("bo@example.com").id,
    )
    assert (second.kind, second.address, second.subscriber_id) == ("data", "ada@example.com", ada)
    assert (first.tries, first.written_at, first.subscriber_id) == (0, story.now, None)
    assert waiting(story, 1) == [first], "the oldest"


def test_a_claimed_mail_is_sent_by_one_process(story: Story) -> None:
    for name in ("ada", "bo", "cy"):
        story.ask(f"{name}@example.com")
    mails = waiting(story)
    with ThreadPoolExecutor(4) as pool:
        claimed = [mail for batch in pool.map(lambda _: claim(story, mails), range(4)) for mail in batch]
    assert sorted(mail.id for mail in claimed) == [mail.id for mail in mails]
    assert waiting(story) == []


@pytest.mark.parametrize("state", ["accepted", "refused", "unknown"])
def test_a_settled_mail_is_not_sent_again(story: Story, state: str) -> None:
    story.ask()
    (mail,) = claim(story, waiting(story))
    settle(story, mail, ServiceMailResult(state, "550 no"))  # type: ignore[arg-type]  # one of its words
    (row,) = story.rows(service_mail_table)
    assert (row.state, row.reason, row.settled_at, row.tries) == (state, "550 no", story.now, 1)
    story.wait(DAY)
    assert waiting(story) == []
    settle(story, mail, ServiceMailResult("waiting"))
    assert story.mails() == [f"confirm {state}"], "a settled mail does not wait again"


def test_a_mail_that_was_not_sent_is_tried_again_at_its_time(story: Story) -> None:
    story.ask()
    (mail,) = claim(story, waiting(story))
    settle(story, mail, ServiceMailResult("waiting", "connection refused", story.now + HOUR))
    assert waiting(story) == []
    story.wait(HOUR)
    (again,) = waiting(story)
    assert (again.id, again.tries) == (mail.id, 1)
    assert claim(story, [again]) == [again]


def test_a_mail_whose_call_has_no_result_is_never_sent_again(story: Story) -> None:
    """Complaint 29: the server was restarted five times, and the person gets one mail."""
    story.ask()
    sent = 0
    for _ in range(5):
        story.write(lambda connection: service_mails.settle_abandoned(connection, story.now))
        sent += len(claim(story, waiting(story)))
    assert sent == 1 and story.mails() == ["confirm unknown"]
    assert story.write(lambda connection: service_mails.settle_abandoned(connection, story.now)) == 0


@pytest.mark.parametrize(
    ("result", "state"), [("accepted", "accepted"), ("refused", "refused"), ("waiting", "unknown")]
)
def test_a_late_result_replaces_unknown(
    story: Story, result: Literal["accepted", "refused", "waiting"], state: str
) -> None:
    story.ask()
    (mail,) = claim(story, waiting(story))
    story.write(lambda connection: service_mails.settle_abandoned(connection, story.now))
    settle(story, mail, ServiceMailResult(result))
    assert story.mails() == [f"confirm {state}"]


def test_no_mail_goes_out_with_a_link_that_has_expired(story: Story) -> None:
    story.ask()
    story.wait(7 * DAY)
    assert waiting(story) == []


def test_the_mail_of_a_forgotten_person_is_not_sent(story: Story) -> None:
    story.joined()
    story.ask_for_link()
    story.ask("bo@example.com")
    mails = waiting(story)
    assert len(mails) == 2
    for name in ("ada", "bo"):
        with story.database.writing() as connection:
            erase(connection, parse_subscriber(f"{name}@example.com")[0], story.now)
    assert waiting(story) == claim(story, mails) == [] and story.mails() == []


def test_old_mail_is_deleted(story: Story) -> None:
    story.joined()
    story.ask_for_link()
    story.deliver()
    story.wait(DAY)
    story.ask_for_link()
    story.wait(29 * DAY)
    assert story.write(lambda connection: service_mails.delete_old(connection, story.now)) == 1
    assert story.mails() == ["data waiting"]
    story.wait(DAY)
    assert story.write(lambda connection: service_mails.delete_old(connection, story.now)) == 1
    assert story.mails() == []


def test_mail_that_a_process_sends_is_not_deleted(story: Story) -> None:
    story.joined()
    story.ask_for_link()
    claim(story, waiting(story))
    story.wait(100 * DAY)
    assert story.write(lambda connection: service_mails.delete_old(connection, story.now)) == 0


def test_a_person_gets_one_link_an_hour_and_three_in_seven_days(story: Story) -> None:
    story.joined()
    minutes = (0, 59, 60, 119, 120, 180, 240, 7 * 1440 - 1, 7 * 1440, 7 * 1440 + 60, 7 * 1440 + 61, 8 * 1440)
    with story.database.writing() as connection:
        for minute in minutes:
            data_links.ask_for_link(connection, ADA, NOW + minute * MINUTE)
            data_links.ask_for_link(connection, ADA, NOW + minute * MINUTE)
    sent = [(row.written_at - NOW) // MINUTE for row in story.rows(service_mail_table)]
    assert sent == [0, 60, 120, 7 * 1440, 7 * 1440 + 60, 8 * 1440]


def test_a_person_who_has_left_gets_the_link_too(story: Story) -> None:
    story.leave(story.joined())
    story.ask_for_link()
    assert story.deliver() == ["data ada@example.com"]


def test_a_waiting_sign_up_gets_its_confirmation_mail_again(story: Story) -> None:
    story.ask()
    story.deliver()
    story.ask_for_link()
    assert story.deliver() == [], "within the hour"
    story.wait(HOUR)
    story.ask_for_link()
    assert story.deliver() == ["confirm ada@example.com"]
    waiting_sign_up = story.sign_up()
    assert waiting_sign_up.asked_at == NOW and waiting_sign_up.expires_at == NOW + HOUR + 7 * DAY


def test_strangers_and_forgotten_people_get_no_link(story: Story) -> None:
    story.ask_for_link()
    story.joined()
    with story.database.writing() as connection:
        erase(connection, ADA, story.now)
    story.ask_for_link()
    assert story.mails() == []
