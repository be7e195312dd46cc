"""Open a newsletter's state for a command: the database, taken from the state ref first if there is one."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from newsletter.config.loader import Newsletter
from newsletter.errors import NewsError, SaveLost, Unavailable
from newsletter.sending.events import Waiting
from newsletter.services.state_locks import StateInUse
from newsletter.services.state_sync import StateSync
from newsletter.state.state_key import VARIABLE
from newsletter.store.compaction import compact_settled
from newsletter.store.database import Database
from newsletter.store.subscribers import Subscribers

# The state ref is asked this often whether another machine's process has ended.
POLL = timedelta(seconds=15)
_TRIES = 3
Result = TypeVar("Result")
OnWait = Callable[[Waiting], None]


def ignore_wait(wait: Waiting) -> None:
    """Do nothing about a wait."""


@dataclass(frozen=True)
class OpenState:
    """A newsletter's database on this machine, and its state ref; None if newsletter.yml names none.

    `not_taken` is the error for a state on the ref that was not taken; None if it was, or if there is no ref.
    """

    database: Database
    sync: StateSync | None = None
    not_taken: NewsError | None = None

    def wait_until_free(self, on_wait: OnWait) -> None:
        """Wait while another machine may be sending, and take its state when it has ended.

        Raise StateInUse if another process of this machine uses the state each time that it would be taken;
        a short command beside this one, such as `news status`, does not end the wait.
        """
        failures = 0
        while self.sync and (failures or self.sync.busy_until):
            until = self.sync.busy_until or datetime.now(UTC) + POLL
            on_wait(Waiting(until, "another machine is sending; its state is taken when it has ended"))
            time.sleep(min(POLL, max(until - datetime.now(UTC), timedelta())).total_seconds())
            try:
                self.sync.pull()
                failures = 0
            except StateInUse:
                failures += 1
                if failures == _TRIES:
                    raise


@contextmanager
def open_state(newsletter: Newsletter, *, for_test: bool = False) -> Iterator[OpenState]:
    """Open the state, and close it at the end of the block; if there is a state ref, take the state from it.

    `for_test` is that of `Database.open`. Raise the errors of `StateSync.open` and `StateSync.pull`.
    """
    if newsletter.config.state is None:
        with open_local(newsletter, for_test=for_test) as state:
            yield state
        return
    with StateSync.open(newsletter, for_test=for_test) as sync:
        sync.pull()
        # Not when it is saved: the last save after a signal has some seconds only.
        compact_settled(sync.database, datetime.now(UTC))
        yield OpenState(sync.database, sync)


@contextmanager
def open_local(
    newsletter: Newsletter, *, to_last: bool = False, for_test: bool = False
) -> Iterator[OpenState]:
    """Open this machine's database without its state ref, and close it at the end of the block.

    `to_last` and `for_test` are those of `Database.open`.
    """
    with closing(Database.open(newsletter, to_last=to_last, for_test=for_test)) as database:
        yield OpenState(database)


@contextmanager
def open_to_read(newsletter: Newsletter) -> Iterator[OpenState]:
    """Open the state for a command that only reads it.

    It is this machine's without a state key, while another process of this machine uses the state, and if the
    remote gives no reply; a machine that has seen no state yet raises Unavailable then.
    """
    if newsletter.config.state is None or newsletter.secrets.state_key is None:
        with open_local(newsletter) as state:
            fix = "set it to the newsletter's state key to see what other machines have saved"
            no_key = Unavailable(f"{VARIABLE} is not set", fix) if newsletter.config.state else None
            yield replace(state, not_taken=no_key)
        return
    with StateSync.open(newsletter) as sync:
        not_taken = None
        try:
            sync.pull()
        except StateInUse:
            pass  # that process has taken the state
        except Unavailable as failure:
            if not sync.has_seen_state:
                raise
            not_taken = failure
        yield OpenState(sync.database, sync, not_taken)


def change_subscribers(newsletter: Newsletter, change: Callable[[Subscribers], Result]) -> Result:
    """Call `change` with the subscribers and return its result, as `change_database` does."""
    return change_database(newsletter, lambda database: change(Subscribers(database)))


def change_database(newsletter: Newsletter, change: Callable[[Database], Result]) -> Result:
    """Call `change` with the database and return its result; save the state on its ref, if there is one.

    If another machine saves at the same time, take its state and call `change` again. Raise SendRefused while
    another machine is sending, and Unavailable while another process of this machine uses the state.
    """
    for _ in range(_TRIES - 1):
        with suppress(SaveLost):
            return _change_database(newsletter, change)
    return _change_database(newsletter, change)


def _change_database(newsletter: Newsletter, change: Callable[[Database], Result]) -> Result:
    """Call `change` and save the state, if there is a state ref; raise SaveLost if another machine saved."""
    with open_state(newsletter) as state:
        if state.sync is None:
            return change(state.database)
        state.sync.take_alone()
        state.sync.refuse_busy()
        result = change(state.database)
        state.sync.save()
        return result
