"""The number of recipients that a published copy may count as intended, of mail that is not held back.

All of them are unknown if the process ends before the next copy, and nobody can recall their mail. A copy for
few recipients is published often, which takes time and which the remote limits.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from newsletter.config.units import Rate
from newsletter.sending.hold_policy import SendTimings
from newsletter.sending.model import NextChunk

_MINUTE = timedelta(minutes=1)


class PublishCredit:
    """Choose the next chunks that are published together."""

    def __init__(
        self, clock: Callable[[], datetime], timing: SendTimings, rates: Sequence[Rate] = ()
    ) -> None:
        """Choose no more recipients than the `rates` permit in a minute."""
        self._clock = clock
        self.recipients = timing.publish_recipients
        self._per_minute = min((_per_minute(rate) for rate in rates), default=None)
        self._published: deque[datetime] = deque(maxlen=timing.max_publications)

    def choose(self, chunks: Sequence[NextChunk], calls: int) -> list[NextChunk]:
        """Return the first chunks, at least one: as many as calls at once, or more within the credit."""
        chosen: list[NextChunk] = []
        recipients = 0
        for chunk in chunks:
            recipients += chunk.recipients
            beyond_rate = self._per_minute is not None and recipients > self._per_minute
            beyond_credit = recipients > self.recipients and len(chosen) >= calls
            if chosen and (beyond_rate or beyond_credit):
                break
            chosen.append(chunk)
        return chosen

    def record(self) -> None:
        """Count a publication; double the credit if publications are so frequent that they exceed the limit.

        A short send keeps its small credit: the first publications of a minute may follow each other closely.
        """
        now, limit = self._clock(), self._published.maxlen or 1
        is_full = len(self._published) == limit and now - self._published[0] < _MINUTE
        if is_full and now - self._published[-1] < _MINUTE / limit:
            self.recipients *= 2
        self._published.append(now)


def _per_minute(rate: Rate) -> int:
    """Return the number of recipients that a rate permits in a minute; a long period may begin with all."""
    return int(rate.count * max(_MINUTE / rate.period, 1))
