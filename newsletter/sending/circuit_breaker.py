"""When to stop a send that goes badly: kept by all its calls together."""

import logging
import threading
from collections.abc import Callable

from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused

log = logging.getLogger(__name__)

# So many answers in a row of which none is an acceptance are no bad luck.
MAX_CONSECUTIVE_FAILURES = 5
# A share of so few says nothing.
MIN_REFUSALS = 5


class CircuitBreaker:
    """Counts answers, and says when no more is to be begun, and why; used by several threads at once."""

    def __init__(self, share: float | None, asked: Callable[[], bool], send_id: int | None = None) -> None:
        """`share` of the answers may be refusals; `asked` says whether somebody wants it to end."""
        self._send_id = send_id
        self._share = share
        self._asked = asked
        self._lock = threading.Lock()
        self._bad = self._put_off = 0
        self.pauses = 0
        self._answers = self._refusals = 0
        self.stop_reason: str | None = None
        self.paused = False

    @property
    def stop(self) -> bool:
        """Nothing more is to be begun now."""
        return self.stop_reason is not None or self.paused or self._asked()

    def record(self, outcome: Outcome, recipients: int = 1) -> None:
        """Counts an answer about so many recipients."""
        with self._lock:
            match outcome:
                case Accepted():
                    self._bad = self._put_off = self.pauses = 0
                    self._answers += recipients
                case NotSent(reason, stop, wait):
                    self._put_off += wait is None
                    self._put_off_again(reason)
                    if stop:
                        self._end(reason)
                case Refused(reason):
                    self._count_failure(reason)
                    self._answers += recipients
                    self._refusals += recipients
                    self._check_refusals(reason)
                case _:
                    self._count_failure(outcome.reason)

    def record_rejection(self, rejected_indexes: int, refused: Refused) -> None:
        """Counts a refusal of many: of those whose fault it is, or, where that is not said, of nobody yet."""
        if not rejected_indexes:
            self.record(refused, 0)
            return
        with self._lock:  # the provider is well, and the others are tried again
            self._answers += rejected_indexes
            self._refusals += rejected_indexes
            self._check_refusals(refused.reason)

    def resume(self) -> None:
        """A pause is over."""
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
        self._bad += 1
        if self._bad >= MAX_CONSECUTIVE_FAILURES:
            self._end(f"{MAX_CONSECUTIVE_FAILURES} calls in a row went wrong, the last with: {reason}")

    def _check_refusals(self, reason: str) -> None:
        if self._share is None or self._refusals < MIN_REFUSALS:
            return
        if self._refusals > self._share * self._answers:
            share = f"{self._refusals:,} of {self._answers:,} recipients were refused"
            self._end(f"{share}, more than {self._share:.0%}, the last with: {reason}")
