"""Read mail from one folder of an IMAP mailbox (RFC 3501), with limits of number, size and time.

The standard library's imaplib suffices: six commands are needed, and the limits must hold before a message is
in memory. A package on top of it, such as imap-tools, reads whole messages and has no limit of time.
"""

import base64
import imaplib
import logging
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from newsletter.constants import IMAP_PORTS, ImapSecurity
from newsletter.display import printable
from newsletter.network.hosts import is_loopback

log = logging.getLogger(__name__)

_PER_FETCH = 50
_UID = re.compile(rb"\bUID (\d{1,10})\b")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,15})\b")
_DATE = re.compile(rb'\bINTERNALDATE "([^"]{1,40})"')
# Bytes of a reply beside the messages in it, such as a list of numbers.
_MAX_OVERHEAD = 65_536


class ImapError(Exception):
    """The only error of this module: what failed at which server, and what to do."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what, self.fix = what, fix


@dataclass(frozen=True)
class ImapAccount:
    """A folder of a mailbox, and the login to it; a repr does not show the password."""

    host: str
    username: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    security: ImapSecurity = "tls"
    port: int | None = None

    @property
    def place(self) -> str:
        """Return the host and its port."""
        return f"{self.host}:{self.port or IMAP_PORTS[self.security]}"


@dataclass(frozen=True)
class ImapLimits:
    """The limits of one visit: messages, bytes of a message that are read, and seconds in all."""

    messages: int = 10_000
    bytes_each: int = 65_536
    seconds: float = 300
    timeout: float = 30


class StoredMail(NamedTuple):
    """A message in the folder: its number there, when it arrived, and its content up to the limit.

    The server sets `arrived_at`; the sender of a message cannot.
    """

    uid: int
    arrived_at: datetime
    content: bytes
    is_whole: bool


class ImapFolder:
    """An open folder; create it with `open_folder`. The numbers of its messages are valid for `validity`."""

    def __init__(self, connection: imaplib.IMAP4, account: ImapAccount, limits: ImapLimits) -> None:
        self._connection, self._account, self._limits = connection, account, limits
        self.validity = self._select()

    def messages(self, after: int = 0, *, unseen: bool = False) -> list[int]:
        """Return the numbers of the messages after a number, or of the unseen ones, lowest first.

        At most `limits.messages` are returned: the next visit goes on after the last one.
        """
        criteria = [f"UID {after + 1}:*", *(["UNSEEN"] if unseen else [])]
        found = self._uid("SEARCH", *criteria)
        # `5:*` names the last message also if its number is lower than 5 (RFC 3501, 6.4.8).
        numbers = {int(number) for line in found for number in _words(line) if number.isdigit()}
        return sorted(number for number in numbers if number > after)[: self._limits.messages]

    def fetch(self, numbers: Sequence[int]) -> Iterator[StoredMail]:
        """Yield messages without marking them as seen; those that were deleted meanwhile are left out."""
        for start in range(0, len(numbers), _PER_FETCH):
            some = numbers[start : start + _PER_FETCH]
            what = f"(UID RFC822.SIZE INTERNALDATE BODY.PEEK[]<0.{self._limits.bytes_each}>)"
            mails = _mails(self._uid("FETCH", _joined(some), what))
            wanted = {mail.uid: mail for mail in mails if mail.uid in set(some)}
            yield from (wanted[number] for number in sorted(wanted))

    def mark_seen(self, numbers: Sequence[int]) -> None:
        """Mark messages as seen."""
        for start in range(0, len(numbers), _PER_FETCH):
            some = _joined(numbers[start : start + _PER_FETCH])
            self._uid("STORE", some, "+FLAGS.SILENT", r"(\Seen)")

    def move(self, numbers: Sequence[int], folder: str) -> None:
        """Move messages to another folder of the mailbox, which must exist (RFC 6851)."""
        for start in range(0, len(numbers), _PER_FETCH):
            self._uid("MOVE", _joined(numbers[start : start + _PER_FETCH]), _quoted(folder))

    def _select(self) -> int:
        with _translated(self._account):
            status, data = self._connection.select(_quoted(self._account.folder))
            if status != "OK":
                what = f"{self._account.place} has no folder {printable(self._account.folder, 60)}"
                raise ImapError(what, "correct `folder`, which is case-sensitive")
            validity = self._connection.response("UIDVALIDITY")[1]
            log.debug("folder opened", extra={"host": self._account.host, "messages": _words(data[0])[:1]})
            return int(validity[0]) if validity and validity[0] else 0

    def _uid(self, command: str, *arguments: str) -> list[Any]:
        with _translated(self._account):
            status, data = self._connection.uid(command, *arguments)
            if status != "OK":
                words = printable(_text(data), 100)
                raise ImapError(f"{self._account.place} refuses {command}: {words}", "try again later")
            return data


@contextmanager
def open_folder(
    account: ImapAccount, limits: ImapLimits | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[ImapFolder]:
    """Log in, open the folder, and log out at the end of the block; raise ImapError alone.

    The connection has TLS with a verified certificate; `security: none` is for a host on this machine only.
    `tls` replaces the usual context.
    """
    limits = limits or ImapLimits()
    if account.security == "none" and not is_loopback(account.host):
        what = f"{account.place} would get the password without encryption"
        raise ImapError(what, "write `security: tls` or `security: starttls`")
    with _translated(account):
        connection = _connect(account, limits, tls or ssl.create_default_context())
    try:
        yield _logged_in(connection, account, limits)
    finally:
        with suppress(Exception):  # the visit is over, whatever the server says to that
            connection.logout()
        with suppress(Exception):
            connection.shutdown()


def _logged_in(connection: imaplib.IMAP4, account: ImapAccount, limits: ImapLimits) -> ImapFolder:
    with _translated(account):
        try:
            connection.login(_string(account.username), account.password)  # it quotes the password only
        except UnicodeEncodeError as failure:
            what = f"{account.place}: the user name or the password is not ASCII"
            raise ImapError(what, "use others in ASCII") from failure
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as refused:
            # Not the words of the server: they may quote the user name or the password.
            what = f"{account.place} does not accept the user name and the password"
            fix = "check `username` and IMAP_PASSWORD; many providers want a password for apps"
            raise ImapError(what, fix) from refused
    return ImapFolder(connection, account, limits)


def _connect(account: ImapAccount, limits: ImapLimits, tls: ssl.SSLContext) -> imaplib.IMAP4:
    port = account.port or IMAP_PORTS[account.security]
    largest = _PER_FETCH * limits.bytes_each + _MAX_OVERHEAD
    if account.security == "tls":
        connection: imaplib.IMAP4 = _TlsConnection(
            largest, limits.seconds, account.host, port, ssl_context=tls, timeout=limits.timeout
        )
    else:
        connection = _Connection(largest, limits.seconds, account.host, port, timeout=limits.timeout)
    if account.security == "starttls":
        try:
            connection.starttls(tls)
        except BaseException:
            with suppress(OSError):  # after a failed handshake, imaplib has a socket that is closed already
                connection.shutdown()
            raise
    return connection


class _Limited(imaplib.IMAP4):
    """A connection that ends at a time, and reads no literal above a size.

    The server announces the size of a literal before it sends it. A time-out of the socket ends one wait; the
    timer also ends the visit to a server that sends a byte now and then.
    """

    def __init__(self, largest: int, seconds: float, *arguments: Any, **options: Any) -> None:
        self._largest = largest
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        super().__init__(*arguments, **options)

    def open(self, *arguments: Any, **options: Any) -> None:
        super().open(*arguments, **options)
        self._timer.start()

    def read(self, size: int) -> bytes:
        if size > self._largest:
            raise imaplib.IMAP4.abort(f"a reply of {size} bytes")
        return super().read(size)

    def shutdown(self) -> None:
        self._timer.cancel()
        super().shutdown()

    def _expire(self) -> None:
        with suppress(OSError):
            # Not the method of a TLS socket, which another thread may be reading.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _Connection(_Limited):
    pass


class _TlsConnection(_Limited, imaplib.IMAP4_SSL):
    pass


@contextmanager
def _translated(account: ImapAccount) -> Iterator[None]:
    """Turn every error of the library, of the network and of a reply that makes no sense into ImapError."""
    place = account.place
    try:
        yield
    except ImapError:
        raise
    except ssl.SSLCertVerificationError as failure:
        what = f"{place} has a certificate that is not trusted: {printable(failure.verify_message, 100)}"
        raise ImapError(what, "correct the host, or renew its certificate") from failure
    except ssl.SSLError as failure:
        fix = "check `port` and `security`: port 993 is for tls, 143 for starttls"
        raise ImapError(f"{place} does not speak TLS as expected", fix) from failure
    except TimeoutError as failure:
        raise ImapError(f"{place} does not answer in time", "try again later") from failure
    except imaplib.IMAP4.error as failure:
        # Not its words: they quote commands and replies, and with them addresses.
        what = f"{place} gives no valid reply ({type(failure).__name__})"
        raise ImapError(what, "check `host`, `port` and `security`, and try again") from failure
    except (OSError, ValueError) as failure:
        what = f"{place} cannot be reached: {printable(str(failure) or type(failure).__name__, 100)}"
        raise ImapError(what, "check the network, `host` and `port`") from failure
    except (IndexError, KeyError, TypeError, AttributeError, RecursionError) as failure:
        raise ImapError(f"{place} gives a reply that cannot be read", "try again later") from failure


def _mails(parts: Sequence[object]) -> Iterator[StoredMail]:
    """Yield the messages in a reply, which has the attributes of each before and after its content."""
    for part, after in zip(parts, [*parts[1:], b""], strict=True):
        if not (isinstance(part, tuple) and isinstance(part[0], bytes) and isinstance(part[1], bytes)):
            continue
        about = part[0] + (after if isinstance(after, bytes) else b"")
        if uid := _UID.search(about):
            size = _SIZE.search(about)
            is_whole = size is None or int(size[1]) <= len(part[1])
            yield StoredMail(int(uid[1]), _arrival(about), part[1], is_whole)


def _arrival(about: bytes) -> datetime:
    """Return the time of arrival in UTC; the present for one that cannot be read."""
    found = _DATE.search(about)
    with suppress(ValueError):
        if found:
            text = found[1].decode("ascii", "replace").strip()
            return datetime.strptime(text, "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    return datetime.now(UTC)


def _words(line: object) -> list[bytes]:
    return line.split() if isinstance(line, bytes) else []


def _text(data: Sequence[object]) -> str:
    return b" ".join(part for part in data if isinstance(part, bytes)).decode("utf-8", "replace")


def _joined(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _quoted(folder: str) -> str:
    """Return the name of a folder as a quoted string; one that is not ASCII in modified UTF-7.

    A name in ASCII is taken as IMAP writes it (RFC 3501, 5.1.3).
    """
    if folder.isascii():
        return _string(folder)
    return _string(re.sub(r"[^\x20-\x25\x27-\x7e]+", _modified_utf7, folder))


def _string(text: str) -> str:
    """Return a quoted string (RFC 3501, 4.3)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _modified_utf7(found: "re.Match[str]") -> str:
    if set(found[0]) == {"&"}:
        return "&-" * len(found[0])
    encoded = base64.b64encode(found[0].encode("utf-16-be")).decode("ascii")
    return f"&{encoded.rstrip('=').replace('/', ',')}-"
