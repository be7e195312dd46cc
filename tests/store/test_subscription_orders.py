"""Compare the subscription of a person with a small model, after each order of what can happen to it.

Nobody who left is active without a confirmation, an undo or an addition by hand afterwards. Nobody to whom
mail bounced is active without a confirmation.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import pytest

from newsletter.constants import DeliveryEventKind
from newsletter.store import suppression
from newsletter.store.database import Database
from newsletter.store.delivery_events import record
from newsletter.store.erasure import erase
from newsletter.store.import_chunk import move_chunk
from newsletter.store.schema import consent_event_table, sign_up_table, subscriber_table
from newsletter.store.staged_people import StagedPerson
from newsletter.subscribers.delivery_event import DeliveryEvent
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.origins import ONE_CLICK, UNSUBSCRIBE_PAGE
from newsletter.subscribers.parsing import parse_subscriber
from tests.store.sign_up_story import HOUR, Story

ADA, _ = parse_subscriber("ada@example.com")
STEPS = {
    "ask": 6,
    "confirm": 5,
    "confirm an old link": 3,
    "leave": 4,
    "take back": 3,
    "forget": 1,
    "import people": 2,
    "expire": 1,
    "ask for the link": 1,
    "deliver": 3,
    "wait": 3,
    "bounce": 2,
    "complain": 1,
}


@dataclass
class Model:
    """The person as the rules say: on the list or not, and the newest link that can confirm a sign-up.

    `left_at` is set while the departure can be taken back; an event `is_reported` since the last consent.
    """

    state: str | None = None
    is_forgotten: bool = False
    link: int | None = None
    link_ends: datetime | None = None
    left_at: datetime | None = None
    is_reported: bool = False
    all_links: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)


class Orders:
    """A person to whom steps happen."""

    def __init__(self, story: Story, random: Random) -> None:
        self.story, self.random, self.model = story, random, Model()
        self.steps: list[str] = []

    def step(self) -> None:
        (name,) = self.random.choices(list(STEPS), list(STEPS.values()))
        self.steps.append(name)
        self.story.wait(timedelta(minutes=self.random.choice([1, 20, 70])))
        getattr(self, name.replace(" ", "_"))()
        self.compare()

    def ask(self) -> None:
        self.story.ask()
        rows = [row for row in self.story.rows(sign_up_table) if row.subscriber_id is None]
        if self.model.state == "active" or not rows:
            return
        if rows[0].mailed_at == self.story.now:
            self.model.link, self.model.link_ends = rows[0].id, rows[0].expires_at
            self.model.all_links.append(rows[0].id)

    def ask_for_the_link(self) -> None:
        self.story.ask_for_link()
        for row in self.story.rows(sign_up_table):
            if row.subscriber_id is None and row.mailed_at == self.story.now:
                self.model.link_ends = row.expires_at

    def confirm(self) -> None:
        if self.model.link:
            self._confirm(self.model.link)

    def confirm_an_old_link(self) -> None:
        if self.model.all_links:
            self._confirm(self.random.choice(self.model.all_links))

    def _confirm(self, link: int) -> None:
        model = self.model
        is_valid = link == model.link and model.link_ends is not None and self.story.now < model.link_ends
        confirmation = self.story.confirm(link)
        if is_valid:
            assert confirmation and confirmation.state == "active", self.steps
            is_new = model.state != "active"
            model.state, model.is_forgotten, model.link = "active", False, None
            model.left_at, model.is_reported = None, model.is_reported and not is_new
        else:
            assert confirmation is None or confirmation.state == (model.state or ""), self.steps

    def leave(self) -> None:
        if self.model.ids:
            how = self.random.choice([UNSUBSCRIBE_PAGE, ONE_CLICK])
            self.story.leave(self.random.choice(self.model.ids), how)
            # The ids of a person who was forgotten belong to nobody; the newest one is that of this person.
            row = self.story.subscriber()
            if row and self.model.state in ("active", "bounced") and row.state == "unsubscribed":
                assert row.changed_at == self.story.now
                self.model.left_at = self.story.now if self.model.state == "active" else None
                self.model.state, self.model.link = "unsubscribed", None

    def take_back(self) -> None:
        if not self.model.ids:
            return
        left_at = self.model.left_at
        is_current = self.model.state == "unsubscribed" and left_at and not self.model.is_reported
        is_late = left_at is not None and self.story.now - left_at >= timedelta(days=30)
        undone = self.story.undo_leave(self.model.ids[-1])
        assert undone == (bool(is_current) and not is_late), self.steps
        if undone:
            self.model.state, self.model.left_at = "active", None

    def bounce(self) -> None:
        self._report("bounced")
        if self.model.state == "active":
            self.model.state = "bounced"

    def complain(self) -> None:
        self._report("complained")
        if self.model.state in ("active", "bounced", "unsubscribed"):
            self.model.state, self.model.link, self.model.left_at = "complained", None, None

    def _report(self, kind: DeliveryEventKind) -> None:
        """Report an event about the newest number of the person, which belongs to nobody after `forget`."""
        if self.model.ids:
            event = DeliveryEvent("sendgrid", "", kind, self.story.now, self.model.ids[-1])
            self.story.write(lambda connection: record(connection, [event], self.story.now))
            self.model.is_reported = self.model.state is not None

    def forget(self) -> None:
        with self.story.database.writing() as connection:
            erase(connection, ADA, self.story.now)
        self.model = Model(is_forgotten=True, all_links=self.model.all_links, ids=self.model.ids)

    def import_people(self) -> None:
        people = [StagedPerson(ImportRow("list.csv:2", ADA, "", "active"), "list.csv")]
        with self.story.database.writing() as connection:
            move_chunk(connection, people, self.story.now)
        if self.model.state is None and not self.model.is_forgotten:
            self.model.state = "active"

    def expire(self) -> None:
        self.story.delete_expired()

    def deliver(self) -> None:
        self.story.deliver()

    def wait(self) -> None:
        self.story.wait(self.random.choice([HOUR, 24 * HOUR, 8 * 24 * HOUR, 31 * 24 * HOUR]))

    def compare(self) -> None:
        row = self.story.subscriber()
        assert (row.state if row else None) == self.model.state, self.steps
        if row and row.id not in self.model.ids:
            assert not self.model.ids or row.id > self.model.ids[-1], "ids are never given again"
            self.model.ids.append(row.id)
        assert len(self.story.rows(sign_up_table)) <= 1
        with self.story.database.reading() as connection:
            is_forgotten = bool(suppression.forgotten(connection, [ADA.key]))
        assert is_forgotten == self.model.is_forgotten, self.steps
        if row:
            self._compare_history(row.id)
        if self.model.is_forgotten:
            assert not self.story.rows(subscriber_table) and not self.story.rows(consent_event_table)

    def _compare_history(self, subscriber_id: int) -> None:
        """Assert that the history ends with the present state; it is empty for an imported person."""
        changes = [event.change for event in self.story.history(subscriber_id)]
        is_on_list = self.model.state == "active"
        assert not changes or (changes[-1] != "left") == is_on_list, (changes, self.steps)


@pytest.mark.parametrize("seed", range(12))
def test_any_order_of_steps(database: Database, seed: int) -> None:
    story = Story(database)
    orders = Orders(story, Random(seed))
    for _ in range(40):
        orders.step()
