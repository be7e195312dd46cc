"""Cancel a send: begin no further attempt, and recall its held batches."""

import logging
from collections.abc import Callable, Generator, Iterator
from datetime import datetime, timedelta
from functools import partial

from newsletter.errors import DatabaseBusy, SendRefused
from newsletter.sending import log_fields
from newsletter.sending.abandoned import settle_abandoned
from newsletter.sending.events import Event, NotRecalled, Stopped, Waiting
from newsletter.sending.held_batches import abandon, recall_batch
from newsletter.sending.hold_policy import SendTimings, cancellable_until, recallable_from
from newsletter.sending.interfaces import Clock, Ledger, Recallable
from newsletter.sending.lock_wait import when_unlocked
from newsletter.sending.model import HeldBatchStatus, Send

log = logging.getLogger(__name__)

_UNCLEAR = "the provider gave no clear answer and is asked again as long as there is time"
_MAY_ARRIVE = "requests with an unknown outcome may still arrive and are recalled once more then"
_LEASE_RETRY = timedelta(seconds=1)


def cancel(
    send: Send,
    ledger: Ledger,
    recallable: Recallable | None,
    clock: Clock,
    timing: SendTimings,
    stopped: Callable[[], bool] = lambda: False,
    *,
    can_repeat: bool = False,
) -> Iterator[Event]:
    """Cancel a send; yield an event for each held batch that was recalled or not recalled, and each wait.

    Batches are recalled immediately, because a recall has a deadline. A request without a response may arrive
    later, and only a recall after that includes it: a batch with an unknown outcome is recalled again when
    the request must have arrived. A cancellation that was interrupted can be run again. `can_repeat`: a later
    process could repeat calls with an unknown outcome, and so send mail that never left.
    """
    yield from when_unlocked(partial(ledger.cancel, send), clock, timing, stopped)
    log.info("cancel begun: nothing more is submitted", extra=log_fields.of_send(send))
    if not (yield from _acquire_lease(send, ledger, clock, timing, stopped)):
        reason = "the held mail was not recalled; run the command again"
        log.warning("cancel stopped", extra={**log_fields.of_send(send), "reason": reason})
        yield Stopped(reason)
        return
    settle_abandoned(ledger, send, clock.now(), timing)
    reported: set[int] = set()
    reason = _MAY_ARRIVE
    while recallable and not stopped():
        retries: list[datetime] = []
        for status in ledger.held_batches(send):
            if not (status.accepted or status.unknown):
                continue
            event, retry_at = _recall_one(status, ledger, recallable, clock, timing)
            retries += [retry_at] if retry_at else []
            reason = _UNCLEAR if event is None else _MAY_ARRIVE
            if event and not (isinstance(event, NotRecalled) and status.batch.number in reported):
                reported.add(status.batch.number)
                yield event
        if not retries:
            break
        fields = {"reason": reason, "until": min(retries)}
        log.info("waiting", extra=log_fields.of_send(send) | fields)
        yield Waiting(min(retries), reason)
        _wait(send, ledger, clock, timing, min(retries), stopped)
    counts = ledger.counts(send)
    if not (counts.cancelled or (can_repeat and counts.unknown)):
        ledger.resume(send)  # no recipient was cancelled: the send stays open
    ledger.finish(send)
    log.info("cancel ended", extra=log_fields.of_send(send))


def _recall_one(
    status: HeldBatchStatus, ledger: Ledger, recallable: Recallable, clock: Clock, timing: SendTimings
) -> tuple[Event | None, datetime | None]:
    """Recall one held batch; return the event, None if the outcome is unknown, and the time to repeat it."""
    now, batch = clock.now(), status.batch
    if now > cancellable_until(batch, timing):
        verb = "left" if batch.send_at <= now else "leaves"
        reason = f"too late: it {verb} at {batch.send_at:%H:%M} UTC"
        return abandon(ledger, status, reason, tried=batch.state == "cancelling"), None
    earliest = recallable_from(status, now, timing)
    with_unknown = earliest <= now
    event = recall_batch(ledger, recallable, status, "cancelled", clock, timing, with_unknown=with_unknown)
    if event is None:
        return None, now + timing.back_off(0)
    return event, None if with_unknown or isinstance(event, NotRecalled) else earliest


def _acquire_lease(
    send: Send, ledger: Ledger, clock: Clock, timing: SendTimings, stopped: Callable[[], bool]
) -> Generator[Event, None, bool]:
    """Acquire the lease on the send once its process releases or loses it; return False if stopped."""
    reported = False
    while True:
        try:
            ledger.acquire_lease(send, timing.lease)
            return True
        except (SendRefused, DatabaseBusy) as busy:
            if stopped():
                return False
            if not reported:
                reported = True
                log.info("waiting for the lease", extra={**log_fields.of_send(send), "reason": busy.what})
                finishes = "; it finishes its calls in flight" if isinstance(busy, SendRefused) else ""
                yield Waiting(clock.now() + timing.lease, f"{busy.what}{finishes}")
            clock.wait(clock.now() + _LEASE_RETRY, stopped)


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
