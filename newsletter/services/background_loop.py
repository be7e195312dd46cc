"""The thread of the server for what no request waits for: it sends mail and deletes what has expired."""

import logging
import threading
from collections.abc import Callable, Mapping

from newsletter.errors import NewsError

log = logging.getLogger(__name__)

PAUSE_SECONDS = 10.0
"""The longest time between two passes, for mail that waits for its next try."""
_STOP_SECONDS = 60.0

Work = Callable[[Callable[[], bool]], object]
"""The function of a step; it is given a function that returns True once the thread is to end."""


class BackgroundLoop:
    """Take steps one after the other, when woken and every few seconds, until it is closed.

    A step that fails, for example because the database is busy, does not prevent the others, and is taken
    again in the next pass.
    """

    def __init__(self, steps: Mapping[str, Work], *, seconds: float = PAUSE_SECONDS) -> None:
        """Take the steps by their names, which are in the log."""
        self._steps, self._seconds = steps, seconds
        self._failed: frozenset[str] = frozenset()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Return True while steps are taken."""
        return self._thread.is_alive() and not self._stopped.is_set()

    def is_well(self, step: str) -> bool:
        """Return True if steps are taken, and this one did not fail in the last pass."""
        return self.is_alive and step not in self._failed

    def wake(self) -> None:
        """Let the next pass begin now."""
        self._wake.set()

    def close(self) -> None:
        """Stop the thread after its present step, and wait for its end."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            self._failed = frozenset(name for name in self._steps if not self._succeeds(name))
            self._wake.wait(self._seconds)

    def _succeeds(self, name: str) -> bool:
        """Take a step; return False, and log the reason, if it failed."""
        try:
            self._steps[name](self._stopped.is_set)
        except NewsError as failure:
            fields = {"step": name, "reason": failure.what, "seconds": self._seconds}
            log.warning("a step failed, and is tried again", extra=fields)
            return False
        except Exception:  # a mistake of ours must not end the thread for good
            log.exception("a step failed, and is tried again", extra={"step": name})
            return False
        return True
