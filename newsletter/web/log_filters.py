"""Keep strangers from filling the log: libraries write a line for each of their requests."""

import logging
import time

_SECONDS = 60.0
_NOISY = ("asyncio", "uvicorn.error")


class Seldom(logging.Filter):
    """Let each message of a logger pass at most once a minute, whatever its arguments and its exception."""

    def __init__(self) -> None:
        super().__init__()
        self._passed_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True if the message was not logged within the last minute; drop its traceback."""
        now = time.monotonic()
        if now - self._passed_at.get(str(record.msg), -_SECONDS) < _SECONDS:
            return False
        self._passed_at[str(record.msg)] = now
        record.exc_info = None
        return True


def quiet_libraries() -> None:
    """Limit what the libraries of the server log about requests."""
    for name in _NOISY:
        logging.getLogger(name).addFilter(Seldom())
