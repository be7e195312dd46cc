"""Calling a send back: nothing more of it begins, and what is still held back does not leave."""

from collections.abc import Callable, Generator, Iterator
from datetime import datetime, timedelta

from newsletter.errors import SendRefused
from newsletter.sending.delivery import drift
from newsletter.sending.events import Event, NotRecalled, Stopped, Waiting
from newsletter.sending.held_batches import call_back, give_up
from newsletter.sending.hold_policy import Timing, cancellable_until, ripe_at
from newsletter.sending.interfaces import Clock, Holding, Ledger
from newsletter.sending.model import LaneStanding, Send
from newsletter.sending.transitions import back_off

_UNCLEAR = "the provider gives no clear answer, and is asked again as long as there is time"
_RIPENS = "what is unknown may still arrive, and is called back once more then"
_ASK_AGAIN = timedelta(seconds=1)


def undo(
    send: Send,
    ledger: Ledger,
    holding: Holding | None,
    clock: Clock,
    timing: Timing,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Calls a send back, and says of each lane whether it could be.

    Lanes are called back at once, for time runs. A request whose answer was lost may still arrive later, and
    is covered only by a call after that: so where something is unknown its lane is called back once more, as
    soon as that is certain. Ended before that, it can be run again.
    """
    ledger.call_back(send)
    if not (yield from _take(send, ledger, clock, timing, stopped)):
        yield Stopped("what is held back was not called back; run it again")
        return
    drift(ledger, send, clock.now())
    told: set[int] = set()
    why = _RIPENS
    while holding and not stopped():
        again: list[datetime] = []
        for standing in ledger.lanes(send):
            if not (standing.accepted or standing.unknown):
                continue
            event, at = _lane(standing, ledger, holding, clock, timing)
            again += [at] if at else []
            why = _UNCLEAR if event is None else _RIPENS
            if event and not (isinstance(event, NotRecalled) and standing.lane.number in told):
                told.add(standing.lane.number)
                yield event
        if not again:
            break
        yield Waiting(min(again), why)
        _wait(send, ledger, clock, timing, min(again), stopped)
    if not ledger.counts(send).cancelled:
        ledger.go_on(send)  # there was nothing to call back
    ledger.finish(send)


def _lane(
    standing: LaneStanding, ledger: Ledger, holding: Holding, clock: Clock, timing: Timing
) -> tuple[Event | None, datetime | None]:
    """What came of calling one lane back, and when to do it again."""
    now, lane = clock.now(), standing.lane
    if now > cancellable_until(lane, timing):
        gone = "left" if lane.send_at <= now else "leaves"
        why = f"too late: it {gone} at {lane.send_at:%H:%M} UTC"
        return give_up(ledger, standing, why, tried=lane.state == "cancelling"), None
    ripe = ripe_at(standing, now, timing)
    doubtful = ripe <= now
    event = call_back(ledger, holding, standing, "cancelled", clock, timing, doubtful=doubtful)
    if event is None:
        return None, now + back_off(0)
    return event, None if doubtful or isinstance(event, NotRecalled) else ripe


def _take(
    send: Send, ledger: Ledger, clock: Clock, timing: Timing, stopped: Callable[[], bool]
) -> Generator[Event, None, bool]:
    """Waits for whoever is sending to notice, or to lose the claim; says whether it has come to that."""
    told = False
    while True:
        try:
            ledger.take(send, timing.lease)
            return True
        except SendRefused as busy:
            if stopped():
                return False
            if not told:
                told = True
                yield Waiting(clock.now() + timing.lease, f"{busy.what}; it ends what it has begun")
            clock.wait(clock.now() + _ASK_AGAIN, stopped)


def _wait(
    send: Send, ledger: Ledger, clock: Clock, timing: Timing, until: datetime, stopped: Callable[[], bool]
) -> None:
    while clock.now() < until and not stopped():
        ledger.renew(send, timing.lease)
        clock.wait(min(until, clock.now() + timing.lease / 4), stopped)
