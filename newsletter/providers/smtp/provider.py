"""Send through SMTP: reuse connections, begin one transaction a message, and return each one's outcome."""

import logging
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from pydantic import SecretStr

from newsletter.config.model import Config, Smtp
from newsletter.config.provider_facts import PROVIDER_TRACKING
from newsletter.constants import CONFIG_FILE, PROVIDER_KEYS
from newsletter.errors import Problem
from newsletter.findings import Finding, ProviderReport
from newsletter.mail.message import Batch, Recipient
from newsletter.mail.mime import MimeTemplate, Unmailable, template
from newsletter.providers.smtp.session import (
    Reply,
    Session,
    bad_credentials,
    connect,
    error_text,
    wrong_setting,
)
from newsletter.sending.outcomes import (
    NOT_BEGUN,
    Accepted,
    Capabilities,
    NotSent,
    Outcome,
    Refused,
    Unknown,
)

if TYPE_CHECKING:
    from newsletter.sending.interfaces import Recallable, SubmissionLog

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 60
_END_OF_MESSAGE = b".\r\n"
# Replies about the session, not the sender: it is closing (421), or commands are in a bad sequence (503).
_SESSION_CODES = (421, 503)


class SmtpProvider:
    """Send through a mail server; TLS certificates are verified against the system's authorities.

    Each call to `submit` uses a separate connection, which is kept for a later call. `key_problem` is the
    reason for having no password: it is for another host.
    """

    name = "smtp"
    recallable: "Recallable | None" = None

    def __init__(
        self,
        settings: Smtp,
        password: SecretStr | None = None,
        *,
        key_problem: Problem | None = None,
        tls: ssl.SSLContext | None = None,
        timeout: float = TIMEOUT_SECONDS,
        where: str = CONFIG_FILE,
    ) -> None:
        self.capabilities = Capabilities(
            recipients_per_call=1,
            leaves_machine=True,
            tracking=PROVIDER_TRACKING["smtp"],
            max_calls=settings.connections,
        )
        self._settings = settings
        self._password = password
        self._key_problem = key_problem
        self._tls = tls
        self._timeout = timeout
        self._where = where
        self._idle: deque[Session] = deque()
        self._ever_connected = False
        self._first_connect = Lock()
        self._failed: NotSent | None = None

    def check(self) -> list[Problem]:
        settings, problems = self._settings, []
        if self._key_problem:
            problems.append(self._key_problem)
        elif settings.username and not self._password:
            fix = "set it in the environment (on GitHub, as a secret), or in the file `env` of the state"
            problems.append(Problem(PROVIDER_KEYS["smtp"][-1], "is not set, but smtp.username is", fix))
        return problems + settings.problems(self._where)

    def submit(self, batch: Batch, submissions: "SubmissionLog") -> Outcome:
        if self._key_problem:
            return NotSent(str(self._key_problem))
        try:
            mime_template = template(batch.mailing, stuffed=True)
        except Unmailable as problem:
            return NotSent(f"the sender {batch.mailing.sender[1]}: {problem}")
        delivery = _Delivery(self._take_idle(), self._connect, submissions)
        try:
            delivery.deliver(_messages(batch, mime_template, submissions))
        except _BatchAborted as aborted:
            delivery.drop()
            return aborted.outcome
        except BaseException:
            delivery.drop()
            raise
        if delivery.session:
            self._idle.append(delivery.session)
        return Accepted()

    def examine(self, config: Config) -> ProviderReport:
        """Connect and log in as a send would, then quit; begin no mail transaction."""
        from newsletter.providers.smtp.account import examine_server

        findings = [Finding.of(problem) for problem in self.check()]
        if not findings:
            findings = examine_server(self._settings, self._password, self._tls, self._timeout)
        return ProviderReport(tuple(findings), config.sender.domain)

    def close(self) -> None:
        while session := self._take_idle():
            session.quit()

    def _take_idle(self) -> Session | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _connect(self) -> Session:
        if self._ever_connected:
            return self._open()
        earlier = self._failed
        # Only one of the threads that start together tries the first connection. If it fails, the others fail
        # with the same outcome; if it succeeds, the server is up, even if it accepts no second connection.
        with self._first_connect:
            if self._failed and self._failed is not earlier and not self._ever_connected:
                raise _BatchAborted(self._failed)
            return self._open()

    def _open(self) -> Session:
        settings = self._settings
        try:
            session = connect(settings, self._password, self._tls, self._timeout)
        except (OSError, ValueError) as failure:  # ValueError: a host or a password that is not ASCII
            reason = f"no connection to {settings.host}:{settings.port}: {_explain(settings, failure)}"
            self._failed = NotSent(reason, stop=bad_credentials(failure) or not self._ever_connected)
            fields = {"host": settings.host, "port": settings.port}
            log.info("no connection", extra=fields, exc_info=failure)
            raise _BatchAborted(self._failed) from failure
        self._ever_connected = True
        return session


def _explain(settings: Smtp, failure: Exception) -> str:
    """Return the reason for a failed connection, and the fix in newsletter.yml if a setting is wrong."""
    wrong = wrong_setting(settings, failure)
    return "; ".join(wrong) if wrong else error_text(failure)


class _BatchAborted(Exception):
    """The error that ends a batch early; `outcome` is for all recipients without an outcome of their own."""

    def __init__(self, outcome: NotSent) -> None:
        self.outcome = outcome


class _Message(NamedTuple):
    """A message that is ready for SMTP; `envelope` has the commands MAIL, RCPT and DATA."""

    recipient: Recipient
    envelope: tuple[bytes, bytes, bytes]
    content: bytes


