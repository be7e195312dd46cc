"""The send protocol, over the interfaces of a ledger and a provider.

The recipients of a send are planned into chunks. Each chunk is submitted to the provider in one call: the
ledger records the attempt before the call, and its outcome after the call. `waiting` recipients may be tried:
they are certainly unsent, unless a person has assumed it (`news resolve`). `unknown` recipients perhaps have
the mail: their call is repeated only where the provider accepts it once.

    waiting --claim--> intended --+-- Accepted --> accepted --+  recalled with its held batch: waiting
       |  ^                       +-- Refused ---> refused    |  (sent again) or cancelled (nobody gets
       |  |                       +-- Unknown ---> unknown ---+  it); not confirmed in time: unknown
       |  +-- NotSent, or Refused for several (narrowed down)
       +-- all recipients unsubscribed --> skipped

An attempt that is still intended when its process ends is unknown. If the process kept a journal, only the
messages that it notes as begun, without an outcome, are unknown. If the provider holds mail back, a chunk is
added to a held batch. A held batch with an unknown outcome is recalled as a whole before its deadline, and
its recipients become waiting: none of them is unknown then. If the provider accepts a repeated call once,
`repeats` repeats it and settles its outcome. `submission` makes the calls, `transitions` maps an outcome to
new states, `held_batches` and `hold_policy` decide on recalls, `rate_limiter` on speed, and `circuit_breaker`
on pauses and stops.
"""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from newsletter.config.units import Rate
from newsletter.errors import NewsError
from newsletter.mail.message import Mailing
from newsletter.sending import log_fields
from newsletter.sending.abandoned import settle_abandoned
from newsletter.sending.call_pool import CallPool, open_pool
from newsletter.sending.circuit_breaker import CircuitBreaker
from newsletter.sending.events import Confirmed, Delivered, Event, Stopped, Waiting
from newsletter.sending.held_batches import HeldBatches
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import Clock, Ledger, Provider
from newsletter.sending.model import ChunkResult, ClaimedChunk, Send
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown
from newsletter.sending.rate_limiter import UNLIMITED, RateLimiter
from newsletter.sending.repeats import RepeatedCalls
from newsletter.sending.submission import CallResult, Submitter
from newsletter.sending.transitions import chunk_result

log = logging.getLogger(__name__)

# After more than this many pauses in a row, a pause lasts at least our own back-off, even if the provider's
# Retry-After is shorter.
PAUSES_BEFORE_OWN_BACKOFF = 3


@dataclass(frozen=True)
class DeliverySettings:
    """The settings of a delivery."""

    rates: Sequence[Rate] = ()
    # A larger share of refused recipients stops the delivery; None for no limit.
    stop_when_refused: float | None = 0.05
    # Number of calls at once. 0: the thread of the delivery makes each call, and renews no lease meanwhile.
    max_calls: int = 0
    timing: SendTimings = field(default_factory=SendTimings)


class _Work(NamedTuple):
    """The next work of a delivery: its time, the reason to wait for it, and the longest wait."""

    until: datetime
    reason: str
    max_wait: timedelta


