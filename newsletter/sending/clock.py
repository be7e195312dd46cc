"""The clock of a send."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_POLL_SECONDS = 0.2


class SystemClock:
    """This machine's clock, corrected by its offset from the clock that several machines share."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC) + self._offset

    def wait(self, until: datetime, stopped: Callable[[], bool]) -> None:
        """Wait until a time, or until soon after `stopped` returns True."""
        while (left := (until - self.now()).total_seconds()) > 0 and not stopped():
            time.sleep(min(left, _POLL_SECONDS))
