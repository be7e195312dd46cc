"""Connect to an IMAP server (RFC 3501), with limits of time and size, and one kind of error.

The standard library's imaplib suffices: seven commands are needed, and the limits must hold before a message
is in memory. A package on top of it, such as imap-tools, reads whole messages and has no limit of time.
"""

import imaplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from newsletter.display import masked, printable
from newsletter.errors import Unavailable
from newsletter.mailboxes.imap_account import ImapAccount
from newsletter.mailboxes.imap_syntax import string

_REPLY_BYTES = 2**20
"""The bytes of a reply without messages; imaplib reads lines of a million bytes at most."""


@dataclass(frozen=True)
class ImapLimits:
    """The limits of one visit: the messages of one search, bytes of a message that are read, and seconds.

    `seconds` is for the whole visit, `timeout` for each wait.
    """

    messages: int = 10_000
    bytes_each: int = 65_536
    seconds: float = 300
    timeout: float = 30


class _TooMuch(Exception):
    """The error for a reply that is larger than the command allows."""


class Connection(imaplib.IMAP4):
    """A connection that ends at a time, and reads no reply above a size.

    The server announces the size of a message before it sends it. A time-out of the socket ends one wait; the
    timer also ends the visit to a server that sends a byte now and then.
    """

    def __init__(self, seconds: float, *arguments: Any, **options: Any) -> None:
        self._left, self._has_expired = _REPLY_BYTES, False
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        super().__init__(*arguments, **options)

    def allow(self, size: int = 0) -> None:
        """Let the next reply have messages with `size` bytes in all."""
        self._left = _REPLY_BYTES + size

    def open(self, *arguments: Any, **options: Any) -> None:
        super().open(*arguments, **options)
        self._timer.start()

    def read(self, size: int) -> bytes:
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        try:
            line = super().readline()
        except OSError:
            if not self._has_expired:
                raise
            line = b""
        if not line and self._has_expired:
            raise TimeoutError
        self._count(len(line))
        return line

    def shutdown(self) -> None:
        self._timer.cancel()
        super().shutdown()

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise _TooMuch

    def _expire(self) -> None:
        self._has_expired = True
        with suppress(OSError):
            # Not the method of a TLS socket, which another thread may be reading.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _TlsConnection(Connection, imaplib.IMAP4_SSL):
    pass


@contextmanager
def logged_in(account: ImapAccount, limits: ImapLimits, tls: ssl.SSLContext | None) -> Iterator[Connection]:
    """Connect and log in; log out at the end of the block. Raise Unavailable.

    The certificate is verified against the system's authorities, if `tls` names no others.
    """
    with translated(account):
        connection = _connect(account, limits, tls or ssl.create_default_context())
    try:
        with translated(account, is_login=True):
            # imaplib quotes the password only.
            connection.login(string(account.settings.username), account.password)
        yield connection
    finally:
        with suppress(Exception):  # the visit is over, whatever the server says to that
            connection.logout()
        with suppress(Exception):
            connection.shutdown()


def _connect(account: ImapAccount, limits: ImapLimits, tls: ssl.SSLContext) -> Connection:
    host, port, security = account.settings.host, account.settings.used_port, account.settings.security
    if security == "tls":
        return _TlsConnection(limits.seconds, host, port, ssl_context=tls, timeout=limits.timeout)
    connection = Connection(limits.seconds, host, port, timeout=limits.timeout)
    if security == "starttls":
        try:
            if "STARTTLS" not in connection.capabilities:
                fix = f"write `security: tls` in `{account.setting}` of newsletter.yml"
                raise Unavailable("does not offer STARTTLS", fix, where=account.place)
            connection.starttls(tls)
        except BaseException:
            with suppress(OSError):  # after a failed handshake, imaplib has a socket that is closed already
                connection.shutdown()
            raise
    return connection


@contextmanager
def translated(account: ImapAccount, *, is_login: bool = False) -> Iterator[None]:
    """Turn every error of the library, of the network and of a reply that makes no sense into Unavailable."""
    try:
        yield
    except (
        _TooMuch,
        imaplib.IMAP4.error,
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as failure:
        what, fix = _explain(failure, account.setting, is_login)
        # An error of the library may quote a message, and one of the login the password.
        quotes = is_login or isinstance(failure, imaplib.IMAP4.error)
        raise Unavailable(what, fix, where=account.place) from (None if quotes else failure)


def _explain(failure: Exception, setting: str, is_login: bool) -> tuple[str, str]:
    """Return what failed, and what to do."""
    if isinstance(failure, imaplib.IMAP4.error):
        return _explain_reply(failure, setting, is_login)
    again = "run the same command again later"
    match failure:
        case _TooMuch():
            return "sends more than it was asked for", "check the server's log"
        case UnicodeEncodeError():
            return "the user name or the password is not ASCII", "use others in ASCII"
        case ssl.SSLCertVerificationError():
            what = f"has a certificate that is not trusted: {printable(failure.verify_message, 100)}"
            return what, f"set `{setting}.host` to the name in the certificate, or renew the certificate"
        case ssl.SSLError():
            fix = f"check `port` and `security` of `{setting}`: port 993 is for tls, 143 for starttls"
            return "does not speak TLS as expected", fix
        case TimeoutError():
            return "does not answer in time", again
        case OSError():
            reason = printable(failure.strerror or str(failure) or type(failure).__name__, 100)
            fix = f"check `host`, `port` and `security` of `{setting}`, and that no firewall blocks the port"
            return f"cannot be reached: {reason}", fix
    return "gives a reply that cannot be read", again


def _explain_reply(failure: imaplib.IMAP4.error, setting: str, is_login: bool) -> tuple[str, str]:
    match failure:
        case imaplib.IMAP4.readonly():
            fix = "give this user the right to set flags in the folder, so that messages are marked as seen"
            return "opens the folder only to read", fix
        case imaplib.IMAP4.abort():
            # Not its words: they may quote a message.
            fix = f"run the same command again; if that fails, check `port` and `security` of `{setting}`"
            return "closed the connection, or gave no valid reply", fix
    if is_login:
        # Not the words of the server: they may quote the user name or the password.
        fix = f"check `{setting}.username` and IMAP_PASSWORD; many providers want a password for apps"
        return "does not accept the user name and the password", fix
    return f"refuses a command: {masked(printable(str(failure), 200))}", "check the server's log"
