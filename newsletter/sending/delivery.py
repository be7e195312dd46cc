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

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from newsletter.config.units import Rate
from newsletter.errors import NewsError
from newsletter.mail.message import Addresser, Batch, Hold, Mailing, Recipient
from newsletter.sending.call_pool import Flights, flights
from newsletter.sending.circuit_breaker import Doubts
from newsletter.sending.events import Delivered, Event, Stopped, Waiting
from newsletter.sending.held_batches import Staging
from newsletter.sending.hold_policy import Timing
from newsletter.sending.interfaces import Clock, Journal, Ledger, Provider
from newsletter.sending.model import Claimed, Landed, Send
from newsletter.sending.outcomes import NOT_BEGUN, NotSent, Outcome, Refused, Unknown
from newsletter.sending.rate_limiter import UNLIMITED, Pace
from newsletter.sending.transitions import back_off, fates
from newsletter.subscribers.model import Subscriber

_TAKEN_AT_ITS_WORD = 3
_PACE = "the rate limit is reached"


@dataclass(frozen=True)
class Manner:
    """How a send goes: how fast, how many calls at once, and which share of refusals stops it.

    `in_flight` 0 makes each call in the thread that runs the send, which gives no sign of life meanwhile.
    """

    rates: Sequence[Rate] = ()
    stop_when_refused: float | None = 0.05
    in_flight: int = 0
    timing: Timing = field(default_factory=Timing)


