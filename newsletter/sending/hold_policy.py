"""The policy for held batches: deadlines of a recall, and the decision to recall a batch. Pure.

open --unknown, request expired, in time--> cancelling --confirmed--> cancelled   (its recipients wait again)
  |                                             |
  +------------- too late, no slot -------------+-------------------> kept        (unknown stays unknown)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from newsletter.sending.model import HeldBatch, HeldBatchStatus, Send, StartSettings

# The furthest time ahead that mail can be scheduled for (SendGrid's reference: 72 hours).
MAX_SCHEDULE_AHEAD = timedelta(hours=72)


@dataclass(frozen=True)
class SendTimings:
    """The durations and limits that the send protocol relies on."""

    # SendGrid keeps at most ten batches of an account cancelled at once: five leave room to hold mail again.
    max_held_batches: int = 5
    # A small list needs few batches: each takes at least this many calls, which leaves slots to other sends.
    min_calls_per_batch: int = 5

    # A request without a response may arrive this much later; a recall before that does not include it.
    request_ttl: timedelta = timedelta(minutes=5)
    # A recall works until "10 minutes before send_at" (SendGrid's reference), and our clock may be wrong.
    cancel_margin: timedelta = timedelta(minutes=10, seconds=30)
    # A recall of unknown mail starts at least this long before the mail leaves: its calls have time-outs.
    recall_margin: timedelta = timedelta(minutes=12)
    # Another process may take over the send after this long without a heartbeat.
    lease: timedelta = timedelta(minutes=2)
    # The longest wait for another process that has locked the send in the database: longer than its lease.
    max_lock_wait: timedelta = timedelta(minutes=2, seconds=30)
    # The longest wait of a standby for a database that gives no reply, such as a server that restarts.
    max_outage: timedelta = timedelta(minutes=10)
    # The lease is renewed this often; this also shows whether the send was cancelled.
    heartbeat: timedelta = timedelta(seconds=5)
    # A call ends this long after its beginning at the latest: a provider's time-out is 30 seconds.
    longest_call: timedelta = timedelta(seconds=35)
    # A published ledger states that its process may begin calls for this long. It is longer than lease, call
    # and margin, so that a send publishes every 85 seconds; after a crash the next process waits for its end.
    publish_hold: timedelta = timedelta(minutes=5)
    # The ledger is published again this long before it has to be: a remote that gives no reply has a minute.
    publish_margin: timedelta = timedelta(minutes=1)
    # If mail is not held back, this many recipients may be tried before the ledger is published again, or as
    # many as there are calls at once. After a crash all of them are unknown.
    publish_recipients: int = 500
    # From this number of publications a minute, each one is for twice as many recipients: GitHub asks for at
    # most 6 pushes a minute.
    max_publications: int = 6
    # The longest wait for a provider's back-off; a delivery with a longer one ends and names the time.
    max_wait: timedelta = timedelta(minutes=10)
    # The longest wait for a configured rate: a rate per hour is kept by waiting, a rate per day is not.
    max_rate_wait: timedelta = timedelta(minutes=61)
    # The back-off is multiplied by four with each try, from the first to the longest one.
    first_back_off: timedelta = timedelta(seconds=5)
    longest_back_off: timedelta = timedelta(hours=6)

    def back_off(self, tries: int) -> timedelta:
        """Return the back-off after this many tries that were put off: 5 s, 20 s, 80 s, … at most 6 h."""
        return min(self.first_back_off * int(4 ** min(tries, 10)), self.longest_back_off)


def leave_time(start: Send | StartSettings, now: datetime) -> datetime | None:
    """Return the time at which mail that is submitted now leaves; None if it is not held back.

    A canary is not held back: a person looks at it before the other recipients are tried.
    """
    if not start.undo_window_seconds or start.canary_size is not None:
        return None
    is_scheduled = start.send_at is not None and start.send_at > now
    return start.send_at if is_scheduled else now + timedelta(seconds=start.undo_window_seconds)


@dataclass(frozen=True)
class RecallDecision:
    """The decision on the recall of a held batch."""

    action: Literal[
        "leave",  # no outcome in it is unknown, or it is not recalled any more
        "wait",  # a call is in flight, or a lost request may still arrive
        "recall",  # recall the batch now
        "abandon",  # it is too late for a recall
    ]
    # Time of the next decision, after "wait".
    at: datetime | None = None
    # Reason for "abandon".
    reason: str = ""


def decide_recall(status: HeldBatchStatus, now: datetime, timing: SendTimings) -> RecallDecision:
    """Decide whether to recall a held batch because an outcome in it is unknown."""
    batch = status.batch
    if batch.state in ("cancelled", "kept"):
        return RecallDecision("leave")
    recall_asked = batch.state == "cancelling"
    if not recall_asked and not status.unknown:
        return RecallDecision("leave")
    if status.intended:
        return RecallDecision("wait", now + timing.heartbeat)
    # A recall does not include a request that arrives after it. This also holds for a recall that was
    # requested already: it is repeated once the request has arrived.
    latest, earliest = batch.send_at - timing.recall_margin, recallable_from(status, now, timing)
    if max(earliest, now) > latest:
        too_late = f"too late: it leaves at {batch.send_at:%H:%M} UTC"
        reason = "the recall was not confirmed in time" if recall_asked else too_late
        return RecallDecision("abandon", reason=reason)
    return RecallDecision("wait", earliest) if now < earliest else RecallDecision("recall")


def cancellable_until(batch: HeldBatch, timing: SendTimings) -> datetime:
    """Return the deadline of a held batch's recall: a later confirmation is not relied upon."""
    return cancel_deadline(batch.send_at, timing)


def cancel_deadline(send_at: datetime, timing: SendTimings) -> datetime:
    """Return the deadline for the cancellation of mail that leaves at `send_at`."""
    return send_at - timing.cancel_margin


def recallable_from(status: HeldBatchStatus, now: datetime, timing: SendTimings) -> datetime:
    """Return the time from which a recall includes every lost request, because all have arrived by then.

    `now` if no outcome in the batch is unknown.
    """
    return status.unknown_since + timing.request_ttl if status.unknown and status.unknown_since else now


def in_use(batch: HeldBatch, now: datetime) -> bool:
    """Return True if the batch needs a recall slot of the account: it has not left, and may be recalled."""
    return batch.state in ("open", "cancelling") and batch.send_at > now


def has_room(batch: HeldBatch, filled: int, share: int, now: datetime) -> bool:
    """Return True if more mail may be added to the batch.

    It must be open, have fewer than `share` recipients, and have three quarters of its time left.
    """
    window = batch.send_at - batch.opened_at
    return batch.state == "open" and filled < share and now <= batch.opened_at + window / 4


def newest_open(batches: Sequence[HeldBatch], now: datetime, timing: SendTimings) -> HeldBatch | None:
    """Return the open batch that leaves last; None if none can be recalled in time.

    It takes all further mail of the send if no other batch can be opened.
    """
    open_batches = [
        batch for batch in batches if batch.state == "open" and batch.send_at - timing.recall_margin > now
    ]
    return max(open_batches, key=lambda batch: batch.send_at, default=None)
