"""The thread of the server that sends mail about subscriptions."""

import logging
import threading
from collections.abc import Callable

from newsletter.errors import NewsError

log = logging.getLogger(__name__)

PAUSE_SECONDS = 10.0
"""The longest time between two looks at the database, for mail that waited for its next try."""
_STOP_SECONDS = 60.0


class ServiceMailThread:
    """Call `send` when mail was written, and every few seconds, until it is closed.

    `send` is given a function that returns True once no further mail is to be sent.
    A call that fails, for example because the database is busy, is made again after the pause.
    """

    def __init__(
        self, send: Callable[[Callable[[], bool]], object], *, seconds: float = PAUSE_SECONDS
    ) -> None:
        self._send, self._seconds = send, seconds
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="service mail", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Return True while mail is sent."""
        return self._thread.is_alive() and not self._stopped.is_set()

    def wake(self) -> None:
        """Tell the thread that mail waits."""
        self._wake.set()

    def close(self) -> None:
        """Stop the thread after the call that it makes now, and wait for its end."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                self._send(self._stopped.is_set)
            except NewsError as failure:
                log.warning("service mail waits", extra={"reason": failure.what})
            except Exception:  # a mistake of ours must not end the sending for good
                log.exception("service mail waits")
            self._wake.wait(self._seconds)
