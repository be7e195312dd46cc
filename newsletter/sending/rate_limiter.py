"""The rate limits of a send: recipients a second, an hour, a day; the tightest one applies."""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime

from newsletter.config.units import Rate

UNLIMITED = 1 << 60


class RateLimiter:
    """Limit the recipients that may be tried now, counting earlier attempts of every process."""

    def __init__(self, rates: Sequence[Rate], tried: Iterable[tuple[datetime, int]] = ()) -> None:
        self._windows = [_Window(rate) for rate in rates]
        for at, count in tried:
            self.record(at, count)

    @property
    def limits(self) -> bool:
        """Return True if at least one rate is configured."""
        return bool(self._windows)

    def available(self, now: datetime) -> int:
        """Return the number of recipients that may be tried now.

        UNLIMITED if no rate is configured, or each rate has had a whole period without an attempt.
        """
        return min((window.available(now) for window in self._windows), default=UNLIMITED)

    def next_available_at(self, now: datetime) -> datetime | None:
        """Return the time at which more recipients may be tried; None if no attempt counts towards a rate."""
        return min((at for window in self._windows if (at := window.next_available_at(now))), default=None)

    def record(self, at: datetime, count: int) -> None:
        """Count an attempt of `count` recipients at a time."""
        for window in self._windows:
            window.record(at, count)


class _Window:
    """One rate, with the attempts of its last period."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._tried: deque[tuple[datetime, int]] = deque()
        self._used = 0

    def available(self, now: datetime) -> int:
        while self._tried and self._tried[0][0] <= now - self._rate.period:
            self._used -= self._tried.popleft()[1]
        # A chunk that was planned under a higher rate may exceed this rate: it is submitted alone.
        return max(self._rate.count - self._used, 0) if self._tried else UNLIMITED

    def next_available_at(self, now: datetime) -> datetime | None:
        return self._tried[0][0] + self._rate.period if self._tried else None

    def record(self, at: datetime, count: int) -> None:
        self._tried.append((at, count))
        self._used += count
