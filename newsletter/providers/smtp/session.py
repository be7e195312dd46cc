"""Open an SMTP connection with smtplib, then pipeline commands and read their replies in order."""

import logging
import re
import smtplib
import socket
import ssl
from collections import deque
from contextlib import suppress
from typing import NamedTuple

from pydantic import SecretStr

from newsletter.config.model import Smtp
from newsletter.display import printable

log = logging.getLogger(__name__)

QUIT_SECONDS = 5
# RFC 5321, 4.5.3.1.5, allows 512 bytes a line; a reply longer than this is an error.
_MAX_REPLY_BYTES = 65_536
_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)


class Reply(NamedTuple):
    """A server's reply: a code of 200 to 599, and its text."""

    code: int
    text: bytes

    def __str__(self) -> str:
        return f"{self.code} {self.text.decode('utf-8', 'replace')}"[:300].rstrip()

    @property
    def is_rejection(self) -> bool:
        """Return True if the server rejects the command (RFC 5321, 4.2.1): 4xx for now, 5xx for good."""
        return self.code >= 400


class Session:
    """A connection that is ready for mail.

    If the server offers PIPELINING (RFC 2920), all queued commands are written at once; else each command
    waits for the previous reply. `worked` is True after the server has accepted a MAIL command.
    """

    def __init__(self, smtp: smtplib.SMTP, connected: socket.socket) -> None:
        self.worked = False
        self._smtp = smtp
        self._socket = connected
        self._pipelining = smtp.has_extn("pipelining")
        self._queued: deque[bytes] = deque()
        self._resetting = False
        self._buffer = b""
        # Without this, the end of a message would wait for the TCP acknowledgement of its beginning.
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def queue(self, *commands: bytes) -> None:
        """Queue commands; they are written when the reply to the first of them is read."""
        self._queued.extend(commands)

    def discard_queued(self) -> bool:
        """Discard the queued commands; return False if none was left: then their replies must be read."""
        had_queued = bool(self._queued)
        self._queued.clear()
        return had_queued

    def reset(self) -> None:
        """Queue RSET, written together with the next commands; `read_reply` reads and checks its reply."""
        self._queued.append(b"RSET\r\n")
        self._resetting = True

    def read_reply(self) -> Reply:
        """Return the reply to the oldest command without a reply. Raise OSError if no valid reply comes."""
        if self._resetting:
            self._resetting = False
            reset = self._next()
            if reset.code != 250:
                raise ConnectionError(f"unexpected reply to RSET: {reset}")
        return self._next()

    @property
    def has_unread_data(self) -> bool:
        """Return True if data follows the last reply: later replies can no longer be matched to commands."""
        return bool(self._buffer)

    def quit(self) -> None:
        """Send QUIT, wait at most QUIT_SECONDS for the reply, and close the connection."""
        with suppress(OSError):
            self._socket.settimeout(QUIT_SECONDS)
            self._smtp.quit()
        self.close()

    def close(self) -> None:
        """Close the connection without QUIT; the server does not deliver a message without its last line."""
        log.debug("connection closed")
        self._smtp.close()

    def _next(self) -> Reply:
        if self._queued:
            if self._pipelining:
                data = b"".join(self._queued)
                self._queued.clear()
            else:
                data = self._queued.popleft()
            self._socket.sendall(data)
        return self._read()

    def _read(self) -> Reply:
        code, texts, size = None, [], 0
        while True:
            line = self._line()
            match = _LINE.fullmatch(line)
            if not match or code not in (None, match[1]):
                raise ConnectionError(f"not an SMTP reply: {line[:80].decode('ascii', 'backslashreplace')}")
            code, size = match[1], size + len(line)
            texts.append(match[3] or b"")
            if match[2] != b"-":
                return Reply(int(code), b" ".join(texts))
            if size > _MAX_REPLY_BYTES:
                raise ConnectionError("a reply without an end")

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _MAX_REPLY_BYTES:
                raise ConnectionError("a reply without an end")
            received = self._socket.recv(_MAX_REPLY_BYTES)
            if not received:
                raise ConnectionError("the server closed the connection")
            self._buffer += received
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line.removesuffix(b"\r")


def connect(
    settings: Smtp, password: SecretStr | None, tls: ssl.SSLContext | None, timeout: float
) -> Session:
    """Open a connection, with TLS and login as configured.

    Raise OSError if that fails, ValueError for a host or a password that is not ASCII.
    """
    if settings.security == "tls":
        context = tls or ssl.create_default_context()
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, timeout=timeout, context=context)
    else:
        smtp = smtplib.SMTP(settings.host, settings.port, timeout=timeout)
    try:
        smtp.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            smtp.starttls(context=tls or ssl.create_default_context())
            # An attacker can forge the extensions that are offered before TLS, so ask for them again.
            smtp.ehlo_or_helo_if_needed()
        if settings.username and password:
            smtp.login(settings.username, password.get_secret_value())
        if smtp.sock is None:
            raise ConnectionError("the server closed the connection")
        session = Session(smtp, smtp.sock)
        fields = {"host": settings.host, "port": settings.port, "security": settings.security}
        log.debug("connected", extra={**fields, "pipelining": smtp.has_extn("pipelining")})
        return session
    except BaseException:
        smtp.close()
        raise


def bad_credentials(failure: Exception) -> bool:
    """Return True if the server rejected the user name or the password (RFC 4954, 6)."""
    return isinstance(failure, smtplib.SMTPAuthenticationError) and failure.smtp_code >= 500


def wrong_setting(settings: Smtp, failure: Exception) -> tuple[str, str] | None:
    """Return the feature that a server lacks, and the fix in newsletter.yml; None for other failures."""
    words = error_text(failure)
    match failure:
        case smtplib.SMTPAuthenticationError() | ssl.SSLCertVerificationError():
            return None
        case smtplib.SMTPNotSupportedError() if "STARTTLS" in words.upper():
            return "offers no STARTTLS", (
                "in newsletter.yml write `smtp.security: tls` (often with port 465); or `none`, and then "
                "everybody on the network path can read addresses and links"
            )
        case smtplib.SMTPNotSupportedError() | smtplib.SMTPException() if "AUTH" in words.upper():
            fix = "in newsletter.yml delete `smtp.username`, or use the submission port, 587"
            return f"offers no login: {printable(words, 100)}", fix
        case ssl.SSLError() if settings.security == "tls":
            fix = "in newsletter.yml write `smtp.security: starttls` (ports 587, 25)"
            return f"does not start with TLS: {printable(words, 100)}", fix
    return None


def error_text(failure: Exception) -> str:
    """Return the text of the server's reply, or else of the exception; never the credentials."""
    if isinstance(failure, smtplib.SMTPResponseException):
        words = failure.smtp_error
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        return f"{failure.smtp_code} {text}"
    if isinstance(failure, UnicodeEncodeError):
        return "the user name or the password is not ASCII"
    return str(failure) or type(failure).__name__
