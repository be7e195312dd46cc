"""Compare this machine's clock with the clocks of servers: scheduled and held mail depends on it."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from newsletter.display import counted
from newsletter.findings import CORRECT_CLOCK, ClockReading, Finding

MAX_OFFSET_OK, MAX_OFFSET_WARNING = timedelta(minutes=2), timedelta(minutes=10)


def clock(readings: Iterable[ClockReading]) -> Iterator[Finding]:
    """Yield a finding on each reading, or one skipped finding if there are no readings."""
    compared = False
    for reading in readings:
        compared = True
        yield _finding(reading)
    if not compared:
        yield Finding("clock", "skipped", "not looked at: no server sent its time")


def _seconds(difference: timedelta) -> str:
    seconds = round(difference.total_seconds())
    return counted(seconds, "second") if seconds > 1 else "a second"


def _finding(reading: ClockReading) -> Finding:
    label, difference = f"clock, against {reading.whose}", abs(reading.offset)
    if difference <= MAX_OFFSET_OK:
        return Finding(label, "ok", f"agrees within {_seconds(difference)}")
    direction = "behind" if reading.offset > timedelta() else "ahead"
    what = (
        f"this machine's clock is {counted(round(difference.total_seconds() / 60), 'minute')} {direction}: "
    )
    what += "scheduled mail and held batches leave at a wrong time"
    return Finding(label, "error" if difference > MAX_OFFSET_WARNING else "warning", what, CORRECT_CLOCK)
