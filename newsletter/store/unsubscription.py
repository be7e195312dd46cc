"""Leaving the list by a subscriber's own link, and its undo.

The id of a subscriber comes from a signed token. An unknown id changes nothing: the subscriber may have been
erased.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, not_, select, update

from newsletter.constants import LEFT_STATES, SubscriberState
from newsletter.store import consent_history, service_mails, suppression
from newsletter.store.schema import consent_event_table, delivery_event_table, subscriber_table
from newsletter.subscribers.delivery_rules import STATE_KINDS
from newsletter.subscribers.origins import UNDOABLE, UNSUBSCRIBE_PAGE, StateOrigin

UNDO_PERIOD = timedelta(days=30)
"""The time in which a person can take back an unsubscription."""
MAX_UNDOS = 5
"""The most unsubscriptions that a person can take back in a day."""
_DAY = timedelta(days=1)

_columns = subscriber_table.c


@dataclass(frozen=True, slots=True)
class Subscription:
    """The subscription of a person, as the page of their unsubscribe link shows it."""

    address: str
    state: SubscriberState
    changed_at: datetime
    can_undo: bool


def find_subscription(connection: Connection, subscriber_id: int, now: datetime) -> Subscription | None:
    """Return the subscription of a subscriber; None if there is no such subscriber, or no longer."""
    is_undoable = _can_undo(now).label("is_undoable")
    query = select(_columns.address, _columns.state, _columns.changed_at, is_undoable)
    row = connection.execute(query.where(_columns.id == subscriber_id)).first()
    if row is None:
        return None
    return Subscription(row.address, row.state, row.changed_at, bool(row.is_undoable))


def leave(connection: Connection, subscriber_id: int, how: StateOrigin, now: datetime) -> bool:
    """Unsubscribe a subscriber; return False if nothing changed.

    A person who has complained, or is unsubscribed already, stays so.
    """
    suppression.lock_to_forget_people(connection)
    is_one = _columns.id == subscriber_id
    before = connection.scalar(select(_columns.state).where(is_one).with_for_update())
    if before is None or before in LEFT_STATES:
        return False
    values = {"state": "unsubscribed", "changed_at": now, "changed_how": how}
    connection.execute(update(subscriber_table).where(is_one).values(values))
    service_mails.delete_waiting(connection, "already", subscriber_id=subscriber_id)
    consent_history.record(connection, subscriber_id, "left", how, now, state_before=before)
    return True


def undo_leave(connection: Connection, subscriber_id: int, now: datetime) -> bool:
    """Take back an unsubscription; return False, and change nothing, if that is not possible (any more).

    It is possible for UNDO_PERIOD after an active subscriber left by the page or by one click, unless a
    bounce or a complaint was reported since the consent. The consent stays the one that was given first.
    """
    suppression.lock_to_forget_people(connection)
    query = update(subscriber_table).where(_columns.id == subscriber_id, _can_undo(now))
    values = {"state": "active", "changed_at": now, "changed_how": ""}
    if not connection.execute(query.values(values)).rowcount:
        return False
    consent_history.record(connection, subscriber_id, "returned", UNSUBSCRIBE_PAGE, now)
    return True


def _can_undo(now: datetime) -> ColumnElement[bool]:
    return and_(
        _columns.state == "unsubscribed",
        _columns.changed_how.in_(UNDOABLE),
        _columns.changed_at > now - UNDO_PERIOD,
        _was_active(),
        not_(_has_stopped_delivery()),
        not_(_returns_often(now)),
    )


def _returns_often(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a person took back MAX_UNDOS unsubscriptions within a day.

    Each one adds rows to the history.
    """
    events = consent_event_table.c
    is_return = and_(events.subscriber_id == _columns.id, events.change == "returned", events.at > now - _DAY)
    number = select(func.count()).select_from(consent_event_table).where(is_return).scalar_subquery()
    return number >= MAX_UNDOS


def _was_active() -> ColumnElement[bool]:
    """Return the condition that a person who left was active until then."""
    left = consent_event_table.c
    is_last = and_(left.subscriber_id == _columns.id, left.change == "left", left.at == _columns.changed_at)
    return select(left.id).where(is_last, left.state_before == "active").exists()


def _has_stopped_delivery() -> ColumnElement[bool]:
    """Return the condition that an event of the present consent takes a person off the list.

    It may have arrived after the departure, which hid it.
    """
    reported = delivery_event_table.c
    is_of_person = and_(reported.subscriber_id == _columns.id, reported.at >= _columns.consent_at)
    return select(reported.at).where(is_of_person, reported.kind.in_(STATE_KINDS)).exists()
