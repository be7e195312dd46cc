"""Repeat calls with an unknown outcome at a provider that accepts a call with the same key and bytes once.

unknown --repeated, Accepted--> accepted
   |  ^                              (the provider accepted the first call, or this one: never both)
   +--+-- any other outcome: it says nothing about the first call

The key contains a random number of the send and the numbers of the recipients, so that every process with
the same ledger repeats the same call. A call is not repeated if one of its recipients has left since, if the
provider may have forgotten the key, or if this process has only a copy of the ledger from before the call:
such a copy does not show that the call was refused, and that smaller calls with other keys followed.

The provider forgets a key by its own clock. So a send does not begin, and nothing is repeated, if this clock
and the provider's differ: a wrong date, or a virtual machine whose clock stood still while it was paused.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from newsletter.display import counted
from newsletter.findings import CORRECT_CLOCK
from newsletter.sending import log_fields
from newsletter.sending.events import Confirmed, Event
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import Clock, Ledger, Provider, TellsTime
from newsletter.sending.model import ClaimedChunk, Send
from newsletter.sending.outcomes import Accepted, NotSent, Unknown
from newsletter.sending.submission import CallResult
from newsletter.sending.transitions import chunk_result

log = logging.getLogger(__name__)

MAX_REPEATS = 3
"""The most repetitions of a call by one process; `SendTimings.back_off` has the waits between them."""
MAX_CLOCK_OFFSET = timedelta(hours=1)
"""The largest difference to the provider's clock; the window of a repetition leaves room for hours."""


def clock_difference(ours: datetime, theirs: datetime) -> str:
    """Return how far the clock that news uses is from the provider's, as a sentence; "" if they agree."""
    if abs(ours - theirs) <= MAX_CLOCK_OFFSET:
        return ""
    hours = counted(round(abs(ours - theirs) / timedelta(hours=1)), "hour")
    direction = "ahead of" if ours > theirs else "behind"
    return f"the clock of this machine, or of its PostgreSQL server, is {hours} {direction} the provider's"


class RepeatedCalls:
    """The calls of one send that are repeated, one at a time.

    `submit` makes the call of a chunk again. `may_send` renews the lease, and returns False if the send was
    cancelled.
    """

    def __init__(
        self,
        send: Send,
        ledger: Ledger,
        provider: Provider,
        clock: Clock,
        timing: SendTimings,
        submit: Callable[[ClaimedChunk], CallResult],
        may_send: Callable[[], bool],
    ) -> None:
        self._send, self._ledger, self._clock, self._timing = send, ledger, clock, timing
        self._submit, self._may_send = submit, may_send
        # The time within which a call may be repeated, by the clock of the provider; None if never.
        self._window: timedelta | None = None
        if isinstance(provider, TellsTime) and send.nonce:
            self._provider, self._window = provider, provider.capabilities.repeat_window
        # The reason why this clock cannot be trusted; None if it agrees with the provider's.
        self.wrong_clock: str | None = None
        self._is_timeless = False
        # The number of repetitions of the call for each first recipient, and the time of the next one.
        self._planned: dict[int, tuple[int, datetime]] = {}
        # Time of the next repetition; the first ones are of calls of an earlier process.
        self.next_at: datetime | None = clock.now() if self._window else None

    @property
    def reason(self) -> str:
        """Return the reason to wait for the next repetition."""
        if self._is_timeless:
            return "calls without a response are repeated once the provider tells its time"
        return "calls without a response are repeated; the provider accepts each once"

    def check_clock(self) -> bool:
        """Return True if this clock agrees with the provider's; if they differ, repeat nothing from now on.

        Also return True if nothing is ever repeated, and False if the provider does not tell its time.
        """
        if self._window is None:
            return self.wrong_clock is None
        theirs, ours = self._provider.server_time(), self._clock.now()
        self._is_timeless = theirs is None
        if theirs is None:
            log.warning("the provider does not tell its time", extra=log_fields.of_send(self._send))
            return False
        if difference := clock_difference(ours, theirs):
            self.wrong_clock = f"{difference}; run the command again after this: {CORRECT_CLOCK}"
            self._window = self.next_at = None
            log.warning("wrong clock", extra={**log_fields.of_send(self._send), "reason": self.wrong_clock})
        return self.wrong_clock is None

    def add(self, claimed: ClaimedChunk) -> None:
        """Plan the repetition of a call whose outcome is unknown."""
        if self._window:
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
        repeats = self._planned.get(unknown.first, (0, None))[0] + 1
        if not self.check_clock():
            if self.wrong_clock is None:  # the provider cannot be asked now
                self._plan(unknown, repeats, self._clock.now() + self._timing.back_off(repeats))
            return
        claimed = self._ledger.claim_repetition(self._send, unknown, self._timing.lease)
        if claimed is None:
            return
        log.info("attempt repeated", extra={**log_fields.of_chunk(claimed), "repeat": repeats})
        call = self._submit(claimed)
        outcome, retry_at = call.outcome, self._clock.now() + self._timing.back_off(repeats)
        if isinstance(outcome, Accepted):
            # Whom the answer calls not sent, another call must not reach: the first one may have done so.
            named = {
                number: Unknown(one.reason) if isinstance(one, NotSent) else one
                for number, one in call.by_recipient.items()
            }
            result = chunk_result(claimed, outcome, named, retry_at)
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
