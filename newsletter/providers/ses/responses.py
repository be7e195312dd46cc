"""Translate the responses of SES into outcomes.

Sources: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors,
…/CommonErrors.html and …/dg/manage-sending-quotas-errors.html. With 200 and a MessageId the message is
accepted; with 4xx, except those of `is_rejected`, it certainly is not; with any other status it is unknown.
SES does not queue a message over the quota: it refuses it.
"""

from newsletter.display import masked, printable
from newsletter.providers.http import Response
from newsletter.providers.responses import as_text, is_rejected, joined, json_object, status_text
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown

# SES names no time. Its rate is counted by the second.
RATE_WAIT_SECONDS = 1.0
_THROTTLED = ("TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded")

_CLOCK = "the clock of this machine and that of AWS differ by more than 5 minutes: set the clock"
_SIGNATURE = (
    "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID, or the clock of this machine is wrong"
)
_RIGHTS = "the key lacks a right: its policy must allow ses:SendEmail and ses:SendRawEmail"
_EXPIRED = "the temporary key has expired: get a new one, with its AWS_SESSION_TOKEN"
_NO_KEY = "AWS does not know this key: check AWS_ACCESS_KEY_ID, and AWS_SESSION_TOKEN of a temporary key"
_KEY = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and the rights of the key"
_EXPLANATIONS = {
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "SignatureDoesNotMatch": _SIGNATURE,
    "InvalidSignatureException": _SIGNATURE,
    "UnrecognizedClientException": _NO_KEY,
    "InvalidClientTokenId": _NO_KEY,
    "ExpiredTokenException": _EXPIRED,
    "ExpiredToken": _EXPIRED,
    "AccessDeniedException": _RIGHTS,
    "AccessDenied": _RIGHTS,
    "AccountSuspendedException": "AWS has ended sending for this account: read and answer its mail",
    "SendingPausedException": "sending is paused for the account or for the configuration set",
    "MailFromDomainNotVerifiedException": "the MAIL FROM domain of the sender is not verified yet",
    "NotFoundException": "`ses.configuration_set` does not exist in `ses.region`",
    "LimitExceededException": "a limit of the account is reached",
}
_UNVERIFIED = (
    "the sender's domain is not verified in `ses.region`, or the account is in the sandbox, which sends to"
    " verified addresses only"
)
_SUSPENDED = "sending is suspended for the account: read the mail of AWS to you"
_QUOTA = "the quota of the account for 24 hours is used up: send the rest later, with the same command"
# The type of an error about a right or a key: its message may repeat the request with the session token.
_PUBLIC_MESSAGES = ("AccessDenied", "AccessDeniedException")


def outcome(response: Response) -> Outcome:
    """Return the outcome of a SendEmail call for its one recipient."""
    if response.status == 200:
        message_id = as_text(json_object(response).get("MessageId"))
        # Without the id, it is not certain that SES wrote this response.
        return Accepted(printable(message_id, 200)) if message_id else Unknown("200 without a MessageId")
    if not is_rejected(response.status):
        return Unknown(error_text(response))
    return _rejection(response, error_type(response))


def error_type(response: Response) -> str:
    """Return the name of the error in a response, such as MessageRejected; "" if it names none."""
    named = response.headers.get("x-amzn-ErrorType") or as_text(json_object(response).get("__type"))
    # `com.amazonaws.ses#MessageRejected` and `MessageRejected:http://…` are names too.
    return printable(named.partition(":")[0].rpartition("#")[2], 60)


def error_text(response: Response) -> str:
    """Return the status, the name and the message of an error, without addresses and without a key."""
    kind = error_type(response)
    words = ""
    if response.status not in (401, 403) or kind in _PUBLIC_MESSAGES:
        words = masked(_message(response))
    return status_text(response, joined(kind, words))


def explanation(response: Response) -> str:
    """Return what an error of SES means, and what to do; "" if the response says it itself."""
    kind, words = error_type(response), _message(response).lower()
    # "Signature expired: 20260504T… is now earlier than …", and "Signature not yet current: …"
    if response.status in (400, 403) and ("signature expired" in words or "not yet current" in words):
        return _CLOCK
    if not kind and response.status in (401, 403):
        return _KEY
    return _EXPLANATIONS.get(kind, "")


def _rejection(response: Response, kind: str) -> Outcome:
    """Return the outcome of a message that was certainly not accepted."""
    words = _message(response).lower()
    if response.status == 429 or kind in _THROTTLED:
        return _over_quota(response, words)
    if response.status == 413:
        return Refused(error_text(response))
    if kind == "MessageRejected":
        if "not verified" in words:
            return _stop(response, _UNVERIFIED)
        return _stop(response, _SUSPENDED) if "suspended" in words else Refused(error_text(response))
    if kind == "BadRequestException" and "configuration set" not in words:
        return Refused(error_text(response))
    return _stop(response, explanation(response))


def _over_quota(response: Response, words: str) -> NotSent:
    """Return the outcome over a quota: that of a day stops the send, that of a second only delays it."""
    if "daily" in words or "24" in words:
        return _stop(response, _QUOTA)
    return NotSent(f"{error_text(response)}: lower `send.rate`", stop=False, wait=RATE_WAIT_SECONDS)


def _stop(response: Response, words: str) -> NotSent:
    return NotSent(joined(error_text(response), words))


def _message(response: Response) -> str:
    content = json_object(response)
    return as_text(content.get("message")) or as_text(content.get("Message"))
