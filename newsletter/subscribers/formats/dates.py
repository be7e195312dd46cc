"""Read the times that tools write into their exports."""

import re
from datetime import UTC, datetime

# 1/2/23 is in January or in February. 13/2/23 is not, but another date of its column may be.
_DAY_AND_MONTH = re.compile(
    "[0-9]{1,2}([./-])[0-9]{1,2}([./-])[0-9]{2}([0-9]{2})?(?![0-9])"
    "( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?( [AaPp][Mm])?"
)
_SPACED_OFFSET = re.compile("(.{16,26}) ([+-][0-9]{2}:?[0-9]{2})")
_SECONDS = re.compile("([0-9]{9,10})(?:\\.[0-9]{1,9})?")
_MILLISECONDS = re.compile("[0-9]{13}")
# 202401021530 and 20240102153045
_DIGITS = {12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_NOTHING = frozenset(("", "null", "none", "nil", "n/a", "-", "0", "\\n", "0000-00-00", "0000-00-00 00:00:00"))
_FIRST_YEAR, _LAST_YEAR = 1970, 2100  # other years are mistakes


class UnknownDateOrder(ValueError):
    """The error for a date that has its day and its month in an order that is not known.

    `day_first` and `month_first` are the formats of `strptime` that such a date may have.
    """

    def __init__(self, date: re.Match[str]) -> None:
        """Take the parts of a date, as `_DAY_AND_MONTH` finds them."""
        super().__init__(date[0])
        first, second, century, time, seconds, half = date.groups()
        clock = (
            f" %{'I' if half else 'H'}:%M{':%S' if seconds else ''}{' %p' if half else ''}" if time else ""
        )
        rest = f"{second}%{'Y' if century else 'y'}{clock}"
        self.day_first, self.month_first = f"%d{first}%m{rest}", f"%m{first}%d{rest}"


def is_empty(value: str) -> bool:
    """Return True for a cell that programs write if there is no time."""
    return value.strip().casefold() in _NOTHING


def parse_time(value: str, date_format: str | None = None) -> datetime:
    """Return a time in UTC; a time without a zone is in UTC already.

    Raise UnknownDateOrder for a date such as 1/2/23 without a format, else ValueError if it cannot be read.
    """
    value = value.strip()
    if date_format is not None:
        try:
            return _in_utc(datetime.strptime(value, date_format))
        except ValueError:
            pass  # the file may have a column with ISO 8601 dates beside it
    return _in_utc(_parse_number(value) if value[:9].isdecimal() and len(value) > 8 else _parse_iso(value))


def _parse_iso(value: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except ValueError as failure:
        if value.endswith((" UTC", " GMT")):
            return datetime.fromisoformat(f"{value[:-4]}+00:00")
        if spaced := _SPACED_OFFSET.fullmatch(value):
            return datetime.fromisoformat("".join(spaced.groups()))
        if date := _DAY_AND_MONTH.match(value):
            raise UnknownDateOrder(date) from failure
        raise


def _parse_number(value: str) -> datetime:
    if seconds := _SECONDS.fullmatch(value):
        return datetime.fromtimestamp(int(seconds[1]), UTC)
    if _MILLISECONDS.fullmatch(value):
        return datetime.fromtimestamp(int(value) // 1000, UTC)
    if value.isascii() and value.isdecimal() and len(value) in _DIGITS:
        return datetime.strptime(value, _DIGITS[len(value)])
    raise ValueError(value)


def _in_utc(time: datetime) -> datetime:
    try:
        # `replace` takes several times longer than `combine`.
        time = time.astimezone(UTC) if time.tzinfo else datetime.combine(time, time.time(), UTC)
    except OverflowError as failure:
        raise ValueError(str(time)) from failure
    if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
        raise ValueError(str(time))
    return time
