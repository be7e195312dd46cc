"""A ledger that is published before its process acts; `publisher` knows when, and what a copy covers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from newsletter.sending.model import ClaimedChunk, Counts, HeldBatch, HeldBatchState, NextChunk, Send
from newsletter.sending.publisher import Publisher

if TYPE_CHECKING:

    class _Ledger:
        """The methods of the ledger that comes after `SyncedLedger` among the bases of a class."""

        def renew_lease(self, send: Send, lease: timedelta) -> str: ...
        def release_lease(self, send: Send, *, hand_over: bool = False) -> None: ...
        def claim(
            self,
            send: Send,
            max_chunks: int,
            max_recipients: int,
            held_batch: HeldBatch | None,
            lease: timedelta,
            *,
            with_journal: bool,
            lookahead: int = 1,
        ) -> list[ClaimedChunk]: ...
        def next_chunks(self, send: Send, max_chunks: int) -> list[NextChunk]: ...
        def mark_held_batch(self, batch: HeldBatch, state: HeldBatchState) -> None: ...
        def counts(self, send: Send) -> Counts: ...
else:
    _Ledger = object


class SyncedLedger(_Ledger):
    """The part of a ledger that publishes it; the ledger itself is the next base: `(SyncedLedger, Ledger)`.

    The ledger of this machine stays as exact as without it. Only the copy counts chunks as intended that are
    not claimed yet.
    """

    publisher: Publisher

    @property
    def abandoned_until(self) -> datetime | None:
        """Return the deadline of the process from whose copy this ledger came."""
        return self.publisher.inherited_deadline

    def renew_lease(self, send: Send, lease: timedelta) -> str:
        """Renew the lease; publish the ledger if its deadline would not outlast the lease."""
        state = super().renew_lease(send, lease)
        self.publisher.renew(lease)
        return state

    def claim(
        self,
        send: Send,
        max_chunks: int,
        max_recipients: int,
        held_batch: HeldBatch | None,
        lease: timedelta,
        *,
        with_journal: bool,
        lookahead: int = 1,
    ) -> list[ClaimedChunk]:
        """Claim chunks that are published; publish the next ones first, if the next one is not.

        `lookahead` chunks are published together, or more if mail is not held back.
        """
        claimed: list[ClaimedChunk] = []
        # Meanwhile a chunk that was put off may have become due: it is published in a second round.
        for _ in range(2):
            if self._has_unpublished(send, held_batch):
                if super().renew_lease(send, lease) != "open":
                    break
                self.publisher.publish(self._choose(send, held_batch, lookahead))
            else:
                self.publisher.renew(lease)
            claimed = super().claim(
                send, max_chunks, max_recipients, held_batch, lease, with_journal=with_journal
            )
            if claimed:
                break
        return claimed

    def is_published(self, chunk: NextChunk) -> bool:
        """Return True if a chunk may be claimed: it is intended in the last copy."""
        return self.publisher.covers(chunk)

    def mark_held_batch(self, batch: HeldBatch, state: HeldBatchState) -> None:
        """Record the state of a held batch; publish a recall before it is requested.

        Otherwise the copy would call its recipients accepted, although nobody gets the mail.
        """
        super().mark_held_batch(batch, state)
        if state == "cancelling":
            self.publisher.publish_recall(batch)

    def release_lease(self, send: Send, *, hand_over: bool = False) -> None:
        """Release the lease, and publish the ledger."""
        super().release_lease(send, hand_over=hand_over)
        self.publisher.publish_end(calls_left=self.counts(send).in_flight > 0)

    def _has_unpublished(self, send: Send, held_batch: HeldBatch | None) -> bool:
        return not all(map(self.is_published, _into(held_batch, self.next_chunks(send, 1))))

    def _choose(self, send: Send, held_batch: HeldBatch | None, lookahead: int) -> Sequence[NextChunk]:
        if held_batch:
            return _into(held_batch, self.next_chunks(send, lookahead))
        credit = self.publisher.credit
        credit.record()
        return credit.choose(self.next_chunks(send, max(lookahead, credit.recipients)), lookahead)


def _into(held_batch: HeldBatch | None, chunks: Sequence[NextChunk]) -> list[NextChunk]:
    """Return chunks as those whose mail is added to a held batch, if any."""
    number = held_batch.number if held_batch else None
    return [replace(chunk, held_batch=number) for chunk in chunks]
