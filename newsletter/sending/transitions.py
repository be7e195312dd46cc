"""Derive the transitions of recipients from the outcome of their attempt. Pure.

Accepted                    -> accepted
Refused, one recipient      -> refused
Refused, several            -> the rejected ones refused, the others waiting; none named: both halves waiting
NotSent                     -> waiting until `retry_at`; due at once if the whole send stops or waits
Unknown                     -> unknown; no transition of this module leaves it
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from newsletter.sending.model import ChunkResult, ClaimedChunk, Transition
from newsletter.sending.outcomes import NOT_BEGUN, Accepted, NotSent, Outcome, Refused, Unknown

# Recipients of a batch that was rejected because of another one: retry immediately, without a back-off.
RETRY_NOW = replace(NOT_BEGUN, reason="")


def chunk_result(
    claimed: ClaimedChunk, default: Outcome, by_recipient: Mapping[int, Outcome], retry_at: datetime
) -> ChunkResult:
    """Return the result of an attempt, with the transitions of its recipients (see `transitions`)."""
    return ChunkResult(claimed, default, tuple(transitions(claimed, default, by_recipient, retry_at)))


def transitions(
    claimed: ClaimedChunk, default: Outcome, by_recipient: Mapping[int, Outcome], retry_at: datetime
) -> list[Transition]:
    """Return the transitions of a chunk, in order.

    `by_recipient` has outcomes by recipient number; `default` is the outcome of all other recipients. The
    ranges of the transitions cover the chunk without a gap, and include recipients who left the list.
    Recipients that were put off are due again at `retry_at`.
    """
    if isinstance(default, Refused) and not by_recipient and len(claimed.recipients) > 1:
        return _narrow_rejection(claimed, default, retry_at)
    if not by_recipient:
        return [_transition(0, default, retry_at)._replace(first=claimed.first, last=claimed.last)]
    return _ranges(claimed, lambda number: by_recipient.get(number, default), retry_at)


def _narrow_rejection(claimed: ClaimedChunk, refused: Refused, retry_at: datetime) -> list[Transition]:
    """Narrow the refusal of a batch down to its cause: to the rejected recipients, or else into halves."""
    recipients = claimed.recipients
    if rejected := {
        recipients[index].number for index in refused.rejected_indexes if 0 <= index < len(recipients)
    }:
        refused_alone = Refused(refused.reason)
        return _ranges(claimed, lambda number: refused_alone if number in rejected else RETRY_NOW, retry_at)
    middle = recipients[len(recipients) // 2].number
    return [
        Transition(claimed.first, middle - 1, "waiting", refused.reason),
        Transition(middle, claimed.last, "waiting", refused.reason),
    ]


def _ranges(claimed: ClaimedChunk, outcome: Callable[[int], Outcome], retry_at: datetime) -> list[Transition]:
    """Return one transition for each range of consecutive recipients with the same outcome."""
    numbers = [recipient.number for recipient in claimed.recipients]
    single = (_transition(number, outcome(number), retry_at) for number in numbers)
    return covering(claimed.first, claimed.last, single)


def covering(first: int, last: int, single: Iterable[Transition]) -> list[Transition]:
    """Join transitions of single recipients, in order, into ranges that cover `first` to `last`."""
    ranges: list[Transition] = []
    for transition in single:
        if ranges and ranges[-1][2:] == transition[2:]:
            ranges[-1] = ranges[-1]._replace(last=transition.last)
        else:
            ranges.append(transition._replace(first=ranges[-1].last + 1 if ranges else first))
    return [*ranges[:-1], *(rest._replace(last=last) for rest in ranges[-1:])]


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
