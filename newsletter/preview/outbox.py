"""What was "sent" into the outbox, read as a mail program reads it."""

import email.policy
import heapq
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from html import escape
from pathlib import Path

from newsletter.config import loader, model
from newsletter.errors import NewsError

SHOWN = 200
_NAME = re.compile(r"[\w+=,.@-]{1,200}")
_MOST = 5_000_000
# Characters of a header in the list, where one line is seen of it.
_LINE = 300


@dataclass(frozen=True)
class OutboxEntry:
    """A message in the list; `at` is when it came, in milliseconds since 1970."""

    name: str
    to: str
    subject: str
    at: float
    size: int


@dataclass(frozen=True)
class OutboxMessage:
    """A message, opened: its headers decoded, its parts, and its bytes as text."""

    headers: list[tuple[str, str]]
    html: str
    text: str
    source: str


class Outbox:
    """A maildir's messages, by the names of their files; nothing else can be named."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stamp(self) -> str:
        """Something that changes whenever a message comes or goes."""
        return " ".join(str(self._changed(part)) for part in ("new", "cur"))

    def messages(self) -> tuple[int, list[OutboxEntry]]:
        """How many there are, and the newest of them, newest first."""
        entries = list(self._entries())
        newest = heapq.nlargest(SHOWN, entries, key=lambda found: (found[1].st_mtime, found[0].name))
        return len(entries), [one for file, status in newest if (one := _caught(file, status))]

    def open(self, name: str) -> OutboxMessage | None:
        """A message; None where there is none of that name."""
        if not _NAME.fullmatch(name) or name.startswith("."):
            return None
        for part in ("new", "cur"):
            file = self._folder / part / name
            with suppress(OSError):
                if file.parent.is_symlink() or file.is_symlink() or not file.is_file():
                    continue
                with file.open("rb") as handle:
                    return _opened(handle.read(_MOST))
        return None

    def _entries(self) -> Iterator[tuple[Path, os.stat_result]]:
        for part in ("new", "cur"):
            if (self._folder / part).is_symlink():
                continue
            with suppress(OSError), os.scandir(self._folder / part) as found:
                for entry in found:
                    with suppress(OSError):
                        if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                            yield Path(entry.path), entry.stat(follow_symlinks=False)

    def _changed(self, part: str) -> int:
        try:
            return (self._folder / part).stat().st_mtime_ns
        except OSError:
            return 0


def of(folder: Path) -> Outbox:
    """That of the newsletter in `folder`; as long as its configuration cannot be read, of the usual place."""
    try:
        path = loader.load_file(folder)[0].outbox.path
    except NewsError:
        path = model.Outbox().path
    return Outbox(folder / path)


def _caught(file: Path, status: os.stat_result) -> OutboxEntry | None:
    try:
        with file.open("rb") as handle:
            head = handle.read(20_000).partition(b"\n\n")[0]
    except OSError:
        return None
    headers = dict(reversed(_headers(_parsed(head))))
    to, subject = (headers.get(name, "")[:_LINE] for name in ("To", "Subject"))
    return OutboxEntry(file.name, to, subject, status.st_mtime * 1000, status.st_size)


def _opened(raw: bytes) -> OutboxMessage:
    message = _parsed(raw)
    headers = _headers(message)
    html, text = _part(message, "html"), _part(message, "plain")
    # Opening a message must not tempt anybody to unsubscribe the person whom it is to.
    leave = re.findall(r"<(https?:[^>]+)>", dict(headers).get("List-Unsubscribe", ""))
    for address in leave:
        html = html.replace(f'"{escape(address)}"', '"#unsubscribe"')
    return OutboxMessage(headers, html, text, raw.decode("utf-8", "replace"))


def _parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _headers(message: EmailMessage) -> list[tuple[str, str]]:
    try:
        found = [(name, str(value)) for name, value in message.items()]
    except Exception:  # what the standard library raises for headers that are none is not all of one kind
        found = [(name, str(value)) for name, value in message.raw_items()]
    return [(_sendable(name), _sendable(value)) for name, value in found]


def _sendable(text: str) -> str:
    """Without the surrogates that stand for bytes which are no text, and which no JSON has."""
    return text.encode("utf-8", "replace").decode()


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    try:
        return _sendable(str(part.get_content())) if part else ""
    except (LookupError, ValueError, AttributeError):
        return ""
