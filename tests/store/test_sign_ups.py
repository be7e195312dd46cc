"""Test on both databases that a sign-up waits for its confirmation, and what mail the owner gets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from newsletter.constants import DEPARTED_STATES
from newsletter.store import sign_ups, suppression
from newsletter.store.database import Database
from newsletter.store.import_chunk import move_chunk
from newsletter.store.schema import (
    service_mail_table,
    sign_up_table,
    subscriber_table,
    suppressed_table,
    wording_table,
)
from newsletter.store.sign_ups import Confirmation, SignUp
from newsletter.store.staged_people import StagedPerson
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.origins import SIGN_UP_FORM
from newsletter.subscribers.parsing import parse_subscriber
from tests.samples import NOW
from tests.store.sign_up_story import DAY, HOUR, WORDING, Story, times

ADA, _ = parse_subscriber("ada@example.com")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database)


def test_a_sign_up_becomes_a_subscriber_when_it_is_confirmed(story: Story) -> None:
    story.ask("Ada@example.com")
    assert story.subscriber() is None, "a person who has not confirmed is no subscriber"
    waiting = story.sign_up()
    story.wait(2 * HOUR)
    with story.database.reading() as connection:
        found = sign_ups.find_sign_up(connection, waiting.id, story.now)
    assert found == SignUp(waiting.id, "Ada@example.com", NOW + 7 * DAY, True, None)
    confirmation = story.confirm(waiting.id)
    ada = story.subscriber()
    assert ada and confirmation == Confirmation(ada.id, "Ada@example.com", "active")
    assert (ada.address, ada.state, ada.name) == ("Ada@example.com", "active", "")
    assert (ada.consent_at, ada.consent_how, ada.consent_source) == (story.now, SIGN_UP_FORM, "")
    assert (ada.changed_at, ada.changed_how) == (story.now, "")
    events = story.history(ada.id)
    assert times(events) == [("asked", NOW), ("confirmed", story.now)]
    assert {(event.how, event.wording) for event in events} == {(SIGN_UP_FORM, WORDING)}


def test_a_repeated_confirmation_has_the_same_answer_and_changes_nothing(story: Story) -> None:
    story.ask()
    number = story.sign_up().id
    first = story.confirm(number)
    assert first
    before = story.subscriber(), story.history(first.subscriber_id)
    story.wait(DAY)
    assert story.confirm(number) == first
    assert (story.subscriber(), story.history(first.subscriber_id)) == before


def test_a_link_works_for_seven_days(story: Story) -> None:
    story.ask()
    number = story.sign_up().id
    story.wait(7 * DAY)
    with story.database.reading() as connection:
        assert sign_ups.find_sign_up(connection, number, story.now - MINUTE) is not None
        assert sign_ups.find_sign_up(connection, number, story.now) is None
    assert story.confirm(number) is None
    assert story.confirm(number + 1) is None, "there is no such sign-up"
    assert story.subscriber() is None


def test_a_second_request_after_an_hour_sends_the_mail_again(story: Story) -> None:
    """Complaint 6: within the hour there is no other mail, and the answer is the same."""
    story.ask()
    number = story.sign_up().id
    story.wait(HOUR - MINUTE)
    story.ask(wording="Other words.")
    assert story.deliver() == ["confirm ada@example.com"]
    story.wait(MINUTE)
    story.ask(wording="Other words.")
    assert story.deliver() == ["confirm ada@example.com"]
    again = story.sign_up()
    assert (again.id, again.asked_at, again.expires_at) == (number, NOW + HOUR, NOW + HOUR + 7 * DAY)
    assert [row.text for row in story.rows(wording_table)] == [WORDING, "Other words."]


def test_500_requests_for_one_address_send_one_mail(story: Story) -> None:
    """Complaint 7: the form cannot flood the mailbox of a stranger."""
    with story.database.writing() as connection:
        for number in range(500):
            address, _ = parse_subscriber("ADA@example.com" if number % 2 else "ada@Example.com")
            sign_ups.ask(connection, address, WORDING, SIGN_UP_FORM, NOW + number * timedelta(seconds=7))
    assert len(story.rows(sign_up_table)) == 1
    assert story.mails() == ["confirm waiting"]


def test_three_mails_go_out_in_seven_days(story: Story) -> None:
    with story.database.writing() as connection:
        for hour in (*range(6), *range(6, 360, 6)):
            sign_ups.ask(connection, ADA, WORDING, SIGN_UP_FORM, NOW + hour * HOUR)
    sent = [(row.written_at - NOW) // HOUR for row in story.rows(service_mail_table)]
    assert sent[:3] == [0, 1, 2]
    assert all(later - earlier >= 24 * 7 for earlier, later in zip(sent, sent[3:], strict=False)), sent
    assert len(sent) >= 7, "a person who waits gets a mail in each week"


def test_an_address_whose_mail_bounced_gets_none_until_then(story: Story) -> None:
    with story.database.writing() as connection:
        suppression.forget(connection, [ADA.key], NOW)
        connection.execute(update(suppressed_table).values(until=NOW + 30 * DAY))
    story.ask()
    assert story.rows(sign_up_table) == story.mails() == []
    story.wait(30 * DAY)
    story.ask()
    assert story.mails() == ["confirm waiting"]


def test_an_active_subscriber_stays_as_they_are(story: Story) -> None:
    """Complaint 13: a sign-up of a known address changes neither the row nor the consent nor the history."""
    Subscribers(story.database, lambda: NOW).add(ADA, "Ada Example")
    before = story.subscriber()
    assert before
    for hour in (0, 1, 23, 24):
        story.now = NOW + hour * HOUR
        story.ask()
    assert (story.subscriber(), story.rows(sign_up_table)) == (before, [])
    assert story.deliver() == ["already ada@example.com"] * 2, "one a day"
    assert story.history(before.id) == []


def test_a_link_of_a_person_who_is_active_meanwhile_changes_nothing(story: Story) -> None:
    story.ask()
    Subscribers(story.database, lambda: story.now).add(ADA, "Ada Example")
    before = story.subscriber()
    story.wait(HOUR)
    confirmation = story.confirm(story.sign_up().id)
    assert before and confirmation == Confirmation(before.id, "ada@example.com", "active")
    assert story.subscriber() == before and story.history(before.id) == []


@pytest.mark.parametrize("state", DEPARTED_STATES)
def test_a_person_who_is_off_the_list_comes_back_with_a_confirmation_only(story: Story, state: str) -> None:
    """Complaints 8 and 9: without the confirmation the person stays off the list."""
    Subscribers(story.database, lambda: NOW).add(ADA, "Ada Example")
    with story.database.writing() as connection:
        connection.execute(update(subscriber_table).values(state=state, changed_how="imported"))
    before = story.subscriber()
    story.wait(DAY)
    story.ask()
    assert story.deliver() == ["confirm ada@example.com"]
    assert story.subscriber() == before, "asking changes nothing"
    story.wait(HOUR)
    assert before and story.confirm(story.sign_up().id) == Confirmation(before.id, ADA.given, "active")
    after = story.subscriber()
    assert after and (after.id, after.name, after.state) == (before.id, "Ada Example", "active")
    assert (after.consent_at, after.consent_how, after.changed_how) == (story.now, SIGN_UP_FORM, "")


def test_a_forgotten_person_comes_back_with_a_confirmation_only(story: Story) -> None:
    with story.database.writing() as connection:
        suppression.forget(connection, [ADA.key], NOW)
    story.ask()
    people = [StagedPerson(ImportRow("list.csv:2", ADA, "", "active"), "list.csv")]
    with story.database.writing() as connection:
        assert [change.detail for change in move_chunk(connection, people, NOW)] == ["forgotten"]
        assert suppression.forgotten(connection, [ADA.key])
    assert story.confirm(story.sign_up().id)
    with story.database.reading() as connection:
        assert not suppression.forgotten(connection, [ADA.key])
    assert story.state() == "active"


def test_the_link_of_a_person_who_left_brings_nobody_back(story: Story) -> None:
    ada = story.joined()
    number = story.sign_up().id
    story.wait(HOUR)
    assert story.leave(ada)
    assert story.confirm(number) == Confirmation(ada, "ada@example.com", "unsubscribed")
    story.wait(HOUR)
    story.ask()
    assert story.confirm(number) is None, "the link in the first mail stays useless after another sign-up"
    assert story.state() == "unsubscribed"
    assert story.confirm(story.sign_up().id) == Confirmation(ada, "ada@example.com", "active")


def test_a_sign_up_from_before_a_departure_is_not_confirmed_after_it(story: Story) -> None:
    subscribers = Subscribers(story.database, lambda: story.now)
    story.ask()
    number = story.sign_up().id
    subscribers.add(ADA)
    story.wait(HOUR)
    subscribers.remove(ADA)
    story.wait(HOUR)
    confirmation = story.confirm(number)
    assert confirmation and confirmation.state == "unsubscribed" and story.state() == "unsubscribed"


def test_a_new_sign_up_after_a_departure_has_another_link(story: Story) -> None:
    subscribers = Subscribers(story.database, lambda: story.now)
    story.ask()
    number = story.sign_up().id
    subscribers.add(ADA)
    story.wait(HOUR)
    subscribers.remove(ADA)
    story.wait(HOUR)
    story.ask()
    assert story.sign_up().id != number
    assert story.confirm(number) is None and story.state() == "unsubscribed"


def test_a_bounce_after_the_sign_up_does_not_prevent_the_confirmation(story: Story) -> None:
    Subscribers(story.database, lambda: NOW).add(ADA)
    Subscribers(story.database, lambda: NOW).remove(ADA)
    story.wait(HOUR)
    story.ask()
    story.wait(HOUR)
    with story.database.writing() as connection:
        connection.execute(update(subscriber_table).values(state="bounced", changed_at=story.now))
    assert story.confirm(story.sign_up().id) and story.state() == "active"


def test_the_link_of_a_confirmed_sign_up_ends_no_bounce(story: Story) -> None:
    ada = story.joined()
    number = story.sign_up().id
    with story.database.writing() as connection:
        connection.execute(update(subscriber_table).values(state="bounced", changed_at=NOW))
    assert story.confirm(number) == Confirmation(ada, "ada@example.com", "bounced")
    story.wait(HOUR)
    story.ask()
    assert story.sign_up().id != number, "a new sign-up has a new link"


def test_a_mail_that_waits_when_the_sign_up_is_confirmed_is_not_sent(story: Story) -> None:
    story.ask()
    story.deliver()
    story.wait(HOUR)
    story.ask()
    assert story.mails() == ["confirm accepted", "confirm waiting"]
    assert story.confirm(story.sign_up().id)
    assert story.mails() == ["confirm accepted"] and story.deliver() == []


def test_expired_sign_ups_are_deleted_with_the_mail_to_strangers(story: Story) -> None:
    ada = story.joined()
    story.ask("bo@example.com")
    story.deliver()
    story.wait(7 * DAY - HOUR)
    story.ask("cy@example.com")
    assert story.delete_expired() == 1, "that of Ada"
    story.wait(HOUR)
    assert story.delete_expired() == 1, "that of Bo"
    assert [row.address for row in story.rows(sign_up_table)] == ["cy@example.com"]
    assert story.mails() == ["confirm waiting"] and story.state() == "active"
    assert times(story.history(ada)) == [("asked", NOW), ("confirmed", NOW + HOUR)]


def test_ids_of_sign_ups_are_never_given_again(story: Story) -> None:
    story.ask()
    first = story.sign_up().id
    story.wait(8 * DAY)
    story.delete_expired()
    story.ask("bo@example.com")
    assert story.sign_up("bo@example.com").id > first


def test_two_requests_at_the_same_time_make_one_sign_up(story: Story) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: story.ask(), range(32)))
    assert len(story.rows(sign_up_table)) == len(story.rows(service_mail_table)) == 1
    assert len(story.rows(wording_table)) == 1


def test_two_confirmations_at_the_same_time_make_one_subscriber(story: Story) -> None:
    story.ask()
    number = story.sign_up().id
    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(lambda _: story.confirm(number), range(32)))
    assert len(answers) == len(story.rows(subscriber_table)) == 1
    (ada,) = story.rows(subscriber_table)
    assert times(story.history(ada.id)) == [("asked", NOW), ("confirmed", NOW)]


def found(story: Story, sign_up_id: int) -> SignUp:
    with story.database.reading() as connection:
        sign_up = sign_ups.find_sign_up(connection, sign_up_id, story.now)
    assert sign_up
    return sign_up


def test_a_link_is_said_to_confirm_only_if_it_does(story: Story) -> None:
    subscribers = Subscribers(story.database, lambda: story.now)
    story.ask()
    number = story.sign_up().id
    subscribers.add(ADA)
    assert (found(story, number).can_confirm, found(story, number).state) == (True, "active")
    story.wait(HOUR)
    subscribers.remove(ADA)
    assert (found(story, number).can_confirm, found(story, number).state) == (False, "unsubscribed")
    confirmation = story.confirm(number)
    assert confirmation and confirmation.state == "unsubscribed"
    story.wait(HOUR)
    story.ask()
    number = story.sign_up().id
    assert found(story, number).can_confirm
    story.confirm(number)
    assert (found(story, number).can_confirm, found(story, number).state) == (False, "active")


def test_addresses_of_one_mailbox_share_a_limit(story: Story) -> None:
    """`sam+1@…`, `sam+2@…` and so on all reach one person."""
    for number in range(20):
        story.ask(f"sam+{number}@example.com")
    story.ask("kim@example.com")
    with story.database.reading() as connection:
        addresses = set(connection.scalars(select(sign_up_table.c.address)))
    assert addresses == {"sam+0@example.com", "sam+1@example.com", "sam+2@example.com", "kim@example.com"}
