"""The rules of an import: merge the rows of a person, and compare a row with the subscriber in the store.

No row makes a person active who is off the list. The state after several imports does not depend on their
order: the worst state wins, and the latest departure.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from newsletter.constants import DEPARTED_STATES, SubscriberState
from newsletter.subscribers.import_row import ImportRow
from newsletter.subscribers.origins import IMPORTED

Result = Literal[
    "added",  # a new subscriber; the detail is the state
    "known",  # not changed; the detail is "twice" for a further row of a person, else ""
    "changed",  # the detail is "renamed", "consent", "left" or "worse"
    "kept out",  # the detail is a KeptOutReason
    "refused",  # the row is not valid
]

# The worst state last. None is the least, since another row of the person may tell the state; within a row
# (`formats.model.SEVERITY`) an empty cell is worse than `active`.
_RANKS: dict[SubscriberState | None, int] = {
    None: 0,
    "pending": 1,
    "active": 2,
    "bounced": 3,
    "unsubscribed": 4,
    "complained": 5,
}


class Known(NamedTuple):
    """A subscriber in the store, as far as an import compares it; times are in UTC."""

    name: str
    state: SubscriberState
    consent_at: datetime
    consent_how: str
    changed_at: datetime


class Change(NamedTuple):
    """The result of a row, and the columns of the subscriber that it sets."""

    result: Result
    detail: str = ""
    values: Mapping[str, object] = {}


def is_departed(state: SubscriberState | None) -> bool:
    """Return True for the states of people who are off the list."""
    return state in DEPARTED_STATES


def is_as_bad(state: SubscriberState, other: SubscriberState) -> bool:
    """Return True if a state is the other one, or a worse one."""
    return _RANKS[state] >= _RANKS[other]


def merge_rows(first: ImportRow, second: ImportRow) -> ImportRow:
    """Merge two rows of a person, of which the second is the later one in the files.

    The worst state, the earliest consent and the latest departure win; `where` is that of the state.
    """
    worst = second if _RANKS[second.state] > _RANKS[first.state] else first
    replaces_name = second.name and (second.state == "active" or not first.name)
    return ImportRow(
        worst.where,
        first.address,
        second.name if replaces_name else first.name,
        worst.state,
        min(filter(None, (first.consent_at, second.consent_at)), default=None),
        _latest_departure(first, second),
    )


def _latest_departure(*rows: ImportRow) -> datetime | None:
    """Return the time of the latest departure; None if one has no time, which may be the latest."""
    times = [row.left_at for row in rows if is_departed(row.state)]
    return None if None in times else max(filter(None, times), default=None)


def merged(known: Known | None, row: ImportRow, now: datetime, *, is_forgotten: bool = False) -> Change:
    """Compare a row with the subscriber of its address, None if there is none; return the change.

    `is_forgotten`: the person was forgotten here. A time after `now` is a mistake of the file, and ignored.
    """
    if row.left_at and row.left_at > now:
        row = row._replace(left_at=None)
    if known is None:
        return Change("kept out", "forgotten") if is_forgotten else _of_stranger(row, now)
    if is_departed(row.state):
        return _of_departure(known, row, now)
    if row.state != "active":
        return Change("known")
    if is_departed(known.state):
        return Change("kept out", "has_left")
    return _of_active(known, row) if known.state == "active" else Change("known")


def _of_active(known: Known, row: ImportRow) -> Change:
    """Return the change for an active subscriber, who is active elsewhere too.

    The earlier consent counts, unless the person gave it here.
    """
    values: dict[str, object] = {}
    if row.name and row.name != known.name:
        values["name"] = row.name
    if row.consent_at and row.consent_at < known.consent_at and known.consent_how == IMPORTED:
        values["consent_at"] = row.consent_at
    if not values:
        return Change("known")
    return Change("changed", "renamed" if "name" in values else "consent", values)


def _of_stranger(row: ImportRow, now: datetime) -> Change:
    """Return the change for a person who is not in the store; who left elsewhere is added with that state."""
    if row.state is None:
        return Change("kept out", "no_state")
    if row.state == "pending":
        return Change("kept out", "not_confirmed")
    has_left = is_departed(row.state)
    values = {
        "name": row.name,
        "state": row.state,
        # Of a departure without a consent, only the consent before it is sure.
        "consent_at": min(row.consent_at or row.left_at or now, now),
        "consent_how": IMPORTED,
        "changed_at": row.left_at if has_left and row.left_at else now,
        "changed_how": IMPORTED if has_left else "",
    }
    return Change("added", row.state, values)


def _of_departure(known: Known, row: ImportRow, now: datetime) -> Change:
    """Return the change for a subscriber who left elsewhere.

    It is nothing if the person asked for the newsletter here after that departure.
    """
    if row.left_at and known.consent_how != IMPORTED and known.consent_at > row.left_at:
        return Change("known")
    left_at = row.left_at or now
    values = {"state": row.state, "changed_at": left_at, "changed_how": IMPORTED}
    if not is_departed(known.state):
        return Change("changed", "left", values)
    if _RANKS[row.state] > _RANKS[known.state]:
        return Change("changed", "worse", values | {"changed_at": max(left_at, known.changed_at)})
    if row.left_at and row.left_at > known.changed_at:
        return Change("changed", "worse", values | {"state": known.state})
    return Change("known")
