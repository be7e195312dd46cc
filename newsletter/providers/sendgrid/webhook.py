"""The events that SendGrid posts to a webhook: its signature, and the events about our mail.

Sources: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event (the events and their
properties) and …/getting-started-event-webhook-security-features (the signature).
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from newsletter.constants import DeliveryEventKind
from newsletter.issue.file_names import issue_name
from newsletter.providers.responses import as_text
from newsletter.providers.webhook_events import (
    MAX_MESSAGE,
    NOTHING_TO_DO,
    EventKind,
    Skipped,
    WebhookEvents,
    WebhookRefused,
    count_skipped,
    json_body,
    refuse_stale,
    status_code,
    unix_time,
)
from newsletter.subscribers.delivery_event import MAX_ID, DeliveryEvent

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

SOURCE = "sendgrid"
SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"
# SendGrid posts again for 24 hours, perhaps with the first timestamp. A repetition changes nothing.
MAX_AGE, MAX_AHEAD = timedelta(hours=26), timedelta(minutes=5)
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_ID = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
_COPY_KEY = "copy the verification key from SendGrid again"
_MAX_ISSUE = 20

_KINDS: dict[str, DeliveryEventKind] = {
    "delivered": "delivered",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
}
# SendGrid still tries to deliver a deferred message. A newsletter that counts opens and clicks sees them in
# its account.
_IGNORED = {"processed", "deferred", "open", "click", "group_resubscribe", "account_status_change"}
# The `reason` of a message that SendGrid dropped, because the address is on one of its lists.
_DROPPED: dict[str, DeliveryEventKind] = {
    "bounced address": "bounced",
    "spam reporting address": "complained",
    "unsubscribed address": "unsubscribed",
}
# These reasons are about the account or the content of the mail. Counted as soft bounces, they would take the
# whole list off after a few issues.
_OWN_FAULTS = ("invalid smtpapi header", "spam content", "recipient list over package quota")


class SendGridWebhook:
    """The webhook whose requests the key signs; `public_key` is in base64."""

    def __init__(self, public_key: str) -> None:
        self._public_key = public_key

    def refuse_early(self, headers: Mapping[str, str], now: datetime) -> None:
        _refuse_stale_header(headers.get(TIMESTAMP_HEADER.lower(), ""), now)

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        signature, timestamp = (
            headers.get(name.lower(), "") for name in (SIGNATURE_HEADER, TIMESTAMP_HEADER)
        )
        verify(self._public_key, signature, timestamp, body, now)

    def parse(self, body: bytes, list_id: str) -> WebhookEvents:
        return parse(body, list_id)


def verify(public_key: str, signature: str, timestamp: str, body: bytes, now: datetime) -> None:
    """Raise WebhookRefused unless the key signed this timestamp and body, and the timestamp is fresh.

    `public_key` and `signature` are in base64: a P-256 key in DER, and an ECDSA signature with SHA-256.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    _refuse_stale_header(timestamp, now)
    key = _parse_key(public_key)
    try:
        key.verify(b64decode(signature, validate=True), timestamp.encode() + body, ECDSA(SHA256()))
    except (InvalidSignature, ValueError) as failure:
        what = "the signature is not that of the key `sendgrid.webhook_key`"
        raise WebhookRefused(what, _COPY_KEY) from failure


def _refuse_stale_header(timestamp: str, now: datetime) -> None:
    """Raise WebhookRefused for a timestamp that is none, or too old, or ahead; it is not verified yet."""
    if not _TIMESTAMP.fullmatch(timestamp):
        what = f"the header {TIMESTAMP_HEADER} has no Unix time"
        raise WebhookRefused(what, f"switch on Signed Event Webhook in SendGrid; {NOTHING_TO_DO}")
    refuse_stale(int(timestamp), now, MAX_AGE, MAX_AHEAD)


def parse(body: bytes, list_id: str) -> WebhookEvents:
    """Return the events of a body about the mail of a list; skip all others, and never raise an error.

    The recipient comes from our `custom_args`, which SendGrid returns at the top level of an event, and never
    from the address.
    """
    events = json_body(body)
    return count_skipped(
        [_event(raw, list_id.lower()) for raw in (events if isinstance(events, list) else [None])]
    )


@lru_cache(maxsize=4)
def _parse_key(public_key: str) -> "EllipticCurvePublicKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(b64decode(public_key, validate=True))
    except (ValueError, UnsupportedAlgorithm) as failure:
        raise WebhookRefused("`sendgrid.webhook_key` is not a public key", _COPY_KEY) from failure
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise WebhookRefused("`sendgrid.webhook_key` is not a P-256 key", _COPY_KEY)
    return key


def _event(raw: object, list_id: str) -> DeliveryEvent | Skipped:
    if not isinstance(raw, dict) or not isinstance(name := raw.get("event"), str):
        return "malformed"
    if not isinstance(raw_list := raw.get("news_list"), str) or raw_list.lower() != list_id:
        return "foreign"
    if name in _IGNORED:
        return "ignored"
    kind = _kind(name, raw)
    if kind is None or kind == "ignored":
        return kind or "unknown"
    at = unix_time(raw.get("timestamp"))
    sign_up_id, subscriber_id = _id(raw.get("news_sign_up")), _id(raw.get("news_subscriber"))
    if at is None or not (sign_up_id or subscriber_id):
        return "malformed"
    return DeliveryEvent(
        source=SOURCE,
        message=as_text(raw.get("sg_message_id"))[:MAX_MESSAGE],
        kind=kind,
        at=at,
        subscriber_id=None if sign_up_id else subscriber_id,
        sign_up_id=sign_up_id,
        issue=_issue(as_text(raw.get("news_issue"))[:_MAX_ISSUE]),
        status=status_code(raw.get("status")),
    )


def _kind(name: str, raw: dict[str, Any]) -> EventKind | None:
    """Return the kind of an event; None for an unknown one."""
    if name == "bounce":
        # The `type` is `bounce` for an address that accepts no mail, `blocked` for a refused message.
        return "bounced" if raw.get("type") == "bounce" else "soft"
    if name == "dropped":
        reason = as_text(raw.get("reason")).strip().lower()
        return "ignored" if reason.startswith(_OWN_FAULTS) else _DROPPED.get(reason, "soft")
    return _KINDS.get(name)


@lru_cache(maxsize=64)
def _issue(name: str) -> str:
    """Return the name of an issue, "" for another text."""
    return issue_name(name) or ""


def _id(value: object) -> int | None:
    """Return an id of the database; custom_args are texts."""
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else as_text(value)
    return int(digits) if _ID.fullmatch(digits) and int(digits) <= MAX_ID else None
