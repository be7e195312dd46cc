"""Translate Resend's responses into outcomes.

Source: https://resend.com/docs/api-reference/errors and https://resend.com/docs/dashboard/emails/idempotency-keys.
A batch is strict: Resend accepts all of its mails, or none.
"""

from newsletter.providers.http import Response
from newsletter.providers.responses import json_object, retry_after, status_text, text
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown

# The names of the status 429 that another try in a few seconds does not help with.
_QUOTAS = ("daily_quota_exceeded", "monthly_quota_exceeded")
# The names of errors in what all mails of a batch share: the key, the sender, the account.
_SHARED_FAULTS = ("invalid_idempotency_key", "invalid_from_address", "invalid_access", "invalid_region")
_RESTRICTED = "restricted_api_key"


def outcome(response: Response, recipients: int) -> Outcome:
    """Return the outcome of a call with a number of recipients."""
    status = response.status
    if status == 200:
        return _accepted(response, recipients)
    if status in (400, 413, 422):
        return _invalid(response)
    if status == 429:
        return rate_limited(response)
    if 400 <= status < 500 and status not in (408, 409):
        return not_sent(response)
    # 409: another call with this key has other content, or is in work.
    return Unknown(error_text(response))


def not_sent(response: Response) -> NotSent:
    """Return the outcome of a call that Resend rejected as a whole: the next one would be rejected too."""
    return NotSent(error_text(response), stop=response.status < 500)


def rate_limited(response: Response) -> NotSent:
    """Return the outcome of a call beyond a limit; it stops the send if a quota is used up."""
    is_quota = error_name(response) in _QUOTAS
    return NotSent(
        error_text(response), stop=is_quota, wait=None if is_quota else retry_after(response) or 1.0
    )


def error_name(response: Response) -> str:
    """Return Resend's name of an error, such as `validation_error`; "" if it names none."""
    return text(json_object(response).get("name"))


def error_text(response: Response) -> str:
    """Return the status of a response, and Resend's words if it contains them."""
    words = (error_name(response), text(json_object(response).get("message")))
    return status_text(response, ": ".join(filter(None, words)))


def is_restricted(response: Response) -> bool:
    """Return True if the key has the right to send only."""
    return error_name(response) == _RESTRICTED


def _accepted(response: Response, recipients: int) -> Outcome:
    """Return Accepted if the answer has an id for each mail; its first one identifies the call."""
    listed = json_object(response).get("data")
    items = listed if isinstance(listed, list) else []
    ids = [text(item.get("id")) for item in items if isinstance(item, dict)]
    if len(ids) == recipients and all(ids):
        return Accepted(ids[0])
    return Unknown("the answer of Resend does not have an id for each mail")


def _invalid(response: Response) -> Outcome:
    """Return the outcome of an invalid request: Refused if a mail in it is invalid, which is not named."""
    about_key = "api key" in text(json_object(response).get("message")).lower()
    if about_key or error_name(response) in _SHARED_FAULTS:
        return not_sent(response)
    return Refused(error_text(response))
