"""Wait while another process has locked a send in the database, or holds its lease.

A process that is suspended in the middle of a change keeps its lock. PostgreSQL ends its transaction before
the lease ends; SQLite cannot, and its lock lasts until a person ends or continues that process.
"""

import logging
from collections.abc import Callable, Generator
from datetime import timedelta
from functools import partial
from typing import TypeVar

from newsletter.errors import DatabaseBusy, NewsError, SendBusy
from newsletter.sending import log_fields
from newsletter.sending.events import Waiting
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import Clock, Ledger
from newsletter.sending.model import Send

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_RETRY = timedelta(seconds=1)


def never() -> bool:
    """Return False: nobody can stop the wait."""
    return False


def when_unlocked(
    action: Callable[[], Result],
    clock: Clock,
    timing: SendTimings,
    stopped: Callable[[], bool] = never,
    errors: tuple[type[NewsError], ...] = (DatabaseBusy,),
) -> Generator[Waiting, None, Result]:
    """Run an action again until it raises none of `errors`; yield the wait, return the action's result.

    Raise the error if it is stopped, or if the lock outlasts `max_lock_wait`.
    """
    deadline = clock.now() + timing.max_lock_wait
    reported = ""
    while True:
        try:
            return action()
        except errors as busy:
            now = clock.now()
            if stopped() or now >= deadline:
                raise
            if busy.what != reported:
                reported = busy.what
                log.info("waiting", extra={"reason": busy.what, "until": deadline})
                yield Waiting(deadline, busy.what)
            clock.wait(min(deadline, now + _RETRY), stopped)


def acquire_lease(
    send: Send, ledger: Ledger, clock: Clock, timing: SendTimings, stopped: Callable[[], bool] = never
) -> Generator[Waiting, None, None]:
    """Acquire the lease on a send, once another process no longer has the send locked; yield each wait.

    A process that kept its lock for so long was suspended and does not renew its lease: wait for the end of
    the lease too. Raise SendBusy at once if another process holds the lease and has not locked the send.
    """
    acquire = partial(ledger.acquire_lease, send, timing.lease)
    was_locked = False
    try:
        for wait in when_unlocked(acquire, clock, timing, stopped):
            was_locked = True
            yield wait
    except SendBusy:
        if not was_locked:
            raise
        log.info("waiting for the lease", extra=log_fields.of_send(send))
        yield from when_unlocked(acquire, clock, timing, stopped, (DatabaseBusy, SendBusy))
