"""Hold the lease on a send while it changes, so that no second process sends it too."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

from newsletter.sending.events import Waiting
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.interfaces import Clock
from newsletter.sending.lock_wait import Result, acquire_lease, never
from newsletter.sending.model import Send
from newsletter.services.open_state import OnWait, ignore_wait
from newsletter.store.ledger import Ledger


class SendLeases:
    """The leases of a process on its sends; `on_wait` is called with each wait for a lock in the database."""

    def __init__(
        self, ledger: Callable[[], Ledger], clock: Clock, timing: SendTimings, on_wait: OnWait = ignore_wait
    ) -> None:
        self._ledger, self._clock, self._timing, self._on_wait = ledger, clock, timing, on_wait

    @contextmanager
    def held(self, send: Send) -> Iterator[None]:
        """Hold the lease on a send during the block; raise SendBusy if another process holds it."""
        self.when_unlocked(acquire_lease(send, self._ledger(), self._clock, self._timing))
        with self.released(send):
            yield

    @contextmanager
    def released(self, send: Send, hands_over: Callable[[], bool] = never) -> Iterator[None]:
        """Release the lease on a send after the block, except after an interrupt (Ctrl-C).

        Hand it over to a standby after a failure, and if `hands_over` returns True.
        """
        try:
            yield
        except KeyboardInterrupt:
            raise  # attempts are still in flight: the lease ends with this process
        except BaseException:
            self._ledger().release_lease(send, hand_over=True)
            raise
        self._ledger().release_lease(send, hand_over=hands_over())

    def when_unlocked(self, waits: Generator[Waiting, None, Result]) -> Result:
        """Run a generator of waits to its end and return its result; report each wait."""
        while True:
            try:
                self._on_wait(next(waits))
            except StopIteration as end:
                result: Result = end.value
                return result
