"""Calling a send back: nothing more of it begins, and what is still held back does not leave."""

import logging
from collections.abc import Callable, Generator, Iterator
from datetime import datetime, timedelta

from newsletter.errors import SendRefused
from newsletter.sending import log_fields
from newsletter.sending.delivery import settle_abandoned
from newsletter.sending.events import Event, NotRecalled, Stopped, Waiting
from newsletter.sending.held_batches import abandon, recall_batch
from newsletter.sending.hold_policy import SendTimings, cancellable_until, recallable_from
from newsletter.sending.interfaces import Clock, Ledger, Recallable
from newsletter.sending.model import HeldBatchStatus, Send
from newsletter.sending.transitions import back_off

log = logging.getLogger(__name__)

_UNCLEAR = "the provider gives no clear answer, and is asked again as long as there is time"
_RIPENS = "what is unknown may still arrive, and is called back once more then"
_ASK_AGAIN = timedelta(seconds=1)


def cancel(
    send: Send,
    ledger: Ledger,
    recallable: Recallable | None,
    clock: Clock,
    timing: SendTimings,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Calls a send back, and says of each lane whether it could be.

    Lanes are called back at once, for time runs. A request whose answer was lost may still arrive later, and
    is covered only by a call after that: so where something is unknown its lane is called back once more, as
    soon as that is certain. Ended before that, it can be run again.
    """
    ledger.cancel(send)
    log.info("cancel begun: nothing more is submitted", extra=log_fields.of_send(send))
    if not (yield from _take(send, ledger, clock, timing, stopped)):
        why = "what is held back was not called back; run it again"
        log.warning("cancel stopped", extra={**log_fields.of_send(send), "reason": why})
        yield Stopped(why)
        return
    settle_abandoned(ledger, send, clock.now())
    told: set[int] = set()
    why = _RIPENS
    while recallable and not stopped():
        again: list[datetime] = []
        for status in ledger.held_batches(send):
            if not (status.accepted or status.unknown):
                continue
            event, at = _recall_one(status, ledger, recallable, clock, timing)
            again += [at] if at else []
            why = _UNCLEAR if event is None else _RIPENS
            if event and not (isinstance(event, NotRecalled) and status.batch.number in told):
                told.add(status.batch.number)
                yield event
        if not again:
            break
        fields = {"reason": why, "until": min(again)}
        log.info("waiting", extra=log_fields.of_send(send) | fields)
        yield Waiting(min(again), why)
        _wait(send, ledger, clock, timing, min(again), stopped)
    if not ledger.counts(send).cancelled:
        ledger.resume(send)  # there was nothing to call back
    ledger.finish(send)
    log.info("cancel ended", extra=log_fields.of_send(send))


def _recall_one(
    status: HeldBatchStatus, ledger: Ledger, recallable: Recallable, clock: Clock, timing: SendTimings
) -> tuple[Event | None, datetime | None]:
    """What came of calling one lane back, and when to do it again."""
    now, batch = clock.now(), status.batch
    if now > cancellable_until(batch, timing):
        gone = "left" if batch.send_at <= now else "leaves"
        why = f"too late: it {gone} at {batch.send_at:%H:%M} UTC"
        return abandon(ledger, status, why, tried=batch.state == "cancelling"), None
    ripe = recallable_from(status, now, timing)
    with_unknown = ripe <= now
    event = recall_batch(ledger, recallable, status, "cancelled", clock, timing, with_unknown=with_unknown)
    if event is None:
        return None, now + back_off(0)
    return event, None if with_unknown or isinstance(event, NotRecalled) else ripe


def _take(
    send: Send, ledger: Ledger, clock: Clock, timing: SendTimings, stopped: Callable[[], bool]
) -> Generator[Event, None, bool]:
    """Waits for whoever is sending to notice, or to lose the claim; says whether it has come to that."""
    told = False
    while True:
        try:
            ledger.acquire_lease(send, timing.lease)
            return True
        except SendRefused as busy:
            if stopped():
                return False
            if not told:
                told = True
                log.info("waiting for the lease", extra={**log_fields.of_send(send), "reason": busy.what})
                yield Waiting(clock.now() + timing.lease, f"{busy.what}; it ends what it has begun")
            clock.wait(clock.now() + _ASK_AGAIN, stopped)


def _wait(
    send: Send,
    ledger: Ledger,
    clock: Clock,
    timing: SendTimings,
    until: datetime,
    stopped: Callable[[], bool],
) -> None:
    while clock.now() < until and not stopped():
        ledger.renew_lease(send, timing.lease)
        clock.wait(min(until, clock.now() + timing.lease / 4), stopped)
