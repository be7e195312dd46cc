"""Read the messages in the outbox and decode their parts, as a mail program does."""

import email.policy
import heapq
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import EmailPolicy
from html import escape
from pathlib import Path

from newsletter.config import loader, model
from newsletter.disk import reading
from newsletter.disk.boundary import UnsafeFile, refuse_outside, root_of
from newsletter.errors import NewsError
from newsletter.state.tracked import refuse_tracked

MAX_LISTED = 200
_NAME = re.compile(r"[\w+=,.@-]{1,200}")
_LISTED_ADDRESS = re.compile(r"<(https?:[^<>]+)>")
_QUOTED_ADDRESS = re.compile(r'"(https?:[^"]*)"')
_MAX_MESSAGE_BYTES = 5_000_000
# Characters of a header that the list shows.
_MAX_HEADER_LENGTH = 300
# The length of all headers that are parsed. Each counts as a little longer, which limits their number too.
_MAX_PARSED_HEADER_CHARACTERS, _MIN_HEADER_LENGTH = 20_000, 50


@dataclass(frozen=True)
class OutboxEntry:
    """A message in the list; `at` is its arrival in milliseconds since 1970, `size` its size in bytes."""

    name: str
    to: str
    subject: str
    at: float
    size: int


@dataclass(frozen=True)
class OutboxMessage:
    """A parsed message: its decoded headers, its parts, and its source as text."""

    headers: list[tuple[str, str]]
    html: str
    text: str
    source: str


class Outbox:
    """The messages of a maildir, by their file names; other files cannot be opened."""

    def __init__(self, folder: Path, root: Path | None = None) -> None:
        """Read the messages in `folder`, out of which no link may lead, and which must be inside `root`."""
        self._folder, self._root = folder, root

    def stamp(self) -> str:
        """Return a text that changes when a message is added or removed."""
        return " ".join(str(self._changed(part)) for part in ("new", "cur"))

    def messages(self) -> tuple[int, list[OutboxEntry]]:
        """Return the number of messages and the newest MAX_LISTED of them, newest first.

        Raise StateError if Git tracks the outbox: a branch may have written its messages.
        """
        refuse_tracked(self._folder)
        entries = list(self._entries())
        newest = heapq.nlargest(MAX_LISTED, entries, key=lambda entry: (entry[1].st_mtime, entry[0].name))
        listed = (_entry(file, status, self._folder) for file, status in newest)
        return len(entries), [entry for entry in listed if entry]

    def open(self, name: str) -> OutboxMessage | None:
        """Return the message with this file name; None if there is no such message or it cannot be read.

        Raise StateError if Git tracks the outbox.
        """
        refuse_tracked(self._folder)
        if not _NAME.fullmatch(name) or name.startswith("."):
            return None
        for part in self._parts():
            with suppress(OSError), reading.open_regular(part / name, root=self._folder) as file:
                return _message(file.read(_MAX_MESSAGE_BYTES))
        return None

    def _parts(self) -> Iterator[Path]:
        for part in (self._folder / "new", self._folder / "cur"):
            try:
                refuse_outside(self._folder, self._root)
                refuse_outside(part, self._folder)
            except UnsafeFile:
                continue
            yield part

    def _entries(self) -> Iterator[tuple[Path, os.stat_result]]:
        for part in self._parts():
            with suppress(OSError), os.scandir(part) as files:
                for entry in files:
                    with suppress(OSError):
                        if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                            yield Path(entry.path), entry.stat(follow_symlinks=False)

    def _changed(self, part: str) -> int:
        try:
            return (self._folder / part).stat().st_mtime_ns
        except OSError:
            return 0


def of(folder: Path) -> Outbox:
    """Return the outbox of the newsletter in `folder`; the default outbox if its configuration is invalid."""
    try:
        path = loader.load_file(folder)[0].outbox.path
    except NewsError:
        path = model.Outbox().path
    return Outbox(folder / path, root_of(folder / path, folder))


def _entry(file: Path, status: os.stat_result, root: Path) -> OutboxEntry | None:
    try:
        with reading.open_regular(file, root=root) as handle:
            head = handle.read(20_000).partition(b"\n\n")[0]
    except OSError:
        return None
    headers = dict(reversed(_headers(_parsed(head))))
    to, subject = (headers.get(name, "")[:_MAX_HEADER_LENGTH] for name in ("To", "Subject"))
    return OutboxEntry(file.name, to, subject, status.st_mtime * 1000, status.st_size)


def _message(raw: bytes) -> OutboxMessage:
    source = raw.decode("utf-8", "replace")
    try:
        message = _parsed(raw)
    except RecursionError:  # hundreds of parts, each within another
        return OutboxMessage([], "", "", source)
    headers = _headers(message)
    html, text = _part(message, "html"), _part(message, "plain")
    # Disable the unsubscribe link: a click in the preview would unsubscribe the recipient.
    addresses = set(map(escape, _LISTED_ADDRESS.findall(dict(headers).get("List-Unsubscribe", ""))))
    html = _QUOTED_ADDRESS.sub(lambda link: '"#unsubscribe"' if link[1] in addresses else link[0], html)
    return OutboxMessage(headers, html, text, source)


def _parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=_bounded_policy())
    assert isinstance(message, EmailMessage)
    return message


def _headers(message: EmailMessage) -> list[tuple[str, str]]:
    try:
        fields = [(name, str(value)) for name, value in message.items()]
    except Exception:  # the standard library raises several types of exceptions for malformed headers
        fields = [(name, str(value)) for name, value in message.raw_items()]
    return [(_sendable(name), _sendable(value)) for name, value in fields]


def _sendable(text: str) -> str:
    """Return the text with `?` for surrogates (undecodable bytes), which cannot be encoded in UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _part(message: EmailMessage, subtype: str) -> str:
    try:
        part = message.get_body((subtype,))
        return _sendable(str(part.get_content())) if part else ""
    except (LookupError, ValueError, AttributeError, RecursionError):
        return ""


def _bounded_policy() -> "EmailPolicy[EmailMessage]":
    """Return a policy that parses some headers of a message, and returns the others as they are.

    The standard library takes a second for some headers of 50 KB.
    """
    left, parse = _MAX_PARSED_HEADER_CHARACTERS, email.policy.default.header_factory

    def header(name: str, value: str) -> str:
        nonlocal left
        left -= _MIN_HEADER_LENGTH + len(value)
        return parse(name, value) if left >= 0 else " ".join(value[:_MAX_HEADER_LENGTH].split())

    return email.policy.default.clone(header_factory=header)
