"""Verify and read the events that Resend posts.

Sources: https://docs.svix.com/receiving/verifying-payloads/how-manual (the signature), and
https://resend.com/docs/webhooks/event-types and the OpenAPI description (github.com/resend/resend-openapi,
`WebhookEventBounce`, `WebhookEventSuppressed`; the events).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from newsletter.constants import DeliveryEventKind
from newsletter.errors import Problem
from newsletter.mail.event_tag import NAME, parse_event_tag
from newsletter.providers.responses import as_object, as_text
from newsletter.providers.ses_bounces import ses_bounce_kind
from newsletter.providers.webhook_events import (
    NOTHING_TO_DO,
    EventKind,
    Skipped,
    WebhookEvents,
    WebhookRefused,
    count_skipped,
    iso_time,
    json_body,
    refuse_stale,
    tagged_event,
)
from newsletter.subscribers.delivery_event import DeliveryEvent

SOURCE = "resend"
MAX_AGE = timedelta(minutes=5)
"""The age, in either direction, of a request; Svix signs each try of a delivery anew."""
_PREFIX, _VERSION = "whsec_", "v1"
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
MIN_KEY_BYTES = 16
"""The fewest bytes of the key; Svix makes 24 to 64 (docs.svix.com)."""
_COPY = "copy the signing secret of the webhook from Resend again"

_KINDS: dict[str, DeliveryEventKind] = {
    "email.delivered": "delivered",
    "email.complained": "complained",
}
# A delayed mail is still tried; `failed` is about the account (a quota, the domain), not about the address.
_IGNORED = {"email.sent", "email.scheduled", "email.delivery_delayed", "email.failed", "email.opened"}
_IGNORED |= {"email.clicked", "email.received"}
# The answer of a server, such as `smtp; 550 5.1.1 user unknown`; the text after it may hold other numbers.
_STATUS = re.compile(r"\b[245][0-9]{2}[ -]([245]\.[0-9]{1,3}\.[0-9]{1,3})\b", re.ASCII)
_MAX_ANSWER = 1000


class ResendWebhook:
    """The webhook whose requests are signed with a secret, as `whsec_` and base64."""

    def __init__(self, secret: SecretStr) -> None:
        self._key, self._problem = _decoded(secret), secret_problem(secret)

    def refuse_early(self, headers: Mapping[str, str], now: datetime) -> None:
        timestamp = headers.get("svix-timestamp", "")
        if not _TIMESTAMP.fullmatch(timestamp):
            raise WebhookRefused("the header svix-timestamp has no Unix time", NOTHING_TO_DO)
        refuse_stale(int(timestamp), now, MAX_AGE, MAX_AGE)

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        self.refuse_early(headers, now)
        if self._problem:
            raise WebhookRefused(f"{self._problem.where} {self._problem.what}", self._problem.fix)
        message_id, timestamp = headers.get("svix-id", ""), headers["svix-timestamp"]
        signed = f"{message_id}.{timestamp}.".encode(errors="replace") + body
        expected = hmac.digest(self._key, signed, hashlib.sha256)
        if not any(hmac.compare_digest(expected, given) for given in _signatures(headers)):
            raise WebhookRefused("the signature is not that of RESEND_WEBHOOK_SECRET", _COPY)

    def parse(self, body: bytes, list_id: str) -> WebhookEvents:
        return count_skipped([_event(json_body(body), list_id)])


def secret_problem(secret: SecretStr) -> Problem | None:
    """Return the problem of a secret that is not a whole one of Svix: `whsec_` and base64."""
    if len(_decoded(secret)) >= MIN_KEY_BYTES:
        return None
    what = f"is not a signing secret: {_PREFIX} and at least {MIN_KEY_BYTES} bytes in base64"
    return Problem("RESEND_WEBHOOK_SECRET", what, _COPY)


def _decoded(secret: SecretStr) -> bytes:
    """Return the key in a secret; an empty one if it is not base64."""
    try:
        return base64.b64decode(secret.get_secret_value().removeprefix(_PREFIX), validate=True)
    except ValueError:
        return b""


def _signatures(headers: Mapping[str, str]) -> Iterator[bytes]:
    """Yield each signature of the version 1; there are several while a secret is replaced."""
    for signature in headers.get("svix-signature", "").split()[:10]:
        version, _, encoded = signature.partition(",")
        if version == _VERSION:
            try:
                yield base64.b64decode(encoded, validate=True)
            except ValueError:
                continue


def _event(raw: object, list_id: str) -> DeliveryEvent | Skipped:
    if not isinstance(raw, dict) or not isinstance(name := raw.get("type"), str):
        return "malformed"
    if not isinstance(data := raw.get("data"), dict):
        return "malformed" if name.startswith("email.") else "ignored"
    mail = parse_event_tag(_tag(data.get("tags")), list_id)
    if mail is None:
        return "foreign"
    message = data.get("email_id")
    at = iso_time(raw.get("created_at")) if isinstance(message, str) else None
    status = _status(as_object(data.get("bounce"))) if name == "email.bounced" else None
    return tagged_event(SOURCE, mail, _kind(name, data, status), at, message, status)


def _kind(name: str, data: dict[str, Any], status: str | None) -> EventKind | None:
    """Return the kind of an event; None for an unknown one."""
    if name in _IGNORED:
        return "ignored"
    if name == "email.suppressed":  # on Resend's list, after a hard bounce or a complaint
        is_complaint = as_object(data.get("suppressed")).get("reason") == "previous_complaint"
        return "complained" if is_complaint else "bounced"
    if name == "email.bounced":
        bounce = as_object(data.get("bounce"))
        return ses_bounce_kind(bounce.get("type"), as_text(bounce.get("subType")), status)
    return _KINDS.get(name)


def _status(bounce: dict[str, Any]) -> str | None:
    """Return the status code in the first answer of a server: each mail of ours has one recipient."""
    answers = bounce.get("diagnosticCode")
    first = answers[0] if isinstance(answers, list) and answers else None
    match = _STATUS.search(first[:_MAX_ANSWER]) if isinstance(first, str) else None
    return match[1] if match else None


def _tag(tags: object) -> object:
    """Return the value of our tag; Resend has sent tags as a list of pairs, and as an object."""
    if isinstance(tags, dict):
        return tags.get(NAME)
    if isinstance(tags, list):
        named = (tag for tag in tags if isinstance(tag, dict) and tag.get("name") == NAME)
        return next((tag.get("value") for tag in named), None)
    return None
