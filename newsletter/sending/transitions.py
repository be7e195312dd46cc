"""What follows from an outcome: whom it concerns, who is tried again, and when. Pure.

Accepted                    -> accepted
Refused, for one            -> refused
Refused, for many           -> the culprits refused, the others waiting; not said who: both halves waiting
NotSent                     -> waiting, after a back-off that grows with each try
Unknown                     -> unknown; nothing here makes it anything else
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from newsletter.sending.model import ClaimedChunk, Transition
from newsletter.sending.outcomes import NOT_BEGUN, Accepted, NotSent, Outcome, Refused, Unknown

# Whoever was refused for somebody else's fault is tried again at once.
RETRY_NOW = replace(NOT_BEGUN, reason="")
_FIRST_BACK_OFF, _LONGEST_BACK_OFF = 5, 6 * 3600


def back_off(tries: int) -> timedelta:
    """How long to wait after so many tries that were put off: 5 s, 20 s, 80 s, … 6 h at most."""
    return timedelta(seconds=min(_FIRST_BACK_OFF * 4 ** min(tries, 10), _LONGEST_BACK_OFF))


def transitions(
    claimed: ClaimedChunk, default: Outcome, by_recipient: Mapping[int, Outcome], now: datetime
) -> list[Transition]:
    """What becomes of a chunk: `own` outcomes by recipient's number, and `rest` for those who have none.

    The ranges cover the chunk without a gap; who has left since the plan stands in one of them.
    """
    if isinstance(default, Refused) and not by_recipient and len(claimed.recipients) > 1:
        return _narrow_rejection(claimed, default, now)
    if not by_recipient:
        return [
            _transition(0, default, now + back_off(claimed.tries))._replace(
                first=claimed.first, last=claimed.last
            )
        ]
    return _ranges(claimed, lambda number: by_recipient.get(number, default), now)


def _narrow_rejection(claimed: ClaimedChunk, refused: Refused, now: datetime) -> list[Transition]:
    """A refusal of many that one of them may have caused."""
    recipients = claimed.recipients
    if rejected_indexes := {
        recipients[place].number for place in refused.rejected_indexes if 0 <= place < len(recipients)
    }:
        one = Refused(refused.reason)
        return _ranges(claimed, lambda number: one if number in rejected_indexes else RETRY_NOW, now)
    middle = recipients[len(recipients) // 2].number
    return [
        Transition(claimed.first, middle - 1, "waiting", refused.reason),
        Transition(middle, claimed.last, "waiting", refused.reason),
    ]


def _ranges(claimed: ClaimedChunk, outcome: Callable[[int], Outcome], now: datetime) -> list[Transition]:
    found: list[Transition] = []
    retry_at = now + back_off(claimed.tries)
    for person in claimed.recipients:
        transition = _transition(person.number, outcome(person.number), retry_at)
        if found and found[-1][2:] == transition[2:]:
            found[-1] = found[-1]._replace(last=person.number)
        else:
            before = found[-1].last + 1 if found else claimed.first
            found.append(transition._replace(first=before))
    found[-1] = found[-1]._replace(last=claimed.last)
    return found


def _transition(number: int, outcome: Outcome, retry_at: datetime) -> Transition:
    match outcome:
        case Accepted():
            return Transition(number, number, "accepted")
        case Refused(reason):
            return Transition(number, number, "refused", reason)
        case Unknown(reason):
            return Transition(number, number, "unknown", reason)
        case NotSent(reason, stop, wait):
            at_once = stop or wait is not None
            return Transition(number, number, "waiting", reason, None if at_once else retry_at)
