"""SMTP: a few connections kept, one transaction a message, and an answer for each way that it can end."""

import logging
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from pydantic import SecretStr

from newsletter.config.model import Config, Smtp
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
from newsletter.sending.outcomes import NOT_BEGUN, Accepted, Capabilities, NotSent, Outcome, Refused, Unknown

if TYPE_CHECKING:
    from newsletter.sending.interfaces import Recallable, SubmissionLog

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 60
_END_OF_MESSAGE = b".\r\n"
# Closing, and a bad sequence of commands.
_ABOUT_THE_SESSION = (421, 503)


class SmtpProvider:
    """Sends through a mail server; TLS certificates are verified against the system's authorities.

    Each call has a connection of its own, which is kept for the next one.
    """

    name = "smtp"
    recallable: "Recallable | None" = None

    def __init__(
        self,
        settings: Smtp,
        password: SecretStr | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self.capabilities = Capabilities(
            recipients_per_call=1, leaves_machine=True, tracking="none", in_flight=settings.connections
        )
        self._settings = settings
        self._password = password
        self._tls = tls
        self._timeout = timeout
        self._idle: deque[Session] = deque()
        self._ever_connected = False
        self._first = Lock()
        self._failed: NotSent | None = None

    def check(self) -> list[Problem]:
        settings, problems = self._settings, []
        if settings.username and not self._password:
            fix = "set it in the environment or in .env"
            problems.append(Problem("SMTP_PASSWORD", "is not set, and smtp.username is", fix))
        if settings.security == "none" and settings.username:
            fix = "use `security: starttls` or `tls`"
            problems.append(Problem("newsletter.yml", "smtp would send the password in clear", fix))
        return problems

    def submit(self, batch: Batch, submissions: "SubmissionLog") -> Outcome:
        try:
            made = template(batch.mailing, stuffed=True)
        except Unmailable as problem:
            return NotSent(f"the sender {batch.mailing.sender[1]}: {problem}")
        conversation = _Conversation(self._kept(), self._connect, submissions)
        try:
            conversation.deliver(_letters(batch, made, submissions))
        except _BatchAborted as over:
            conversation.drop()
            return over.outcome
        except BaseException:
            conversation.drop()
            raise
        if conversation.session:
            self._idle.append(conversation.session)
        return Accepted()

    def examine(self, config: Config) -> ProviderReport:
        """Connects as a send would, says hello, and leaves; no mail is begun."""
        from newsletter.providers.smtp.account import look

        findings = [Finding.of(problem) for problem in self.check()]
        if not findings:
            findings = look(self._settings, self._password, self._tls, self._timeout)
        return ProviderReport(tuple(findings), config.sender.email.rpartition("@")[2].lower())

    def close(self) -> None:
        while session := self._kept():
            session.quit()

    def _kept(self) -> Session | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _connect(self) -> Session:
        if self._ever_connected:
            return self._open()
        known = self._failed
        # Threads that start together: one finds out whether anybody is there, and the others go by that. A
        # server that takes one connection and no more is there.
        with self._first:
            if self._failed and self._failed is not known and not self._ever_connected:
                raise _BatchAborted(self._failed)
            return self._open()

    def _open(self) -> Session:
        settings = self._settings
        try:
            session = connect(settings, self._password, self._tls, self._timeout)
        except (OSError, ValueError) as failure:  # ValueError: a host or a password that is not ASCII
            reason = f"no connection to {settings.host}:{settings.port}: {_explained(settings, failure)}"
            self._failed = NotSent(reason, stop=bad_credentials(failure) or not self._ever_connected)
            fields = {"host": settings.host, "port": settings.port}
            log.info("no connection", extra=fields, exc_info=failure)
            raise _BatchAborted(self._failed) from failure
        self._ever_connected = True
        return session


def _explained(settings: Smtp, failure: Exception) -> str:
    """Return why a connection failed, and what to write in newsletter.yml where a setting is wrong."""
    wrong = wrong_setting(settings, failure)
    return "; ".join(wrong) if wrong else error_text(failure)


class _BatchAborted(Exception):
    """The batch ends here: the outcome of those who have none of their own. The connection is no good."""

    def __init__(self, outcome: NotSent) -> None:
        self.outcome = outcome


class _Letter(NamedTuple):
    recipient: Recipient
    envelope: tuple[bytes, bytes, bytes]
    content: bytes


def _letters(batch: Batch, made: MimeTemplate, submissions: "SubmissionLog") -> Iterator[_Letter]:
    """The messages of a batch, made when they are asked for; who cannot be written to is refused."""
    mail = f"MAIL FROM:<{batch.mailing.sender[1]}>\r\n".encode("ascii")
    for recipient in batch.recipients:
        try:
            content = made.fill(recipient) + _END_OF_MESSAGE
        except Unmailable as problem:
            submissions.finished(recipient, Refused(str(problem)))
            continue
        rcpt = f"RCPT TO:<{recipient.address}>\r\n".encode("ascii")
        yield _Letter(recipient, (mail, rcpt, b"DATA\r\n"), content)


class _Conversation:
    """One batch, message after message.

    The next message's envelope is said together with the one before, so that each takes one round trip where
    the server offers PIPELINING. That is safe because an envelope alone is no mail: until the content's last
    line there is nothing that the server could deliver, and a connection that has to be given up in between
    is closed without it.
    """

    def __init__(
        self, session: Session | None, connect: Callable[[], Session], submissions: "SubmissionLog"
    ) -> None:
        self.session = session
        self._connect = connect
        self._submissions = submissions

    def deliver(self, letters: Iterator[_Letter]) -> None:
        """Everybody, in order; raises _BatchOver where it ends early."""
        letter, announced = next(letters, None), False
        while letter:
            ready = self._envelope(letter, announced)
            following = next(letters, None)
            announced = isinstance(ready, Session)
            outcome = self._content(ready, letter, following) if isinstance(ready, Session) else ready
            self._submissions.finished(letter.recipient, outcome)
            if following and announced and self.session is None:
                # Unknown, or 421. A server that does that once does it again: nobody else is put in doubt.
                raise _BatchAborted(NotSent("the connection ended at the message before", stop=False))
            letter = following

    def drop(self) -> None:
        """Closes the connection, with whatever is half said in it."""
        if self.session:
            self.session.close()
        self.session = None

    def _envelope(self, letter: _Letter, announced: bool) -> Session | Outcome:
        """The connection that waits for the content, or what the server says against the recipient."""
        session = self._mail(letter, announced)
        try:
            rcpt = session.answer()
            if rcpt.code not in (250, 251):
                outcome = _declined(rcpt)
                self._leave(session)
                return outcome
            data = session.answer()
        except OSError as failure:
            raise _BatchAborted(_lost(failure)) from failure
        if data.code == 354 and not session.has_said_more:
            return session
        session.reset()
        return _declined(data)

    def _mail(self, letter: _Letter, announced: bool) -> Session:
        """The connection on which MAIL was taken: another one where the server had closed the one at hand."""
        session = self.session = self.session or self._connect()
        if not announced:
            session.say(*letter.envelope)
        reply: Reply | NotSent
        try:
            reply = session.answer()
        except OSError as failure:
            reply = _lost(failure)
        if isinstance(reply, Reply) and reply.code == 250:
            session.worked = True
            return session
        if session.worked and (isinstance(reply, NotSent) or reply.code in _ABOUT_THE_SESSION):
            # It waited too long, or has taken as many as it takes in one session.
            self.drop()
            return self._mail(letter, announced=False)
        if isinstance(reply, NotSent):
            raise _BatchAborted(reply)
        reason = f"the sender was not taken: {reply}"
        raise _BatchAborted(NotSent(reason, stop=reply.code >= 500))

    def _leave(self, session: Session) -> None:
        """Out of a transaction whose recipient was refused; what that one gets stands already."""
        try:
            if not session.unsay() and session.answer().code == 354:
                # To send the last line alone is what RFC 2920, 3.1 asks for: there is nobody to deliver to.
                session.say(_END_OF_MESSAGE)
                session.answer()
            session.reset()
        except OSError:
            self.drop()

    def _content(self, session: Session, letter: _Letter, following: _Letter | None) -> Outcome:
        if not self._submissions.starting(letter.recipient):
            raise _BatchAborted(NOT_BEGUN)
        session.say(letter.content, *(following.envelope if following else ()))
        # From here the server may have the message, whatever we hear of it.
        try:
            reply = session.answer()
        except OSError as failure:
            self.drop()
            return Unknown(f"no answer to the message: {error_text(failure)}")
        if reply.code == 250:
            return Accepted(str(reply))
        if not reply.is_no:
            self.drop()
            return Unknown(f"an answer to the message that means nothing: {reply}")
        if reply.code == 421:
            self.drop()
        return Refused(str(reply)) if reply.code >= 500 else NotSent(str(reply), stop=False)


def _declined(reply: Reply) -> Outcome:
    """A no before the content, to one recipient; raises _BatchOver where it concerns the session."""
    if reply.code == 421 or not reply.is_no:
        raise _BatchAborted(NotSent(f"the server would not go on: {reply}", stop=False))
    return Refused(str(reply)) if reply.code >= 500 else NotSent(str(reply), stop=False)


def _lost(failure: OSError) -> NotSent:
    return NotSent(f"the connection ended before the message: {error_text(failure)}", stop=False)
