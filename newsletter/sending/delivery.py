"""The send protocol, over two seams: a `Ledger` and a `Provider`; it knows no concrete one of either.

The recipients of a send are planned into chunks, and each chunk goes to the provider in one call: written
down before, tried once, written down after. Whatever happens in between, what is `waiting` is certainly
unsent and may be tried; what is unknown is never tried again by itself.

    waiting --claim--> intended --+-- Accepted --> accepted --+  called back with its lane: waiting (sent
       |  ^                       +-- Refused ---> refused    |  again) or cancelled (nobody gets it);
       |  |                       +-- Unknown ---> unknown ---+  no clear answer in time: unknown
       |  +-- NotSent, or Refused for many (narrowed down)
       +-- everybody in it has left --> skipped

What stays intended when a process ends is unknown, but for what its journal says. Where the provider holds
mail back, a chunk goes into a lane; a lane with something unknown in it is called back as a whole, in time,
and its people wait again: so the unknown becomes certain. `transitions` says what follows from an outcome,
`held_batches` and `hold_policy` what becomes of lanes, `rate_limiter` how fast it goes, `circuit_breaker`
when it stops by itself.
"""

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from newsletter.config.units import Rate
from newsletter.errors import NewsError
from newsletter.mail.message import Batch, Mailing, Personalizer, Recipient, ScheduledSend
from newsletter.sending import log_fields
from newsletter.sending.call_pool import CallPool, open_pool
from newsletter.sending.circuit_breaker import CircuitBreaker
from newsletter.sending.events import Delivered, Event, Stopped, Waiting
from newsletter.sending.held_batches import HeldBatches
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import Clock, Journal, Ledger, Provider
from newsletter.sending.model import ChunkResult, ClaimedChunk, Send, Transition
from newsletter.sending.outcomes import NOT_BEGUN, NotSent, Outcome, Refused, Unknown
from newsletter.sending.rate_limiter import UNLIMITED, RateLimiter
from newsletter.sending.transitions import back_off, transitions
from newsletter.subscribers.model import Subscriber

log = logging.getLogger(__name__)

PAUSES_BEFORE_OWN_BACKOFF = 3
_RATE_LIMITED = "the rate limit is reached"


@dataclass(frozen=True)
class DeliverySettings:
    """How a send goes: how fast, how many calls at once, and which share of refusals stops it.

    `in_flight` 0 makes each call in the thread that runs the send, which gives no sign of life meanwhile.
    """

    rates: Sequence[Rate] = ()
    stop_when_refused: float | None = 0.05
    in_flight: int = 0
    timing: SendTimings = field(default_factory=SendTimings)


def settle_abandoned(ledger: Ledger, send: Send, now: datetime) -> None:
    """Settles what was under way when an earlier run ended: unknown, where its notes do not say more."""
    for claimed, notes in ledger.abandoned_attempts(send):
        lost = Unknown("the process ended while it was under way")
        by_recipient = {number: outcome or lost for number, outcome in (notes or {}).items()}
        results = _chunk_result(claimed, lost if notes is None else NOT_BEGUN, by_recipient, now)
        ledger.settle([results])
        log.warning("abandoned attempt settled", extra=log_fields.of_result(results))


