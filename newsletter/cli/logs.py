"""The log: selection and format of its records; email addresses are masked in all of them.

Modules log with `logging.getLogger(__name__)` and pass the fields of a record in `extra`, such as
`{"send": 3, "chunk": "1-1000", "attempt_id": 7}`. Only commands configure logging.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Literal

from newsletter.cli import output
from newsletter.display import masked, printable, shortened

Format = Literal["text", "json"]

log = logging.getLogger(__name__)

_PACKAGE = "newsletter"
# The attributes that `logging` sets in a record; all others are fields from `extra`.
_STANDARD_ATTRIBUTES = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
_MAX_VALUE_LENGTH = 2000


@contextmanager
def enabled(verbosity: int, style: Format | None) -> Iterator[None]:
    """Write the log to standard error during the block.

    `verbosity` 1 logs the steps; 2 also logs details and tracebacks. With 0 and no `style`, only errors in
    news itself are logged, without time and level. Other packages' records are logged from level WARNING on.
    """
    quiet = not verbosity and style is None
    level = logging.ERROR if quiet else logging.DEBUG if verbosity > 1 else logging.INFO
    handler = _StandardError()
    handler.setFormatter(_formatter(quiet, style, tracebacks=verbosity > 1))
    package, root = logging.getLogger(_PACKAGE), logging.getLogger()
    level_before = package.level
    package.setLevel(level)
    root.addHandler(handler)
    logging.captureWarnings(True)  # Python would print a warning with a line of the file, such as a template
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
        package.setLevel(level_before)


def failed(failure: BaseException) -> None:
    """Log the failure of a command with its causes, at level INFO; the caller prints the message itself."""
    log.info("the command failed", exc_info=failure)


def _formatter(quiet: bool, style: Format | None, *, tracebacks: bool) -> logging.Formatter:
    if quiet:
        return _MessageFormatter(tracebacks=True)
    return _JsonFormatter(tracebacks) if style == "json" else _TextFormatter(tracebacks)


class _StandardError(logging.Handler):
    """A handler for standard error; it drops records that cannot be written, so that no send fails."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(Exception):
            _write(self.format(record) + "\n")


def _write(text: str) -> None:
    stream = sys.stderr
    if stream is None:  # standard error was closed before the process started
        return
    descriptor = None
    with suppress(OSError, ValueError):  # the stream has no descriptor
        descriptor = None if stream.isatty() else stream.fileno()
    stream.flush()
    if descriptor is None:
        stream.write(text)
        stream.flush()
        return
    # Bypass the stream's buffer: text that stays in it after a failure would fail again at the exit of the
    # process, and change its exit code.
    remaining = text.encode(stream.encoding or "utf-8", "backslashreplace")
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]


class _MessageFormatter(logging.Formatter):
    """A formatter of messages without time, level and fields; the base of the other formatters."""

    def __init__(self, tracebacks: bool) -> None:
        super().__init__()
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        lines = (self._line(record), *self._failure(record))
        return "\n".join(output.line(line, max_length=None) for line in lines)

    def _line(self, record: logging.LogRecord) -> str:
        return _message(record)

    def _failure(self, record: logging.LogRecord) -> list[str]:
        """Return the lines about a record's exception."""
        failure = _exception(record)
        if failure is None:
            return []
        if self._needs_traceback(record):
            return traceback_lines(failure)
        return [f"    caused by: {cause}" for cause in _causes(failure)]

    def _needs_traceback(self, record: logging.LogRecord) -> bool:
        """Return True if tracebacks are enabled, or for level ERROR, which is used only for bugs in news."""
        return self._tracebacks or record.levelno >= logging.ERROR


class _TextFormatter(_MessageFormatter):
    """A formatter of lines for people: time in UTC, level, logger, message, fields as `key=value`."""

    def _line(self, record: logging.LogRecord) -> str:
        failure = _exception(record)
        fields = {**_fields(record), **({"error": _error_text(failure)} if failure else {})}
        parts = [
            _time(record),
            record.levelname,
            f"{record.name}:",
            _message(record),
        ]
        return " ".join((*parts, *(f"{key}={_quoted(value)}" for key, value in fields.items())))


class _JsonFormatter(_MessageFormatter):
    """A formatter of JSON objects, one per line: time, level, logger, message, and the fields as keys."""

    def format(self, record: logging.LogRecord) -> str:
        standard: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if failure := _exception(record):
            standard |= {"error": _error_text(failure), "causes": _causes(failure)}
            if self._needs_traceback(record):
                standard["traceback"] = "\n".join(traceback_lines(failure))
        fields = {**standard, **_fields(record), **standard}  # no field replaces a standard key
        return output.json_text(json.dumps(fields))


def _time(record: logging.LogRecord) -> str:
    return _iso_time(datetime.fromtimestamp(record.created, UTC))


def _iso_time(time: datetime) -> str:
    """Return a time in ISO 8601 format in UTC, such as 2026-05-04T09:00:00.000Z."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def _message(record: logging.LogRecord) -> str:
    return shortened(masked(record.getMessage()), _MAX_VALUE_LENGTH)


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    extra = {key: value for key, value in vars(record).items() if key not in _STANDARD_ATTRIBUTES}
    return {key: _value(value) for key, value in extra.items() if value is not None}


def _value(value: object) -> str | int | float:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return _iso_time(value)
    return printable(masked(str(value)), _MAX_VALUE_LENGTH)


def _quoted(value: str | int | float) -> str:
    """Return a value as one word: in double quotes if it is empty or contains a space, `=` or a quote."""
    if isinstance(value, str) and (not value or any(c in value for c in ' ="')):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _exception(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _causes(failure: BaseException) -> list[str]:
    """Return the causes of an exception as `Type: message`, the nearest cause first."""
    causes: list[BaseException] = []
    while cause := failure.__cause__ or (None if failure.__suppress_context__ else failure.__context__):
        if cause in causes:
            break
        causes.append(cause)
        failure = cause
    return [_error_text(cause) for cause in causes]


def _error_text(failure: BaseException) -> str:
    """Return an exception's type and the first line of its message; later lines may quote the whole input."""
    first = next(iter(str(failure).strip().splitlines()), "")
    name = type(failure).__name__
    return printable(masked(f"{name}: {first}" if first else name), 300)


def traceback_lines(failure: BaseException) -> list[str]:
    """Return the lines of a traceback, without addresses; the lines of a message become one."""
    import traceback

    lines: list[str] = []
    for entry in traceback.format_exception(failure):
        text = masked(entry.rstrip())
        lines += text.split("\n") if entry.startswith("  File ") else [shortened(text, _MAX_VALUE_LENGTH)]
    return lines
