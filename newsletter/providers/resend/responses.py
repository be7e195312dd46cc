"""Translate Resend's responses into outcomes.

Source: https://resend.com/docs/api-reference/errors and https://resend.com/docs/dashboard/emails/idempotency-keys.
A batch is strict: Resend accepts all of its mails, or none.
"""

import re
from collections.abc import Mapping
from typing import Any

from newsletter.constants import PROVIDER_KEYS
from newsletter.display import masked
from newsletter.providers.http import Response
from newsletter.providers.responses import (
    ABOUT_DOMAIN,
    as_object,
    as_text,
    is_about_recipient,
    is_rejected,
    joined,
    json_object,
    retry_after,
    status_text,
)
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown

KEY_VARIABLE = PROVIDER_KEYS["resend"][-1]
API_KEYS, DOMAINS = "https://resend.com/api-keys", "https://resend.com/domains"
# The names of the status 429 that another try in a few seconds does not help with.
_QUOTAS = ("daily_quota_exceeded", "monthly_quota_exceeded")
# The names of errors in what all mails of a batch share: the key, the sender, the account.
_SHARED_FAULTS = (
    "invalid_idempotency_key",
    "invalid_from_address",
    "invalid_access",
    "invalid_region",
    "missing_required_field",
)
# Words of a `validation_error` about what all mails share; that of a wrong key may have the status 400.
_SHARED = re.compile(r"`(?:from|reply_to|subject|headers)`|field: (?:from|subject)", re.IGNORECASE)
_RESEND_DOMAINS = ("resend.com", "resend.dev")
# The address of one recipient: its mail alone is invalid, whatever else the words name.
_ABOUT_RECIPIENT = re.compile(r"`to`|\bfield: to\b", re.IGNORECASE)
_ABOUT_KEY = re.compile(r"\bAPI key\b", re.IGNORECASE)
_RESTRICTED = "restricted_api_key"
_EXPLANATIONS = {
    "concurrent_idempotent_requests": "Resend is still at work on a call with this key",
    "invalid_idempotent_request": "Resend has had a call with this key and other content",
    "daily_quota_exceeded": "the account's quota of a day is used up",
    "monthly_quota_exceeded": "the account's quota of a month is used up",
    "security_error": "Resend takes the content for unsafe: look at `sender.name` and the subject",
}
_KEY_FIX = f"create a key with sending access ({API_KEYS}), and set {KEY_VARIABLE} to it"
_DOMAIN_FIX = f"verify the domain of `sender.email` ({DOMAINS})"
_KEY = re.compile(r"\bre_[A-Za-z0-9_]{8,}")


def outcome(response: Response, recipients: int, sender: str) -> Outcome:
    """Return the outcome of a call with a number of recipients, and the sender's address."""
    status = response.status
    if status == 200:
        return _accepted(response, recipients)
    if status in (400, 413, 422):
        return _invalid(response, recipients, sender)
    if status == 429:
        return rate_limited(response)
    if is_rejected(status):
        return not_sent(response)
    # 409: another call with this key has other content, or is in work.
    return Unknown(explained(response))


def not_sent(response: Response) -> NotSent:
    """Return the outcome of a call that Resend rejected as a whole: the next one would be rejected too."""
    return NotSent(explained(response), stop=response.status < 500)


def rate_limited(response: Response) -> NotSent:
    """Return the outcome of a call beyond a limit; it stops the send if a quota is used up."""
    is_quota = error_name(response) in _QUOTAS
    wait = None if is_quota else retry_after(response) or 1.0
    return NotSent(explained(response), stop=is_quota, wait=wait)


def error_name(response: Response) -> str:
    """Return Resend's name of an error, such as `validation_error`; "" if it names none."""
    return as_text(json_object(response).get("name"))


def error_text(response: Response) -> str:
    """Return the status of a response and Resend's words, without addresses and keys."""
    words = joined(error_name(response), _message(response))
    return status_text(response, _masked(words))


def explained(response: Response) -> str:
    """Return the status of a response, Resend's words, and what they mean here."""
    meaning = _EXPLANATIONS.get(error_name(response), "")
    if is_about_key(response):
        meaning = _KEY_FIX
    elif response.status == 403:
        meaning = _DOMAIN_FIX
    return joined(error_text(response), meaning)


def is_about_key(response: Response) -> bool:
    """Return True if Resend does not accept the key."""
    if response.status not in (400, 401, 403) or is_restricted(response):
        return False
    return response.status == 401 or bool(_ABOUT_KEY.search(_message(response)))


def is_restricted(response: Response) -> bool:
    """Return True if the key has the right to send only."""
    return error_name(response) == _RESTRICTED


def _message(response: Response) -> str:
    return as_text(json_object(response).get("message"))


def _masked(words: str) -> str:
    """Return words without addresses and keys."""
    return _KEY.sub("…", masked(words))


def _accepted(response: Response, recipients: int) -> Outcome:
    """Return Accepted if the response has an id for each mail; its first one identifies the call.

    Unknown if it names a failed mail, too: a strict batch has none, so the response is about another call.
    """
    content = json_object(response)
    if content.get("errors"):
        return Unknown("the response of Resend has ids of mails, and errors too")
    listed = content.get("data")
    items = listed if isinstance(listed, list) else []
    ids = [as_text(as_object(item).get("id")) for item in items]
    if len(ids) == len(set(ids)) == recipients and all(ids):
        return Accepted(ids[0])
    return Unknown("the response of Resend does not have an id for each mail")


def _invalid(response: Response, recipients: int, sender: str) -> Outcome:
    """Return the outcome of an invalid request: Refused if a mail in it is invalid, which is rarely named."""
    if is_about_key(response) or (_is_shared(response, sender) and response.status != 413):
        return not_sent(response)
    return Refused(error_text(response), _rejected_indexes(json_object(response), recipients))


def _is_shared(response: Response, sender: str) -> bool:
    """Return True if the fault is in what all mails of a batch share: each of them would be refused."""
    if error_name(response) in _SHARED_FAULTS:
        return True
    message = _message(response)
    words = _masked(message)  # an address may hold any word
    if _ABOUT_RECIPIENT.search(words):
        return False
    is_domain = ABOUT_DOMAIN.search(words) and not is_about_recipient(message, sender, _RESEND_DOMAINS)
    return bool(_SHARED.search(words) or is_domain)


def _rejected_indexes(content: Mapping[str, Any], recipients: int) -> tuple[int, ...]:
    """Return the indexes in `errors`, which Resend documents for its permissive validation only."""
    errors = content.get("errors")
    listed = errors if isinstance(errors, list) else []
    found = [error.get("index") for error in listed if isinstance(error, dict)]
    return tuple(sorted({index for index in found if type(index) is int and 0 <= index < recipients}))
