"""The circuit breaker of a delivery: it pauses or stops a send after too many failures or refusals."""

import logging
import threading
from collections.abc import Callable

from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused

log = logging.getLogger(__name__)

# Without an acceptance between them, this many refused or unknown outcomes stop the send, and this many
# outcomes that were put off pause it.
MAX_CONSECUTIVE_FAILURES = 5
# This many refusals of a batch that name no recipient stop the send. One bad address in each of a few batches
# is usual, and all batches are tried once before the first one is narrowed down.
MAX_CONSECUTIVE_REJECTIONS = 25
# Fewer refused recipients than this never stop the send: their share is not significant.
MIN_REFUSALS = 5


class CircuitBreaker:
    """Count outcomes, and pause or stop a send by their number; several threads may use it at once."""

    def __init__(
        self,
        max_refused: float | None,
        stopped: Callable[[], bool],
        send_id: int | None = None,
        *,
        accepted: int = 0,
    ) -> None:
        """Allow `max_refused` as the share of refused recipients, None for any; also stop with `stopped`.

        `accepted` is the number of recipients whom an earlier process of the send has reached.
        """
        self._send_id = send_id
        self._max_refused = max_refused
        self._stopped = stopped
        self._lock = threading.Lock()
        self._failures = self._rejections = self._put_off = 0
        self.pauses = 0
        self._outcomes, self._refusals = accepted, 0
        self.stop_reason: str | None = None
        self.paused = False

    @property
    def stop(self) -> bool:
        """Return True if no further call or message may start."""
        return self.stop_reason is not None or self.paused or self._stopped()

    def record(self, outcome: Outcome, recipients: int = 1) -> None:
        """Count an outcome of `recipients` recipients; pause or stop the send if necessary."""
        with self._lock:
            match outcome:
                case Accepted():
                    self._failures = self._rejections = self._put_off = self.pauses = 0
                    self._outcomes += recipients
                case NotSent(reason, stop, wait):
                    self._put_off += wait is None
                    self._put_off_again(reason)
                    if stop:
                        self._end(reason)
                case Refused(reason):
                    self._count_failure(reason)
                    self._outcomes += recipients
                    self._refusals += recipients
                    self._check_refusals(reason)
                case _:
                    self._count_failure(outcome.reason)

    def record_rejection(self, rejected: int, refused: Refused) -> None:
        """Count the refusal of a batch for its `rejected` recipients; 0 if the provider named none.

        It is no failed call: the provider works, and the other recipients are tried again. If none is named,
        the batch is narrowed down, and the refusals of single recipients count.
        """
        with self._lock:
            self._rejections += not rejected
            if self._rejections >= MAX_CONSECUTIVE_REJECTIONS:
                batches = f"{MAX_CONSECUTIVE_REJECTIONS} batches in a row were refused"
                self._end(f"{batches}, the last with: {refused.reason}")
            self._outcomes += rejected
            self._refusals += rejected
            self._check_refusals(refused.reason)

    def record_named(self, outcome: Outcome) -> None:
        """Count the outcome of one recipient whom the answer to a batch names.

        A refusal is no failed call: the provider works, and accepted the others.
        """
        if isinstance(outcome, Refused):
            self.record_rejection(1, outcome)
        else:
            self.record(outcome)

    def resume(self) -> None:
        """End a pause, and count it."""
        with self._lock:
            self._put_off, self.paused = 0, False
            self.pauses += 1

    def _put_off_again(self, reason: str) -> None:
        if self._put_off >= MAX_CONSECUTIVE_FAILURES and not self.paused:
            self.paused = True
            log.info("circuit breaker: pause", extra={"send": self._send_id, "reason": reason})

    def _end(self, reason: str) -> None:
        if self.stop_reason is None:
            self.stop_reason = reason
            log.warning("circuit breaker: stop", extra={"send": self._send_id, "reason": reason})

    def _count_failure(self, reason: str) -> None:
        self._failures += 1
        if self._failures >= MAX_CONSECUTIVE_FAILURES:
            self._end(f"{MAX_CONSECUTIVE_FAILURES} calls in a row failed, the last with: {reason}")

    def _check_refusals(self, reason: str) -> None:
        if self._max_refused is None or self._refusals < MIN_REFUSALS:
            return
        if self._refusals > self._max_refused * self._outcomes:
            share = f"{self._refusals:,} of {self._outcomes:,} recipients were refused"
            self._end(f"{share}, more than {self._max_refused:.0%}, the last with: {reason}")
