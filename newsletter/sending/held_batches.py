"""Open and fill the held batches of a send, and recall each that has an unknown outcome."""

import logging
from collections.abc import Iterator
from datetime import datetime

from newsletter.display import counted
from newsletter.sending import hold_policy, log_fields
from newsletter.sending.events import Event, NotRecalled, Recalled
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import Clock, Ledger, Recallable
from newsletter.sending.model import ChunkState, HeldBatch, HeldBatchStatus, Send
from newsletter.sending.outcomes import Cancelled, NotCancelled, NotSent, Unknown

log = logging.getLogger(__name__)


class HeldBatches:
    """The batches of one send that the provider holds back; `hold_policy` decides on their recall."""

    def __init__(
        self,
        send: Send,
        ledger: Ledger,
        recallable: Recallable | None,
        clock: Clock,
        timing: SendTimings,
        chunk_size: int,
    ) -> None:
        self._send, self._ledger, self._clock, self._timing = send, ledger, clock, timing
        self._recallable = recallable
        self._holds = recallable if hold_policy.leave_time(send, clock.now()) else None
        self._chunk_size = chunk_size
        self._share = max(
            -(-send.recipients // timing.max_held_batches), timing.min_calls_per_batch * chunk_size
        )
        self._filled = 0
        self.current: HeldBatch | None = None
        # Time of the next check for unknown outcomes; the first check is for those of an earlier process.
        self.next_recall_at: datetime | None = clock.now() if recallable else None

    def chunks_left(self) -> int | None:
        """Return the number of chunks that the current batch still takes; None if mail is not held back."""
        return max(-(-(self._share - self._filled) // self._chunk_size), 1) if self._holds else None

    def needs_batch(self) -> bool:
        """Return True if a batch has to be opened before more mail can be submitted."""
        if self._holds is None:
            return False
        return not (
            self.current and hold_policy.has_room(self.current, self._filled, self._share, self._clock.now())
        )

    def ensure_batch(self) -> NotSent | None:
        """Open a batch if one is needed; return NotSent with the reason if that fails, else None."""
        if self._holds is None or not self.needs_batch():
            return None
        batch = self._open(self._holds, self._clock.now())
        if isinstance(batch, NotSent):
            return batch
        self.current, self._filled = batch, 0
        return None

    def add(self, recipients: int) -> None:
        """Add a number of recipients to the size of the current batch."""
        self._filled += recipients

    def mark_unknown(self) -> None:
        """Close the current batch after an unknown outcome, and plan the next check for recalls for now."""
        self.current, self.next_recall_at = None, self._clock.now()

    def recall_unknown(self) -> Iterator[Event]:
        """Recall each batch with an unknown outcome, once all of its lost requests have arrived.

        Yield the events. A recall that has to wait is planned in `next_recall_at`.
        """
        now = self._clock.now()
        if self._recallable is None or self.next_recall_at is None or self.next_recall_at > now:
            return
        self.next_recall_at = None
        for status in self._ledger.held_batches(self._send):
            decision = hold_policy.decide_recall(status, now, self._timing)
            if decision.action == "wait" and decision.at:
                self.next_recall_at = min(decision.at, self.next_recall_at or decision.at)
            elif decision.action == "abandon":
                yield abandon(self._ledger, status, decision.reason, tried=status.batch.state == "cancelling")
            elif decision.action == "recall":
                yield from self._recall(self._recallable, status, now)

    def _open(self, recallable: Recallable, now: datetime) -> HeldBatch | NotSent:
        """Open a batch and return it, or NotSent with the reason if that fails.

        If the account has no free slot, return the send's newest open batch instead.
        """
        in_use, free = self._ledger.held_batches_in_use(now), recallable.free_slots()
        if isinstance(free, NotSent):
            return free
        batches = [status.batch for status in self._ledger.held_batches(self._send)]
        own_in_use = sum(hold_policy.in_use(batch, now) for batch in batches)
        if in_use >= free or own_in_use >= self._timing.max_held_batches:
            more = counted(free, "batch", "batches")
            full = f"the account can recall {more} more; held back already: {in_use}"
            if last := hold_policy.newest_open(batches, now, self._timing):
                log.info(
                    "no slot for another held batch: the newest takes the rest",
                    extra=log_fields.of_batch(last),
                )
                return last
            return NotSent(f"{full}: wait, or send with --now")
        batch_id = recallable.new_batch()
        if isinstance(batch_id, NotSent):
            return batch_id
        send_at = hold_policy.leave_time(self._send, now) or now
        opened = self._ledger.open_held_batch(self._send, batch_id, send_at)
        log.info("held batch opened", extra={**log_fields.of_batch(opened), "leaves_at": send_at})
        return opened

    def _recall(self, recallable: Recallable, status: HeldBatchStatus, now: datetime) -> Iterator[Event]:
        free = recallable.free_slots() if status.batch.state == "open" else None
        if isinstance(free, int) and free < self._ledger.held_batches_in_use(now) + 1:
            yield abandon(self._ledger, status, "the account can recall no more batches", tried=False)
            return
        event = recall_batch(self._ledger, recallable, status, "waiting", self._clock, self._timing)
        if event is None:  # not confirmed: the recall is requested again until its deadline
            self.next_recall_at = now + self._timing.back_off(1)
            return
        if self.current and self.current.number == status.batch.number:
            self.current = None
        yield event


def recall_batch(
    ledger: Ledger,
    recallable: Recallable,
    status: HeldBatchStatus,
    state: ChunkState,
    clock: Clock,
    timing: SendTimings,
    *,
    with_unknown: bool = True,
) -> Event | None:
    """Recall a held batch, and record the recall before and after the call; return the event.

    Return None if the outcome of the recall is unknown. The recipients of a recalled batch change to `state`;
    `with_unknown=False`: unknown recipients stay unknown, because their request may still arrive.
    """
    batch = status.batch
    if batch.state != "cancelling":
        ledger.mark_held_batch(batch, "cancelling")
    recipients = status.accepted + (status.unknown if with_unknown else 0)
    log.info("recall asked", extra={**log_fields.of_batch(batch), "recipients": recipients})
    outcome = recallable.recall(batch.batch_id)
    match outcome:
        case Cancelled() if clock.now() <= hold_policy.cancellable_until(batch, timing):
            ledger.record_recall(status, state, "recalled", with_unknown=with_unknown)
            log.info(
                "recall confirmed",
                extra={**log_fields.of_batch(batch), "recipients": recipients, "state": state},
            )
            return Recalled(recipients, state)
        case Cancelled():
            return abandon(ledger, status, "the recall was confirmed too late", tried=True)
        case NotCancelled(reason):
            # An earlier recall with an unknown outcome may have worked.
            return abandon(ledger, status, reason, tried=batch.state == "cancelling")
        case Unknown(reason):
            log.warning("recall unclear", extra={**log_fields.of_batch(batch), "reason": reason})
            return None


def abandon(ledger: Ledger, status: HeldBatchStatus, reason: str, *, tried: bool) -> NotRecalled:
    """Abandon the recall of a held batch; return the event.

    If a recall was `tried`, the accepted recipients of the batch become unknown.
    """
    if tried:
        ledger.mark_batch_unknown(status.batch, reason)
    else:
        ledger.mark_held_batch(status.batch, "kept")
    recipients = status.accepted + status.unknown
    log.warning(
        "not recalled",
        extra={**log_fields.of_batch(status.batch), "recipients": recipients, "reason": reason},
    )
    return NotRecalled(recipients, reason)
