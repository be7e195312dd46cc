"""The sign-ups that wait for their confirmation: asked for, confirmed, and deleted when they expire.

The form gives the same answer for every address; only its owner gets a mail. Therefore `ask` returns nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update

from newsletter.constants import LEFT_STATES, SubscriberState
from newsletter.store import consent_history, service_mails, suppression
from newsletter.store.batches import batches
from newsletter.store.schema import service_mail_table, sign_up_table, subscriber_table
from newsletter.subscribers.address import Address, mailbox_key
from newsletter.subscribers.mail_limits import (
    ALREADY_PAUSE,
    MAIL_COUNT_PERIOD,
    MAX_MAILS,
    MailCount,
    with_next,
)
from newsletter.subscribers.origins import ConsentOrigin

CONFIRMATION_LIFETIME = timedelta(days=7)
"""The time for which the link in a confirmation mail works."""

_Row = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class SignUp:
    """A sign-up that has not expired; if it `can_confirm`, its link makes the person a subscriber.

    `state` is that of the subscriber with the address, None if there is none.
    """

    id: int
    address: str
    expires_at: datetime
    can_confirm: bool
    state: SubscriberState | None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A confirmed sign-up; `state` is "active", unless the person has left since."""

    subscriber_id: int
    address: str
    state: SubscriberState


def ask(connection: Connection, address: Address, wording: str, how: ConsentOrigin, now: datetime) -> None:
    """Record that somebody entered an address in the form, and write the mail that its owner gets.

    A new person, and one who is off the list or was forgotten, gets a mail with a link that confirms the
    sign-up; an active subscriber gets one that says so. Over the limits of `mail_limits`, or if mail to the
    address bounced lately, nothing changes.
    """
    suppression.lock_to_forget_people(connection)  # nobody else adds, changes or forgets people meanwhile
    subscriber = _subscriber(connection, address.key)
    if subscriber and subscriber.state == "active":
        _tell_already(connection, subscriber.id, now)
        return
    known = _row(connection, sign_up_table.c.address_key == address.key)
    if (count := _next_mail(known, now)) is None or _is_paused(connection, address, now):
        return
    if _is_flooded(connection, address, now):
        return
    values = {
        "address": address.given,
        "address_key": address.key,
        "mailbox_key": mailbox_key(address.key),
        "asked_at": now,
        "asked_how": how,
        "wording_id": consent_history.wording_id(connection, wording, now),
        **_mailed(count),
    }
    if known and _is_open(known, subscriber, now):
        sign_up_id = _update(connection, known, values)
    else:
        sign_up_id = _insert(connection, known, values)
    service_mails.write(connection, "confirm", now, sign_up_id=sign_up_id)


def _is_flooded(connection: Connection, address: Address, now: datetime) -> bool:
    """Return True if enough other addresses of the same mailbox, such as `sam+1@…`, were mailed lately."""
    others = sign_up_table.c
    is_other = and_(
        others.mailbox_key == mailbox_key(address.key),
        others.address_key != address.key,
        others.mailed_at > now - MAIL_COUNT_PERIOD,
    )
    number = connection.scalar(select(func.count()).select_from(sign_up_table).where(is_other)) or 0
    return number >= MAX_MAILS


def remind(connection: Connection, address: Address, now: datetime) -> None:
    """Write the confirmation mail of a sign-up that waits again, within the limits."""
    row = _row(connection, sign_up_table.c.address_key == address.key)
    if row is None or row.subscriber_id or row.expires_at <= now:
        return
    if count := _next_mail(row, now):
        service_mails.write(connection, "confirm", now, sign_up_id=_update(connection, row, _mailed(count)))


def find_sign_up(connection: Connection, sign_up_id: int, now: datetime) -> SignUp | None:
    """Return a sign-up; None if there is none with this id, or it has expired."""
    row = _unexpired(connection, sign_up_id, now)
    if row is None:
        return None
    known = _subscriber(connection, row.address_key)
    state = known.state if known else None
    return SignUp(row.id, row.address, row.expires_at, _is_open(row, known, now), state)


def confirm(connection: Connection, sign_up_id: int, now: datetime) -> Confirmation | None:
    """Make the person of a sign-up a subscriber; return None if there is no such sign-up any more.

    A repetition changes nothing. Nor does the link of a person who has left since the sign-up: that person
    signs up again. A person who is active already stays as they are.
    """
    suppression.lock_to_forget_people(connection)
    row = _unexpired(connection, sign_up_id, now)
    if row is None:
        return None
    known = _subscriber(connection, row.address_key)
    if row.subscriber_id and known is None:
        return None
    if known and (known.state == "active" or not _is_open(row, known, now)):
        _mark_confirmed(connection, row.id, known.id)
        return Confirmation(known.id, row.address, known.state)
    subscriber_id = _activate(connection, row, known, now)
    _mark_confirmed(connection, row.id, subscriber_id)
    consent_history.record(
        connection, subscriber_id, "asked", row.asked_how, row.asked_at, wording_id=row.wording_id
    )
    consent_history.record(
        connection, subscriber_id, "confirmed", row.asked_how, now, wording_id=row.wording_id
    )
    return Confirmation(subscriber_id, row.address, "active")


