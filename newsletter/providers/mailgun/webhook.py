"""Verify and read the events that Mailgun posts: https://documentation.mailgun.com, Webhooks.

Mailgun signs a timestamp and a random token with the webhook signing key, and not the event: HMAC-SHA256. So
a signature proves only that Mailgun once made this token. A token is remembered together with the body that
came with it first, and is refused with another body. Mailgun posts again for 8 hours if the answer was not
200, so a repetition of the same body is accepted; it changes nothing.

The memory ends with the process, and has the latest MAX_TOKENS. A token that is no longer in it, and whose
timestamp is still accepted, fits one other event. To refuse what is older than the memory would lose events:
Mailgun repeats those that it could not post while the server was away, with timestamps from before its start.
"""

import hashlib
import hmac
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from newsletter.constants import DeliveryEventKind
from newsletter.errors import Problem
from newsletter.mail.event_tag import NAME, parse_event_tag
from newsletter.providers.responses import as_object, as_text
from newsletter.providers.webhook_events import (
    NOTHING_TO_DO,
    EventKind,
    Skipped,
    WebhookEvents,
    WebhookRefused,
    count_skipped,
    json_body,
    refuse_stale,
    status_code,
    tagged_event,
    unix_time,
)
from newsletter.subscribers.delivery_event import DeliveryEvent
from newsletter.subscribers.delivery_rules import bounce_kind

SOURCE = "mailgun"
MAX_AGE, MAX_AHEAD = timedelta(hours=9), timedelta(minutes=5)
MAX_TOKENS = 100_000
"""The number of tokens that are remembered, about 30 MB; each event has one."""
_TIMESTAMP, _TOKEN = re.compile(r"[0-9]{1,12}", re.ASCII), re.compile(r"[!-~]{1,200}")
MIN_KEY = 16
"""The fewest characters of the key; Mailgun shows 32 hexadecimal digits today."""
_KEY = re.compile(rf"[!-~]{{{MIN_KEY},}}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)
_COPY_KEY = "copy the HTTP webhook signing key from Mailgun again, and set MAILGUN_WEBHOOK_KEY to it"

_KINDS: dict[str, DeliveryEventKind] = {
    "delivered": "delivered",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
}
# `rejected` is about the account or the content of the mail. Counted as a soft bounce, it would take the
# whole list off after a few issues.
_IGNORED = {"accepted", "rejected", "opened", "clicked", "stored"}
# The `reason` of a message that Mailgun did not try to deliver, because the address is on one of its lists.
_SUPPRESSED: dict[str, DeliveryEventKind] = {
    "suppress-bounce": "bounced",
    "suppress-complaint": "complained",
    "suppress-unsubscribe": "unsubscribed",
}


def key_problem(key: SecretStr) -> Problem | None:
    """Return the problem of a key that is too short, or that has blanks; its form is not documented."""
    if _KEY.fullmatch(key.get_secret_value()):
        return None
    what = f"is not a signing key: it has fewer than {MIN_KEY} characters, or blanks or letters outside ASCII"
    return Problem("MAILGUN_WEBHOOK_KEY", what, _COPY_KEY)


class MailgunWebhook:
    """The webhook whose tokens the key signs; at most `max_tokens` of them are remembered."""

    def __init__(self, key: SecretStr, max_tokens: int = MAX_TOKENS) -> None:
        self._key = key.get_secret_value().encode()
        self._max_tokens = max_tokens
        self._lock = threading.Lock()
        # The hash of each token: its timestamp, and the hash of its body; the oldest first.
        self._tokens: OrderedDict[bytes, tuple[int, bytes]] = OrderedDict()

    def refuse_early(self, headers: Mapping[str, str], now: datetime) -> None:
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise WebhookRefused("it is not in JSON", "use Mailgun's present webhooks, not the legacy ones")

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        content = json_body(body)
        signed = as_object(as_object(content).get("signature"))  # the timestamp is a text, too
        timestamp, token, signature = (
            as_text(signed.get(name)) for name in ("timestamp", "token", "signature")
        )
        if not (_TIMESTAMP.fullmatch(timestamp) and _TOKEN.fullmatch(token)):
            raise WebhookRefused("it has no signature", NOTHING_TO_DO)
        expected = hmac.new(self._key, f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
        if not _SIGNATURE.fullmatch(signature) or not hmac.compare_digest(signature, expected):
            raise WebhookRefused("the signature is not that of MAILGUN_WEBHOOK_KEY", _COPY_KEY)
        refuse_stale(int(timestamp), now, MAX_AGE, MAX_AHEAD)
        self._remember(token, int(timestamp), body, now)

    def parse(self, body: bytes, list_id: str) -> WebhookEvents:
        """Return the event of a body if it is about the mail of a list."""
        return count_skipped([_event(as_object(json_body(body)).get("event-data"), list_id)])

    def _remember(self, token: str, timestamp: int, body: bytes, now: datetime) -> None:
        """Remember a token with its body; raise WebhookRefused if it came with another body before."""
        key, digest = (hashlib.blake2b(part, digest_size=16).digest() for part in (token.encode(), body))
        oldest = now.timestamp() - MAX_AGE.total_seconds()
        with self._lock:
            known = self._tokens.get(key)
            if known and known[1] != digest:
                what = "its signature came with another event before"
                raise WebhookRefused(what, "if this happens often, somebody knows requests of Mailgun's")
            self._tokens[key] = (timestamp, digest)
            while len(self._tokens) > self._max_tokens or next(iter(self._tokens.values()))[0] < oldest:
                self._tokens.popitem(last=False)


def _event(raw: object, list_id: str) -> DeliveryEvent | Skipped:
    if not isinstance(raw, dict) or not isinstance(name := raw.get("event"), str):
        return "malformed"
    mail = parse_event_tag(as_object(raw.get("user-variables")).get(NAME), list_id)
    if mail is None:
        return "foreign"
    message = as_object(as_object(raw.get("message")).get("headers")).get("message-id")
    return tagged_event(
        SOURCE, mail, _kind(name, raw), unix_time(raw.get("timestamp")), message, _status(raw)
    )


def _kind(name: str, raw: Mapping[str, Any]) -> EventKind | None:
    """Return the kind of an event; None for an unknown one."""
    if name == "failed":
        return _failure(raw)
    return "ignored" if name in _IGNORED else _KINDS.get(name)


def _failure(raw: Mapping[str, Any]) -> EventKind | None:
    """Return the kind of a failed delivery; `ignored` while Mailgun still tries.

    A permanent failure is judged by its status code, as one in a mailbox of bounces is.
    """
    if raw.get("severity") != "permanent":
        return "ignored" if raw.get("severity") == "temporary" else None
    if suppressed := _SUPPRESSED.get(as_text(raw.get("reason"))):
        return suppressed
    status = _status(raw)
    return bounce_kind(status) if status else "soft"


def _status(raw: Mapping[str, Any]) -> str | None:
    """Return the status code in the reply of the mail server (RFC 3463), if there is one."""
    return status_code(as_object(raw.get("delivery-status")).get("enhanced-code"))
