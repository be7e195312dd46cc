"""The events that providers post to their webhooks, and the interface of a webhook."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

from newsletter.constants import DeliveryEventKind
from newsletter.errors import NewsError
from newsletter.mail.event_tag import TaggedMail
from newsletter.providers.responses import as_text
from newsletter.subscribers.delivery_event import DeliveryEvent
from newsletter.subscribers.delivery_rules import STATUS

_MAX_DIGITS = 18
MAX_MESSAGE = 300
"""The longest id of a message, in characters, that is kept."""

NOTHING_TO_DO = "nothing to do if this is rare: anybody can post to this address"
"""The fix for a request without a signature or without a password."""

EventKind = DeliveryEventKind | Literal["ignored"]
"""The kind of an event; `ignored` tells nothing about the delivery."""
Skipped = Literal[
    "ignored",  # tells nothing about the delivery
    "unknown",  # an event that this program does not know
    "foreign",  # about mail of another newsletter or program
    "malformed",  # not as the provider describes its events
]


class WebhookRefused(NewsError):
    """The error for a request that is not proved to come from the provider, or that is too old."""


@dataclass(frozen=True)
class WebhookEvents:
    """The events of a request about our mail, and the number of those that were skipped, by cause."""

    events: tuple[DeliveryEvent, ...]
    skipped: Counter[Skipped]


class Webhook(Protocol):
    """The webhook of a provider."""

    def refuse_early(self, headers: Mapping[str, str], now: datetime) -> None:
        """Raise WebhookRefused if the headers alone show that the request is not the provider's.

        It is called before the body is read, and must not wait for anything. Names of headers are in small
        letters.
        """

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Raise WebhookRefused unless the provider has sent this body; it may take long."""

    def parse(self, body: bytes, list_id: str) -> WebhookEvents:
        """Return the events about the mail of a list; skip all others, and never raise an error."""


def count_skipped(events: list[DeliveryEvent | Skipped]) -> WebhookEvents:
    """Return the events about our mail, and the number of the others by cause."""
    ours = tuple(event for event in events if isinstance(event, DeliveryEvent))
    return WebhookEvents(ours, Counter(event for event in events if not isinstance(event, DeliveryEvent)))


def tagged_event(
    source: str,
    mail: TaggedMail,
    kind: EventKind | None,
    at: datetime | None,
    message: object,
    status: str | None = None,
) -> DeliveryEvent | Skipped:
    """Return the event about a message with our tag; or why it is skipped.

    `kind` is None for an event that is not known, `at` for one whose time cannot be read. `message` is the
    provider's id of the message.
    """
    if kind is None or kind == "ignored":
        return kind or "unknown"
    if at is None:
        return "malformed"
    return DeliveryEvent(
        source=source,
        message=as_text(message)[:MAX_MESSAGE],
        kind=kind,
        at=at,
        subscriber_id=mail.subscriber_id,
        sign_up_id=mail.sign_up_id,
        issue=mail.issue,
        status=status,
    )


def refuse_stale(signed_at: float, now: datetime, max_age: timedelta, max_ahead: timedelta) -> None:
    """Raise WebhookRefused for a request that was signed too long ago, or ahead of now (Unix time)."""
    if not -max_ahead.total_seconds() <= now.timestamp() - signed_at <= max_age.total_seconds():
        raise WebhookRefused("its signature is too old, or from the future", "set the clock of this machine")


def json_body(body: bytes) -> Any:
    """Return the JSON in a body; None if it is none. An integer of more than 18 digits becomes None."""
    try:
        return json.loads(body, parse_int=_number)
    except (ValueError, RecursionError):
        return None


def _number(digits: str) -> int | None:
    """Return a JSON integer; None for a long one, which Python may refuse, and with it the whole body."""
    return int(digits) if len(digits) <= _MAX_DIGITS else None


def unix_time(value: object) -> datetime | None:
    """Return the time of a Unix time in seconds; None for another value."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def iso_time(value: object) -> datetime | None:
    """Return the time of a text in the format of ISO 8601, with its zone; None for another value."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at.astimezone(UTC) if at and at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def status_code(value: object) -> str | None:
    """Return a status code (RFC 3463), such as 5.1.1; None for another value."""
    return value if isinstance(value, str) and STATUS.fullmatch(value) else None