def delete_expired(connection: Connection, now: datetime) -> int:
    """Delete the sign-ups that have expired, and the mails to them; return their number."""
    suppression.lock_to_forget_people(connection)
    expired = sign_up_table.c.expires_at <= now
    ids = connection.scalars(select(sign_up_table.c.id).where(expired)).all()
    return delete_sign_ups(connection, ids)


def sign_up_ids(connection: Connection, address: Address) -> list[int]:
    """Return the id of the sign-up of an address; none if there is none."""
    is_one = sign_up_table.c.address_key == address.key
    return list(connection.scalars(select(sign_up_table.c.id).where(is_one)))


def delete_sign_ups(connection: Connection, ids: Sequence[int]) -> int:
    """Delete sign-ups; return their number. The mails stay with their subscribers, if there are any."""
    for batch in batches(ids):
        of_sign_ups = service_mail_table.c.sign_up_id.in_(batch)
        is_to_stranger = service_mail_table.c.subscriber_id.is_(None)
        connection.execute(delete(service_mail_table).where(of_sign_ups, is_to_stranger))
        connection.execute(update(service_mail_table).where(of_sign_ups).values(sign_up_id=None))
        connection.execute(delete(sign_up_table).where(sign_up_table.c.id.in_(batch)))
    return len(ids)


def _row(connection: Connection, condition: Any) -> _Row | None:
    return connection.execute(select(sign_up_table).where(condition)).first()


def _unexpired(connection: Connection, sign_up_id: int, now: datetime) -> _Row | None:
    return _row(connection, (sign_up_table.c.id == sign_up_id) & (sign_up_table.c.expires_at > now))


def _subscriber(connection: Connection, address_key: str) -> _Row | None:
    query = select(subscriber_table).where(subscriber_table.c.address_key == address_key)
    return connection.execute(query).first()


def _is_paused(connection: Connection, address: Address, now: datetime) -> bool:
    """Return True if a confirmation mail to an address bounced lately."""
    until = suppression.paused_until(connection, address.key)
    return until is not None and until > now


def _is_open(row: _Row, subscriber: _Row | None, now: datetime) -> bool:
    """Return True if the link of a sign-up makes its person a subscriber."""
    has_left = subscriber is not None and _has_left_since(subscriber, row)
    return row.subscriber_id is None and row.expires_at > now and not has_left


def _tell_already(connection: Connection, subscriber_id: int, now: datetime) -> None:
    if not service_mails.find_count(connection, "already", subscriber_id, now - ALREADY_PAUSE):
        service_mails.write(connection, "already", now, subscriber_id=subscriber_id)


def _next_mail(row: _Row | None, now: datetime) -> MailCount | None:
    """Return the count of the confirmation mails with another one; None if it may not be written."""
    return with_next(MailCount(row.mails, row.mails_since, row.mailed_at) if row else None, now)


def _mailed(count: MailCount) -> dict[str, object]:
    """Return the columns of a sign-up whose mail is written now: its link works from then on."""
    times = {
        "mails_since": count.since,
        "mailed_at": count.last_at,
        "expires_at": count.last_at + CONFIRMATION_LIFETIME,
    }
    return {"mails": count.number, **times}


def _update(connection: Connection, row: _Row, values: dict[str, object]) -> int:
    """Set columns of a sign-up; return its id."""
    connection.execute(update(sign_up_table).where(sign_up_table.c.id == row.id).values(values))
    return int(row.id)


def _insert(connection: Connection, earlier: _Row | None, values: dict[str, object]) -> int:
    """Insert a sign-up in the place of an earlier one, whose link must not confirm it; return its id."""
    if earlier:
        delete_sign_ups(connection, [earlier.id])
    query = insert(sign_up_table).values(values).returning(sign_up_table.c.id)
    return int(connection.scalars(query).one())


def _has_left_since(subscriber: _Row, row: _Row) -> bool:
    """Return True if a person left after a sign-up; a bounce does not count, since the mail arrived."""
    return subscriber.state in LEFT_STATES and subscriber.changed_at > row.asked_at


def _activate(connection: Connection, row: _Row, known: _Row | None, now: datetime) -> int:
    """Insert an active subscriber, or make a known one active again; return the id."""
    suppression.release(connection, row.address_key)
    values = {"state": "active", "changed_at": now, "changed_how": ""}
    values |= {"consent_at": now, "consent_how": row.asked_how, "consent_source": ""}
    if known:
        connection.execute(update(subscriber_table).where(subscriber_table.c.id == known.id).values(values))
        return int(known.id)
    values |= {"address": row.address, "address_key": row.address_key, "name": ""}
    query = insert(subscriber_table).values(values).returning(subscriber_table.c.id)
    return int(connection.scalars(query).one())


def _mark_confirmed(connection: Connection, sign_up_id: int, subscriber_id: int) -> None:
    """Connect a sign-up and its mails with the subscriber; delete mail that still asks to confirm."""
    service_mails.delete_waiting(connection, "confirm", sign_up_id=sign_up_id)
    of_sign_up = service_mail_table.c.sign_up_id == sign_up_id
    connection.execute(update(service_mail_table).where(of_sign_up).values(subscriber_id=subscriber_id))
    query = update(sign_up_table).where(sign_up_table.c.id == sign_up_id)
    connection.execute(query.values(subscriber_id=subscriber_id))
