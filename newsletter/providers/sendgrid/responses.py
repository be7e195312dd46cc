"""Translate SendGrid's responses into outcomes.

Source: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors. With status 202 the mail is
queued; with 4xx, except those of `is_rejected`, it certainly is not; with any other status it is unknown.
"""

import json
import re
from collections.abc import Iterable

from newsletter.constants import PROVIDER_KEYS
from newsletter.providers.http import Response
from newsletter.providers.responses import (
    WHOLE_SECONDS,
    as_text,
    is_rejected,
    joined,
    retry_after,
    status_text,
)
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown

KEY_VARIABLE = PROVIDER_KEYS["sendgrid"][-1]
_EXPLANATIONS = {
    401: "the API key is not valid, or the credits are used up",
    403: "the API key lacks the right to send",
}
_RECIPIENT_FIELD = re.compile(r"personalizations\.(\d{1,4})(?:\..*)?", re.ASCII)


def outcome(response: Response, recipients: int, now: float) -> Outcome:
    """Return the outcome of a mail/send call for a number of recipients; `now` is Unix time."""
    if response.status == 202:
        return Accepted(response.headers.get("X-Message-Id") or "")
    if response.status == 400:
        return _invalid(response, recipients)
    if response.status == 413:
        return Refused(error_text(response))
    if is_rejected(response.status):
        return not_sent(response, now)
    return Unknown(error_text(response))


def not_sent(response: Response, now: float) -> NotSent:
    """Return the outcome of a call that SendGrid rejected as a whole; `now` is Unix time.

    Unless SendGrid is only busy (408, 429, 5xx) the send stops: its next call would fail for the same reason.
    """
    if response.status == 429:
        return NotSent(f"{error_text(response)}: too many requests", stop=False, wait=_wait(response, now))
    busy = response.status >= 500 or response.status == 408
    return NotSent(joined(error_text(response), _EXPLANATIONS.get(response.status)), stop=not busy)


def error_text(response: Response) -> str:
    """Return the status of a response, and SendGrid's messages if it contains them."""
    return status_text(response, "; ".join(joined(*error) for error in errors(response)))


def errors(response: Response) -> list[tuple[str, str]]:
    """Return the field (or an empty string) and the message of each error in a response."""
    try:
        return [
            (as_text(error.get("field")), as_text(error.get("message")))
            for error in json.loads(response.content)["errors"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _invalid(response: Response, recipients: int) -> Outcome:
    """Return the outcome of an invalid request.

    NotSent if an error is in a part that all recipients share. Else Refused, with the indexes of the
    rejected recipients if all errors name recipients of the batch.
    """
    fields = [field for field, _ in errors(response)]
    if any(field and field.partition(".")[0] != "personalizations" for field in fields):
        return NotSent(error_text(response))
    if rejected_indexes := _rejected_indexes(fields, recipients):
        # The reason is stored for each recipient, so it must not name other recipients' fields.
        words = "; ".join(dict.fromkeys(message for _, message in errors(response)))
        return Refused(status_text(response, words), rejected_indexes)
    return Refused(error_text(response))


def _rejected_indexes(fields: Iterable[str], recipients: int) -> tuple[int, ...]:
    """Return the indexes of the recipients that the fields name; empty if a field names no such recipient."""
    matches = [_RECIPIENT_FIELD.fullmatch(field) for field in fields]
    indexes = {int(match[1]) for match in matches if match}
    is_valid = all(matches) and all(index < recipients for index in indexes)
    return tuple(sorted(indexes)) if is_valid else ()


def _wait(response: Response, now: float) -> float | None:
    """Return the seconds to wait before the next request, at least 1; None if SendGrid names no time.

    X-RateLimit-Reset is Unix time.
    """
    reset = response.headers.get("X-RateLimit-Reset", "").strip()
    wait = retry_after(response)
    return max(1.0, float(reset) - now) if wait is None and WHOLE_SECONDS.fullmatch(reset) else wait
