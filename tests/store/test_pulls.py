"""Test on both databases how far places were read, and that an old request to leave does not count."""

from datetime import timedelta

import pytest

from newsletter.store import pulls
from newsletter.store.database import Database
from newsletter.store.pulls import PullState
from newsletter.subscribers.origins import ONE_CLICK, UNSUBSCRIBE_MAIL, UNSUBSCRIBE_PAGE
from tests.samples import NOW
from tests.store.sign_up_story import DAY, Story


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database)


def test_a_place_that_was_never_read_has_no_position(database: Database) -> None:
    with database.reading() as connection:
        assert pulls.find_state(connection, "imap") == PullState("", pulls.NEVER)


def test_positions_are_kept_by_place(database: Database) -> None:
    for state in (PullState("7:1", NOW), PullState("7:2", NOW + timedelta(hours=1))):
        with database.writing() as connection:
            pulls.record_state(connection, "imap", state)
            pulls.record_state(connection, "worker", PullState("5"))
    with database.reading() as connection:
        assert pulls.find_state(connection, "imap") == PullState("7:2", NOW + timedelta(hours=1))
        assert pulls.find_state(connection, "worker") == PullState("5", pulls.NEVER)


def test_a_request_after_the_consent_counts_once(story: Story) -> None:
    ada = story.joined()
    at = story.now + DAY
    with story.database.writing() as connection:
        assert pulls.leave(connection, ada, UNSUBSCRIBE_MAIL, at)
        assert not pulls.leave(connection, ada, UNSUBSCRIBE_MAIL, at)
    after = story.subscriber()
    assert after and (after.state, after.changed_at, after.changed_how) == (
        "unsubscribed",
        at,
        UNSUBSCRIBE_MAIL,
    )
    assert [event.change for event in story.history(ada)][-1:] == ["left"]


def test_a_request_before_the_consent_or_the_return_does_not_count(story: Story) -> None:
    ada = story.joined()
    with story.database.writing() as connection:
        assert not pulls.leave(connection, ada, UNSUBSCRIBE_MAIL, story.now - DAY)
    story.wait(DAY)
    assert story.leave(ada, ONE_CLICK)
    asked = story.now
    story.wait(DAY)
    assert story.undo_leave(ada)
    with story.database.writing() as connection:
        assert not pulls.leave(connection, ada, UNSUBSCRIBE_PAGE, asked)
        assert pulls.leave(connection, ada, UNSUBSCRIBE_PAGE, story.now)


def test_nobody_with_an_unknown_number_leaves(story: Story) -> None:
    with story.database.writing() as connection:
        assert not pulls.leave(connection, 99, UNSUBSCRIBE_MAIL, NOW)


def test_subscribers_are_found_by_the_keys_of_their_addresses(story: Story) -> None:
    ada = story.joined()
    with story.database.reading() as connection:
        assert pulls.subscribers_by_key(connection, ["ada@example.com", "bo@example.com"]) == {
            "ada@example.com": ada
        }
