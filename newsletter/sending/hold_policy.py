"""Lanes: when mail that is held back can still be called back, and what to do about one in doubt. Pure.

open --unknown, ripe, in time--> cancelling --confirmed--> cancelled     (its people are waiting again)
  |                                  |
  +------- too late, no slot --------+--------------------> kept         (what is unknown stays unknown)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from newsletter.sending.model import HeldBatch, HeldBatchStatus

# How far ahead mail can be scheduled (SendGrid's reference: 72 hours).
MAX_SCHEDULE_AHEAD = timedelta(hours=72)


@dataclass(frozen=True)
class SendTimings:
    """How long things take, or may be relied on; and how many lanes are held back at once."""

    # SendGrid cancels at most ten batches at once in an account: five leave room for staging again.
    max_held_batches: int = 5
    # Few people need few lanes: so many calls fill one at least, and other sends find slots, too.
    min_calls_per_batch: int = 5

    # A request whose answer was lost may still arrive; then it is covered by no cancel that came before it.
    request_ttl: timedelta = timedelta(minutes=5)
    # "Not later than 10 minutes before send_at" (SendGrid's reference), and half a minute for our clock.
    cancel_margin: timedelta = timedelta(minutes=10, seconds=30)
    # Mending begins no later than this before the mail leaves: the calls it takes have time-outs.
    recall_margin: timedelta = timedelta(minutes=12)
    # Who says nothing for so long has lost the send to whoever asks for it.
    lease: timedelta = timedelta(minutes=2)
    # A sign of life, and a look whether the send was called back meanwhile.
    heartbeat: timedelta = timedelta(seconds=5)
    # For so long a run waits for something that is put off; beyond that it ends, and says until when.
    max_wait: timedelta = timedelta(minutes=10)
    max_rate_wait: timedelta = timedelta(minutes=61)


@dataclass(frozen=True)
class RecallDecision:
    """What to do about a lane, not before `at`."""

    action: Literal["leave", "wait", "recall", "abandon"]
    at: datetime | None = None
    reason: str = ""


def decide_recall(status: HeldBatchStatus, now: datetime, timing: SendTimings) -> RecallDecision:
    """What an unknown in a lane calls for now."""
    batch = status.batch
    if batch.state in ("cancelled", "kept"):
        return RecallDecision("leave")
    begun = batch.state == "cancelling"
    if not begun and not status.unknown:
        return RecallDecision("leave")
    if status.intended:
        return RecallDecision("wait", now + timing.heartbeat)
    # What may still arrive is covered by no cancel that comes before it; also where one has been asked for.
    last, ripe = batch.send_at - timing.recall_margin, recallable_from(status, now, timing)
    if max(ripe, now) > last:
        late = "it was being called back when the time for that was over"
        return RecallDecision(
            "abandon", reason=late if begun else f"too late: it leaves at {batch.send_at:%H:%M} UTC"
        )
    return RecallDecision("wait", ripe) if now < ripe else RecallDecision("recall")


def cancellable_until(batch: HeldBatch, timing: SendTimings) -> datetime:
    """Until when a cancel can be relied upon."""
    return batch.send_at - timing.cancel_margin


def recallable_from(status: HeldBatchStatus, now: datetime, timing: SendTimings) -> datetime:
    """From when on whatever was lost must have arrived, so that a cancel covers it."""
    return status.unknown_since + timing.request_ttl if status.unknown and status.unknown_since else now


def in_use(batch: HeldBatch, now: datetime) -> bool:
    """Whether a lane needs a slot kept for it: it has not left yet, and could be called back."""
    return batch.state in ("open", "cancelling") and batch.send_at > now


def has_room(batch: HeldBatch, filled: int, share: int, now: datetime) -> bool:
    """Whether more may be put into a lane: room in its share, three quarters of its time left."""
    window = batch.send_at - batch.opened_at
    return batch.state == "open" and filled < share and now <= batch.opened_at + window / 4


def newest_open(batches: Sequence[HeldBatch], now: datetime, timing: SendTimings) -> HeldBatch | None:
    """The lane to put the rest into where no more can be opened."""
    open_ = [one for one in batches if one.state == "open" and one.send_at - timing.recall_margin > now]
    return max(open_, key=lambda one: one.send_at, default=None)
