"""Decode a stream of bytes into lines of a limited length, whatever ends them."""

import codecs
import io
from collections.abc import Iterator
from functools import partial

from newsletter.disk.failures import cannot_be
from newsletter.display import printable
from newsletter.errors import SubscriberError

MAX_LINE_CHARACTERS = 1_000_000
"""The length of a line, and of a record of several lines; more may not fit into memory."""
START_BYTES = 8
"""The length of the start of a file that tells what it is."""
_BUFFER_BYTES = 1 << 16
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def lines(start: bytes, rest: io.BufferedIOBase, shown: str, encoding: str) -> Iterator[str]:
    """Yield the lines of a stream with their ends: LF, CR LF, or CR. `start` was read from it before.

    A byte order mark decides before `encoding`. Raise SubscriberError if the stream cannot be read, for
    a line that is too long, and for bytes that are not text of this encoding.
    """
    encoding = next((name for mark, name in _BOMS if start.startswith(mark)), encoding)
    number = 0
    try:
        stream = io.BufferedReader(_Resumed(start, rest), _BUFFER_BYTES)
        text = io.TextIOWrapper(stream, encoding, newline="")
        for number, line in enumerate(iter(partial(text.readline, MAX_LINE_CHARACTERS + 1), ""), 1):
            if len(line) > MAX_LINE_CHARACTERS:
                raise _too_long(f"{shown}:{number}")
            yield line
    except UnicodeError as failure:
        where = f"{shown}:{number + 1 + _lines_before(failure)}"
        hint = "save the file as UTF-8, or name its encoding: --encoding cp1252"
        named = encoding.removesuffix("-sig")
        raise SubscriberError(f"the line is not {printable(named)} text", hint, where=where) from failure
    except LookupError as failure:
        what = f"the encoding {printable(encoding)} is unknown"
        raise SubscriberError(what, "try utf-8 or cp1252") from failure
    except OSError as failure:
        hint = "name another copy of the file"
        raise SubscriberError(cannot_be("read", failure), hint, where=shown) from failure


class _Resumed(io.RawIOBase):
    """The bytes that were read from a stream, and then the rest of it."""

    def __init__(self, start: bytes, rest: io.BufferedIOBase) -> None:
        self._start, self._rest = start, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a plain Buffer has no length
        size = len(buffer)
        chunk, self._start = self._start[:size], self._start[size:]
        chunk = chunk or self._rest.read1(size)
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _too_long(where: str) -> SubscriberError:
    what = f"the line is longer than {MAX_LINE_CHARACTERS:,} characters"
    hint = "name a list of subscribers: a CSV file with one of them per line"
    return SubscriberError(what, hint, where=where)


def _lines_before(failure: UnicodeError) -> int:
    """Return the number of lines in the part that was decoded last, before the bytes that are not text."""
    if not isinstance(failure, UnicodeDecodeError):
        return 0
    codec = failure.encoding if failure.encoding.startswith("utf") else "latin-1"
    text = failure.object[: failure.start].decode(codec, "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").count("\n")
