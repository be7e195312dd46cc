"""SMTP: one connection kept, one transaction a message, and an answer for each way that it can end."""

import re
import smtplib
import ssl
from contextlib import suppress

from pydantic import SecretStr

from newsletter.config import Smtp
from newsletter.errors import Problem
from newsletter.message import Batch
from newsletter.mime import Unmailable, template
from newsletter.models import Accepted, Capabilities, NotSent, Outcome, Refused, Unknown

TIMEOUT_SECONDS = 60
_LEADING_DOT = re.compile(rb"(?m)^\.")


class SmtpProvider:
    """Sends through a mail server; TLS certificates are verified against the system's authorities."""

    name = "smtp"
    capabilities = Capabilities(recipients_per_call=1, leaves_machine=True, tracking="none")

    def __init__(
        self,
        settings: Smtp,
        password: SecretStr | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._settings = settings
        self._password = password
        self._tls = tls
        self._timeout = timeout
        self._session: smtplib.SMTP | None = None

    def check(self) -> list[Problem]:
        settings, problems = self._settings, []
        if settings.username and not self._password:
            fix = "set it in the environment or in .env"
            problems.append(Problem("SMTP_PASSWORD", "is not set, and smtp.username is", fix))
        if settings.security == "none" and settings.username:
            fix = "use `security: starttls` or `tls`"
            problems.append(Problem("newsletter.yml", "smtp would send the password in clear", fix))
        return problems

    def submit(self, batch: Batch) -> Outcome:
        (recipient,) = batch.recipients
        try:
            message = template(batch.mailing).fill(recipient)
        except Unmailable as problem:
            return Refused(str(problem))
        kept = self._session is not None
        outcome = self._try(batch.mailing.sender[1], recipient.address, message)
        if kept and outcome is None:
            # The server had closed the kept connection before this message began: nothing of it was said.
            outcome = self._try(batch.mailing.sender[1], recipient.address, message)
        return outcome or NotSent("the server closes the connection at once")

    def close(self) -> None:
        session, self._session = self._session, None
        if session:
            with suppress(OSError):
                session.quit()
            session.close()

    def _try(self, sender: str, address: str, message: bytes) -> Outcome | None:
        """One transaction; None where the connection was gone before it began."""
        try:
            session = self._session or self._connect()
        except (OSError, ValueError) as failure:  # ValueError: a host or a password that is not ASCII
            self._drop()
            return NotSent(f"no connection to {self._settings.host}:{self._settings.port}: {_said(failure)}")
        try:
            reply = session.mail(sender, [])
        except OSError:
            self._drop()
            return None
        if reply[0] == 421:
            self._drop()
            return None
        if reply[0] != 250:
            self._reset(session)
            return NotSent(f"the sender {sender} was not taken: {_reply(reply)}")
        return self._recipient_and_data(session, address, message)

    def _recipient_and_data(self, session: smtplib.SMTP, address: str, message: bytes) -> Outcome:
        try:
            reply = session.rcpt(address, [])
            if reply[0] in (250, 251):
                reply = session.docmd("DATA")
        except OSError as failure:
            self._drop()
            return NotSent(f"the connection ended before the message: {_said(failure)}")
        if reply[0] != 354:
            self._reset(session)
            return _declined(reply)
        # From here the server may have the message, whatever we hear of it.
        try:
            session.send(_LEADING_DOT.sub(b"..", message) + b".\r\n")
            return self._after_data(session, session.getreply())
        except OSError as failure:
            self._drop()
            return Unknown(f"no answer to the message: {_said(failure)}")

    def _after_data(self, session: smtplib.SMTP, reply: tuple[int, bytes]) -> Outcome:
        if reply[0] == 250:
            return Accepted(_reply(reply))
        if reply[0] == 421 or not 400 <= reply[0] < 600:
            self._drop()
        if 400 <= reply[0] < 600:
            return _declined(reply)
        return Unknown(f"an answer to the message that means nothing: {_reply(reply)}")

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        context = self._tls or ssl.create_default_context()
        if settings.security == "tls":
            session: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=self._timeout, context=context
            )
        else:
            session = smtplib.SMTP(settings.host, settings.port, timeout=self._timeout)
        # Kept from here, so that whatever fails below is closed with it.
        self._session = session
        session.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            session.starttls(context=context)
            session.ehlo()
        if settings.username and self._password:
            session.login(settings.username, self._password.get_secret_value())
        return session

    def _reset(self, session: smtplib.SMTP) -> None:
        try:
            session.rset()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        if self._session:
            self._session.close()
        self._session = None


def _declined(reply: tuple[int, bytes]) -> Outcome:
    """4xx: not now (RFC 5321, 4.2.1), so certainly not taken; 5xx: never; 421 ends the session."""
    if 500 <= reply[0] < 600:
        return Refused(_reply(reply))
    return NotSent(_reply(reply), stop=reply[0] == 421)


def _reply(reply: tuple[int, bytes]) -> str:
    return f"{reply[0]} {reply[1].decode('utf-8', 'replace')}".replace("\n", " ")[:300]


def _said(failure: Exception) -> str:
    """The server's words; never the credentials that we sent."""
    if isinstance(failure, smtplib.SMTPResponseException):
        said = failure.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"{failure.smtp_code} {text}"
    return str(failure) or type(failure).__name__
