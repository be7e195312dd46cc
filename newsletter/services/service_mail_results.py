"""Derive what is recorded about a mail from the outcome of its call. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from newsletter.display import escaped, masked
from newsletter.sending.outcomes import NOT_BEGUN, Accepted, NotSent, Outcome, Refused, Unknown
from newsletter.store.service_mails import ServiceMail, ServiceMailResult

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
"""The pauses before a mail that was not sent is tried again: each is twice as long as the one before."""
MAX_AGE = timedelta(days=1)
"""The age from which a mail that somebody asked for is not tried again; see `_is_stale`."""
_MAX_REASON = 300


def result_of(mail: ServiceMail, outcome: Outcome, now: datetime) -> ServiceMailResult:
    """Return what is recorded; a reason holds no address."""
    match outcome:
        case Accepted():
            return ServiceMailResult("accepted")
        case Refused(reason):
            return ServiceMailResult("refused", _reason(reason))
        case Unknown(reason):
            return ServiceMailResult("unknown", _reason(reason))
        case NotSent(reason) if _is_stale(mail, now):
            return ServiceMailResult("refused", _reason(f"not sent within a day: {reason}"))
        case NotSent(reason, _, wait):
            retry_at = None if outcome is NOT_BEGUN else now + max(_pause(mail.tries), _seconds(wait))
            return ServiceMailResult("waiting", _reason(reason), retry_at)


def confirmed_calls(mails: Sequence[ServiceMail], outcomes: Mapping[int, Outcome]) -> int:
    """Return the number of mails that confirm a sign-up, and that have left or may have left."""
    return sum(mail.kind == "confirm" and not isinstance(outcomes[mail.id], NotSent) for mail in mails)


def _is_stale(mail: ServiceMail, now: datetime) -> bool:
    """Return True for an old answer, which would come as a surprise.

    Mail that confirms a sign-up is tried until the sign-up expires.
    """
    return mail.kind != "confirm" and now - mail.written_at >= MAX_AGE


def _pause(tries: int) -> timedelta:
    return min(FIRST_PAUSE * (1 << min(tries, 10)), LONGEST_PAUSE)


def _seconds(wait: float | None) -> timedelta:
    return min(timedelta(seconds=wait or 0), MAX_AGE)


def _reason(reason: str) -> str:
    return escaped(masked(reason), _MAX_REASON)