def _messages(batch: Batch, mime_template: MimeTemplate, submissions: "SubmissionLog") -> Iterator[_Message]:
    """Yield the messages of a batch, each made on demand; record Refused if a message cannot be made."""
    mail = f"MAIL FROM:<{batch.mailing.sender[1]}>\r\n".encode("ascii")
    for recipient in batch.recipients:
        try:
            content = mime_template.fill(recipient) + _END_OF_MESSAGE
        except Unmailable as problem:
            submissions.finished(recipient, Refused(str(problem)))
            continue
        rcpt = f"RCPT TO:<{recipient.address}>\r\n".encode("ascii")
        yield _Message(recipient, (mail, rcpt, b"DATA\r\n"), content)


class _Delivery:
    """Deliver one batch, message after message.

    The envelope of the next message is sent together with the content of the current one, so that each
    message takes one round trip if the server offers PIPELINING. That is safe because an envelope alone is
    not a mail: the server has nothing to deliver before the last line of the content, and a connection that
    fails in between is closed without that line.
    """

    def __init__(
        self, session: Session | None, connect: Callable[[], Session], submissions: "SubmissionLog"
    ) -> None:
        self.session = session
        self._connect = connect
        self._submissions = submissions

    def deliver(self, messages: Iterator[_Message]) -> None:
        """Deliver all messages in order; raise _BatchAborted if the batch ends early."""
        message, is_queued = next(messages, None), False
        while message:
            ready = self._send_envelope(message, is_queued)
            following = next(messages, None)
            is_queued = isinstance(ready, Session)
            outcome = self._send_content(ready, message, following) if isinstance(ready, Session) else ready
            self._submissions.finished(message.recipient, outcome)
            if following and is_queued and self.session is None:
                # The outcome is unknown, or the reply was 421. The next message may end in the same way, so
                # abort before another recipient becomes unknown.
                raise _BatchAborted(NotSent("the connection ended at the previous message", stop=False))
            message = following

    def drop(self) -> None:
        """Close the connection, even in the middle of a transaction."""
        if self.session:
            self.session.close()
        self.session = None

    def _send_envelope(self, message: _Message, is_queued: bool) -> Session | Outcome:
        """Return the session that waits for the content, or the outcome if the server rejects the envelope.

        `is_queued` is True if the envelope was queued together with the content of the previous message.
        Raise _BatchAborted if the connection ends or the server rejects the sender.
        """
        session = self._send_mail_command(message, is_queued)
        try:
            rcpt = session.read_reply()
            if rcpt.code not in (250, 251):
                outcome = _rejected(rcpt)
                self._end_transaction(session)
                return outcome
            data = session.read_reply()
        except OSError as failure:
            raise _BatchAborted(_connection_lost(failure)) from failure
        if data.code == 354 and not session.has_unread_data:
            return session
        session.reset()
        return _rejected(data)

    def _send_mail_command(self, message: _Message, is_queued: bool) -> Session:
        """Return the session on which MAIL was accepted: a new one if the server has ended a used one."""
        session = self.session = self.session or self._connect()
        if not is_queued:
            session.queue(*message.envelope)
        reply: Reply | NotSent
        try:
            reply = session.read_reply()
        except OSError as failure:
            reply = _connection_lost(failure)
        if isinstance(reply, Reply) and reply.code == 250:
            session.worked = True
            return session
        if session.worked and (isinstance(reply, NotSent) or reply.code in _SESSION_CODES):
            # The session was idle too long, or has reached the server's limit of messages.
            self.drop()
            return self._send_mail_command(message, is_queued=False)
        if isinstance(reply, NotSent):
            raise _BatchAborted(reply)
        reason = f"the server rejected the sender: {reply}"
        raise _BatchAborted(NotSent(reason, stop=reply.code >= 500))

    def _end_transaction(self, session: Session) -> None:
        """End a transaction whose recipient was rejected; drop the connection if that fails."""
        try:
            if not session.discard_queued() and session.read_reply().code == 354:
                # RFC 2920, 3.1: send the last line alone; without a recipient the server delivers nothing.
                session.queue(_END_OF_MESSAGE)
                session.read_reply()
            session.reset()
        except OSError:
            self.drop()

    def _send_content(self, session: Session, message: _Message, following: _Message | None) -> Outcome:
        if not self._submissions.starting(message.recipient):
            raise _BatchAborted(NOT_BEGUN)
        session.queue(message.content, *(following.envelope if following else ()))
        # From here on the server may have the message, even if no reply comes.
        try:
            reply = session.read_reply()
        except OSError as failure:
            self.drop()
            return Unknown(f"no reply to the message: {error_text(failure)}")
        if reply.code == 250:
            return Accepted(str(reply))
        if not reply.is_rejection:
            self.drop()
            return Unknown(f"unexpected reply to the message: {reply}")
        if reply.code == 421:
            self.drop()
        return _rejection(reply)


def _rejected(reply: Reply) -> Outcome:
    """Return the outcome of a recipient rejected before the content.

    Raise _BatchAborted if the reply is about the whole session.
    """
    if reply.code == 421 or not reply.is_rejection:
        raise _BatchAborted(NotSent(f"the server ended the session: {reply}", stop=False))
    return _rejection(reply)


def _rejection(reply: Reply) -> Outcome:
    """Return the outcome of a rejection: Refused for 5xx; NotSent for 4xx (such as greylisting): put off."""
    return Refused(str(reply)) if reply.code >= 500 else NotSent(str(reply), stop=False)


def _connection_lost(failure: OSError) -> NotSent:
    return NotSent(f"the connection ended before the message: {error_text(failure)}", stop=False)
