"""Test on both databases that a person leaves by their own link, and can take that back for 30 days."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from newsletter.constants import DeliveryEventKind
from newsletter.errors import DatabaseBusy
from newsletter.store import suppression, unsubscription
from newsletter.store.database import Database
from newsletter.store.delivery_events import record
from newsletter.store.erasure import erase
from newsletter.store.schema import consent_event_table, subscriber_table
from newsletter.store.subscribers import Subscribers
from newsletter.store.unsubscription import Subscription
from newsletter.subscribers.delivery_event import DeliveryEvent
from newsletter.subscribers.origins import (
    ASKED_AGAIN,
    ONE_CLICK,
    REMOVED_BY_HAND,
    SPAM_REPORT,
    UNSUBSCRIBE_PAGE,
    StateOrigin,
)
from newsletter.subscribers.parsing import parse_subscriber
from tests.samples import NOW
from tests.store.sign_up_story import DAY, HOUR, Story, times

ADA, _ = parse_subscriber("ada@example.com")


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database)


def found(story: Story, subscriber_id: int) -> Subscription | None:
    with story.database.reading() as connection:
        return unsubscription.find_subscription(connection, subscriber_id, story.now)


@pytest.mark.parametrize("how", [UNSUBSCRIBE_PAGE, ONE_CLICK])
def test_leaving_and_its_undo_are_in_the_history(story: Story, how: StateOrigin) -> None:
    ada = story.joined()
    joined_at, before = story.now, story.subscriber()
    assert found(story, ada) == Subscription("ada@example.com", "active", joined_at, False)
    story.wait(DAY)
    left_at = story.now
    assert story.leave(ada, how)
    assert found(story, ada) == Subscription("ada@example.com", "unsubscribed", left_at, True)
    story.wait(DAY)
    assert story.undo_leave(ada)
    after = story.subscriber()
    assert before and after and after.state == "active" and after.changed_how == ""
    assert (after.consent_at, after.consent_how) == (before.consent_at, before.consent_how)
    events = story.history(ada)
    assert times(events[2:]) == [("left", left_at), ("returned", story.now)]
    assert [event.how for event in events[2:]] == [how, UNSUBSCRIBE_PAGE]


def test_leaving_twice_changes_nothing(story: Story) -> None:
    ada = story.joined()
    assert story.leave(ada, ONE_CLICK)
    before = story.subscriber(), story.history(ada)
    story.wait(DAY)
    assert not story.leave(ada, UNSUBSCRIBE_PAGE)
    assert (story.subscriber(), story.history(ada)) == before


@pytest.mark.parametrize(
    ("state", "after"),
    [
        ("active", "unsubscribed"),
        ("pending", "unsubscribed"),
        ("bounced", "unsubscribed"),
        ("complained", "complained"),
    ],
)
def test_each_state_after_leaving(story: Story, state: str, after: str) -> None:
    ada = story.joined()
    with story.database.writing() as connection:
        connection.execute(update(subscriber_table).values(state=state))
    assert story.leave(ada) == (state != after)
    assert story.state() == after


def test_an_erased_or_unknown_person_has_left(story: Story) -> None:
    ada = story.joined()
    with story.database.writing() as connection:
        erase(connection, ADA, story.now)
    for number in (ada, ada + 1, 0):
        assert not story.leave(number) and not story.undo_leave(number) and found(story, number) is None
    assert story.rows(consent_event_table) == story.rows(subscriber_table) == []


def test_the_undo_ends_after_thirty_days(story: Story) -> None:
    ada = story.joined()
    story.leave(ada)
    story.wait(30 * DAY - timedelta(seconds=1))
    subscription = found(story, ada)
    assert subscription and subscription.can_undo
    story.wait(timedelta(seconds=1))
    subscription = found(story, ada)
    assert subscription and not subscription.can_undo
    assert not story.undo_leave(ada) and story.state() == "unsubscribed"


@pytest.mark.parametrize("how", [REMOVED_BY_HAND, SPAM_REPORT, "imported"])
def test_another_departure_cannot_be_undone(story: Story, how: StateOrigin) -> None:
    ada = story.joined()
    story.leave(ada, how)
    assert not story.undo_leave(ada) and story.state() == "unsubscribed"


def test_the_undo_of_nothing_changes_nothing(story: Story) -> None:
    ada = story.joined()
    before = story.subscriber(), story.history(ada)
    assert not story.undo_leave(ada)
    story.leave(ada)
    with story.database.writing() as connection:
        connection.execute(update(subscriber_table).values(state="complained"))
    assert not story.undo_leave(ada) and story.state() == "complained"
    assert before[1] == story.history(ada)[:2]


def test_a_person_who_left_is_not_told_that_they_are_on_the_list(story: Story) -> None:
    ada = story.joined()
    story.wait(2 * HOUR)
    story.ask()
    assert story.mails() == ["already waiting"]
    story.leave(ada)
    assert story.mails() == [] and story.deliver() == []


def test_changes_by_hand_are_in_the_history(story: Story) -> None:
    subscribers = Subscribers(story.database, lambda: NOW)
    subscribers.add(ADA)
    subscribers.remove(ADA)
    subscribers.remove(ADA)
    subscribers.add(ADA, again=True)
    subscriber = story.subscriber()
    assert subscriber
    changes = [(event.change, event.how) for event in story.history(subscriber.id)]
    assert changes == [("left", REMOVED_BY_HAND), ("returned", ASKED_AGAIN)]


@pytest.mark.parametrize("state", ["pending", "bounced"])
def test_the_undo_makes_nobody_active_who_was_not(story: Story, state: str) -> None:
    ada = story.joined()
    with story.database.writing() as connection:
        connection.execute(update(subscriber_table).values(state=state))
    assert story.leave(ada)
    subscription = found(story, ada)
    assert subscription and not subscription.can_undo
    assert not story.undo_leave(ada) and story.state() == "unsubscribed"


@pytest.mark.parametrize("kind", ["bounced", "unsubscribed", "complained"])
def test_an_event_that_arrives_after_the_departure_prevents_the_undo(
    story: Story, kind: DeliveryEventKind
) -> None:
    ada = story.joined()
    story.wait(HOUR)
    story.leave(ada)
    event = DeliveryEvent("sendgrid", "", kind, story.now - HOUR, ada)
    story.write(lambda connection: record(connection, [event], story.now))
    assert not story.undo_leave(ada)


def test_a_soft_bounce_does_not_prevent_the_undo(story: Story) -> None:
    ada = story.joined()
    event = DeliveryEvent("sendgrid", "", "soft", story.now, ada)
    story.write(lambda connection: record(connection, [event], story.now))
    story.leave(ada)
    assert story.undo_leave(ada)


def test_an_earlier_departure_of_an_active_person_permits_no_undo(story: Story) -> None:
    ada = story.joined()
    story.leave(ada)
    story.wait(HOUR)
    assert story.undo_leave(ada)
    with story.database.writing() as connection:
        connection.execute(update(subscriber_table).values(state="bounced"))
    story.wait(HOUR)
    story.leave(ada)
    assert not story.undo_leave(ada)


def test_leaving_waits_for_an_import(story: Story) -> None:
    """An import reads the states of people, and writes them later."""
    if story.database.url.get_backend_name() != "postgresql":
        return  # SQLite has one writer at a time
    ada = story.joined()
    with story.database.writing() as connection:
        suppression.lock_to_add_people(connection)
        with pytest.raises(DatabaseBusy), story.database.writing(lock_seconds=0.2) as other:
            unsubscription.leave(other, ada, ONE_CLICK, story.now)
    assert story.state() == "active"


def test_an_unsubscription_is_taken_back_a_few_times_a_day(story: Story) -> None:
    """A loop of both buttons would fill the history without end."""
    ada = story.joined()
    results = []
    for _ in range(10):
        story.wait(timedelta(minutes=1))
        story.leave(ada, ONE_CLICK)
        results.append(story.undo_leave(ada))
    most = unsubscription.MAX_UNDOS
    assert results == [True] * most + [False] * (10 - most)
    story.wait(DAY)
    assert story.undo_leave(ada)
