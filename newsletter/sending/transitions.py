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

from newsletter.sending.model import Claimed, Fate
from newsletter.sending.outcomes import NOT_BEGUN, Accepted, NotSent, Outcome, Refused, Unknown

# Whoever was refused for somebody else's fault is tried again at once.
_INNOCENT = replace(NOT_BEGUN, reason="")
_FIRST_BACK_OFF, _LONGEST_BACK_OFF = 5, 6 * 3600


def back_off(tries: int) -> timedelta:
    """How long to wait after so many tries that were put off: 5 s, 20 s, 80 s, … 6 h at most."""
    return timedelta(seconds=min(_FIRST_BACK_OFF * 4 ** min(tries, 10), _LONGEST_BACK_OFF))


def fates(claimed: Claimed, rest: Outcome, own: Mapping[int, Outcome], now: datetime) -> list[Fate]:
    """What becomes of a chunk: `own` outcomes by recipient's number, and `rest` for those who have none.

    The ranges cover the chunk without a gap; who has left since the plan stands in one of them.
    """
    if isinstance(rest, Refused) and not own and len(claimed.people) > 1:
        return _narrowed(claimed, rest, now)
    if not own:
        return [
            _fate(0, rest, now + back_off(claimed.tries))._replace(first=claimed.first, last=claimed.last)
        ]
    return _ranges(claimed, lambda number: own.get(number, rest), now)


def _narrowed(claimed: Claimed, refused: Refused, now: datetime) -> list[Fate]:
    """A refusal of many that one of them may have caused."""
    people = claimed.people
    if culprits := {people[place].number for place in refused.culprits if 0 <= place < len(people)}:
        one = Refused(refused.reason)
        return _ranges(claimed, lambda number: one if number in culprits else _INNOCENT, now)
    middle = people[len(people) // 2].number
    return [
        Fate(claimed.first, middle - 1, "waiting", refused.reason),
        Fate(middle, claimed.last, "waiting", refused.reason),
    ]


def _ranges(claimed: Claimed, outcome: Callable[[int], Outcome], now: datetime) -> list[Fate]:
    found: list[Fate] = []
    retry_at = now + back_off(claimed.tries)
    for person in claimed.people:
        fate = _fate(person.number, outcome(person.number), retry_at)
        if found and found[-1][2:] == fate[2:]:
            found[-1] = found[-1]._replace(last=person.number)
        else:
            before = found[-1].last + 1 if found else claimed.first
            found.append(fate._replace(first=before))
    found[-1] = found[-1]._replace(last=claimed.last)
    return found


def _fate(number: int, outcome: Outcome, retry_at: datetime) -> Fate:
    match outcome:
        case Accepted():
            return Fate(number, number, "accepted")
        case Refused(reason):
            return Fate(number, number, "refused", reason)
        case Unknown(reason):
            return Fate(number, number, "unknown", reason)
        case NotSent(reason, stop, wait):
            at_once = stop or wait is not None
            return Fate(number, number, "waiting", reason, None if at_once else retry_at)