class Delivery:
    """One run of a send: hands each waiting chunk to the provider until all are done."""

    def __init__(
        self,
        send: Send,
        mailing: Mailing,
        ledger: Ledger,
        provider: Provider,
        secret: str,
        clock: Clock,
        manner: DeliverySettings,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._send, self._ledger, self._provider, self._clock = send, ledger, provider, clock
        self._timing, self._stopped = manner.timing, stopped
        self._mailing = replace(mailing, date=send.started_at)
        self._addresser = Personalizer(self._mailing, secret)
        self._breaker = CircuitBreaker(manner.stop_when_refused, stopped, send.id)
        size = provider.capabilities.recipients_per_call
        self._held_batches = HeldBatches(send, ledger, provider.recallable, clock, manner.timing, size)
        longest = max((rate.period for rate in manner.rates), default=timedelta())
        tried = ledger.attempts_since(clock.now() - longest) if manner.rates else ()
        self._rate_limiter = RateLimiter(manner.rates, tried)
        self._max_calls = manner.in_flight or 1
        self._calls: CallPool[_CallResult] = open_pool(manner.in_flight)
        # Whether each message is answered by itself, and so noted by itself.
        self._per_message = provider.capabilities.recipients_per_call == 1
        self._paused_until: datetime | None = None
        self._waits_for = ""
        self._cancelled = False
        self._exhausted = True  # until somebody is known to be waiting
        self._last_claim_at = self._renewed_at = clock.now()

    def run(self) -> Iterator[Event]:
        """Goes on until all are done, nothing can be done for long, it stops by itself, or is `stopped`."""
        fields = log_fields.of_send(self._send)
        log.info(
            "delivery begun",
            extra={**fields, "provider": self._provider.name, "calls_at_once": self._max_calls},
        )
        try:
            settle_abandoned(self._ledger, self._send, self._clock.now())
            while True:
                yield from self._held_batches.recall_unknown()
                if (yield from self._start_calls()) and not self._calls.in_flight:
                    continue  # everybody in what was claimed has left
                if self._calls.in_flight:
                    yield from self._collect()
                elif self._is_over() or not (yield from self._wait_for_work()):
                    break
            if self._breaker.stop_reason:
                yield self._stop(self._breaker.stop_reason)
            elif self._ledger.renew_lease(self._send, self._timing.lease) == "cancelled":
                yield self._stop("it was called back meanwhile (news cancel)")
            self._ledger.finish(self._send)
        except (NewsError, GeneratorExit) as failure:
            log.warning("delivery broken off", extra=fields, exc_info=failure)
            self._breaker.stop_reason = self._breaker.stop_reason or "the run is over"
            # What is under way comes back, and is written down if that can still be; a second Ctrl-C waits
            # for nothing.
            with suppress(NewsError):
                while self._calls.in_flight and not self._stopped():
                    self._record()
            raise
        finally:
            self._calls.close()
            log.info("delivery ended", extra={**fields, "calls_left": self._calls.in_flight})

    def _stop(self, why: str) -> Stopped:
        log.warning("delivery stopped", extra={**log_fields.of_send(self._send), "reason": why})
        return Stopped(why)

    def _is_over(self) -> bool:
        """Nothing more is to be done; what is in doubt is called back still, where it only goes badly."""
        if self._cancelled or self._stopped():
            return True
        return self._breaker.stop_reason is not None and self._held_batches.next_recall_at is None

    def _start_calls(self) -> Generator[Event, None, bool]:
        """Claims as many chunks as may be under way, and sends them off; says whether there were any."""
        self._last_claim_at = now = self._clock.now()
        if self._paused_until and self._paused_until <= now:
            self._paused_until = None
            self._breaker.resume()
            log.info("pause over", extra=log_fields.of_send(self._send))
        most, room = self._max_calls - self._calls.in_flight, self._rate_limiter.available(now)
        if most <= 0 or room <= 0 or self._breaker.stop or self._paused_until:
            return False
        if (self._exhausted or self._held_batches.needs_batch()) and not self._anyone_due(now):
            return False
        if reason := self._held_batches.ensure_batch():
            self._react_to_batch(reason, now)
            return False
        claims = self._claim(most, room)
        self._exhausted = not claims
        for claimed in claims:
            if not claimed.recipients:
                log.info("chunk skipped: all of its recipients have left", extra=log_fields.of_chunk(claimed))
                yield Delivered(claimed.first, claimed.last, 0, ())
                continue
            self._held_batches.add(len(claimed.recipients))
            self._rate_limiter.record(now, len(claimed.recipients))
            self._calls.submit(partial(self._submit_chunk, claimed))
        return bool(claims)

    def _anyone_due(self, now: datetime) -> bool:
        """Whether it is anybody's turn."""
        at = self._ledger.next_retry_at(self._send)
        return at is not None and at <= now

    def _claim(self, most: int, room: int) -> Sequence[ClaimedChunk]:
        most = min(most, self._held_batches.chunks_left() or most)
        if room == UNLIMITED and self._rate_limiter.limits:
            most = 1  # a chunk larger than the limit goes out, alone
        self._renewed_at = self._clock.now()
        batch, lease = self._held_batches.current, self._timing.lease
        return self._ledger.claim(self._send, most, room, batch, lease, noted=self._per_message)

    def _submit_chunk(self, claimed: ClaimedChunk) -> "_CallResult":
        """One call; in a thread of its own where several are under way."""
        journal = self._ledger.journal(claimed) if self._per_message else None
        submissions = _SubmissionLog(journal, self._may_start, self._breaker.record, claimed)
        scheduled = (
            ScheduledSend(claimed.held_batch.batch_id, claimed.held_batch.send_at)
            if claimed.held_batch
            else None
        )
        try:
            recipients = tuple(map(self._addresser, claimed.recipients))
            self._log_attempt(claimed)  # before the lease is looked at: writing a log may take long
            if not (self._per_message or self._may_start()):
                return _CallResult(claimed, NOT_BEGUN, {})
            outcome = self._provider.submit(Batch(self._mailing, recipients, scheduled), submissions)
            return _CallResult(claimed, outcome, submissions.by_recipient)
        except BaseException as failure:  # the ledger hears of it before it goes on its way
            lost = Unknown(f"the call broke off: {type(failure).__name__}")
            by_recipient = dict.fromkeys(submissions.begun, lost) | submissions.by_recipient
            return _CallResult(claimed, NOT_BEGUN if self._per_message else lost, by_recipient, failure)

    def _log_attempt(self, claimed: ClaimedChunk) -> None:
        if log.isEnabledFor(logging.INFO):
            batch = claimed.held_batch.number if claimed.held_batch else None
            fields = {**log_fields.of_chunk(claimed), "recipients": len(claimed.recipients), "batch": batch}
            log.info("attempt begun", extra=fields)

    def _may_start(self) -> bool:
        """Whether another message may leave: this run has not stood still until another could take over."""
        return not self._breaker.stop and self._clock.now() - self._renewed_at < self._timing.lease

    def _collect(self) -> Iterator[Event]:
        """Takes what has come back, and what it means for what comes next."""
        for back, results in self._record():
            self._react(back)
            claimed, sizes = back.claimed, _sizes(back.claimed, results.transitions)
            yield Delivered(claimed.first, claimed.last, len(claimed.recipients), results.transitions, sizes)
            if back.failure:
                raise back.failure

    def _record(self) -> list[tuple["_CallResult", ChunkResult]]:
        """Writes down what has come back, in one transaction."""
        back = self._calls.completed(self._timing.heartbeat.total_seconds())
        now = self._clock.now()
        if not back:
            self._heartbeat(now)
            return []
        results = [_chunk_result(one.claimed, one.outcome, one.by_recipient, now) for one in back]
        self._ledger.settle(results)
        for one, result in zip(back, results, strict=True):
            _log_result(result, one.failure)
        return list(zip(back, results, strict=True))

    def _react(self, back: "_CallResult") -> None:
        """What a call's outcome means for the calls after it."""
        outcome, recipients, now = back.outcome, len(back.claimed.recipients), self._clock.now()
        if len(back.by_recipient) < recipients:
            self._react_to_batch(outcome, now, recipients)
        if self._breaker.paused and not self._paused_until:
            self._pause(now + back_off(self._breaker.pauses))
        if isinstance(outcome, Unknown) and back.claimed.held_batch:
            self._held_batches.mark_unknown()

    def _react_to_batch(self, outcome: Outcome, now: datetime, recipients: int = 0) -> None:
        # A refusal of many is being narrowed down: it is nobody's yet.
        if isinstance(outcome, Refused) and recipients > 1:
            self._breaker.record_rejection(len(outcome.rejected_indexes), outcome)
        else:
            self._breaker.record(outcome, recipients)
        if isinstance(outcome, NotSent) and outcome.wait:
            # Who says "in a second" time and again means longer.
            again = (
                back_off(self._breaker.pauses)
                if self._breaker.pauses > PAUSES_BEFORE_OWN_BACKOFF
                else timedelta()
            )
            self._pause(now + max(timedelta(seconds=outcome.wait), again))
        elif isinstance(outcome, NotSent) and not recipients:
            self._pause(now + back_off(0))

    def _pause(self, until: datetime) -> None:
        self._paused_until = max(until, self._paused_until or until)
        fields = {"until": self._paused_until, "pauses": self._breaker.pauses}
        log.info("pause", extra=log_fields.of_send(self._send) | fields)

    def _wait_for_work(self) -> Generator[Event, None, bool]:
        """Waits for what can be done next; says whether there is something, and soon enough."""
        now = self._clock.now()
        until, why = self._next_work(now)
        if until is None:
            return False
        # Whoever wants it slow does not want it to end.
        patience = self._timing.max_rate_wait if why == _RATE_LIMITED else self._timing.max_wait
        if until > now + patience:
            yield self._stop(f"{why}; not before {until:%Y-%m-%d %H:%M} UTC")
            return False
        if until > now:
            # A rate limit is waited for time and again: the first of these waits says enough.
            level = logging.DEBUG if why == self._waits_for else logging.INFO
            self._waits_for = why
            fields = {"reason": why, "until": until, "seconds": round((until - now).total_seconds(), 1)}
            log.log(level, "waiting", extra=log_fields.of_send(self._send) | fields)
            yield Waiting(until, why)
        while (now := self._clock.now()) < until and not self._is_over():
            self._heartbeat(now)
            self._clock.wait(min(until, now + self._timing.heartbeat), self._stopped)
        return True

    def _next_work(self, now: datetime) -> tuple[datetime | None, str]:
        """When something can be done, and what it waits for."""
        found: list[tuple[datetime, str]] = []
        if self._held_batches.next_recall_at:
            found.append(
                (self._held_batches.next_recall_at, "what is unknown will be called back and sent again")
            )
        if not self._breaker.stop_reason and (at := self._ledger.next_retry_at(self._send)):
            if self._paused_until:
                found.append((max(at, self._paused_until), "the provider takes nothing for now"))
            elif at > self._last_claim_at:
                found.append((at, "the provider has put some off"))
            elif more := self._rate_limiter.next_available_at(now):
                found.append((more, _RATE_LIMITED))
        return min(found, default=(None, ""))

    def _heartbeat(self, now: datetime) -> None:
        """Gives a sign of life, now and then, and hears whether the send was called back."""
        if now - self._renewed_at >= self._timing.heartbeat:
            self._cancelled = self._ledger.renew_lease(self._send, self._timing.lease) == "cancelled"
            self._renewed_at = now


def deliver_test(mailing: Mailing, to: Subscriber, provider: Provider, secret: str, now: datetime) -> Outcome:
    """One message, marked as a test, to somebody who need not be a subscriber, past the ledger."""
    mailing = replace(mailing.as_test(), date=now)
    submissions = _SubmissionLog(None, lambda: True)
    rest = provider.submit(Batch(mailing, (Personalizer(mailing, secret)(to),)), submissions)
    outcome = submissions.by_recipient.get(to.number, rest)
    log.info("test message ended", extra=log_fields.of_outcome(outcome))
    return outcome


@dataclass(frozen=True)
class _CallResult:
    """What a call came back with."""

    claimed: ClaimedChunk
    outcome: Outcome
    by_recipient: Mapping[int, Outcome]
    failure: BaseException | None = None


class _SubmissionLog:
    """Notes each message of a batch as it begins and ends."""

    def __init__(
        self,
        journal: Journal | None,
        may_start: Callable[[], bool],
        record: Callable[[Outcome], None] = lambda _: None,
        claimed: ClaimedChunk | None = None,
    ) -> None:
        self._journal, self._may_start, self._react = journal, may_start, record
        self._logged = claimed if log.isEnabledFor(logging.DEBUG) else None
        self.begun: set[int] = set()
        self.by_recipient: dict[int, Outcome] = {}

    def starting(self, recipient: Recipient) -> bool:
        if not self._may_start():
            return False
        if self._journal:
            self._journal.starting(recipient.number)
        self.begun.add(recipient.number)
        return True

    def finished(self, recipient: Recipient, outcome: Outcome) -> None:
        self.by_recipient[recipient.number] = outcome
        self._react(outcome)
        if self._journal:
            self._journal.finished(recipient.number, outcome)
        if self._logged:
            fields = {**log_fields.of_chunk(self._logged), "recipient": recipient.number}
            log.debug("message ended", extra=fields | log_fields.of_outcome(outcome))


def _log_result(result: ChunkResult, failure: BaseException | None) -> None:
    """Log how an attempt ended, and into which parts a chunk was split that was refused as a whole."""
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


def _sizes(claimed: ClaimedChunk, transitions: Sequence[Transition]) -> tuple[int, ...]:
    """Return how many of a chunk's recipients each fate concerns: a range has numbers of those who left."""
    numbers = [person.number for person in claimed.recipients]
    return tuple(
        bisect_right(numbers, transition.last) - bisect_left(numbers, transition.first)
        for transition in transitions
    )


def _chunk_result(
    claimed: ClaimedChunk, rest: Outcome, by_recipient: Mapping[int, Outcome], now: datetime
) -> ChunkResult:
    return ChunkResult(claimed, rest, tuple(transitions(claimed, rest, by_recipient, now)))
