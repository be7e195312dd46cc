"""The mail of a mailbox, and the interface of one with reports."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

MAX_MAIL_BYTES = 512 * 1024
"""The beginning of a mail that is read: a report has what matters before the end of the returned mail."""


class FoundMail(NamedTuple):
    """A mail of a mailbox: its key there, its beginning, and the time at which it arrived.

    The mailbox sets `received_at`; the sender of a mail cannot.
    """

    key: str
    content: bytes
    received_at: datetime


class Mailbox(Protocol):
    """A mailbox in which the reports that were read are marked."""

    def unread_reports(self) -> Iterator[FoundMail]:
        """Yield the mails of the type multipart/report that are not marked yet; raise Unavailable."""

    def mark_read(self, keys: Sequence[str]) -> None:
        """Mark mails, so that they are not read again; raise Unavailable."""
