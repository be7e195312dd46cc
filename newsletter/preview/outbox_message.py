"""Parse a message of the outbox and decode its parts, with limits, because the message may be hostile."""

import email.policy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from email.policy import Policy
from html import escape
from itertools import count, islice

from newsletter.preview import unsubscribe_links

MAX_BYTES = 5_000_000
_MAX_LINES, _MAX_PARTS, _MAX_HEADERS = 100_000, 50, 500
# Characters of a header that the list of messages shows, or that is shown without being parsed.
_MAX_HEADER_LENGTH = 300
# Characters of a header that decides how a part is read; RFC 2046 limits a boundary to 70.
_MAX_MIME_HEADER_LENGTH = 2_000
# Characters of the header with the addresses whose links are disabled; a usual one has about 200.
_MAX_LIST_UNSUBSCRIBE_LENGTH = 8_000
# Characters of a header in the list of messages: there may be hundreds, and each is parsed.
_MAX_LISTED_LENGTH = 1_000
# The length of all headers that are parsed; each counts as a little longer, which limits their number too.
# The standard library takes a second for some headers of 50 KB.
_MAX_PARSED_HEADER_CHARACTERS, _MIN_HEADER_LENGTH = 20_000, 50
# The charsets of mail. Python has other codecs: the time for `punycode` grows with the square of the length.
CHARSETS = frozenset(
    f"""
    us-ascii ascii utf-8 utf8 utf-16 utf-16le utf-16be latin1 macintosh koi8-r koi8-u tis-620
    gb2312 gbk gb18030 hz-gb-2312 big5 big5-hkscs shift-jis sjis windows-31j euc-jp cp932
    iso-2022-jp iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-3 iso-2022-kr euc-kr ks-c-5601-1987 cp949
    {" ".join(f"iso-8859-{number}" for number in range(1, 17) if number != 12)}
    {" ".join(f"windows-{number} cp{number}" for number in range(1250, 1259))}
    """.split()
)
_ADVICE = "Read it under Source, or open its file in a mail program."
# All headers are read as text with encoded words: a parser of parameters uses any charset, others are slow.
_REGISTRY = HeaderRegistry(use_default_map=False)
_ENCODED_WORD = re.compile(r"=\?(?=([^?]*)\?)")


@dataclass(frozen=True)
class OutboxMessage:
    """A parsed message: its decoded headers, its parts, and its source as text."""

    headers: list[tuple[str, str]]
    html: str
    text: str
    source: str


class _Refused(Exception):
    """The error for a message that is beyond a limit; its text names the limit."""


def read(raw: bytes) -> OutboxMessage:
    """Return the message in these bytes; its parts are a sentence if it is malformed, or beyond a limit."""
    source = raw[:MAX_BYTES].decode("utf-8", "replace")
    try:
        message = _parsed(raw)
        headers = list(_headers(message))
        list_unsubscribe = _list_unsubscribe(message)
    except _Refused as limit:
        return _not_shown(str(limit), source)
    except Exception:  # the standard library raises several types of exceptions for malformed messages
        return _not_shown("it is malformed", source)
    html, text = _part(message, "html", _paragraph), _part(message, "plain", str)
    return OutboxMessage(headers, unsubscribe_links.disable(html, list_unsubscribe), text, source)


def first_headers(head: bytes, *names: str) -> list[str]:
    """Return the start of each of these headers, "" if there is none or it cannot be read."""
    try:
        message = _parsed(b"".join(head.splitlines(keepends=True)[:_MAX_HEADERS]))
    except Exception:  # as in `read`
        return [""] * len(names)
    firsts = [next(iter(_values(message, name)), "") for name in names]
    shown = [_shown(name, first[:_MAX_LISTED_LENGTH]) for name, first in zip(names, firsts, strict=True)]
    return [value[:_MAX_HEADER_LENGTH] for value in shown]


def _not_shown(reason: str, source: str) -> OutboxMessage:
    """Return a message whose parts are a sentence with the reason why it is not shown."""
    sentence = f"This message is not shown: {reason}. {_ADVICE}"
    return OutboxMessage([], _paragraph(sentence), sentence, source)


def _paragraph(sentence: str) -> str:
    return f"<p>{escape(sentence)}</p>"


