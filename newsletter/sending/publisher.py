"""Publish the ledger before its process acts, so that another machine can continue from the copy.

A copy states at least as much as was done, and states it before it is done. No call begins that cannot end
before the deadline of the copy. What is unknown in a copy is unknown from its deadline on.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from newsletter.config.units import Rate
from newsletter.errors import SaveLost, StoreError
from newsletter.sending import log_fields
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import LedgerSync
from newsletter.sending.model import HeldBatch, NextChunk
from newsletter.sending.publish_credit import PublishCredit

log = logging.getLogger(__name__)


class Publisher:
    """The copies of a ledger that this process publishes: what the last one covers, and until when."""

    def __init__(
        self,
        sync: LedgerSync,
        clock: Callable[[], datetime],
        timing: SendTimings | None = None,
        rates: Sequence[Rate] = (),
    ) -> None:
        self._sync, self._clock, self._timing = sync, clock, timing or SendTimings()
        self.credit = PublishCredit(clock, self._timing, rates)
        # The ranges that are intended in the last copy, unless their outcome is known in it.
        self._published: tuple[NextChunk, ...] = ()
        # Deadline of this process; None until it publishes chunks, before which it begins no call.
        self._deadline: datetime | None = None
        self._lost: SaveLost | None = None
        # True after an error of the last save that was raised: the end of the send raises no second one.
        self._failed = False

    @property
    def inherited_deadline(self) -> datetime | None:
        """Return the deadline of the process that published the copy from which this ledger came."""
        return self._sync.deadline

    def covers(self, chunk: NextChunk) -> bool:
        """Return True if a chunk's recipients are intended in the last copy, in the same held batch."""
        return any(
            (published.send_id, published.held_batch) == (chunk.send_id, chunk.held_batch)
            and published.first <= chunk.first
            and chunk.last <= published.last
            for published in self._published
        )

    def publish(self, chunks: Sequence[NextChunk]) -> None:
        """Publish the ledger, with `chunks` intended; until the new deadline, this process may try them.

        Raise StoreError if that is not certain; then it may try none of them.
        """
        self._save(chunks, self._next_deadline())

    def renew(self, lease: timedelta) -> None:
        """Publish the ledger again, if the deadline would not outlast a lease that is renewed now.

        A remote that gives no reply is an error only if the deadline would not outlast the lease any more.
        """
        if self._deadline is None:
            return
        needed = self._clock() + lease + self._timing.longest_call
        if needed + self._timing.publish_margin <= self._deadline:
            return
        try:
            self._save(self._published, self._next_deadline())
        except SaveLost:
            raise
        except StoreError as failure:
            if needed > self._deadline:
                raise
            self._failed = False
            fields = {"reason": failure.what, "deadline": self._deadline}
            log.warning("deadline not renewed; it is tried again", extra=fields)

    def publish_recall(self, batch: HeldBatch) -> None:
        """Publish the ledger before the recall of a held batch, to which no more mail is added."""
        key = batch.send_id, batch.number
        others = [chunk for chunk in self._published if (chunk.send_id, chunk.held_batch) != key]
        self._save(others, self._pending_inherited() if self._deadline is None else self._next_deadline())
        log.info("recall published", extra=log_fields.of_batch(batch))

    def publish_end(self, *, calls_left: bool) -> None:
        """Publish the ledger at the end of a send; `calls_left`: calls of this process have no outcome yet.

        Publish nothing after a lost save. An error does not hide the one that ended the send.
        """
        deadline = self._deadline if calls_left and self._deadline else self._pending_inherited()
        already_failed, self._deadline = self._failed, None
        if self._lost:
            return
        try:
            self._save((), deadline)
        except StoreError as failure:
            if not already_failed:
                raise
            log.warning("end of the send not published", extra={"reason": failure.what})

    def _next_deadline(self) -> datetime:
        deadline = self._clock() + self._timing.publish_hold
        return max(deadline, self._pending_inherited() or deadline)

    def _pending_inherited(self) -> datetime | None:
        """Return the deadline of the process from whose copy this ledger came, if it is still to come."""
        deadline = self._sync.deadline
        return deadline if deadline and deadline > self._clock() else None

    def _save(self, chunks: Sequence[NextChunk], deadline: datetime | None) -> None:
        if self._lost:
            raise SaveLost(self._lost.what, self._lost.hint, where=self._lost.where)
        # Until it is certain that the new copy was published, the last one may be the earlier one or this.
        self._published = tuple(chunk for chunk in self._published if chunk in chunks)
        try:
            self._sync.save(chunks, deadline)
        except StoreError as failure:
            self._lost = failure if isinstance(failure, SaveLost) else None
            self._failed = True
            raise
        self._published, self._failed = tuple(chunks), False
        if self._deadline or chunks:
            self._deadline = deadline
        log.info("ledger published", extra={"chunks": len(chunks), "deadline": deadline})
