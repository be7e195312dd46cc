"""Translate Mailgun's responses into outcomes.

Sources: documentation.mailgun.com (API overview, Messages, Sending Messages) and django-anymail's backend for
Mailgun, which has the words of success. With status 200 and "Queued" the mail is queued; with 4xx, except
those of `is_rejected`, it certainly is not; with any other response it is unknown.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from newsletter.config.provider_facts import API_HOSTS
from newsletter.constants import PROVIDER_KEYS
from newsletter.display import masked
from newsletter.providers.http import Response
from newsletter.providers.responses import (
    ABOUT_DOMAIN,
    as_text,
    is_about_recipient,
    is_rejected,
    joined,
    json_object,
    retry_after,
    status_text,
)
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown

KEY_VARIABLE = PROVIDER_KEYS["mailgun"][-1]
US_HOST, EU_HOST = API_HOSTS["mailgun"]
_REGION = f"the key, or the region: a key of the EU works only with `mailgun.host: https://{EU_HOST}`"
_EXPLANATIONS = {
    401: f"check {_REGION}",
    402: "the account must be paid",
    403: "the account, the domain or the key may not send this",
    404: "this host has no such domain: check `mailgun.domain` and the region in `mailgun.host`",
}
# What Mailgun writes with 400 is not known. Words of a response that is about one recipient, and words of
# one that is about all.
_RECIPIENT = re.compile(r"\bto'? parameter", re.IGNORECASE)
_SENDER = re.compile(r"\bfrom'? parameter|\bfrom'? address", re.IGNORECASE)
_MAILGUN_DOMAINS = ("mailgun.com", "mailgun.net", "mailgun.org")
# Mailgun's words for the root of its API, which answers 200 (django-anymail's backend).
_ROOT = "Mailgun Magnificent API"
_KEY = re.compile(r"(?:key-)?\b[0-9a-f]{32}(?:-[0-9a-f]{8}){0,2}\b")
_SECONDS = re.compile(r"after (\d{1,6}) seconds?", re.ASCII | re.IGNORECASE)
_DATE = re.compile(
    r"after ([A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:[A-Z]{3}|[+-]\d{4}))", re.ASCII
)


def outcome(response: Response, now: datetime, sender: str, domain: str) -> Outcome:
    """Return the outcome of a call that submits mail of a sender's address through a domain."""
    status = response.status
    if status == 200:
        return _accepted(response)
    if status == 400:
        return _invalid(response, sender, domain)
    if status == 413:
        return Refused(error_text(response))
    if status == 429:
        return NotSent(f"{error_text(response)}: too many requests", stop=False, wait=_wait(response, now))
    if is_rejected(status):
        return NotSent(explained(response))
    return Unknown(error_text(response))


def error_text(response: Response) -> str:
    """Return the status and Mailgun's words, without addresses and keys."""
    return status_text(response, _KEY.sub("…", masked(_words(response))))


def explained(response: Response) -> str:
    """Return the status, Mailgun's words, and what they mean here."""
    return joined(error_text(response), _EXPLANATIONS.get(response.status))


def _invalid(response: Response, sender: str, domain: str) -> Outcome:
    """Return the outcome of an invalid request: NotSent if each other request would be invalid, too."""
    is_shared = _is_shared(_words(response), sender, domain)
    return NotSent(error_text(response)) if is_shared else Refused(error_text(response))


def _is_shared(words: str, sender: str, domain: str) -> bool:
    """Return True if words are about the sender or the domain, which all requests have."""
    if _RECIPIENT.search(words):
        return False
    own = (domain.lower(), *_MAILGUN_DOMAINS)
    is_domain = ABOUT_DOMAIN.search(words) and not is_about_recipient(words, sender, own)
    return bool(_SENDER.search(words) or is_domain)


def _accepted(response: Response) -> Outcome:
    content = json_object(response)
    if as_text(content.get("message")).startswith("Queued"):
        return Accepted(as_text(content.get("id")))
    if _ROOT in _words(response):
        what = "200: this address does not send mail: check `mailgun.host` and `mailgun.domain`"
        return NotSent(what)
    return Unknown(error_text(response))


def _words(response: Response) -> str:
    """Return the message of a response: in JSON, or as plain text, such as `Forbidden` with 401."""
    if message := as_text(json_object(response).get("message")):
        return message
    words = response.content.decode("utf-8", "replace")
    return "" if words.lstrip().startswith(("<", "{", "[")) else words


def _wait(response: Response, now: datetime) -> float | None:
    """Return the seconds to wait, at least 1; None if the response names no time."""
    words = _words(response)
    if seconds := _SECONDS.search(words):
        return max(1.0, float(seconds[1]))
    if date := _DATE.search(words):
        return _seconds_until(date[1], now)
    return retry_after(response)


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        at = parsedate_to_datetime(date)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(1.0, (at - now).total_seconds())