def _parsed(raw: bytes) -> EmailMessage:
    if len(raw) > MAX_BYTES:
        raise _Refused(f"it has more than {MAX_BYTES // 1_000_000} MB")
    # CR, LF and CR LF end a line.
    if raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n") > _MAX_LINES:
        raise _Refused(f"it has more than {_MAX_LINES:,} lines")
    parts = count(1)

    def part(policy: "Policy[EmailMessage] | None" = None) -> EmailMessage:
        if next(parts) > _MAX_PARTS:
            raise _Refused(f"it has more than {_MAX_PARTS} parts")
        return EmailMessage(policy or email.policy.default)

    policy = email.policy.default.clone(message_factory=part, header_factory=_unparsed)
    message = message_from_bytes(raw, policy=policy)
    assert isinstance(message, EmailMessage)
    return message


def _unparsed(_: str, value: str) -> str:
    """Return the start of a header that decides how a part is read; the parser of headers is slow."""
    return value[:_MAX_MIME_HEADER_LENGTH]


def _part(message: EmailMessage, subtype: str, as_part: Callable[[str], str]) -> str:
    """Return the first part of this subtype, "" if there is none, or a sentence if it cannot be decoded.

    `as_part` makes the sentence into a part of this subtype.
    """
    try:
        for part in message.walk():
            if (
                part.get_content_type() == f"text/{subtype}"
                and part.get_content_disposition() != "attachment"
            ):
                content = part.get_payload(decode=True)
                return content.decode(_charset_of(part), "replace") if isinstance(content, bytes) else ""
        return ""
    except Exception:  # the standard library raises several types of exceptions for malformed headers
        return as_part(f"This part of the message is malformed and cannot be decoded. {_ADVICE}")


def _charset_of(part: EmailMessage) -> str:
    """Return the charset of a part; `utf-8` in place of all that are not of mail."""
    declared = part.get_param("charset", "utf-8")
    charset = declared[2] if isinstance(declared, tuple) else str(declared)
    return charset.strip() if _is_known(charset) else "utf-8"


def _is_known(charset: str) -> bool:
    return charset.strip().lower().replace("_", "-") in CHARSETS


def _headers(message: EmailMessage) -> Iterator[tuple[str, str]]:
    fields, left = list(message.raw_items()), _MAX_PARSED_HEADER_CHARACTERS
    for name, value in islice(fields, _MAX_HEADERS):
        left -= _MIN_HEADER_LENGTH + len(value)
        yield _encodable(name), _shown(name, value) if left >= 0 else _cut(value)
    if len(fields) > _MAX_HEADERS:
        yield "…", f"{len(fields) - _MAX_HEADERS:,} more headers, see Source"


def _list_unsubscribe(message: EmailMessage) -> str | None:
    """Return the header List-Unsubscribe, "" if there is none; None if it is too long to be read."""
    values = _values(message, "List-Unsubscribe")
    if sum(map(len, values)) > _MAX_LIST_UNSUBSCRIBE_LENGTH:
        return None
    return ", ".join(_shown("List-Unsubscribe", value) for value in values)


def _values(message: EmailMessage, wanted: str) -> list[str]:
    return [value for name, value in message.raw_items() if name.lower() == wanted.lower()]


def _shown(name: str, value: str) -> str:
    """Return a decoded header; a header that is malformed or long is cut in place of that."""
    if len(value) > _MAX_PARSED_HEADER_CHARACTERS:
        return _cut(value)
    line = value.replace("\r", "").replace("\n", "")
    line = _ENCODED_WORD.sub(_with_known_charset, line)
    try:
        return _encodable(str(_REGISTRY(name, line)))
    except Exception:  # the standard library raises several types of exceptions for malformed headers
        return _cut(value)


def _with_known_charset(word: re.Match[str]) -> str:
    """Return the start of an encoded word; an unknown charset follows `utf-8*`, as if it were a language."""
    return word[0] if _is_known(word[1].partition("*")[0]) else "=?utf-8*"


def _cut(value: str) -> str:
    return _encodable(" ".join(value[:_MAX_HEADER_LENGTH].split()))


def _encodable(text: str) -> str:
    """Return the text with `?` for surrogates (undecodable bytes), which cannot be encoded in UTF-8."""
    return text.encode("utf-8", "replace").decode()
