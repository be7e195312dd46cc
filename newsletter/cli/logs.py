"""The log: which records are shown, and in which form; addresses of people are masked in all of them.

Modules log with `logging.getLogger(__name__)` and pass what a record is about in `extra`, such as
`{"send": 3, "chunk": "1-1000", "attempt": 7}`. Only commands set the log up.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Literal

from newsletter.display import masked, printable

Format = Literal["text", "json"]

log = logging.getLogger(__name__)

_PACKAGE = "newsletter"
# What `logging` itself puts into a record; everything else is a field from `extra`.
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
_LONGEST = 2000


@contextmanager
def shown(verbosity: int, style: Format | None) -> Iterator[None]:
    """Show the log on standard error while the block lasts.

    `verbosity` 1 shows the steps, 2 the details and tracebacks as well. With 0 and no `style` only faults of
    news itself are shown, without time and level. Other packages' loggers are shown from warnings on.
    """
    quiet = not verbosity and style is None
    level = logging.ERROR if quiet else logging.DEBUG if verbosity > 1 else logging.INFO
    handler = _StandardError()
    handler.setFormatter(_formatter(quiet, style, tracebacks=verbosity > 1))
    ours, root = logging.getLogger(_PACKAGE), logging.getLogger()
    before = ours.level
    ours.setLevel(level)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        ours.setLevel(before)


def failed(failure: BaseException) -> None:
    """Log why a command failed: the causes of an error whose message has been printed."""
    log.info("the command failed", exc_info=failure)


def _formatter(quiet: bool, style: Format | None, *, tracebacks: bool) -> logging.Formatter:
    if quiet:
        return _MessageFormatter(tracebacks=True)
    return _JsonFormatter(tracebacks) if style == "json" else _TextFormatter(tracebacks)


class _StandardError(logging.Handler):
    """Write records to standard error; one that cannot be written is dropped, so that no send ends by it."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(Exception):
            _write(self.format(record) + "\n")


def _write(text: str) -> None:
    stream = sys.stderr
    if stream is None:  # it was closed before the process started
        return
    descriptor = None
    with suppress(OSError, ValueError):  # a stream without one
        descriptor = None if stream.isatty() else stream.fileno()
    stream.flush()
    if descriptor is None:
        stream.write(text)
        stream.flush()
        return
    # Past the stream's buffer: what stays in that after a failure would fail again when the process ends, and
    # change its exit code.
    left = text.encode(stream.encoding or "utf-8", "backslashreplace")
    while left:
        left = left[os.write(descriptor, left) :]


class _MessageFormatter(logging.Formatter):
    """The message alone; the base of the others, which holds what they share."""

    def __init__(self, tracebacks: bool) -> None:
        super().__init__()
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join((self._line(record), *self._failure(record)))

    def _line(self, record: logging.LogRecord) -> str:
        return masked(record.getMessage())

    def _failure(self, record: logging.LogRecord) -> list[str]:
        """Return the lines about a record's exception."""
        failure = _exception(record)
        if failure is None:
            return []
        if self._needs_traceback(record):
            return _traceback(failure)
        return [f"    caused by: {cause}" for cause in _causes(failure)]

    def _needs_traceback(self, record: logging.LogRecord) -> bool:
        """Return whether to show where an exception was raised: an ERROR is a fault of news itself."""
        return self._tracebacks or record.levelno >= logging.ERROR


class _TextFormatter(_MessageFormatter):
    """A line for people: time in UTC, level, logger, message, fields as `key=value`."""

    def _line(self, record: logging.LogRecord) -> str:
        failure = _exception(record)
        fields = {**_fields(record), **({"error": _told(failure)} if failure else {})}
        words = [_time(record), record.levelname, f"{record.name}:", printable(_message(record), _LONGEST)]
        return " ".join((*words, *(f"{key}={_quoted(value)}" for key, value in fields.items())))


class _JsonFormatter(_MessageFormatter):
    """A JSON object for programs, in one line: time, level, logger, message, and the fields as keys."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if failure := _exception(record):
            told |= {"error": _told(failure), "causes": _causes(failure)}
            if self._needs_traceback(record):
                told["traceback"] = "\n".join(_traceback(failure))
        return json.dumps({**told, **_fields(record), **told})  # no field takes the place of these


def _time(record: logging.LogRecord) -> str:
    return _moment(datetime.fromtimestamp(record.created, UTC))


def _moment(moment: datetime) -> str:
    """Return a time in UTC as ISO 8601 writes it, such as 2026-05-04T09:00:00.000Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _message(record: logging.LogRecord) -> str:
    return masked(record.getMessage())


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    found = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    return {key: _value(value) for key, value in found.items() if value is not None}


def _value(value: object) -> str | int | float:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return _moment(value)
    return printable(masked(str(value)), _LONGEST)


def _quoted(value: str | int | float) -> str:
    """Return a value as a word: in double quotes where it would look like several."""
    if isinstance(value, str) and (not value or any(c in value for c in ' ="')):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _exception(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _causes(failure: BaseException) -> list[str]:
    """Return what caused an exception, the nearest first, as `Type: message`."""
    found: list[BaseException] = []
    while cause := failure.__cause__ or (None if failure.__suppress_context__ else failure.__context__):
        if cause in found:
            break
        found.append(cause)
        failure = cause
    return [_told(cause) for cause in found]


def _told(failure: BaseException) -> str:
    """Return an exception's type and the first line of its message: further lines may quote whole inputs."""
    first = next(iter(str(failure).strip().splitlines()), "")
    name = type(failure).__name__
    return printable(masked(f"{name}: {first}" if first else name), 300)


def _traceback(failure: BaseException) -> list[str]:
    import traceback

    return masked("".join(traceback.format_exception(failure))).rstrip().splitlines()
