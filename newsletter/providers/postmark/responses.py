"""Translate Postmark's responses into outcomes.

Sources: https://postmarkapp.com/developer/api/overview (HTTP response codes, API error codes), …/email-api
(a batch is answered with 200 and an `ErrorCode` for each message, in the order of the messages), and
django-anymail's backend for Postmark (the words of 300). Some of Postmark's error codes have the number of an
HTTP status with another meaning: 413 is an account that may not send.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from email.utils import parseaddr
from typing import Any

from newsletter.constants import PROVIDER_KEYS
from newsletter.display import counted, masked, printable
from newsletter.mail.message import Recipient
from newsletter.providers.http import Response
from newsletter.providers.responses import (
    as_object,
    as_text,
    is_rejected,
    joined,
    json_content,
    json_object,
    retry_after,
    status_text,
)
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown

KEY_VARIABLE = PROVIDER_KEYS["postmark"][-1]
MAINTENANCE, INVALID, INACTIVE, RATE_LIMIT = 100, 300, 406, 429
# These codes belong to other parts of the API, so their meaning for a message is not known. Those below and
# above them are about the request: Postmark did not take the mail.
_FIRST_OTHER_CODE, _LAST_OTHER_CODE = 500, 999
_TOKEN = f"check {KEY_VARIABLE}: it must be the token of a server, not that of the account"
_SENDER = "confirm the sender's address or domain in the account (Sender Signatures)"
_EXPLANATIONS = {
    10: _TOKEN,
    400: _SENDER,
    401: _SENDER,
    405: "the account may not send: no credits are left, or its address is not confirmed",
    412: "Postmark has not approved the account yet: it sends only to addresses in the sender's domain",
    413: "Postmark does not let this account send; ask its support",
    1235: "the server has no such message stream: check `postmark.stream` and `postmark.service_stream`",
}
# The fields that 300 names, if all messages have the same mistake.
_SHARED = re.compile(r"'(?:From|ReplyTo|Subject|MessageStream|TrackLinks|TrackOpens)'", re.IGNORECASE)
# A server token has the form of a UUID.
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_REPEATED_ID = Unknown("the response has the same id for several recipients")


def outcomes(response: Response, recipients: Sequence[Recipient]) -> list[Outcome] | Outcome:
    """Return the outcome of each recipient of a batch, or one for all."""
    if response.status == 200:
        return _each(response, recipients)
    status, code = response.status, _code(json_object(response))
    if is_rejected(status) or (status == 503 and code == MAINTENANCE):
        return _rejected(response, code)
    return Unknown(error_text(response))


def error_text(response: Response) -> str:
    """Return the status, Postmark's code and words, without addresses and keys."""
    content = json_object(response)
    code, words = _code(content), _scrubbed(as_text(content.get("Message")))
    return status_text(response, f"(error {code}) {words}" if code else words)


def explained(response: Response) -> str:
    """Return the status, Postmark's words, and what they mean here."""
    code = _code(json_object(response))
    meaning = _EXPLANATIONS.get(code or 0) or (_TOKEN if response.status == 401 else "")
    return joined(error_text(response), meaning)


def _rejected(response: Response, code: int | None) -> Outcome:
    """Return the outcome of a request that Postmark rejected as a whole."""
    words = as_text(json_object(response).get("Message"))
    if response.status == 429 or code == RATE_LIMIT:
        reason = f"{error_text(response)}: too many requests"
        return NotSent(reason, stop=False, wait=retry_after(response))
    if code == MAINTENANCE:
        return NotSent(error_text(response), stop=False, wait=retry_after(response))
    if _is_about_one(code, words) or (
        response.status == 413 and code is None
    ):  # too large: halves are smaller
        return Refused(error_text(response))
    return NotSent(explained(response))


def _is_about_one(code: int | None, words: str) -> bool:
    """Return True if an error is about one message, and not about what all share."""
    return code == INACTIVE or (code == INVALID and not _SHARED.search(words))


def _each(response: Response, recipients: Sequence[Recipient]) -> list[Outcome] | Outcome:
    """Return the outcomes in a list with an entry for each recipient; Unknown for all if it is another."""
    entries = json_content(response)
    number = len(entries) if isinstance(entries, list) else 0
    if not isinstance(entries, list) or number != len(recipients):
        had = counted(number, "entry", "entries") if number else "no entry"
        return Unknown(f"the response has {had} for {counted(len(recipients), 'recipient')}")
    if not all(map(_is_about, entries, recipients)):
        return Unknown("the response names other recipients, or another order of them")
    found = [_entry(as_object(entry)) for entry in entries]
    ids = Counter(one.message_id for one in found if isinstance(one, Accepted) and one.message_id)
    return [_REPEATED_ID if isinstance(one, Accepted) and ids[one.message_id] > 1 else one for one in found]


def _is_about(entry: object, recipient: Recipient) -> bool:
    """Return False for an entry that names another recipient; only that of accepted mail has a `To`."""
    to = as_text(entry.get("To")) if isinstance(entry, dict) else ""
    return not to or parseaddr(to)[1].lower() == recipient.address.lower()


def _entry(entry: Mapping[str, Any]) -> Outcome:
    """Return the outcome of one message.

    With code 0 it is accepted, whatever the message says: a paused stream has other words than `OK`.
    """
    code, words = _code(entry), as_text(entry.get("Message"))
    if code == 0:
        return Accepted(as_text(entry.get("MessageID")))
    if code is None:
        return Unknown("the response has no error code for this recipient")
    reason = joined(f"error {code}", printable(_scrubbed(words), 300))
    if _is_about_one(code, words):
        return Refused(reason)
    if code in (MAINTENANCE, RATE_LIMIT):
        return NotSent(reason, stop=False)
    if not _FIRST_OTHER_CODE <= code <= _LAST_OTHER_CODE:
        return NotSent(joined(reason, _EXPLANATIONS.get(code)))
    return Unknown(reason)


def _code(content: Mapping[str, Any]) -> int | None:
    code = content.get("ErrorCode")
    return code if isinstance(code, int) and not isinstance(code, bool) and code >= 0 else None


def _scrubbed(words: str) -> str:
    return _UUID.sub("…", masked(words))