def drift(ledger: Ledger, send: Send, now: datetime) -> None:
    """Settles what was under way when an earlier run ended: unknown, where its notes do not say more."""
    for claimed, notes in ledger.adrift(send):
        lost = Unknown("the process ended while it was under way")
        own = {number: outcome or lost for number, outcome in (notes or {}).items()}
        ledger.settle([_landed(claimed, lost if notes is None else NOT_BEGUN, own, now)])


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
        manner: Manner,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._send, self._ledger, self._provider, self._clock = send, ledger, provider, clock
        self._timing, self._stopped = manner.timing, stopped
        self._mailing = replace(mailing, date=send.started_at)
        self._addresser = Addresser(self._mailing, secret)
        self._doubts = Doubts(manner.stop_when_refused, stopped)
        size = provider.capabilities.recipients_per_call
        self._staging = Staging(send, ledger, provider.holding, clock, manner.timing, size)
        longest = max((rate.period for rate in manner.rates), default=timedelta())
        tried = ledger.tried_since(clock.now() - longest) if manner.rates else ()
        self._pace = Pace(manner.rates, tried)
        self._most = manner.in_flight or 1
        self._flights: Flights[_Return] = flights(manner.in_flight)
        # Whether each message is answered by itself, and so noted by itself.
        self._one_by_one = provider.capabilities.recipients_per_call == 1
        self._paused_until: datetime | None = None
        self._called_back = False
        self._exhausted = True  # until somebody is known to be waiting
        self._looked_at = self._renewed_at = clock.now()

    def run(self) -> Iterator[Event]:
        """Goes on until all are done, nothing can be done for long, it stops by itself, or is `stopped`."""
        try:
            drift(self._ledger, self._send, self._clock.now())
            while True:
                yield from self._staging.mend()
                if (yield from self._launch()) and not self._flights.aloft:
                    continue  # everybody in what was claimed has left
                if self._flights.aloft:
                    yield from self._land()
                elif self._ends() or not (yield from self._rest()):
                    break
            if self._doubts.ended:
                yield Stopped(self._doubts.ended)
            elif self._ledger.renew(self._send, self._timing.lease) == "cancelled":
                yield Stopped("it was called back meanwhile (news cancel)")
            self._ledger.finish(self._send)
        except (NewsError, GeneratorExit):
            self._doubts.ended = self._doubts.ended or "the run is over"
            # What is under way comes back, and is written down if that can still be; a second Ctrl-C waits
            # for nothing.
            with suppress(NewsError):
                while self._flights.aloft and not self._stopped():
                    self._settle()
            raise
        finally:
            self._flights.close()

    def _ends(self) -> bool:
        """Nothing more is to be done; what is in doubt is called back still, where it only goes badly."""
        if self._called_back or self._stopped():
            return True
        return self._doubts.ended is not None and self._staging.mend_at is None

    def _launch(self) -> Generator[Event, None, bool]:
        """Claims as many chunks as may be under way, and sends them off; says whether there were any."""
        self._looked_at = now = self._clock.now()
        if self._paused_until and self._paused_until <= now:
            self._paused_until = None
            self._doubts.resume()
        most, room = self._most - self._flights.aloft, self._pace.room(now)
        if most <= 0 or room <= 0 or self._doubts.stop or self._paused_until:
            return False
        if (self._exhausted or self._staging.needs_lane()) and not self._somebody(now):
            return False
        if reason := self._staging.ready():
            self._hear_of_all(reason, now)
            return False
        claims = self._claim(most, room)
        self._exhausted = not claims
        for claimed in claims:
            if not claimed.people:
                yield Delivered(claimed.first, claimed.last, 0, ())
                continue
            self._staging.fill(len(claimed.people))
            self._pace.note(now, len(claimed.people))
            self._flights.launch(partial(self._fly, claimed))
        return bool(claims)

    def _somebody(self, now: datetime) -> bool:
        """Whether it is anybody's turn."""
        at = self._ledger.next_try(self._send)
        return at is not None and at <= now

    def _claim(self, most: int, room: int) -> Sequence[Claimed]:
        most = min(most, self._staging.room() or most)
        if room == UNLIMITED and self._pace.limits:
            most = 1  # a chunk larger than the limit goes out, alone
        self._renewed_at = self._clock.now()
        lane, lease = self._staging.lane, self._timing.lease
        return self._ledger.claim(self._send, most, room, lane, lease, noted=self._one_by_one)

    def _fly(self, claimed: Claimed) -> "_Return":
        """One call; in a thread of its own where several are under way."""
        journal = self._ledger.journal(claimed) if self._one_by_one else None
        flight = _Flight(journal, self._may_begin, self._doubts.hear)
        hold = Hold(claimed.lane.batch_id, claimed.lane.send_at) if claimed.lane else None
        try:
            recipients = tuple(map(self._addresser, claimed.people))
            if not (self._one_by_one or self._may_begin()):
                return _Return(claimed, NOT_BEGUN, {})
            outcome = self._provider.submit(Batch(self._mailing, recipients, hold), flight)
            return _Return(claimed, outcome, flight.own)
        except BaseException as failure:  # the ledger hears of it before it goes on its way
            lost = Unknown(f"the call broke off: {type(failure).__name__}")
            own = dict.fromkeys(flight.begun, lost) | flight.own
            return _Return(claimed, NOT_BEGUN if self._one_by_one else lost, own, failure)

    def _may_begin(self) -> bool:
        """Whether another message may leave: this run has not stood still until another could take over."""
        return not self._doubts.stop and self._clock.now() - self._renewed_at < self._timing.lease

    def _land(self) -> Iterator[Event]:
        """Takes what has come back, and what it means for what comes next."""
        for back, landed in self._settle():
            self._hear(back)
            yield Delivered(back.claimed.first, back.claimed.last, len(back.claimed.people), landed.fates)
            if back.failure:
                raise back.failure

    def _settle(self) -> list[tuple["_Return", Landed]]:
        """Writes down what has come back, in one transaction."""
        back = self._flights.landed(self._timing.sign.total_seconds())
        now = self._clock.now()
        if not back:
            self._keep(now)
            return []
        landed = [_landed(one.claimed, one.outcome, one.own, now) for one in back]
        self._ledger.settle(landed)
        return list(zip(back, landed, strict=True))

    def _hear(self, back: "_Return") -> None:
        """What a call's outcome means for the calls after it."""
        outcome, people, now = back.outcome, len(back.claimed.people), self._clock.now()
        if len(back.own) < people:
            self._hear_of_all(outcome, now, people)
        if self._doubts.paused and not self._paused_until:
            self._pause(now + back_off(self._doubts.pauses))
        if isinstance(outcome, Unknown) and back.claimed.lane:
            self._staging.is_in_doubt()

    def _hear_of_all(self, outcome: Outcome, now: datetime, people: int = 0) -> None:
        # A refusal of many is being narrowed down: it is nobody's yet.
        if isinstance(outcome, Refused) and people > 1:
            self._doubts.hear_of(len(outcome.culprits), outcome)
        else:
            self._doubts.hear(outcome, people)
        if isinstance(outcome, NotSent) and outcome.wait:
            # Who says "in a second" time and again means longer.
            again = back_off(self._doubts.pauses) if self._doubts.pauses > _TAKEN_AT_ITS_WORD else timedelta()
            self._pause(now + max(timedelta(seconds=outcome.wait), again))
        elif isinstance(outcome, NotSent) and not people:
            self._pause(now + back_off(0))

    def _pause(self, until: datetime) -> None:
        self._paused_until = max(until, self._paused_until or until)

    def _rest(self) -> Generator[Event, None, bool]:
        """Waits for what can be done next; says whether there is something, and soon enough."""
        now = self._clock.now()
        until, why = self._next(now)
        if until is None:
            return False
        # Whoever wants it slow does not want it to end.
        patience = self._timing.slow if why == _PACE else self._timing.patience
        if until > now + patience:
            yield Stopped(f"{why}; not before {until:%Y-%m-%d %H:%M} UTC")
            return False
        if until > now:
            yield Waiting(until, why)
        while (now := self._clock.now()) < until and not self._ends():
            self._keep(now)
            self._clock.wait(min(until, now + self._timing.sign), self._stopped)
        return True

    def _next(self, now: datetime) -> tuple[datetime | None, str]:
        """When something can be done, and what it waits for."""
        found: list[tuple[datetime, str]] = []
        if self._staging.mend_at:
            found.append((self._staging.mend_at, "what is unknown will be called back and sent again"))
        if not self._doubts.ended and (at := self._ledger.next_try(self._send)):
            if self._paused_until:
                found.append((max(at, self._paused_until), "the provider takes nothing for now"))
            elif at > self._looked_at:
                found.append((at, "the provider has put some off"))
            elif more := self._pace.more(now):
                found.append((more, _PACE))
        return min(found, default=(None, ""))

    def _keep(self, now: datetime) -> None:
        """Gives a sign of life, now and then, and hears whether the send was called back."""
        if now - self._renewed_at >= self._timing.sign:
            self._called_back = self._ledger.renew(self._send, self._timing.lease) == "cancelled"
            self._renewed_at = now


