"""Read what the database has about a person beside the subscriber's row: sign-up, consents, mail, reports."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from newsletter.constants import DeliveryEventKind, ServiceMailKind, ServiceMailState
from newsletter.store.schema import (
    delivery_event_table,
    send_table,
    service_mail_table,
    sign_up_table,
    wording_table,
)


@dataclass(frozen=True)
class SignUpRecord:
    """A sign-up; `wording` has the words of the form, `how` is the origin."""

    id: int
    address: str
    asked_at: datetime
    expires_at: datetime
    how: str
    wording: str
    is_confirmed: bool


@dataclass(frozen=True)
class ServiceMailRecord:
    """A mail about the subscription; `settled_at` is None if its call has no result yet."""

    kind: ServiceMailKind
    state: ServiceMailState
    written_at: datetime
    settled_at: datetime | None
    reason: str


@dataclass(frozen=True)
class DeliveryRecord:
    """A report of a provider or a mail server; `issue` is "" if it belongs to no send that is known."""

    at: datetime
    kind: DeliveryEventKind
    source: str
    issue: str
    status: str


def read_sign_up(connection: Connection, address_key: str) -> SignUpRecord | None:
    """Return the sign-up of an address, also a confirmed or expired one; None if there is none."""
    columns = sign_up_table.c
    query = (
        select(
            columns.id,
            columns.address,
            columns.asked_at,
            columns.expires_at,
            columns.asked_how,
            wording_table.c.text,
            columns.subscriber_id.is_not(None),
        )
        .join(wording_table, wording_table.c.id == columns.wording_id)
        .where(columns.address_key == address_key)
    )
    row = connection.execute(query).first()
    return SignUpRecord(*row) if row else None


def read_service_mails(
    connection: Connection, sign_up_id: int | None, subscriber_id: int | None
) -> list[ServiceMailRecord]:
    """Return the mails to a sign-up and to a subscriber, oldest first."""
    columns = service_mail_table.c
    query = (
        select(columns.kind, columns.state, columns.written_at, columns.settled_at, columns.reason)
        # 0 is the id of nobody.
        .where(or_(columns.sign_up_id == (sign_up_id or 0), columns.subscriber_id == (subscriber_id or 0)))
        .order_by(columns.id)
    )
    return [ServiceMailRecord(*row[:4], row.reason or "") for row in connection.execute(query)]


def read_deliveries(connection: Connection, subscriber_id: int) -> list[DeliveryRecord]:
    """Return the reports about mail to a subscriber, oldest first."""
    columns = delivery_event_table.c
    query = (
        select(columns.at, columns.kind, columns.source, send_table.c.issue, columns.status)
        .outerjoin(send_table, send_table.c.id == columns.send_id)
        .where(columns.subscriber_id == subscriber_id)
        .order_by(columns.at, columns.digest)
    )
    return [
        DeliveryRecord(row.at, row.kind, row.source, row.issue or "", row.status or "")
        for row in connection.execute(query)
    ]
