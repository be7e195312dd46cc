"""Repeat calls with an unknown outcome at a provider that accepts a call with the same key and bytes once.

unknown --repeated, Accepted--> accepted
   |  ^                              (the provider accepted the first call, or this one: never both)
   +--+-- any other outcome: it says nothing about the first call

The key contains a random number of the send and the numbers of the recipients, so that every process with
the same ledger repeats the same call. A call is not repeated if one of its recipients has left since, if the
provider may have forgotten the key, or if only a copy of the ledger is at hand, published before the call:
the recipients of a call that was refused are sent to in smaller ones, with other keys.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from newsletter.sending import log_fields
from newsletter.sending.events import Confirmed, Event
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import Clock, Ledger
from newsletter.sending.model import ClaimedChunk, Send
from newsletter.sending.outcomes import Accepted, NotSent, Unknown
from newsletter.sending.submission import CallResult
from newsletter.sending.transitions import chunk_result

log = logging.getLogger(__name__)

MAX_REPEATS = 3
"""A process repeats a call at most so often, after 5, 20 and 80 seconds."""


class RepeatedCalls:
    """The calls of one send that are repeated, one at a time.

    `window` is the time within which a call may be repeated, None if never. `submit` makes the call of a
    chunk again. `may_send` renews the lease, and returns False if the send was cancelled.
    """

    def __init__(
        self,
        send: Send,
        ledger: Ledger,
        clock: Clock,
        timing: SendTimings,
        window: timedelta | None,
        submit: Callable[[ClaimedChunk], CallResult],
        may_send: Callable[[], bool],
    ) -> None:
        self._send, self._ledger, self._clock, self._timing = send, ledger, clock, timing
        self._window, self._submit, self._may_send = window, submit, may_send
        # The number of repetitions of the call for each first recipient, and the time of the next one.
        self._planned: dict[int, tuple[int, datetime]] = {}
        # Time of the next repetition; the first ones are of calls of an earlier process.
        self.next_at: datetime | None = clock.now() if window and send.nonce else None

    def add(self, claimed: ClaimedChunk) -> None:
        """Plan the repetition of a call whose outcome is unknown."""
        if self._window and self._send.nonce:
            self._plan(claimed, 0, self._clock.now() + self._timing.back_off(0))

    def repeat_due(self) -> Iterator[Event]:
        """Repeat the first call that is due; yield an event if the provider confirms it."""
        now = self._clock.now()
        if self._window is None or self.next_at is None or self.next_at > now:
            return
        self.next_at = None
        if not self._may_send():
            return
        due = None
        for claimed in self._ledger.repeatable_attempts(self._send, now - self._window):
            repeats, at = self._planned.get(claimed.first, (0, now))
            if repeats >= MAX_REPEATS:
                continue
            if at <= now and due is None:
                due = claimed
            else:
                self.next_at = min(at, self.next_at or at)
        if due:
            yield from self._repeat(due)

    def _repeat(self, unknown: ClaimedChunk) -> Iterator[Event]:
        claimed = self._ledger.claim_repetition(self._send, unknown, self._timing.lease)
        if claimed is None:
            return
        repeats = self._planned.get(claimed.first, (0, None))[0] + 1
        log.info("attempt repeated", extra={**log_fields.of_chunk(claimed), "repeat": repeats})
        call = self._submit(claimed)
        outcome, retry_at = call.outcome, self._clock.now() + self._timing.back_off(repeats)
        if isinstance(outcome, Accepted):
            result = chunk_result(claimed, outcome, call.by_recipient, retry_at)
            self._ledger.settle([result])
            log.info("unknown outcome settled", extra=log_fields.of_result(result))
            yield Confirmed(result.by_state()["accepted"])
            return
        # A rejection of this call says nothing about the first one, which the provider may have accepted.
        self._ledger.settle([chunk_result(claimed, Unknown(outcome.reason), {}, retry_at)])
        fields = {**log_fields.of_chunk(claimed), **log_fields.of_outcome(outcome)}
        log.warning("repetition without an answer for the first call", extra=fields)
        wait = outcome.pause if isinstance(outcome, NotSent) else timedelta()
        self._plan(claimed, repeats, max(retry_at, self._clock.now() + wait))

    def _plan(self, claimed: ClaimedChunk, repeats: int, at: datetime) -> None:
        self._planned[claimed.first] = repeats, at
        if repeats < MAX_REPEATS:
            self.next_at = min(at, self.next_at or at)
