"""Store delivery events, each once, and change the states of the subscribers whom they are about."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, Select, bindparam, func, insert, select, update

from newsletter.constants import DeliveryEventKind
from newsletter.sending.model import SUBSCRIBERS
from newsletter.store import consent_history
from newsletter.store.batches import batches
from newsletter.store.consent_history import present_consents
from newsletter.store.schema import (
    delivery_event_table,
    send_table,
    sign_up_table,
    subscriber_table,
)
from newsletter.store.sign_ups import delete_sign_ups
from newsletter.store.sqlite import insert_rows, time_text
from newsletter.store.suppression import lock_to_add_people, lock_to_forget_people, pause
from newsletter.subscribers.delivery_event import DeliveryEvent
from newsletter.subscribers.delivery_rules import (
    PersonEvent,
    PersonState,
    StateChange,
    is_from_soft_bounces,
    state_after,
)
from newsletter.subscribers.origins import DELIVERY

BOUNCE_PAUSE = timedelta(days=30)
"""The time for which the address of a confirmation mail that bounced gets no other one."""
_MAX_AHEAD = timedelta(hours=1)  # clocks differ
# The kinds of events about a confirmation mail that end its sign-up.
_ENDING: tuple[DeliveryEventKind, ...] = ("bounced", "unsubscribed", "complained")

# One statement for all batches, which are as many as a request has thousands of events.
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_PEOPLE = (
    select(*(subscriber_table.c[name] for name in ("id", "state", "changed_at", "changed_how", "consent_at")))
    .where(subscriber_table.c.id.in_(_ids))
    .order_by(subscriber_table.c.id)
    .with_for_update()
)
_SIGN_UPS = (
    select(*(sign_up_table.c[name] for name in ("id", "subscriber_id", "address_key")))
    .where(sign_up_table.c.id.in_(_ids))
    .order_by(sign_up_table.c.id)
    .with_for_update()
)
_SENDS = select(send_table.c.issue, send_table.c.id).where(
    send_table.c.list == SUBSCRIBERS, send_table.c.issue.in_(_ids)
)
_STORED = select(delivery_event_table.c.digest).where(delivery_event_table.c.digest.in_(_ids))
_EVENTS = select(
    *(delivery_event_table.c[name] for name in ("subscriber_id", "kind", "at", "send_id"))
).where(delivery_event_table.c.subscriber_id.in_(_ids))
_UPDATE = (
    update(subscriber_table)
    .where(subscriber_table.c.id == bindparam("id_"))
    .values({name: bindparam(name) for name in StateChange._fields})
)
_COLUMNS = ("digest", "source", "kind", "at", "subscriber_id", "send_id", "status")


@dataclass(frozen=True)
class Recorded:
    """The number of events by what was done with them, and of the changes that followed.

    `stored` events are new, `repeated` ones were stored before. `nobody` is the number of events about people
    who are not in the store (any more), and about sign-ups that they do not end.
    """

    stored: int
    repeated: int
    nobody: int
    changed_subscribers: int
    ended_sign_ups: int


def record(connection: Connection, events: Iterable[DeliveryEvent], now: datetime) -> Recorded:
    """Store the events that are new, change the states of their subscribers, and end sign-ups.

    A transaction that writes; the caller commits it. The order and the repetition of events do not matter.
    """
    # A time in the future would count as later than every consent.
    every = [
        event._replace(at=min(event.at, now)) if event.at > now + _MAX_AHEAD else event for event in events
    ]
    sign_ups = _find_sign_ups(connection, every)
    by_digest = {event.digest(): _of_subscriber(event, sign_ups) for event in every}
    ended = _end_sign_ups(connection, by_digest.values(), sign_ups, now)
    people = _by_id(connection, _PEOPLE, {event.subscriber_id for event in by_digest.values()})
    ours = {digest: event for digest, event in by_digest.items() if event.subscriber_id in people}
    stored = {row.digest for row in _rows(connection, _STORED, list(ours))}
    new = {digest: event for digest, event in ours.items() if digest not in stored}
    _insert(connection, new)
    affected = [people[person] for person in _affected(new.values(), people)]
    changed = _change_states(connection, affected, now)
    nobody = sum(
        event.subscriber_id not in people and event.sign_up_id not in ended for event in by_digest.values()
    )
    repeated = len(every) - len(by_digest) + len(stored)
    return Recorded(len(new), repeated, nobody, changed, len(ended))


def count_reported(connection: Connection, send_id: int) -> dict[str, int]:
    """Return the number of recipients of a send by the kinds of events about them."""
    people = func.count(delivery_event_table.c.subscriber_id.distinct())
    query = select(delivery_event_table.c.kind, people).where(delivery_event_table.c.send_id == send_id)
    rows = connection.execute(query.group_by(delivery_event_table.c.kind))
    return {kind: int(number) for kind, number in rows}


def _find_sign_ups(connection: Connection, events: Sequence[DeliveryEvent]) -> dict[int, Row[Any]]:
    """Return the sign-ups that the events are about, by id; keep others from forgetting people meanwhile."""
    about = {event.sign_up_id for event in events if event.sign_up_id}
    if any(event.sign_up_id and event.kind in _ENDING for event in events):
        lock_to_forget_people(connection)  # a hash may be added
    else:
        lock_to_add_people(connection)
    return _by_id(connection, _SIGN_UPS, about)


def _of_subscriber(event: DeliveryEvent, sign_ups: Mapping[int, Row[Any]]) -> DeliveryEvent:
    """Return the event, about the subscriber if its sign-up was confirmed meanwhile."""
    sign_up = sign_ups.get(event.sign_up_id or 0)
    return event._replace(subscriber_id=sign_up.subscriber_id) if sign_up else event


def _end_sign_ups(
    connection: Connection,
    events: Iterable[DeliveryEvent],
    sign_ups: Mapping[int, Row[Any]],
    now: datetime,
) -> list[int]:
    """Delete the sign-ups that wait for a confirmation which will not come; keep hashes of the addresses."""
    ended = sorted(
        {
            event.sign_up_id or 0
            for event in events
            if (event.sign_up_id or 0) in sign_ups and not event.subscriber_id and event.kind in _ENDING
        }
    )
    delete_sign_ups(connection, ended)
    if ended:
        pause(connection, [sign_ups[number].address_key for number in ended], now, now + BOUNCE_PAUSE)
    return ended


def _insert(connection: Connection, events: Mapping[bytes, DeliveryEvent]) -> None:
    if not events:
        return
    issues = {event.issue for event in events.values() if event.issue}
    sends = {row.issue: row.id for row in _rows(connection, _SENDS, sorted(issues))}
    rows = [
        (
            digest,
            event.source,
            event.kind,
            event.at,
            event.subscriber_id,
            sends.get(event.issue),
            event.status,
        )
        for digest, event in events.items()
    ]
    if connection.dialect.name == "sqlite":
        as_text = [(*row[:3], time_text(row[3]), *row[4:]) for row in rows]
        insert_rows(connection, delivery_event_table, _COLUMNS, as_text)
    else:
        columns = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
        connection.execute(insert(delivery_event_table), columns)


def _affected(events: Iterable[DeliveryEvent], people: Mapping[int, Row[Any]]) -> list[int]:
    """Return the ids of the people whose states these new events may change, in their order.

    A delivery only takes back the state after soft bounces.
    """
    ids = set()
    for event in events:
        person = people[event.subscriber_id or 0]
        if event.kind != "delivered" or is_from_soft_bounces(person.state, person.changed_how):
            ids.add(person.id)
    return sorted(ids)


def _change_states(connection: Connection, people: Sequence[Row[Any]], now: datetime) -> int:
    """Change the states of people as all their events demand it; return the number of changed ones."""
    ids = [row.id for row in people]
    events = defaultdict[int, list[PersonEvent]](list)
    for row in _rows(connection, _EVENTS, ids):
        events[row.subscriber_id].append(PersonEvent(row.kind, row.at, row.send_id))
    consents = present_consents(connection, {row.id: row.consent_at for row in people})
    changes = []
    for row in people:
        person = PersonState(row.state, row.changed_at, row.changed_how, consents[row.id])
        if change := state_after(person, events[row.id]):
            changes.append((row, change))
    if changes:
        connection.execute(_UPDATE, [{"id_": row.id, **change._asdict()} for row, change in changes])
    _record_history(connection, changes, now)
    return len(changes)


def _record_history(
    connection: Connection, changes: Iterable[tuple[Row[Any], StateChange]], now: datetime
) -> None:
    """Add the departures and the returns to the history, but not another time of the same departure."""
    for row, change in changes:
        if change.state == row.state:
            continue
        if change.changed_how:
            how, at = change.changed_how, change.changed_at
            consent_history.record(connection, row.id, "left", how, at, state_before=row.state)
        else:
            consent_history.record(connection, row.id, "returned", DELIVERY, now)


def _by_id(connection: Connection, query: Select[Any], ids: Iterable[int | None]) -> dict[int, Row[Any]]:
    return {row.id: row for row in _rows(connection, query, sorted(filter(None, ids)))}


def _rows(connection: Connection, query: Select[Any], keys: Sequence[Any]) -> Iterator[Row[Any]]:
    for batch in batches(keys):
        yield from connection.execute(query, {"ids": batch})
