"""This machine's clock against others': schedules and the undo window go by it."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from newsletter.display import counted
from newsletter.findings import ClockReading, Finding

WARN, FAIL = timedelta(minutes=2), timedelta(minutes=10)
_FIX = "set this machine's clock, and keep it right (NTP): sudo timedatectl set-ntp true"


def clock(heard: Iterable[ClockReading]) -> Iterator[Finding]:
    """One finding for each clock; that there is none is one as well."""
    found = False
    for one in heard:
        found = True
        yield _compared(one)
    if not found:
        yield Finding("clock", "skipped", "not looked at: nobody that was asked said what time it is")


def _seconds(off: timedelta) -> str:
    seconds = round(off.total_seconds())
    return counted(seconds, "second") if seconds > 1 else "a second"


def _compared(one: ClockReading) -> Finding:
    label, off = f"clock, against {one.whose}", abs(one.offset)
    if off <= WARN:
        return Finding(label, "ok", f"agrees within {_seconds(off)}")
    which = "behind" if one.offset > timedelta() else "ahead"
    what = f"this machine's clock is {counted(round(off.total_seconds() / 60), 'minute')} {which}: "
    what += "mail that is scheduled or held back leaves at another time than is said"
    return Finding(label, "error" if off > FAIL else "warning", what, _FIX)
