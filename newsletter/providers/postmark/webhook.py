"""Verify and read the events that Postmark posts: https://postmarkapp.com/developer/webhooks.

Postmark signs nothing: it sends a name and a password, which are in the address of the webhook. So nothing
protects from a repeated request but that an event counts once, however often it comes.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from newsletter.constants import DeliveryEventKind
from newsletter.errors import Problem
from newsletter.mail.event_tag import NAME, parse_event_tag
from newsletter.providers.responses import as_object, as_text
from newsletter.providers.webhook_events import (
    EventKind,
    Skipped,
    WebhookEvents,
    WebhookRefused,
    count_skipped,
    iso_time,
    json_body,
    status_code,
    tagged_event,
)
from newsletter.subscribers.delivery_event import DeliveryEvent

SOURCE = "postmark"
USER = "news"
MIN_PASSWORD = 16
"""The fewest characters of the password: it is all that proves an event."""
_MAKE_PASSWORD = f"set a longer one, of at least {MIN_PASSWORD} characters, here and in Postmark's address"

# The `Type` of a bounce (https://postmarkapp.com/developer/api/bounce-api, Bounce types).
_BOUNCES: dict[str, DeliveryEventKind] = {
    "HardBounce": "bounced",
    "BadEmailAddress": "bounced",
    "SoftBounce": "soft",
    "DnsError": "soft",
    "Blocked": "soft",
    "Unknown": "soft",
    "SpamComplaint": "complained",
    "Unsubscribe": "unsubscribed",
}
# Postmark still tries to deliver a transient one. The others are answers of programs, or are about the
# account or the content of the mail: counted as soft bounces, they would take the whole list off after a few
# issues.
_IGNORED_BOUNCES = {
    "Transient",
    "Subscribe",
    "AutoResponder",
    "AddressChange",
    "OpenRelayTest",
    "VirusNotification",
    "ChallengeVerification",
    "ManuallyDeactivated",
    # A filter refused the content, perhaps for a whole domain (postmarkapp.com/support, article 1156).
    "SpamNotification",
    "Unconfirmed",
    "SMTPApiError",
    "InboundError",
    "DMARCPolicy",
    "TemplateRenderingFailed",
}
# The `SuppressionReason` of an address that Postmark put on the list of a stream.
_SUPPRESSED: dict[str, DeliveryEventKind] = {"HardBounce": "bounced", "SpamComplaint": "complained"}
_IGNORED = {"Open", "Click", "Inbound", "SMTPApiError"}
_TIMES = {
    "Delivery": "DeliveredAt",
    "Bounce": "BouncedAt",
    "SpamComplaint": "BouncedAt",
    "SubscriptionChange": "ChangedAt",
}
_STATUS = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])", re.ASCII)


def password_problem(password: SecretStr) -> Problem | None:
    """Return the problem of a password that is too short to prove an event."""
    if len(password.get_secret_value()) >= MIN_PASSWORD:
        return None
    return Problem("POSTMARK_WEBHOOK_PASSWORD", "is too short", _MAKE_PASSWORD)


class PostmarkWebhook:
    """The webhook whose address has the name `news` and the password."""

    def __init__(self, password: SecretStr) -> None:
        self._problem = password_problem(password)
        self._expected = f"{USER}:{password.get_secret_value()}".encode()

    def refuse_early(self, headers: Mapping[str, str], now: datetime) -> None:
        if self._problem:
            raise WebhookRefused(f"{self._problem.where} {self._problem.what}", self._problem.fix)
        if not hmac.compare_digest(_credentials(headers.get("authorization", "")), self._expected):
            what = "its name and password are not `news` and POSTMARK_WEBHOOK_PASSWORD"
            fix = f"write the address in Postmark as https://{USER}:PASSWORD@HOST/webhooks/postmark"
            raise WebhookRefused(what, fix)

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        self.refuse_early(headers, now)

    def parse(self, body: bytes, list_id: str) -> WebhookEvents:
        """Return the event of a body if it is about the mail of a list."""
        return count_skipped([_event(json_body(body), list_id)])


def _credentials(header: str) -> bytes:
    """Return the name and the password of a header Authorization; empty if it has none (RFC 7617)."""
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _event(raw: object, list_id: str) -> DeliveryEvent | Skipped:
    if not isinstance(raw, dict) or not isinstance(record := raw.get("RecordType"), str):
        return "malformed"
    mail = parse_event_tag(as_object(raw.get("Metadata")).get(NAME), list_id)
    if mail is None:
        return "foreign"
    at = iso_time(raw.get(_TIMES.get(record, "")))
    status = _status(raw) if record == "Bounce" else None
    return tagged_event(SOURCE, mail, _kind(record, raw), at, raw.get("MessageID"), status)


def _kind(record: str, raw: Mapping[str, Any]) -> EventKind | None:
    """Return the kind of an event; None for an unknown one."""
    if record == "Bounce":
        kind = as_text(raw.get("Type"))
        return "ignored" if kind in _IGNORED_BOUNCES else _BOUNCES.get(kind)
    if record == "SubscriptionChange":
        return _subscription_change(raw)
    if record in _IGNORED:
        return "ignored"
    kinds: dict[str, DeliveryEventKind] = {"Delivery": "delivered", "SpamComplaint": "complained"}
    return kinds.get(record)


def _subscription_change(raw: Mapping[str, Any]) -> EventKind | None:
    """Return the kind of a change in a stream's list of suppressed addresses.

    What the account's owner (`Customer`) or Postmark (`Admin`) entered by hand says nothing about a reader.
    """
    if raw.get("SuppressSending") is not True:
        return "ignored"
    reason = as_text(raw.get("SuppressionReason"))
    if reason == "ManualSuppression":
        return "unsubscribed" if raw.get("Origin") == "Recipient" else "ignored"
    return _SUPPRESSED.get(reason)


def _status(raw: Mapping[str, Any]) -> str | None:
    """Return the status code in the words of the mail server (RFC 3463), if there is one."""
    found = _STATUS.search(as_text(raw.get("Details")))
    return status_code(found[0]) if found else None
