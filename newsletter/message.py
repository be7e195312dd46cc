"""Mail: what all recipients of an issue share, what each one has of their own, and the MIME of both.

A message is encoded once; a recipient's parts are spliced in (`MimeTemplate`), which is a hundred times
faster than building each message. Header values are encoded here, by the rules that keep them one header:
the standard library's EmailMessage lets a closing newline or an encoded CR LF end a header early.
"""

import base64
import hashlib
import json
import re
from binascii import b2a_qp
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from functools import cached_property, lru_cache
from html import escape
from urllib.parse import quote

from newsletter.config import Newsletter
from newsletter.links import Links
from newsletter.models import Issue, Rendered, Subscriber
from newsletter.names import PLACEHOLDER

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ATOMS = re.compile(rf"{_ATOM}(?: {_ATOM})*")
_CRLF = b"\r\n"
# Quoted and with its address, still within a line's 998 bytes.
MAX_NAME = 200


@dataclass(frozen=True)
class Recipient:
    """One person's part of an issue; `number` is their place in the send."""

    number: int
    address: str
    name: str
    message_id: str
    token: str
    unsubscribe_url: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Mailing:
    """What all recipients of an issue share; placeholders stand where they differ.

    `date` is when it is sent: it is set when that is known, and no part of the content.
    """

    issue: str
    rendered: Rendered
    sender: tuple[str, str]
    reply_to: str | None
    list_id: tuple[str, str]
    unsubscribe_url: str | None
    unsubscribe_mailto: str | None
    sendgrid_group: int | None = None
    track_opens: bool = False
    track_clicks: bool = False
    nameless: str = "reader"
    date: datetime | None = None
    test: bool = False

    @cached_property
    def sha256(self) -> str:
        """What the content is known by; the moment of sending is no part of it."""
        content = asdict(self)
        del content["date"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def as_test(self) -> "Mailing":
        """The same mail, marked as a test where its reader sees it."""
        rendered = replace(self.rendered, subject=f"[Test] {self.rendered.subject}")
        return replace(self, rendered=rendered, test=True)


@dataclass(frozen=True)
class Batch:
    """Recipients of one call to a provider."""

    mailing: Mailing
    recipients: tuple[Recipient, ...]


def mailing(issue: Issue, rendered: Rendered, newsletter: Newsletter) -> Mailing:
    """An issue of this newsletter, ready to be addressed."""
    config = newsletter.config
    domain = config.sender.email.rpartition("@")[2]
    slug = re.sub(r"[^a-z0-9]+", "-", config.name.lower()).strip("-") or "newsletter"
    return Mailing(
        issue=issue.name,
        rendered=rendered,
        sender=(config.sender.name, config.sender.email),
        reply_to=config.reply_to,
        list_id=(config.name, config.list_id or f"{slug}.{domain}"),
        unsubscribe_url=config.unsubscribe.url,
        unsubscribe_mailto=config.unsubscribe.mailto,
        sendgrid_group=config.unsubscribe.sendgrid_group,
        track_opens=config.tracking.opens,
        track_clicks=config.tracking.clicks,
        nameless=config.labels.reader,
    )


class Addresser:
    """Turns subscribers into recipients of a mailing, with links and Message-IDs of their own."""

    def __init__(self, mailing: Mailing, secret: str) -> None:
        self._mailing = mailing
        self._links = Links(secret)
        self._key = hashlib.sha256(b"news.message-id:" + secret.encode()).digest()
        self._domain = mailing.sender[1].rpartition("@")[2]

    def __call__(self, number: int, subscriber: Subscriber) -> Recipient:
        token = self._links.token(subscriber.id)
        url = (self._mailing.unsubscribe_url or "").replace("{token}", token)
        name = subscriber.name or self._mailing.nameless
        values = {"unsubscribe_url": url, "name": name, "address": subscriber.address}
        message_id = self._message_id(subscriber.address)
        return Recipient(number, subscriber.address, subscriber.name, message_id, token, url, values)

    def _message_id(self, address: str) -> str:
        """The same for an issue and a recipient whenever it is made; a test gets a new one each time."""
        kind = f"test.{_dated(self._mailing).timestamp():.0f}." if self._mailing.test else ""
        data = f"{self._mailing.issue}\0{address.lower()}".encode()
        return f"<{self._mailing.issue}.{kind}{_keyed(data, self._key)}@{self._domain}>"


def _keyed(data: bytes, key: bytes) -> str:
    return hashlib.blake2b(data, key=key, digest_size=12).hexdigest()


def list_headers(mailing: Mailing, recipient: Recipient) -> dict[str, str]:
    """The headers that let a mail program unsubscribe somebody (RFC 2369, RFC 8058), one line each."""
    ways = [f"<{recipient.unsubscribe_url}>"] if recipient.unsubscribe_url else []
    if mailing.unsubscribe_mailto:
        ways.append(
            f"<mailto:{quote(mailing.unsubscribe_mailto, safe='@')}?subject=unsubscribe%20{recipient.token}>"
        )
    headers = {"List-Unsubscribe": ", ".join(ways)} if ways else {}
    if recipient.unsubscribe_url:
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


class MimeTemplate:
    """A mailing as multipart/alternative, text first, encoded once; `fill` splices a recipient in.

    Lines end in CR LF and are at most 998 bytes long; the parts are quoted-printable.
    """

    def __init__(self, mailing: Mailing) -> None:
        self._mailing = mailing
        boundary = f"=_{mailing.sha256[:32]}"
        # A value has a key for each way that it is encoded in: `name.html`, `name.text`.
        self._segments: list[tuple[bytes, str]] = []
        lead = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n--{boundary}'.encode()
        self._append(_common_headers(mailing) + lead + _CRLF, "")
        self._part("plain", mailing.rendered.text, "text")
        self._append(_CRLF + f"--{boundary}".encode() + _CRLF, "")
        self._part("html", mailing.rendered.html, "html")
        self._append(_CRLF + f"--{boundary}--".encode() + _CRLF, "")

    def fill(self, recipient: Recipient) -> bytes:
        """The complete message for one recipient."""
        encoded = {
            f"{name}.{part}": _then_break(_quoted(encode(value)))
            for part, encode in (("text", str), ("html", escape))
            for name, value in recipient.values.items()
        }
        encoded[""] = b""
        body = b"".join(piece for fixed, key in self._segments for piece in (fixed, encoded[key]))
        return self._own_headers(recipient) + body

    def _own_headers(self, recipient: Recipient) -> bytes:
        lines = [
            f"To: {_mailbox(recipient.name, recipient.address)}",
            f"Message-ID: {recipient.message_id}",
        ]
        lines += [f"{name}: {value}" for name, value in list_headers(self._mailing, recipient).items()]
        return "".join(f"{line}\r\n" for line in lines).encode("ascii")

    def _part(self, subtype: str, text: str, suffix: str) -> None:
        self._append(
            f"Content-Type: text/{subtype}; charset=utf-8\r\n".encode()
            + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
            "",
        )
        pieces = PLACEHOLDER.split(text)
        for fixed, name in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
            self._append(_quoted(fixed), f"{name}.{suffix}" if name else "")

    def _append(self, fixed: bytes, key: str) -> None:
        self._segments.append((_then_break(fixed) if key else fixed, key))


@lru_cache(maxsize=4)
def mime(mailing: Mailing) -> MimeTemplate:
    """The MIME template of a mailing, made once."""
    return MimeTemplate(mailing)


def _common_headers(mailing: Mailing) -> bytes:
    lines = [
        f"From: {_mailbox(*mailing.sender)}",
        f"Subject: {_unstructured(mailing.rendered.subject)}",
        f"Date: {format_datetime(_dated(mailing))}",
        f"List-Id: {_mailbox(*mailing.list_id)}",
        "MIME-Version: 1.0",
    ]
    if mailing.reply_to:
        lines.insert(1, f"Reply-To: {mailing.reply_to}")
    if mailing.test:
        lines.append("X-News-Test: yes")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _dated(mailing: Mailing) -> datetime:
    if mailing.date is None:
        raise ValueError("a mailing is sent at some date: replace(mailing, date=…)")
    return mailing.date


class Unmailable(ValueError):
    """An address that cannot stand in a header; validation lets none through, a database may hold one."""


def _mailbox(name: str, address: str) -> str:
    if not address.isascii() or not address.isprintable() or " " in address:
        raise Unmailable("the address holds what no address in a header may hold")
    name = _clean(name)
    if not name:
        return address
    if not name.isascii() or "=?" in name or len(name) > MAX_NAME:
        return f"{_encoded_words(name)}\r\n <{address}>"
    quoted = name if _ATOMS.fullmatch(name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{quoted} <{address}>"


def _unstructured(text: str) -> str:
    text = _clean(text)
    return text if text.isascii() and "=?" not in text and len(text) < 900 else _encoded_words(text)


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()


def _encoded_words(text: str) -> str:
    """RFC 2047 words of at most 75 characters, one a line; no character is cut in two."""
    words, word = [], b""
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(word) + len(encoded) > 45:
            words.append(word)
            word = b""
        word += encoded
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(w).decode()}?=" for w in [*words, word])


def _then_break(quoted: bytes) -> bytes:
    """Quoted-printable text that ends in a soft line break, so that what follows starts a line.

    That keeps lines within 76 bytes (RFC 2045, 6.7) around a value of any length.
    """
    last = quoted.rpartition(_CRLF)[2]
    if len(last) < 76:
        return quoted + b"=\r\n"
    end = -3 if last[-3:-2] == b"=" else -1
    return quoted[:end] + b"=\r\n" + quoted[end:] + b"=\r\n"


def _quoted(text: str) -> bytes:
    """Quoted-printable with CR LF lines; any other line ending becomes one first."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8")
    return b2a_qp(lines, istext=True).replace(b"\n", _CRLF)
