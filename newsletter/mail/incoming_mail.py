"""Read a message that somebody wrote to the newsletter's mailbox: tokens in it, and who wrote it.

Anybody may send anything: no message raises an error, and only a signed token is believed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from typing import Literal
from urllib.parse import unquote

Automatic = Literal[
    "",  # a person wrote it, as far as the message tells
    "generated",  # a program wrote it for a person, as mail programs do when they unsubscribe
    "replied",  # a program answered: a vacation notice, a delivery report, a mailing list (RFC 3834)
]
_MAX_HEADER = 5_000
_MAX_BODY = 20_000
_MAX_LINES = 5
_MAX_TOKENS = 20
_MAX_BOUNDARIES = 30
_RECIPIENTS = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
_REPLY = ("In-Reply-To", "References")
_LEAVE = re.compile(r"(?<![0-9.])(?:2\.)?[1-9][0-9]{0,18}\.[0-9a-f]{32}(?![0-9a-f])", re.IGNORECASE)
_CONFIRM = re.compile(r"(?<![a-z0-9])c\.[1-9][0-9]{0,17}\.[0-9a-f]{32}(?![0-9a-f])", re.IGNORECASE)
_TEST = re.compile(r"unsubscribe\s+test\W*", re.IGNORECASE)
_LINE = re.compile(rf"\W*(?:unsubscribe\W+)?({_LEAVE.pattern})\W*", re.IGNORECASE)
_SUBSCRIBE = re.compile(r"\W*(?:re\s*:\s*)*subscribe\W*", re.IGNORECASE)
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_TAG = re.compile(r"<[^<>]{0,1000}>")
_QUOTE = re.compile(r"\s*(?:>|-{2,}\s*\w|_{5,}|\u2014{2,})")


@dataclass(frozen=True)
class IncomingMail:
    """The content of a message, with tokens that are not verified; `sender` is "" without exactly one."""

    leave_tokens: tuple[str, ...] = ()
    confirm_tokens: tuple[str, ...] = ()
    sender: str = ""
    automatic: Automatic = ""
    is_test: bool = False
    asks_to_subscribe: bool = False


def read_mail(content: bytes) -> IncomingMail:
    """Return what a message says; an empty result for one that cannot be read."""
    try:
        # The parser of the library takes quadratic time for parts within parts.
        if content.lower().count(b"boundary") > _MAX_BOUNDARIES:
            content = _END_OF_HEADERS.split(content, maxsplit=1)[0]
        return _read(message_from_bytes(content))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, HeaderParseError):
        return IncomingMail()


def _read(message: Message) -> IncomingMail:
    subject = _texts(message, "Subject")
    places = [*subject, *(text for name in _RECIPIENTS for text in _texts(message, name))]
    replies = [text for name in _REPLY for text in _texts(message, name)]
    leave = _tokens(_LEAVE, places) or tuple(_in_body(message))[:1]
    return IncomingMail(
        leave_tokens=leave,
        confirm_tokens=_tokens(_CONFIRM, [*places, *replies]),
        sender=_sender(message),
        automatic=_automatic(message),
        is_test=any(_TEST.fullmatch(text.strip()) for text in subject),
        asks_to_subscribe=any(_SUBSCRIBE.fullmatch(text) for text in subject),
    )


def _tokens(form: "re.Pattern[str]", texts: list[str]) -> tuple[str, ...]:
    """Return the different tokens in texts; a space or a line break may divide one."""
    found: dict[str, None] = {}
    for text in texts:
        decoded = unquote(text)
        for spelling in (decoded, re.sub(r"\s+", "", decoded)):
            found.update(dict.fromkeys(token.lower() for token in form.findall(spelling)))
    return tuple(found)[:_MAX_TOKENS]


def _texts(message: Message, name: str) -> list[str]:
    return [_decoded(value) for value in message.get_all(name, [])[:3]]


def _decoded(value: object) -> str:
    """Return the text of a header, unfolded, with its encoded words decoded (RFC 2047)."""
    text = re.sub(r"\r?\n(?=[ \t])", "", str(value)[:_MAX_HEADER])
    parts = (part if isinstance(part, str) else _text(part, charset) for part, charset in decode_header(text))
    return "".join(parts)


def _text(content: bytes, charset: str | None) -> str:
    try:
        return content.decode(charset or "latin-1", "replace")
    except (LookupError, ValueError):
        return content.decode("latin-1")


def _sender(message: Message) -> str:
    """Return the address of the author, if there is exactly one."""
    values = message.get_all("From", [])
    if len(values) != 1:
        return ""
    addresses = [address for _, address in getaddresses([str(values[0])[:_MAX_HEADER]]) if address]
    return addresses[0] if len(addresses) == 1 else ""


def _automatic(message: Message) -> Automatic:
    """Return how a program wrote the message (RFC 3834), with the headers of older programs."""
    names = {name.lower() for name in message}
    precedence = " ".join(_texts(message, "Precedence")).strip().lower()
    is_bounce = any(text.strip() == "<>" for text in _texts(message, "Return-Path"))
    is_reply = is_bounce or precedence in ("bulk", "junk", "list", "auto_reply")
    if is_reply or any(name.startswith("list-") for name in names):
        return "replied"
    if names & {"x-autoreply", "x-autorespond", "x-autoresponder", "x-mail-autoreply"}:
        return "replied"
    submitted = " ".join(_texts(message, "Auto-Submitted")).partition(";")[0].strip().lower()
    if submitted in ("", "no"):
        return ""
    return "generated" if submitted == "auto-generated" else "replied"


def _in_body(message: Message) -> Iterator[str]:
    """Yield tokens that stand alone, or behind the word, in one of the first lines that the author wrote.

    A quoted issue has the unsubscribe link of a person who only answers.
    """
    lines = 0
    for line in _body(message).splitlines():
        if _QUOTE.match(line) or lines == _MAX_LINES:
            return
        if line.strip():
            lines += 1
            if found := _LINE.fullmatch(unquote(line)):
                yield found[1].lower()


def _body(message: Message) -> str:
    """Return the beginning of the first part of text."""
    for part in message.walk():
        kind = part.get_content_type()
        if kind in ("text/plain", "text/html") and not part.is_multipart():
            payload = part.get_payload(decode=True)
            content = payload if isinstance(payload, bytes) else b""
            text = _text(content[:_MAX_BODY], part.get_content_charset())
            return _TAG.sub("\n", text) if kind == "text/html" else text
    return ""
