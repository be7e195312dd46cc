"""Read the messages in a folder of an IMAP server (RFC 3501), and mark them as seen."""

import logging
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from newsletter.display import masked, printable
from newsletter.errors import Unavailable
from newsletter.mailboxes import imap_syntax
from newsletter.mailboxes.imap_account import ImapAccount
from newsletter.mailboxes.imap_connection import Connection, ImapLimits, logged_in, translated
from newsletter.mailboxes.model import FoundMail

log = logging.getLogger(__name__)

_PER_COMMAND, _MAX_FETCH_BYTES = 50, 10 * 2**20
# Bytes of a reply beside each message.
_ATTRIBUTE_BYTES = 4096
_REPORTS = ("UNSEEN", "UNDELETED", "HEADER", "Content-Type", "multipart/report")


class ImapFolder:
    """An open folder; create it with `open_folder`. The numbers of its messages are valid for `validity`.

    The key of a message is its number.
    """

    def __init__(
        self, connection: Connection, account: ImapAccount, limits: ImapLimits, *, readonly: bool
    ) -> None:
        self._connection, self._account, self._limits = connection, account, limits
        self.validity = self._select(readonly)

    def messages(self, after: int = 0, *criteria: str) -> list[int]:
        """Return the numbers of the messages after a number that meet all criteria, lowest first.

        At most `limits.messages` are returned: the next search goes on after the last one.
        """
        # `5:*` names the last message also if its number is lower than 5 (RFC 3501, 6.4.8).
        found = imap_syntax.numbers(self._uid("SEARCH", f"UID {after + 1}:*", *criteria))
        return sorted(number for number in found if number > after)[: self._limits.messages]

    def fetch(self, numbers: Sequence[int]) -> Iterator[FoundMail]:
        """Yield messages without marking them as seen; those that were deleted meanwhile are left out."""
        size = self._limits.bytes_each
        for some in _batches(numbers, min(_PER_COMMAND, max(1, _MAX_FETCH_BYTES // size))):
            what, allowed = f"(UID INTERNALDATE BODY.PEEK[]<0.{size}>)", len(some) * (size + _ATTRIBUTE_BYTES)
            found = imap_syntax.mails(self._uid("FETCH", _joined(some), what, allowed=allowed))
            by_key = {mail.key: mail for mail in found}
            for key in map(str, some):
                if mail := by_key.get(key):
                    yield mail._replace(content=mail.content[:size])

    def unread_reports(self) -> Iterator[FoundMail]:
        """Yield the reports that are not marked as seen, for which the server searches."""
        after = 0
        while numbers := self.messages(after, *_REPORTS):
            yield from self.fetch(numbers)
            after = numbers[-1]

    def mark_read(self, keys: Sequence[str]) -> None:
        """Mark messages as seen."""
        for some in _batches(keys, _PER_COMMAND):
            self._uid("STORE", _joined(some), "+FLAGS.SILENT", r"(\Seen)")

    def move(self, keys: Sequence[str], folder: str) -> None:
        """Move messages to another folder of the mailbox, which must exist (RFC 6851)."""
        for some in _batches(keys, _PER_COMMAND):
            self._uid("MOVE", _joined(some), imap_syntax.folder_name(folder))

    def _select(self, readonly: bool) -> int:
        folder = self._account.settings.folder
        with translated(self._account):
            self._connection.allow()
            status, data = self._connection.select(imap_syntax.folder_name(folder), readonly)
            if status != "OK":
                fix = f"correct `{self._account.setting}.folder`, in which upper and lower case differ"
                raise self._failed(f"cannot open the folder {printable(folder, 60)}", data, fix)
            validity = self._connection.response("UIDVALIDITY")[1]
            count = sorted(imap_syntax.numbers(data))
            log.debug("folder opened", extra={"host": self._account.settings.host, "messages": count})
            return int(validity[0]) if validity and validity[0] else 0

    def _uid(self, command: str, *arguments: str, allowed: int = 0) -> list[Any]:
        with translated(self._account):
            self._connection.allow(allowed)
            status, data = self._connection.uid(command, *arguments)
            if status != "OK":
                raise self._failed(f"refuses {command}", data, "check the server's log")
            return data

    def _failed(self, what: str, words: Sequence[object], fix: str) -> Unavailable:
        """Return the error with the words of the server, without addresses."""
        said = masked(printable(imap_syntax.text(words), 200))
        return Unavailable(f"{what}: {said}", fix, where=self._account.place)


@contextmanager
def open_folder(
    account: ImapAccount,
    limits: ImapLimits | None = None,
    *,
    readonly: bool = False,
    tls: ssl.SSLContext | None = None,
) -> Iterator[ImapFolder]:
    """Log in, open the folder, and log out at the end of the block; raise Unavailable alone.

    `readonly` opens the folder so that no flag can change. `tls` replaces the usual context, which verifies
    the certificate.
    """
    limits = limits or ImapLimits()
    with logged_in(account, limits, tls) as connection:
        yield ImapFolder(connection, account, limits, readonly=readonly)


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _joined(items: Sequence[object]) -> str:
    return ",".join(map(str, items))
