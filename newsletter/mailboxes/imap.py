"""Read the reports in a folder of an IMAP server (RFC 3501), and mark those that were read as seen."""

import imaplib
import logging
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from newsletter.config.mailbox import Imap
from newsletter.display import masked, printable
from newsletter.errors import Unavailable
from newsletter.mailboxes.model import MAX_MAIL_BYTES, FoundMail

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 60.0
_PER_FETCH, _PER_STORE = 20, 500
_SEARCH = ("UNSEEN", "UNDELETED", "HEADER", "Content-Type", "multipart/report")
_FIELDS = f"(UID INTERNALDATE BODY.PEEK[]<0.{MAX_MAIL_BYTES}>)"
_UID = re.compile(rb"\bUID ([1-9][0-9]{0,9})\b")
_DATE = re.compile(rb'INTERNALDATE "[^"]{1,40}"')


class ImapFolder:
    """The mails of a folder without the flag `\\Seen`; `readonly` opens it so that no flag is changed."""

    def __init__(self, connection: imaplib.IMAP4, settings: Imap) -> None:
        self._connection, self._settings = connection, settings

    def unread_reports(self) -> Iterator[FoundMail]:
        """Yield the reports without the flag, for which the server searches; no flag is changed."""
        (found,) = self._do("SEARCH", *_SEARCH)[:1] or [b""]
        uids = [uid.decode("ascii") for uid in (found or b"").split() if uid.isdigit()]
        for start in range(0, len(uids), _PER_FETCH):
            some = uids[start : start + _PER_FETCH]
            for response in self._do("FETCH", ",".join(some), _FIELDS):
                if (mail := _mail(response)) and mail.key in some:
                    yield mail

    def mark_read(self, keys: Sequence[str]) -> None:
        """Set the flag `\\Seen` of mails."""
        for start in range(0, len(keys), _PER_STORE):
            self._do("STORE", ",".join(keys[start : start + _PER_STORE]), "+FLAGS.SILENT", r"(\Seen)")

    def select(self, *, readonly: bool) -> None:
        """Open the folder."""
        with _translated(self._settings):
            status, words = self._connection.select(_quoted(self._settings.folder), readonly)
        if status != "OK":
            fix = "correct `bounces.imap.folder` in newsletter.yml"
            raise _failed(self._settings, f"cannot open the folder: {_text(words)}", fix)

    def _do(self, command: str, *arguments: str) -> list[Any]:
        with _translated(self._settings):
            status, data = self._connection.uid(command, *arguments)
        if status != "OK":
            raise _failed(self._settings, f"refuses {command}: {_text(data)}", "check the server's log")
        return data


@contextmanager
def open_folder(
    settings: Imap,
    password: str,
    *,
    readonly: bool,
    tls: ssl.SSLContext | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> Iterator[ImapFolder]:
    """Connect, log in and open the folder; log out at the end of the block. Raise Unavailable.

    The certificate is verified against the system's authorities, if `tls` names no others.
    """
    tls = tls or ssl.create_default_context()
    with _translated(settings):
        connection = _connect(settings, tls, timeout)
    try:
        with _translated(settings, is_login=True):
            connection.login(_quoted(settings.username), password)  # imaplib quotes the password only
        folder = ImapFolder(connection, settings)
        folder.select(readonly=readonly)
        yield folder
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            connection.logout()
        with suppress(OSError):  # after an error of the logout; else it is closed already
            connection.shutdown()


class _Limited(imaplib.IMAP4):
    """A connection that reads no content above a size; a server announces it before it sends the content."""

    def read(self, size: int) -> bytes:
        if size > MAX_MAIL_BYTES:
            raise self.abort(f"content of {size} bytes")
        return super().read(size)


class _LimitedTls(_Limited, imaplib.IMAP4_SSL):
    pass


def _connect(settings: Imap, tls: ssl.SSLContext, timeout: float) -> imaplib.IMAP4:
    host, port = settings.host, settings.used_port
    if settings.security == "tls":
        return _LimitedTls(host, port, ssl_context=tls, timeout=timeout)
    connection = _Limited(host, port, timeout=timeout)
    if settings.security == "starttls":
        try:
            connection.starttls(tls)
        except BaseException:
            with suppress(OSError):  # the socket may be closed already
                connection.shutdown()
            raise
    return connection


def _quoted(text: str) -> str:
    """Return a quoted string (RFC 3501, section 4.3)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _mail(response: object) -> FoundMail | None:
    """Return the mail in a part of a FETCH response: a pair of the fields and the content."""
    if not isinstance(response, tuple) or len(response) < 2:
        return None
    fields, content = response[:2]
    date = _DATE.search(fields)
    parsed = imaplib.Internaldate2tuple(date[0]) if date else None
    if not (uid := _UID.search(fields)) or parsed is None:
        return None
    received_at = datetime(*parsed[:6]).astimezone(UTC)
    return FoundMail(uid[1].decode("ascii"), content[:MAX_MAIL_BYTES], received_at)


@contextmanager
def _translated(settings: Imap, *, is_login: bool = False) -> Iterator[None]:
    """Raise Unavailable for errors of the connection, with neither the password nor an address in it."""
    try:
        yield
    except imaplib.IMAP4.readonly as failure:
        fix = "give this user the right to set flags in the folder, so that reports are read once"
        raise _failed(settings, "opens the folder only to read", fix) from failure
    except imaplib.IMAP4.abort as failure:
        raise _failed(settings, "closed the connection", "run the same command again") from failure
    except imaplib.IMAP4.error as failure:
        if is_login:
            fix = "check `bounces.imap.username` and IMAP_PASSWORD; some servers need an app password"
            # no cause: a server may quote the password.
            raise _failed(settings, "rejects the user name and the password", fix) from None
        raise _failed(settings, _text(failure.args), "check the server's log") from failure
    except UnicodeEncodeError:
        what, fix = "the user name or the password is not ASCII", "use others in ASCII"
        # no cause: its text has the password.
        raise _failed(settings, what, fix) from None
    except ssl.SSLCertVerificationError as failure:
        what = f"has a certificate that is not trusted: {failure.verify_message}"
        fix = "set `bounces.imap.host` to the name in the certificate, or renew the certificate"
        raise _failed(settings, what, fix) from failure
    except OSError as failure:
        what = f"cannot be reached: {failure.strerror or str(failure) or type(failure).__name__}"
        fix = "check `host`, `port` and `security` of `bounces.imap`, and that no firewall blocks the port"
        raise _failed(settings, what, fix) from failure


def _text(words: object) -> str:
    """Return the words of a server, without addresses."""
    parts = words if isinstance(words, (list, tuple)) else [words]
    texts = [part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in parts]
    return masked(printable(" ".join(texts), 200))


def _failed(settings: Imap, what: str, fix: str) -> Unavailable:
    return Unavailable(what, fix, where=f"{settings.host}:{settings.used_port}")
