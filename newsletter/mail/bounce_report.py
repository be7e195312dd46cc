"""Read the reports of mail servers: deliveries that failed (RFC 3464), and complaints (RFC 5965, ARF).

Everybody can send such a mail, so nothing in it is believed without a proof: the unsubscribe token, or the
Message-ID, of a mail of ours that the report returns. This module only finds them.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.parser import BytesHeaderParser, HeaderParser
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote

from newsletter.constants import DeliveryEventKind
from newsletter.subscribers.delivery_rules import STATUS, bounce_kind

Mail: TypeAlias = "Message[str, str]"

# The parser's time grows with the depth of nested parts; a report has at most three.
_MAX_NESTED = 20
_NESTED = re.compile(rb"(?:multipart|message)/", re.IGNORECASE)
# Nor does a server write a long type; the parser's time grows with the square of its length.
_MAX_TYPE_BYTES = 2000
_TYPE = re.compile(rb"(?:^|[\r\n])content-type:[^\r\n]*(?:(?:\r\n|\r|\n)[ \t][^\r\n]*)*", re.IGNORECASE)
_MAX_PROOFS, _MAX_BLOCKS, _MAX_TEXT, _MAX_BODY = 10, 50, 20_000, 100_000
_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_RETURNED_TYPES = ("message/rfc822", "message/global", "message/global-headers", "message/rfc822-headers")
_RETURNED_HEADER_TYPES = ("text/rfc822-headers",)
_TOKEN = re.compile(r"(?<![0-9.])(?:2\.)?[1-9][0-9]{0,18}\.[0-9a-f]{32}(?![0-9a-f])")
# The link of a confirmation mail (`mail.signed_links`), which has no link to unsubscribe.
_CONFIRM_TOKEN = re.compile(r"(?<![0-9a-z.])c\.[1-9][0-9]{0,17}\.[0-9a-f]{32}(?![0-9a-f])")
_MESSAGE_ID = re.compile(
    r"<([12][0-9]{3}-[0-9]{2}-[0-9]{2})\.(?:test\.[0-9]{1,12}\.)?([0-9a-f]{24})@[^<>\s]{1,255}>"
)
# Variable envelope return path: the token is in the address to which a server returns the mail.
_TO_HEADERS = ("To", "Delivered-To", "X-Original-To", "Envelope-To")
_CODE = re.compile(r"(?<![0-9.])[245]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.])")
_UNSPECIFIC = re.compile(r"[245]\.0\.0")
# RFC 5965, section 7.3. The other types tell nothing about the wish of a reader.
_FEEDBACK: dict[str, DeliveryEventKind] = {
    "abuse": "complained",
    "fraud": "complained",
    "opt-out": "unsubscribed",
    "opt-out-list": "unsubscribed",
}


class Report(NamedTuple):
    """A report about one of our mails, if one of its proofs is valid.

    `kind` is None if the report tells nothing that matters: the delivery is late, or a test of DKIM failed.
    `tokens` are perhaps unsubscribe tokens, and `confirm_tokens` those of links that confirm a sign-up;
    `message_ids` are perhaps ours, each with the name of the issue and the digits that identify the
    subscriber. `at` is the date of the report; None without a valid one.
    """

    kind: DeliveryEventKind | None
    status: str | None
    tokens: tuple[str, ...]
    message_ids: tuple[tuple[str, str], ...]
    at: datetime | None
    confirm_tokens: tuple[str, ...] = ()


def read_report(content: bytes) -> Report | None:
    """Return the report in a mail; None for any other mail, and for one that cannot be understood."""
    if len(_NESTED.findall(content)) > _MAX_NESTED:
        return None
    if any(len(field[0]) > _MAX_TYPE_BYTES for field in _TYPE.finditer(content)):
        return None
    try:
        return _read(message_from_bytes(content))
    except Exception:
        # The parser of the standard library raises errors of many kinds for malformed mail, and anybody may
        # send one: it must not keep the reports of others from being read.
        return None


def _read(mail: Mail) -> Report | None:
    if mail.get_content_type() != "multipart/report" or not mail.is_multipart():
        return None
    parts = _parts(mail)
    by_type = {part.get_content_type(): part for part in reversed(parts)}
    found: tuple[DeliveryEventKind | None, str | None]
    if feedback := by_type.get("message/feedback-report"):
        found = _feedback(feedback), None
    elif status := next((by_type[kind] for kind in _STATUS_TYPES if kind in by_type), None):
        found = _delivery(status)
    else:
        return None
    returned = list(_returned(parts))
    headers = [text for one in returned for text in _texts(one, "List-Unsubscribe")]
    tokens = _tokens([*headers, *(text for name in _TO_HEADERS for text in _texts(mail, name))])
    ids = [_MESSAGE_ID.fullmatch(text.strip()) for one in returned for text in _texts(one, "Message-ID")]
    message_ids = tuple((i[1], i[2]) for i in ids[:_MAX_PROOFS] if i)
    return Report(*found, tokens, message_ids, _date(mail), _confirm_tokens(returned))


def _feedback(part: Mail) -> DeliveryEventKind | None:
    kinds = [text for fields in _parts(part)[:1] for text in _texts(fields, "Feedback-Type")]
    return _FEEDBACK.get(kinds[0].strip().lower()) if kinds else None


def _delivery(part: Mail) -> tuple[DeliveryEventKind | None, str | None]:
    """Return the kind and the status code of a delivery report.

    With several recipients, to whom a server has forwarded the mail, the address is bad only if all are.
    """
    statuses = []
    for fields in list(_blocks(part))[:_MAX_BLOCKS]:
        action = "".join(_texts(fields, "Action")[:1]).strip().lower()
        if action == "failed":
            statuses.append(_status(fields))
        elif action in ("delivered", "relayed", "expanded"):
            statuses.append("")
    if not any(statuses):
        return None, None
    kinds = {bounce_kind(status) for status in statuses}
    kind: DeliveryEventKind = "bounced" if kinds == {"bounced"} else "soft"
    return kind, next((status for status in statuses if status and bounce_kind(status) == kind), None)


def _blocks(part: Mail) -> Iterator[Mail]:
    """Yield the blocks of fields in the part with the status; the first one is about the whole mail."""
    for block in _parts(part):
        yield block
        if part.get_content_type() != _STATUS_TYPES[0]:  # the parser divides only this type
            text = str(block.get_payload())[:_MAX_TEXT]
            yield from (HeaderParser().parsestr(lines) for lines in re.split(r"\r?\n\r?\n", text))


def _status(fields: Mail) -> str:
    """Return a recipient's status code: that of the report, or a more exact one in the server's reply."""
    written = "".join(_texts(fields, "Status")[:1]).split("(")[0].strip()
    status = written if STATUS.fullmatch(written) else "5.0.0"
    if _UNSPECIFIC.fullmatch(status):
        reply = _CODE.search("".join(_texts(fields, "Diagnostic-Code")[:1]))
        return reply[0] if reply else status
    return status


def _returned(parts: list[Mail]) -> Iterator[Mail]:
    """Yield the header of each returned mail; some servers return only the header."""
    for part in parts:
        kind = part.get_content_type()
        if kind in _RETURNED_TYPES and part.is_multipart():
            yield from _parts(part)[:1]
        elif kind in _RETURNED_HEADER_TYPES and isinstance(content := part.get_payload(decode=True), bytes):
            yield BytesHeaderParser().parsebytes(content)


def _parts(mail: Mail) -> list[Mail]:
    """Return the parts of a mail, or the mails in a part."""
    payload = mail.get_payload() if mail.is_multipart() else []
    return [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []


def _tokens(texts: list[str]) -> tuple[str, ...]:
    found = (token for text in texts for token in _TOKEN.findall(unquote(text)))
    return tuple(dict.fromkeys(found))[:_MAX_PROOFS]


def _confirm_tokens(returned: list[Mail]) -> tuple[str, ...]:
    """Return what may be tokens in the links of confirmation mails, if their texts are returned."""
    parts = (part for message in returned for part in islice(message.walk(), _MAX_PROOFS))
    contents = (part.get_payload(decode=True) for part in parts if part.get_content_maintype() == "text")
    bodies = [content[:_MAX_BODY] for content in contents if isinstance(content, bytes)]
    found = (token for body in bodies for token in _CONFIRM_TOKEN.findall(body.decode("ascii", "replace")))
    return tuple(dict.fromkeys(found))[:_MAX_PROOFS]


def _texts(mail: Mail, name: str) -> list[str]:
    """Return the values of a field, each in one line, and of a limited length."""
    values = (str(value)[:_MAX_TEXT] for value in mail.get_all(name, [])[:_MAX_PROOFS])
    return [re.sub(r"[\r\n]+", "", value) for value in values]


def _date(mail: Mail) -> datetime | None:
    """Return the date of a report, None without a valid one."""
    try:
        date = parsedate_to_datetime("".join(_texts(mail, "Date")[:1]))
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None
