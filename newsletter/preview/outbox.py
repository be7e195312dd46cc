"""List the messages in the outbox, and read one of them."""

import heapq
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from newsletter.config import loader, model
from newsletter.disk import reading
from newsletter.disk.boundary import UnsafeFile, refuse_outside, root_of
from newsletter.errors import NewsError
from newsletter.preview import outbox_message
from newsletter.preview.outbox_message import OutboxMessage, first_headers
from newsletter.state.tracked import refuse_tracked

MAX_LISTED = 200
_NAME = re.compile(r"[\w+=,.@-]{1,200}")


@dataclass(frozen=True)
class OutboxEntry:
    """A message in the list; `at` is its arrival in milliseconds since 1970, `size` its size in bytes."""

    name: str
    to: str
    subject: str
    at: float
    size: int


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
                return outbox_message.read(file.read(outbox_message.MAX_BYTES + 1))
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
    to, subject = first_headers(head, "To", "Subject")
    return OutboxEntry(file.name, to, subject, status.st_mtime * 1000, status.st_size)