def deliver_test(mailing: Mailing, to: Subscriber, provider: Provider, secret: str, now: datetime) -> Outcome:
    """One message, marked as a test, to somebody who need not be a subscriber, past the ledger."""
    mailing = replace(mailing.as_test(), date=now)
    flight = _Flight(None, lambda: True)
    rest = provider.submit(Batch(mailing, (Addresser(mailing, secret)(to),)), flight)
    return flight.own.get(to.number, rest)


@dataclass(frozen=True)
class _Return:
    """What a call came back with."""

    claimed: Claimed
    outcome: Outcome
    own: Mapping[int, Outcome]
    failure: BaseException | None = None


class _Flight:
    """Notes each message of a batch as it begins and ends."""

    def __init__(
        self,
        journal: Journal | None,
        may_begin: Callable[[], bool],
        hear: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        self._journal, self._may_begin, self._hear = journal, may_begin, hear
        self.begun: set[int] = set()
        self.own: dict[int, Outcome] = {}

    def begin(self, recipient: Recipient) -> bool:
        if not self._may_begin():
            return False
        if self._journal:
            self._journal.begin(recipient.number)
        self.begun.add(recipient.number)
        return True

    def end(self, recipient: Recipient, outcome: Outcome) -> None:
        self.own[recipient.number] = outcome
        self._hear(outcome)
        if self._journal:
            self._journal.end(recipient.number, outcome)


def _landed(claimed: Claimed, rest: Outcome, own: Mapping[int, Outcome], now: datetime) -> Landed:
    return Landed(claimed, rest, tuple(fates(claimed, rest, own, now)))
