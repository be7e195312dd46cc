"""The time, and waiting for it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_LOOK_SECONDS = 0.2


class SystemClock:
    """This machine's clock, put right by an `offset` to the one that several machines share."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC) + self._offset

    def wait(self, until: datetime, stopped: Callable[[], bool]) -> None:
        """Returns at that time, or soon after `stopped` says so."""
        while (left := (until - self.now()).total_seconds()) > 0 and not stopped():
            time.sleep(min(left, _LOOK_SECONDS))
