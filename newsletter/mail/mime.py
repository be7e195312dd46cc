"""Encode a mailing as MIME once, and insert each recipient's values.

That is a hundred times faster than building each message. Header values are encoded here, so that no value
can start another header: in the standard library's EmailMessage, a final newline or an encoded CR LF ends a
header early.
"""

import re
from binascii import b2a_qp
from collections.abc import Callable
from email.utils import format_datetime
from functools import lru_cache
from html import escape

from newsletter.mail.header_text import MAX_NAME_CHARACTERS, clean, encoded_words, quoted_string
from newsletter.mail.message import Mailing, Recipient

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ATOMS = re.compile(rf"{_ATOM}(?: {_ATOM})*")
_CRLF = b"\r\n"
# One word a line: a header may be folded before a blank (RFC 5322, 2.2.3).
_FOLD = "\r\n "
_LEADING_DOT = re.compile(rb"(?m)^\.")


class Unmailable(ValueError):
    """The error for an address that a header cannot contain; a database may have one despite validation."""


class MimeTemplate:
    """A mailing as multipart/alternative, text first, encoded once; `fill` inserts a recipient's values.

    Lines end in CR LF and are at most 998 bytes long; the parts are quoted-printable. `stuffed` doubles a dot
    at the start of a line, as SMTP requires (RFC 5321, 4.5.2).
    """

    def __init__(self, mailing: Mailing, stuffed: bool = False) -> None:
        self._stuffed = stuffed
        self._value, self._placeholder = mailing.value, mailing.placeholder
        boundary = f"=_{mailing.sha256[:32]}"
        # Fixed bytes, each with the function that makes the recipient's bytes after them, or None.
        self._segments: list[tuple[bytes, Callable[[Recipient], bytes] | None]] = []
        self._append_recipient_headers(mailing)
        lead = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n--{boundary}\r\n'
        self._append(_common_headers(mailing) + lead.encode())
        self._append_part("plain", mailing.rendered.text, str)
        self._append(f"\r\n--{boundary}\r\n".encode())
        self._append_part("html", mailing.rendered.html, escape)
        self._append(f"\r\n--{boundary}--\r\n".encode())

    def fill(self, recipient: Recipient) -> bytes:
        """Return the complete message to one recipient. Raise Unmailable for a bad address."""
        pieces = []
        for fixed, personal in self._segments:
            pieces.append(fixed)
            if personal:
                pieces.append(personal(recipient))
        return b"".join(pieces)

    def _append_recipient_headers(self, mailing: Mailing) -> None:
        self._append(b"To: ", lambda recipient: _mailbox(recipient.name, recipient.address).encode("ascii"))
        self._append(b"\r\nMessage-ID: ", lambda recipient: recipient.message_id.encode("ascii"))
        for name, value in mailing.personal_headers().items():
            before, *others = value.split("{token}")
            self._append(f"\r\n{name}: {before}".encode("ascii"))
            for after in others:
                self._append(b"", lambda recipient: recipient.token.encode("ascii"))
                self._append(after.encode("ascii"))
        self._append(_CRLF)

    def _append_part(self, subtype: str, text: str, encode: Callable[[str], str]) -> None:
        self._append(
            f"Content-Type: text/{subtype}; charset=utf-8\r\n".encode()
            + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        )
        pieces = self._placeholder.split(text)
        for fixed, name in zip(pieces[:-1:2], pieces[1::2], strict=True):
            self._append(self._stuff(_with_soft_break(_quoted(fixed))), self._quoted_value(name, encode))
        self._append(self._stuff(_quoted(pieces[-1])))

    def _quoted_value(self, name: str, encode: Callable[[str], str]) -> Callable[[Recipient], bytes]:
        value = self._value(name)
        return lambda recipient: self._stuff(_with_soft_break(_quoted(encode(value(recipient)))))

    def _append(self, fixed: bytes, personal: Callable[[Recipient], bytes] | None = None) -> None:
        if self._segments and self._segments[-1][1] is None:
            fixed = self._segments.pop()[0] + fixed
        self._segments.append((fixed, personal))

    def _stuff(self, piece: bytes) -> bytes:
        # Each piece of a part starts a line, so dots can be doubled piece by piece.
        return _LEADING_DOT.sub(b"..", piece) if self._stuffed else piece


@lru_cache(maxsize=4)
def template(mailing: Mailing, stuffed: bool = False) -> MimeTemplate:
    """Return the MIME template of a mailing; the latest four are cached."""
    return MimeTemplate(mailing, stuffed)


def _common_headers(mailing: Mailing) -> bytes:
    lines = [
        f"From: {_mailbox(*mailing.sender)}",
        f"Subject: {_unstructured(mailing.rendered.subject)}",
        f"Date: {format_datetime(mailing.sent_at)}",
    ]
    if in_list := mailing.list_header():
        lines.append(f"List-Id: {_mailbox(*in_list)}")
    lines.append("MIME-Version: 1.0")
    if mailing.reply_to:
        lines.insert(1, f"Reply-To: {mailing.reply_to}")
    lines += [f"{name}: {value}" for name, value in mailing.shared_headers().items()]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _mailbox(name: str, address: str) -> str:
    if not address.isascii() or not address.isprintable() or " " in address:
        raise Unmailable("the address contains characters that a header cannot contain")
    name = clean(name)
    if not name:
        return address
    if not name.isascii() or "=?" in name or len(name) > MAX_NAME_CHARACTERS:
        return f"{encoded_words(name, _FOLD)}\r\n <{address}>"
    return f"{name if _ATOMS.fullmatch(name) else quoted_string(name)} <{address}>"


def _unstructured(text: str) -> str:
    text = clean(text)
    return text if text.isascii() and "=?" not in text and len(text) < 900 else encoded_words(text, _FOLD)


def _with_soft_break(quoted: bytes) -> bytes:
    """Return quoted-printable text with a soft line break at its end, so that the next piece starts a line.

    The break keeps lines within 76 bytes (RFC 2045, 6.7) before and after a value of any length.
    """
    last = quoted.rpartition(_CRLF)[2]
    if len(last) < 76:
        return quoted + b"=\r\n"
    end = -3 if last[-3:-2] == b"=" else -1
    return quoted[:end] + b"=\r\n" + quoted[end:] + b"=\r\n"


def _quoted(text: str) -> bytes:
    """Encode text as quoted-printable, with CR LF for every kind of line ending."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8")
    return b2a_qp(lines, istext=True).replace(b"\n", _CRLF)
