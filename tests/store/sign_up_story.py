"""A list with the clock of a test: each step is a transaction, as the server makes it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, select

from newsletter.store import data_links, service_mails, sign_ups, unsubscription
from newsletter.store.consent_history import ConsentEvent, history
from newsletter.store.database import Database
from newsletter.store.schema import service_mail_table, sign_up_table, subscriber_table
from newsletter.store.service_mails import ServiceMailResult
from newsletter.store.sign_ups import Confirmation
from newsletter.subscribers.origins import SIGN_UP_FORM, UNSUBSCRIBE_PAGE, StateOrigin
from newsletter.subscribers.parsing import parse_subscriber
from tests.samples import NOW

WORDING = "One mail a week, until you unsubscribe."
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

_Result = TypeVar("_Result")


class Story:
    """The changes of a list, at the time `now`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW

    def wait(self, time: timedelta) -> None:
        self.now += time

    def write(self, change: Callable[[Connection], _Result]) -> _Result:
        with self.database.writing() as connection:
            return change(connection)

    def ask(self, address: str = "ada@example.com", wording: str = WORDING) -> None:
        mailbox, _ = parse_subscriber(address)
        self.write(lambda connection: sign_ups.ask(connection, mailbox, wording, SIGN_UP_FORM, self.now))

    def confirm(self, sign_up_id: int) -> Confirmation | None:
        return self.write(lambda connection: sign_ups.confirm(connection, sign_up_id, self.now))

    def joined(self, address: str = "ada@example.com") -> int:
        """Sign up and confirm; return the id of the subscriber."""
        self.ask(address)
        self.wait(HOUR)
        confirmation = self.confirm(self.sign_up(address).id)
        assert confirmation and confirmation.state == "active"
        return confirmation.subscriber_id

    def delete_expired(self) -> int:
        return self.write(lambda connection: sign_ups.delete_expired(connection, self.now))

    def leave(self, subscriber_id: int, how: StateOrigin = UNSUBSCRIBE_PAGE) -> bool:
        return self.write(lambda connection: unsubscription.leave(connection, subscriber_id, how, self.now))

    def undo_leave(self, subscriber_id: int) -> bool:
        return self.write(lambda connection: unsubscription.undo_leave(connection, subscriber_id, self.now))

    def ask_for_link(self, address: str = "ada@example.com") -> None:
        mailbox, _ = parse_subscriber(address)
        self.write(lambda connection: data_links.ask_for_link(connection, mailbox, self.now))

    def deliver(self) -> list[str]:
        """Send the mail that waits; return the kind and the address of each."""
        with self.database.reading() as connection:
            mails = service_mails.waiting(connection, self.now, 1000)
        claimed = self.write(lambda connection: service_mails.claim(connection, mails))
        results = {mail.id: ServiceMailResult("accepted") for mail in claimed}
        self.write(lambda connection: service_mails.settle(connection, results, self.now))
        return [f"{mail.kind} {mail.address}" for mail in claimed]

    def sign_up(self, address: str = "ada@example.com") -> Row[Any]:
        (row,) = [row for row in self.rows(sign_up_table) if row.address_key == address.lower()]
        return row

    def subscriber(self, address: str = "ada@example.com") -> Row[Any] | None:
        return next((row for row in self.rows(subscriber_table) if row.address_key == address), None)

    def state(self, address: str = "ada@example.com") -> str | None:
        subscriber = self.subscriber(address)
        return subscriber.state if subscriber else None

    def mails(self) -> list[str]:
        """Return the kind and the state of each mail that was written, oldest first."""
        return [f"{row.kind} {row.state}" for row in self.rows(service_mail_table)]

    def history(self, subscriber_id: int) -> list[ConsentEvent]:
        with self.database.reading() as connection:
            return history(connection, subscriber_id)

    def rows(self, table: Any) -> list[Row[Any]]:
        with self.database.reading() as connection:
            return list(connection.execute(select(table).order_by(table.c.id)).all())


def times(events: list[ConsentEvent]) -> list[tuple[str, datetime]]:
    return [(event.change, event.at) for event in events]