class Delivery:
    """Deliver a send: claim its waiting chunks, submit each, and record the outcome."""

    def __init__(
        self,
        send: Send,
        mailing: Mailing,
        ledger: Ledger,
        provider: Provider,
        secret: str,
        clock: Clock,
        settings: DeliverySettings,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._send, self._ledger, self._provider, self._clock = send, ledger, provider, clock
        self._timing, self._stopped = settings.timing, stopped
        accepted = ledger.counts(send).accepted
        self._breaker = CircuitBreaker(settings.stop_when_refused, stopped, send.id, accepted=accepted)
        self._submitter = Submitter(send, mailing, ledger, provider, secret, self._breaker, self._may_start)
        size = provider.capabilities.recipients_per_call
        self._held_batches = HeldBatches(send, ledger, provider.recallable, clock, settings.timing, size)
        self._repeats = RepeatedCalls(
            send, ledger, provider, clock, settings.timing, self._submitter.repeat, self._renew_lease
        )
        longest = max((rate.period for rate in settings.rates), default=timedelta())
        tried = ledger.attempts_since(clock.now() - longest) if settings.rates else ()
        self._rate_limiter = RateLimiter(settings.rates, tried)
        self._max_calls = settings.max_calls or 1
        self._calls: CallPool[CallResult] = open_pool(settings.max_calls)
        self._paused_until: datetime | None = None
        self._waits_for = ""
        self._cancelled = False
        self._must_check_due = True  # check that a recipient is due before the next claim
        self._last_claim_at = self._renewed_at = clock.now()

    def run(self) -> Iterator[Event]:
        """Deliver to the waiting recipients; yield the events.

        The delivery ends if no recipient is waiting, the next wait is too long, the circuit breaker stops
        the send, the send is cancelled, or `stopped` returns True.
        """
        fields = log_fields.of_send(self._send)
        log.info(
            "delivery begun",
            extra={**fields, "provider": self._provider.name, "calls_at_once": self._max_calls},
        )
        try:
            settle_abandoned(self._ledger, self._send, self._clock.now(), self._timing)
            self._check_clock()
            while True:
                yield from self._held_batches.recall_unknown()
                yield from self._repeat_unknown()
                if (yield from self._start_calls()) and not self._calls.in_flight:
                    continue  # all recipients of the claimed chunks unsubscribed
                if self._calls.in_flight:
                    yield from self._collect()
                elif self._is_over() or not (yield from self._wait_for_work()):
                    break
            if self._breaker.stop_reason:
                yield self._stop(self._breaker.stop_reason)
            elif self._was_cancelled() and not self._ledger.counts(self._send).complete:
                yield self._stop("the send was cancelled meanwhile (news cancel)")
            self._ledger.finish(self._send)
        except (NewsError, GeneratorExit) as failure:
            log.warning("delivery broken off", extra=fields, exc_info=failure)
            self._breaker.stop_reason = self._breaker.stop_reason or "the delivery ended"
            # The outcomes of calls in flight are recorded if the ledger can be written. A second Ctrl-C does
            # not wait for them.
            with suppress(NewsError):
                while self._calls.in_flight and not self._stopped():
                    self._record()
            raise
        finally:
            self._calls.close()
            log.info("delivery ended", extra={**fields, "calls_left": self._calls.in_flight})

    def _was_cancelled(self) -> bool:
        return self._ledger.renew_lease(self._send, self._timing.lease) == "cancelled"

    def _stop(self, reason: str) -> Stopped:
        log.warning("delivery stopped", extra={**log_fields.of_send(self._send), "reason": reason})
        return Stopped(reason)

    def _is_over(self) -> bool:
        """Return True if the delivery has to end.

        After a stop of the breaker, planned recalls and repetitions come first.
        """
        if self._cancelled or self._stopped():
            return True
        is_settling = self._held_batches.next_recall_at or self._repeats.next_at
        return self._breaker.stop_reason is not None and is_settling is None

    def _start_calls(self) -> Generator[Event, None, bool]:
        """Claim due chunks, and start a call for each; return False if no chunk was claimed."""
        self._last_claim_at = now = self._clock.now()
        if self._paused_until and self._paused_until <= now:
            self._paused_until = None
            self._breaker.resume()
            log.info("pause over", extra=log_fields.of_send(self._send))
        max_chunks = self._max_calls - self._calls.in_flight
        max_recipients = self._rate_limiter.available(now)
        if max_chunks <= 0 or max_recipients <= 0 or self._breaker.stop or self._paused_until:
            return False
        if (self._must_check_due or self._held_batches.needs_batch()) and not self._anyone_due(now):
            return False
        if reason := self._held_batches.ensure_batch():
            self._react_to_batch(reason, now)
            return False
        claims = self._claim(max_chunks, max_recipients)
        self._must_check_due = not claims
        for claimed in claims:
            if not claimed.recipients:
                log.info("chunk skipped: all of its recipients have left", extra=log_fields.of_chunk(claimed))
                yield Delivered(claimed.first, claimed.last, 0, ())
                continue
            self._held_batches.add(len(claimed.recipients))
            self._rate_limiter.record(now, len(claimed.recipients))
            self._calls.submit(partial(self._submitter.submit, claimed))
        return bool(claims)

    def _anyone_due(self, now: datetime) -> bool:
        """Return True if a waiting recipient may be tried now."""
        retry_at = self._ledger.next_retry_at(self._send)
        return retry_at is not None and retry_at <= now

    def _claim(self, max_chunks: int, max_recipients: int) -> Sequence[ClaimedChunk]:
        lookahead = self._held_batches.chunks_left() or self._max_calls
        max_chunks = min(max_chunks, self._held_batches.chunks_left() or max_chunks)
        if max_recipients == UNLIMITED and self._rate_limiter.limits:
            max_chunks = 1  # a chunk that exceeds the rate is submitted alone
        now, batch, lease = self._clock.now(), self._held_batches.current, self._timing.lease
        claims = self._ledger.claim(
            self._send,
            max_chunks,
            max_recipients,
            batch,
            lease,
            with_journal=self._submitter.per_message,
            lookahead=lookahead,
        )
        # Not before: a claim that is published may take long and fail, while calls in flight go on.
        self._renewed_at = now
        return claims

    def _repeat_unknown(self) -> Iterator[Event]:
        """Repeat a call with an unknown outcome, if one is due and nobody has stopped the send."""
        if not (self._cancelled or self._stopped()):
            for event in self._repeats.repeat_due():
                if isinstance(event, Confirmed):
                    self._breaker.record(Accepted(), event.recipients)
                yield event
            self._breaker.stop_reason = self._breaker.stop_reason or self._repeats.wrong_clock

    def _check_clock(self) -> None:
        """Stop a delivery that would record its calls with a wrong time: they would be repeated too late."""
        self._repeats.check_clock()
        self._breaker.stop_reason = self._breaker.stop_reason or self._repeats.wrong_clock

    def _may_start(self) -> bool:
        """Return True if another message may start: the lease is valid and nothing has stopped the send."""
        return not self._breaker.stop and self._clock.now() - self._renewed_at < self._timing.lease

    def _collect(self) -> Iterator[Event]:
        """Record the calls that have ended, and react to their outcomes; yield an event for each."""
        for call, result in self._record():
            self._react(call)
            claimed, size = call.claimed, len(call.claimed.recipients)
            yield Delivered(claimed.first, claimed.last, size, result.transitions, result.sizes)
            if call.failure:
                raise call.failure

    def _record(self) -> list[tuple[CallResult, ChunkResult]]:
        """Record the calls that have ended, in one transaction; return each call with its result.

        Wait for the first call, at most one heartbeat; if none ends in this time, renew the lease.
        """
        calls = self._calls.completed(self._timing.heartbeat.total_seconds())
        now = self._clock.now()
        if not calls:
            self._heartbeat(now)
            return []
        results = [
            chunk_result(
                call.claimed, call.outcome, call.by_recipient, now + self._timing.back_off(call.claimed.tries)
            )
            for call in calls
        ]
        self._ledger.settle(results)
        for call, result in zip(calls, results, strict=True):
            _log_result(result, call.failure)
        return list(zip(calls, results, strict=True))

    def _react(self, call: CallResult) -> None:
        """Count a call's outcome: pause or stop later calls, or plan a recall, if necessary."""
        outcome, recipients, now = call.outcome, len(call.claimed.recipients), self._clock.now()
        if len(call.by_recipient) < recipients:
            self._react_to_batch(outcome, now, recipients - len(call.by_recipient))
        if self._breaker.paused and not self._paused_until:
            self._pause(now + self._timing.back_off(self._breaker.pauses))
        if isinstance(outcome, Unknown):
            if call.claimed.held_batch:
                self._held_batches.mark_unknown()
            else:
                self._repeats.add(call.claimed)

    def _react_to_batch(self, outcome: Outcome, now: datetime, recipients: int = 0) -> None:
        # A refusal of several recipients is narrowed down first, to the single one whom it is about.
        if isinstance(outcome, Refused) and not self._submitter.per_message:
            rejected = len(outcome.rejected_indexes) if recipients > 1 else 1
            self._breaker.record_rejection(rejected, outcome)
        else:
            self._breaker.record(outcome, recipients)
        if isinstance(outcome, NotSent) and outcome.wait:
            own_back_off = (
                self._timing.back_off(self._breaker.pauses)
                if self._breaker.pauses > PAUSES_BEFORE_OWN_BACKOFF
                else timedelta()
            )
            self._pause(now + max(outcome.pause, own_back_off))
        elif isinstance(outcome, NotSent) and not recipients:
            self._pause(now + self._timing.back_off(0))

    def _pause(self, until: datetime) -> None:
        self._paused_until = max(until, self._paused_until or until)
        fields = {"until": self._paused_until, "pauses": self._breaker.pauses}
        log.info("pause", extra=log_fields.of_send(self._send) | fields)

    def _wait_for_work(self) -> Generator[Event, None, bool]:
        """Wait for the next work; return False if there is none, or if the wait would be too long."""
        now = self._clock.now()
        work = self._next_work(now)
        if work is None:
            return False
        until, reason, max_wait = work
        if until > now + max_wait:
            yield self._stop(f"{reason}; not before {until:%Y-%m-%d %H:%M} UTC")
            return False
        if until > now:
            # A rate limit causes many waits in a row: only the first is logged at the level INFO.
            level = logging.DEBUG if reason == self._waits_for else logging.INFO
            self._waits_for = reason
            fields = {"reason": reason, "until": until, "seconds": round((until - now).total_seconds(), 1)}
            log.log(level, "waiting", extra=log_fields.of_send(self._send) | fields)
            yield Waiting(until, reason)
        while (now := self._clock.now()) < until and not self._is_over():
            self._heartbeat(now)
            self._clock.wait(min(until, now + self._timing.heartbeat), self._stopped)
        return True

    def _next_work(self, now: datetime) -> "_Work | None":
        """Return the next work; None if no work is left."""
        work: list[_Work] = []
        max_wait = self._timing.max_wait
        if recall_at := self._held_batches.next_recall_at:
            reason = "held mail with unknown outcomes will be recalled and sent again"
            work.append(_Work(recall_at, reason, max_wait))
        if repeat_at := self._repeats.next_at:
            reason = self._repeats.reason
            work.append(_Work(repeat_at, reason, max_wait))
        if not self._breaker.stop_reason and (retry_at := self._ledger.next_retry_at(self._send)):
            if self._paused_until:
                at = max(retry_at, self._paused_until)
                work.append(_Work(at, "the provider accepts no mail for now", max_wait))
            elif retry_at > self._last_claim_at:
                work.append(_Work(retry_at, "the provider deferred some recipients", max_wait))
            elif available_at := self._rate_limiter.next_available_at(now):
                # A configured rate is a person's choice: it may wait longer than a provider's back-off.
                max_rate_wait = self._timing.max_rate_wait
                work.append(_Work(available_at, "the rate limit is reached", max_rate_wait))
        return min(work, default=None)

    def _heartbeat(self, now: datetime) -> None:
        """Renew the lease when the heartbeat is due, and record whether the send was cancelled."""
        if now - self._renewed_at >= self._timing.heartbeat:
            self._renew_lease()

    def _renew_lease(self) -> bool:
        """Renew the lease; return False if the send was cancelled."""
        now = self._clock.now()
        self._cancelled = self._ledger.renew_lease(self._send, self._timing.lease) == "cancelled"
        self._renewed_at = now
        return not self._cancelled


def _log_result(result: ChunkResult, failure: BaseException | None) -> None:
    """Log the result of an attempt, and the parts of a chunk that was split after a refusal."""
    accepted = all(transition.state == "accepted" for transition in result.transitions)
    level = logging.INFO if accepted else logging.WARNING
    if not log.isEnabledFor(level):
        return
    fields = log_fields.of_result(result)
    log.log(level, "attempt ended", extra=fields, exc_info=failure)
    if isinstance(result.outcome, Refused) and len(result.transitions) > 1:
        parts = " ".join(
            f"{transition.first}-{transition.last}:{transition.state}" for transition in result.transitions
        )
        log.info("chunk split", extra={**log_fields.of_chunk(result.claimed), "parts": parts})
