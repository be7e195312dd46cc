"""One SMTP connection: smtplib opens it; commands and answers then pass in order, in few round trips."""

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
# RFC 5321, 4.5.3.1.5, allows 512 bytes a line; whoever says more than this without an end says nothing.
_ANSWER_BYTES = 65_536
_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)


class Reply(NamedTuple):
    """What a server answers: a code of 200 to 599, and its words."""

    code: int
    words: bytes

    def __str__(self) -> str:
        return f"{self.code} {self.words.decode('utf-8', 'replace')}"[:300].rstrip()

    @property
    def is_no(self) -> bool:
        """A definite no (RFC 5321, 4.2.1): 4xx for now, 5xx for good."""
        return self.code >= 400


class Session:
    """A connection that is ready for mail.

    Where the server offers PIPELINING (RFC 2920) all that is to be said goes out in one write; elsewhere each
    command waits for the answer to the one before. `worked` once a MAIL has been taken.
    """

    def __init__(self, smtp: smtplib.SMTP, connected: socket.socket) -> None:
        self.worked = False
        self._smtp = smtp
        self._socket = connected
        self._pipelining = smtp.has_extn("pipelining")
        self._unsaid: deque[bytes] = deque()
        self._resetting = False
        self._heard = b""
        # The end of a message must not wait for the acknowledgement of its beginning.
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def say(self, *commands: bytes) -> None:
        """What to say next; it is written when its first answer is asked for."""
        self._unsaid.extend(commands)

    def unsay(self) -> bool:
        """Takes back what has not been written; False if there is nothing: its answers have to be read."""
        unsaid = bool(self._unsaid)
        self._unsaid.clear()
        return unsaid

    def reset(self) -> None:
        """Leaves the transaction, together with what is said next; its own answer is nobody's business."""
        self._unsaid.append(b"RSET\r\n")
        self._resetting = True

    def answer(self) -> Reply:
        """The answer to the oldest command without one; raises OSError where none comes, or no SMTP."""
        if self._resetting:
            self._resetting = False
            reset = self._next()
            if reset.code != 250:
                raise ConnectionError(f"an answer to RSET that does not belong there: {reset}")
        return self._next()

    @property
    def has_said_more(self) -> bool:
        """The server has answered what nobody asked: its answers cannot be told apart any more."""
        return bool(self._heard)

    def quit(self) -> None:
        """Says goodbye, and waits a moment for the server's."""
        with suppress(OSError):
            self._socket.settimeout(QUIT_SECONDS)
            self._smtp.quit()
        self.close()

    def close(self) -> None:
        """Ends the connection without another word: a message that was not ended is none."""
        log.debug("connection closed")
        self._smtp.close()

    def _next(self) -> Reply:
        if self._unsaid:
            if self._pipelining:
                error_text = b"".join(self._unsaid)
                self._unsaid.clear()
            else:
                error_text = self._unsaid.popleft()
            self._socket.sendall(error_text)
        return self._read()

    def _read(self) -> Reply:
        first, words, size = None, [], 0
        while True:
            line = self._line()
            match = _LINE.fullmatch(line)
            if not match or first not in (None, match[1]):
                raise ConnectionError(f"no SMTP: {line[:80].decode('ascii', 'backslashreplace')}")
            first, size = match[1], size + len(line)
            words.append(match[3] or b"")
            if match[2] != b"-":
                return Reply(int(first), b" ".join(words))
            if size > _ANSWER_BYTES:
                raise ConnectionError("an answer without an end")

    def _line(self) -> bytes:
        while (end := self._heard.find(b"\n")) < 0:
            if len(self._heard) > _ANSWER_BYTES:
                raise ConnectionError("an answer without an end")
            heard = self._socket.recv(_ANSWER_BYTES)
            if not heard:
                raise ConnectionError("the server closed the connection")
            self._heard += heard
        line, self._heard = self._heard[:end], self._heard[end + 1 :]
        return line.removesuffix(b"\r")


def connect(
    settings: Smtp, password: SecretStr | None, tls: ssl.SSLContext | None, timeout: float
) -> Session:
    """A new connection, with TLS and login as set; raises OSError, and ValueError for what is not ASCII."""
    if settings.security == "tls":
        context = tls or ssl.create_default_context()
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, timeout=timeout, context=context)
    else:
        smtp = smtplib.SMTP(settings.host, settings.port, timeout=timeout)
    try:
        smtp.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            smtp.starttls(context=tls or ssl.create_default_context())
            # What was said before TLS may have been somebody else's: smtplib forgets it, and asks again.
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
    """The server knows no such user, or another password (RFC 4954, 6)."""
    return isinstance(failure, smtplib.SMTPAuthenticationError) and failure.smtp_code >= 500


def wrong_setting(settings: Smtp, failure: Exception) -> tuple[str, str] | None:
    """Return what a server does not offer, and what to write in newsletter.yml; None for other failures."""
    words = error_text(failure)
    match failure:
        case smtplib.SMTPAuthenticationError() | ssl.SSLCertVerificationError():
            return None
        case smtplib.SMTPNotSupportedError() if "STARTTLS" in words.upper():
            return "offers no STARTTLS", (
                "in newsletter.yml write `smtp.security: tls` (often with port 465); or `none`, and then "
                "everybody on the way can read addresses and links"
            )
        case smtplib.SMTPNotSupportedError() | smtplib.SMTPException() if "AUTH" in words.upper():
            fix = "in newsletter.yml delete `smtp.username`, or use the port for submission, 587"
            return f"offers no login: {printable(words, 100)}", fix
        case ssl.SSLError() if settings.security == "tls":
            fix = "in newsletter.yml write `smtp.security: starttls` (ports 587, 25)"
            return f"does not speak TLS at once: {printable(words, 100)}", fix
    return None


def error_text(failure: Exception) -> str:
    """The server's words; never the credentials that we sent."""
    if isinstance(failure, smtplib.SMTPResponseException):
        words = failure.smtp_error
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        return f"{failure.smtp_code} {text}"
    if isinstance(failure, UnicodeEncodeError):
        return "the user name or the password is not ASCII"
    return str(failure) or type(failure).__name__
