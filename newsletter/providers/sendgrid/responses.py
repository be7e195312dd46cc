"""What SendGrid's answers mean, and what they leave open.

Documented at https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors: 202 is queued, a 4xx
certainly is not, and everything else may have been.
"""

import json
import re
from collections.abc import Iterable

from newsletter.display import printable
from newsletter.providers.http import Response
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown

_NOTES = {401: "the API key is not valid, or credits are used up", 403: "the API key may not send"}
_PERSON = re.compile(r"personalizations\.(\d{1,4})(?:\..*)?", re.ASCII)
_SECONDS = re.compile(r"\d{1,10}", re.ASCII)


def outcome(answer: Response, recipients: int, now: float) -> Outcome:
    """What became of a mail/send to so many recipients; `now` is Unix time."""
    if answer.status == 202:
        return Accepted(answer.headers.get("X-Message-Id") or "")
    if answer.status == 400:
        return _invalid(answer, recipients)
    if answer.status == 413:
        return Refused(error_text(answer))
    if _declined(answer):
        return not_sent(answer, now)
    return Unknown(error_text(answer))


def not_sent(answer: Response, now: float) -> NotSent:
    """Nothing was taken: the account or the host would say the same again, unless it is only busy."""
    if answer.status == 429:
        return NotSent(f"{error_text(answer)}: too many requests", stop=False, wait=_wait(answer, now))
    busy = answer.status >= 500 or answer.status == 408
    return NotSent(": ".join(filter(None, (error_text(answer), _NOTES.get(answer.status)))), stop=not busy)


def error_text(answer: Response) -> str:
    """The status and SendGrid's own words, where the answer is its JSON."""
    words = printable("; ".join(": ".join(filter(None, error)) for error in errors(answer)), 300)
    if words or answer.status >= 400:
        return f"{answer.status} {words}".strip()
    return f"an answer that does not belong here: {answer.status}"


def errors(answer: Response) -> list[tuple[str, str]]:
    """The field, if one is named, and the message of each error."""
    try:
        return [
            (_text(error.get("field")), _text(error.get("message")))
            for error in json.loads(answer.content)["errors"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _declined(answer: Response) -> bool:
    return 400 <= answer.status < 500 and answer.status != 408


def _invalid(answer: Response, recipients: int) -> Outcome:
    """The fault of some recipients, of what all share, or of nobody in particular."""
    fields = [field for field, _ in errors(answer)]
    if any(field and field.partition(".")[0] != "personalizations" for field in fields):
        return NotSent(error_text(answer))
    if rejected_indexes := _rejected_indexes(fields, recipients):
        # Each of them is told what is wrong, not who else there is.
        words = "; ".join(dict.fromkeys(text for _, text in errors(answer)))
        return Refused(printable(f"{answer.status} {words}", 300), rejected_indexes)
    return Refused(error_text(answer))


def _rejected_indexes(fields: Iterable[str], recipients: int) -> tuple[int, ...]:
    """Whom the fields name, if each names somebody who is there."""
    named = [_PERSON.fullmatch(field) for field in fields]
    places = {int(match[1]) for match in named if match}
    return tuple(sorted(places)) if all(named) and all(place < recipients for place in places) else ()


def _wait(answer: Response, now: float) -> float | None:
    """How long the account is to be silent, a second at least; X-RateLimit-Reset is Unix time."""
    after, reset = (answer.headers.get(name, "").strip() for name in ("Retry-After", "X-RateLimit-Reset"))
    if _SECONDS.fullmatch(after):
        return max(1.0, float(after))
    return max(1.0, float(reset) - now) if _SECONDS.fullmatch(reset) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
