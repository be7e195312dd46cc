"""Read all that the database has about one person: the subscriber, sign-up, consents, issues and mail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select

from newsletter.sending.model import REHEARSAL
from newsletter.store.consent_history import ConsentEvent, history
from newsletter.store.person_history import (
    DeliveryRecord,
    ServiceMailRecord,
    SignUpRecord,
    read_deliveries,
    read_service_mails,
    read_sign_up,
)
from newsletter.store.recipient_blocks import find_number
from newsletter.store.recipient_pages import reported_state
from newsletter.store.schema import (
    attempt_table,
    chunk_table,
    recipient_block_table,
    recipient_table,
    send_table,
    subscriber_table,
)
from newsletter.store.suppression import forgotten_at, paused_until
from newsletter.subscribers.address import Address

PersonStatus = Literal[
    "subscriber",  # also one who has left
    "pending",  # has signed up, and is no subscriber
    "forgotten",  # was erased; only a hash of the address is there
    "paused",  # a confirmation mail bounced, and nothing else is known
    "unknown",
]


@dataclass(frozen=True)
class SubscriberRecord:
    """The row of a subscriber; `id` is the number that is in the unsubscribe links of this person."""

    id: int
    address: str
    name: str
    state: str
    consent_at: datetime
    consent_how: str
    consent_source: str
    changed_at: datetime
    changed_how: str


@dataclass(frozen=True)
class ReceivedIssue:
    """An issue of which a subscriber was a recipient, and the outcome.

    `outcome` is one of RECIPIENT_STATES; `at` is the time of the last attempt, None if there was none.
    """

    issue: str
    provider: str
    is_rehearsal: bool
    outcome: str
    reason: str
    at: datetime | None
    provider_message_id: str


@dataclass(frozen=True)
class PersonRecord:
    """All that the database has about the person with an address; nothing if the address is not known.

    `forgotten_at` is the time at which the person was forgotten; a subscriber who was added again later has
    it too. Until `paused_until` a confirmation mail is not sent to the address, because one bounced.
    """

    address: str
    subscriber: SubscriberRecord | None
    forgotten_at: datetime | None
    paused_until: datetime | None
    sign_up: SignUpRecord | None
    consents: list[ConsentEvent]
    issues: list[ReceivedIssue]
    service_mails: list[ServiceMailRecord]
    deliveries: list[DeliveryRecord]

    @property
    def status(self) -> PersonStatus:
        """Return what the person is to the newsletter: the first that is true."""
        if self.subscriber:
            return "subscriber"
        if self.sign_up:
            return "pending"
        if self.forgotten_at:
            return "forgotten"
        return "paused" if self.paused_until else "unknown"

    @property
    def is_known(self) -> bool:
        """Return True if the database has anything about this person."""
        return self.status != "unknown"


def read_person(connection: Connection, address: Address) -> PersonRecord:
    """Return the record of the person with an address."""
    columns = [subscriber_table.c[name] for name in SubscriberRecord.__dataclass_fields__]
    row = connection.execute(select(*columns).where(subscriber_table.c.address_key == address.key)).first()
    subscriber = SubscriberRecord(*row) if row else None
    number = subscriber.id if subscriber else None
    sign_up = read_sign_up(connection, address.key)
    given = subscriber or sign_up
    return PersonRecord(
        address=given.address if given else address.given,
        subscriber=subscriber,
        forgotten_at=forgotten_at(connection, address.key),
        paused_until=paused_until(connection, address.key),
        sign_up=sign_up,
        consents=history(connection, number) if number else [],
        issues=_issues(connection, number) if number else [],
        service_mails=read_service_mails(connection, sign_up.id if sign_up else None, number),
        deliveries=read_deliveries(connection, number) if number else [],
    )


def read_person_with_id(connection: Connection, subscriber_id: int) -> PersonRecord | None:
    """Return the record of a subscriber by the id; None if there is none with it."""
    query = select(subscriber_table.c.address, subscriber_table.c.address_key)
    row = connection.execute(query.where(subscriber_table.c.id == subscriber_id)).first()
    return read_person(connection, Address(row.address, row.address_key)) if row else None


def _issues(connection: Connection, subscriber_id: int) -> list[ReceivedIssue]:
    """Return the issues of which a subscriber was a recipient, oldest first."""
    query = select(recipient_table.c.send_id, recipient_table.c.number, recipient_table.c.outcome)
    rows = connection.execute(query.where(recipient_table.c.subscriber_id == subscriber_id))
    numbers: dict[int, tuple[int, str | None]] = {row.send_id: (row.number, row.outcome) for row in rows}
    for send_id in connection.scalars(select(recipient_block_table.c.send_id).distinct()).all():
        if send_id not in numbers and (number := find_number(connection, send_id, subscriber_id)):
            numbers[send_id] = number, None
    sends = select(send_table.c.id, send_table.c.issue, send_table.c.provider, send_table.c.list)
    return [
        _issue(connection, send, *numbers[send.id])
        for send in connection.execute(sends.order_by(send_table.c.id)).all()
        if send.id in numbers
    ]


def _issue(
    connection: Connection, send: Row[*tuple[Any, ...]], number: int, outcome: str | None
) -> ReceivedIssue:
    in_chunk = (chunk_table.c.send_id == send.id, chunk_table.c.first <= number, chunk_table.c.last >= number)
    query = select(reported_state.label("state"), chunk_table.c.reason).where(*in_chunk)
    chunk = connection.execute(query).first()
    tried = (
        attempt_table.c.send_id == send.id,
        attempt_table.c.first <= number,
        attempt_table.c.last >= number,
    )
    at = func.coalesce(
        attempt_table.c.settled_at, attempt_table.c.intended_at, type_=attempt_table.c.intended_at.type
    )
    last = (
        select(at.label("at"), attempt_table.c.message_id).where(*tried).order_by(attempt_table.c.id.desc())
    )
    # A recipient who left before the attempt has none, also if the others of the chunk have one.
    attempt = connection.execute(last.limit(1)).first() if outcome is None else None
    return ReceivedIssue(
        issue=send.issue,
        provider=send.provider,
        is_rehearsal=send.list.startswith(REHEARSAL),
        outcome=outcome or (chunk.state if chunk else "waiting"),
        reason=(chunk.reason or "") if chunk and outcome is None else "",
        at=attempt.at if attempt else None,
        provider_message_id=(attempt.message_id or "") if attempt else "",
    )
