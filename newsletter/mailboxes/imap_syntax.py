"""Write the arguments of IMAP commands, and read the messages in replies (RFC 3501)."""

import base64
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from newsletter.mailboxes.model import FoundMail

_UID = re.compile(rb"\bUID ([1-9][0-9]{0,9})\b")
_DATE = re.compile(rb'\bINTERNALDATE "([^"]{1,40})"')


def string(text: str) -> str:
    """Return a quoted string (RFC 3501, 4.3)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def folder_name(folder: str) -> str:
    """Return the name of a folder as a quoted string; one that is not ASCII in modified UTF-7.

    A name in ASCII is taken as IMAP writes it (RFC 3501, 5.1.3).
    """
    if folder.isascii():
        return string(folder)
    return string(re.sub(r"[^\x20-\x25\x27-\x7e]+", _modified_utf7, folder))


def _modified_utf7(found: "re.Match[str]") -> str:
    if set(found[0]) == {"&"}:
        return "&-" * len(found[0])
    encoded = base64.b64encode(found[0].encode("utf-16-be")).decode("ascii")
    return f"&{encoded.rstrip('=').replace('/', ',')}-"


def numbers(data: Sequence[object]) -> set[int]:
    """Return the numbers in the reply to a search."""
    lines = (line for line in data if isinstance(line, bytes))
    return {int(word) for line in lines for word in line.split() if word.isdigit()}


def text(data: Sequence[object]) -> str:
    """Return the words of a server."""
    return b" ".join(part for part in data if isinstance(part, bytes)).decode("utf-8", "replace")


def mails(parts: Sequence[object]) -> Iterator[FoundMail]:
    """Yield the messages in a reply, which has the attributes of each before and after its content."""
    for part, after in zip(parts, [*parts[1:], b""], strict=True):
        if not (isinstance(part, tuple) and isinstance(part[0], bytes) and isinstance(part[1], bytes)):
            continue
        about = part[0] + (after if isinstance(after, bytes) else b"")
        if uid := _UID.search(about):
            yield FoundMail(uid[1].decode("ascii"), part[1], _arrival(about))


def _arrival(about: bytes) -> datetime:
    """Return the time of arrival in UTC; the present for one that cannot be read."""
    found = _DATE.search(about)
    with suppress(ValueError):
        if found:
            date = found[1].decode("ascii", "replace").strip()
            return datetime.strptime(date, "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    return datetime.now(UTC)
