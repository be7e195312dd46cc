"""The rules of delivery events: the state of a subscriber that follows from all events of this person.

The result depends neither on the order in which the events arrive nor on their repetition. Only one state is
taken back by an event: `bounced` because of soft bounces. All others stay until the person confirms again.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from newsletter.constants import DeliveryEventKind, DepartedState, SubscriberState
from newsletter.subscribers.import_rules import is_as_bad
from newsletter.subscribers.origins import (
    HARD_BOUNCE,
    PROVIDER_UNSUBSCRIBE,
    SOFT_BOUNCES,
    SPAM_REPORT,
    StateOrigin,
)

MIN_SOFT_BOUNCES, MIN_SOFT_TIME = 3, timedelta(days=7)
"""Soft bounces in a row, over at least MIN_SOFT_TIME, that mark an address as bounced."""
_ORIGINS: dict[DepartedState, StateOrigin] = {
    # The worst state first.
    "complained": SPAM_REPORT,
    "unsubscribed": PROVIDER_UNSUBSCRIBE,
    "bounced": HARD_BOUNCE,
}
STATE_KINDS: tuple[DeliveryEventKind, ...] = tuple(_ORIGINS)
"""The kinds of events of which a single one takes a person off the list."""
STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)
"""A status code (RFC 3463, section 2)."""
# RFC 3463, section 3.2: 5.1.x is about the address of the recipient, but for those about the sender. 5.2.1 is
# a mailbox that accepts nothing any more; 5.2.2 is a full one.
_HARD = re.compile(r"5\.(?:1\.[0-9]+|2\.0*1)", re.ASCII)
# 5.1.7 and 5.1.8 are about the sender's address, 5.7.x is about a policy of the recipient's server, such as a
# failed DMARC. They would take everybody off the list because of a mistake of ours.
_ABOUT_SENDER = re.compile(r"5\.(?:7\.[0-9]+|1\.0*[78])", re.ASCII)


class PersonEvent(NamedTuple):
    """An event as it counts for a person's state; `send_id` is None for mail about a subscription."""

    kind: DeliveryEventKind
    at: datetime
    send_id: int | None = None


class PersonState(NamedTuple):
    """The state of a subscriber, its origin, and the time of the present consent."""

    state: SubscriberState
    changed_at: datetime
    changed_how: str
    consent_at: datetime


class StateChange(NamedTuple):
    """The columns of a subscriber that delivery events change; `changed_how` is "" for an active one."""

    state: SubscriberState
    changed_at: datetime
    changed_how: StateOrigin | Literal[""]


def bounce_kind(status: str) -> DeliveryEventKind:
    """Return the kind of a failed delivery with a status code (RFC 3463): `bounced` or `soft`."""
    return "bounced" if _HARD.fullmatch(status) and not is_about_sender(status) else "soft"


def is_about_sender(status: str) -> bool:
    """Return True for a status code (RFC 3463) that says nothing about the recipient's address."""
    return _ABOUT_SENDER.fullmatch(status) is not None


def is_from_soft_bounces(state: str, changed_how: str) -> bool:
    """Return True for the only state that an event takes back."""
    return state == "bounced" and changed_how == SOFT_BOUNCES


def state_after(person: PersonState, events: Iterable[PersonEvent]) -> StateChange | None:
    """Return the change that follows from all events of a person; None if nothing changes.

    Events before the present consent do not count.
    """
    counted = sorted({event for event in events if event.at >= person.consent_at}, key=_by_time)
    can_be_taken_back = is_from_soft_bounces(person.state, person.changed_how)
    state: SubscriberState = "active" if can_be_taken_back else person.state
    change = _departure(counted)
    if change is None and state == "active":
        change = _soft_bounces(counted)
    if change is None:
        return StateChange("active", person.consent_at, "") if can_be_taken_back else None
    is_same_cause = (change.state, change.changed_how) == (person.state, person.changed_how)
    if is_as_bad(state, change.state) and not is_same_cause:
        return None
    return None if is_same_cause and change.changed_at == person.changed_at else change


def _departure(events: Sequence[PersonEvent]) -> StateChange | None:
    """Return the worst state that a single event causes, at the time of the first such event."""
    for state, origin in _ORIGINS.items():
        if first := next((event for event in events if event.kind == state), None):
            return StateChange(state, first.at, origin)
    return None


def _soft_bounces(events: Sequence[PersonEvent]) -> StateChange | None:
    """Return the state after the soft bounces since the last delivery, if they are enough.

    Several soft bounces of one message count once.
    """
    messages: set[object] = set()
    first: datetime | None = None
    change: StateChange | None = None
    for event in events:
        if event.kind == "delivered":
            messages, first, change = set(), None, None
        elif event.kind == "soft" and change is None:
            first = first or event.at
            # Each one about a mail without a send is a message of its own.
            messages.add(event if event.send_id is None else event.send_id)
            if len(messages) >= MIN_SOFT_BOUNCES and event.at - first >= MIN_SOFT_TIME:
                change = StateChange("bounced", event.at, SOFT_BOUNCES)
    return change


def _by_time(event: PersonEvent) -> tuple[datetime, bool, int]:
    """Return the key of the order in time; a delivery comes after other events of the same second."""
    return event.at, event.kind == "delivered", event.send_id or 0
