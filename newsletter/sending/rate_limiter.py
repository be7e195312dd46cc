"""Rate limits: so many recipients a second, an hour, a day, whichever is the tightest."""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime

from newsletter.config.units import Rate

UNLIMITED = 1 << 60


class RateLimiter:
    """How many recipients may be tried now; knows what was tried before, by other runs as well."""

    def __init__(self, rates: Sequence[Rate], tried: Iterable[tuple[datetime, int]] = ()) -> None:
        self._windows = [_Window(rate) for rate in rates]
        for at, count in tried:
            self.record(at, count)

    @property
    def limits(self) -> bool:
        """Whether there is any limit."""
        return bool(self._windows)

    def available(self, now: datetime) -> int:
        """So many may be tried now; one chunk at least where nothing was tried for a whole period."""
        return min((window.available(now) for window in self._windows), default=UNLIMITED)

    def next_available_at(self, now: datetime) -> datetime | None:
        """When there is more room than now; None where nothing limits it."""
        return min((at for window in self._windows if (at := window.next_available_at(now))), default=None)

    def record(self, at: datetime, count: int) -> None:
        """So many were tried."""
        for window in self._windows:
            window.record(at, count)


class _Window:
    """One rate, with what was tried within its last period."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._tried: deque[tuple[datetime, int]] = deque()
        self._used = 0

    def available(self, now: datetime) -> int:
        while self._tried and self._tried[0][0] <= now - self._rate.period:
            self._used -= self._tried.popleft()[1]
        # A chunk planned under a wider limit may be larger than this one: alone, it goes out.
        return max(self._rate.count - self._used, 0) if self._tried else UNLIMITED

    def next_available_at(self, now: datetime) -> datetime | None:
        return self._tried[0][0] + self._rate.period if self._tried else None

    def record(self, at: datetime, count: int) -> None:
        self._tried.append((at, count))
        self._used += count
