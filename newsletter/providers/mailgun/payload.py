"""Encode a mailing once as the form of Mailgun's messages, and insert the recipients of each batch.

Mailgun replaces `%recipient.KEY%` by the value that `recipient-variables` has for a recipient: in the
content, in headers and in `v:` fields (documentation.mailgun.com, Batch Sending; for `v:`, merged pull
request 192 of github.com/mailgun/documentation). Keys begin with a hash of the mailing, so no article can
contain one.

Words of an article that look like a variable of Mailgun's, such as `%recipient.x%` or `%unsubscribe_url%`,
must arrive as they are. Each becomes the value of a variable. Mailgun does not document whether it reads a
value again. If it did, it would find no key that we send, and it leaves unknown keys as they are
(django-anymail issue 171); only for its own words it could then insert a value.
"""

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from html import escape

from newsletter.mail.event_tag import NAME, event_tags
from newsletter.mail.message import Mailing, Recipient
from newsletter.providers.mailgun.mailboxes import mailbox

MAX_VALUE_BYTES = 2_000_000
"""The most bytes of all recipients' values in a request: each word of an article may be such a value."""
_Value = Callable[[Recipient], str]

# The keys of variables, or their beginning: a name or a number follows all but the last one.
_TEXT, _HTML, _REPLACED, _HEADER, _TAG = "t", "h", "p", "u", "e"

# A word between two `%`, or from a `%` to the end, where a variable of ours may follow whose `%` would close
# it; and the beginning of a variable, closed or not. The whole word is replaced: what is left of it would
# follow our variable, whose name ends in `%`. A `%` and two upper-case hexadecimal digits are an escape in a
# link, such as %20 or %D0%BAtalog%D0%B0: all of Mailgun's words are in lower case.
_WORD = r"(?:recipient\.[\w.:-]*|(?![0-9A-F]{2})[A-Za-z_][\w.:-]{2,}(?=%|\Z))"
_VARIABLE = re.compile(f"%{_WORD}", re.ASCII)
# The same word after a variable of ours, whose `%` would open it.
_OPENED_WORD = re.compile(_WORD, re.ASCII)


class FormTemplate:
    """The fields that all recipients of a mailing share; `fill` inserts recipients of a batch."""

    def __init__(self, mailing: Mailing) -> None:
        self._mailing = mailing
        self._key = f"n{mailing.sha256[:10]}"
        self._boundary = f"news-{mailing.sha256}"
        self._values: dict[str, _Value] = {}
        self._replaced_words: dict[str, str] = {}
        fields = [
            ("from", self._literal(mailbox(*mailing.sender))),
            ("subject", self._literal(mailing.rendered.subject)),
            ("text", self._content(_TEXT, mailing.rendered.text, str)),
            ("html", self._content(_HTML, mailing.rendered.html, escape)),
            *_tracking(mailing),
            *self._headers(),
            (f"v:{NAME}", self._variable(_TAG)),
        ]
        self._head = "".join(map(self._field, *zip(*fields, strict=True))).encode()

    @property
    def content_type(self) -> str:
        """Return the value of the header Content-Type."""
        return f'multipart/form-data; boundary="{self._boundary}"'

    def fill(self, recipients: Sequence[Recipient]) -> tuple[Sequence[Recipient], list[bytes]]:
        """Return the first of the recipients, and the body of the request for them, in pieces.

        They are as many as have values that are not too long for one request, at least one. The addresses of
        the recipients differ.
        """
        values = self._variables(recipients)
        if len(recipients) > 1 and len(values.encode()) > MAX_VALUE_BYTES:
            return self.fill(recipients[: len(recipients) // 2])
        to = "".join(
            self._field("to", mailbox(recipient.name, recipient.address)) for recipient in recipients
        )
        # Without an entry for a recipient, Mailgun shows everybody's address to everybody.
        variables = self._field("recipient-variables", values)
        return recipients, [self._head, to.encode(), f"{variables}--{self._boundary}--\r\n".encode()]

    def _variables(self, recipients: Sequence[Recipient]) -> str:
        """Return the JSON of all recipients' values, without escapes that JSON does not need.

        A `\\u0026` in it arrived as text (github.com/mailgun/mailgun-plsql, issue 42).
        """
        tags = event_tags(self._mailing, recipients)
        values = {
            recipient.address: {
                **{self._key + key: value(recipient) for key, value in self._values.items()},
                self._key + _TAG: tag,
            }
            for recipient, tag in zip(recipients, tags, strict=True)
        }
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    def _field(self, name: str, value: str) -> str:
        return f'--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'

    def _variable(self, key: str) -> str:
        return f"%recipient.{self._key}{key}%"

    def _literal(self, text: str) -> str:
        """Return a text in which Mailgun finds no variable."""
        return _VARIABLE.sub(self._literal_variable, text)

    def _literal_variable(self, word: re.Match[str]) -> str:
        """Return a variable whose value is a word of the article."""
        key = self._replaced_words.setdefault(word[0], f"{_REPLACED}{len(self._replaced_words)}")
        self._values[key] = lambda _: word[0]
        return self._variable(key)

    def _after_variable(self, text: str) -> str:
        """Return a text in which Mailgun finds no variable after one of ours."""
        if word := _OPENED_WORD.match(text):
            return self._literal_variable(word) + self._literal(text[word.end() :])
        return self._literal(text)

    def _content(self, part: str, content: str, encode: Callable[[str], str]) -> str:
        """Return a part with variables in place of the placeholders; `encode` is for the values in it."""
        pieces = self._mailing.placeholder.split(content)
        for name in set(pieces[1::2]):
            self._values[part + name] = _encoded(self._mailing.value(name), encode)
        pieces[0] = self._literal(pieces[0])
        pieces[2::2] = map(self._after_variable, pieces[2::2])
        pieces[1::2] = [self._variable(part + name) for name in pieces[1::2]]
        return "".join(pieces)

    def _headers(self) -> list[tuple[str, str]]:
        """Return the headers. Mailgun writes the Message-ID: whether a variable may be in it is not known."""
        mailing = self._mailing
        headers = {"Reply-To": mailing.reply_to} if mailing.reply_to else {}
        headers |= mailing.list_id_header() | mailing.shared_headers()
        fields = [(f"h:{name}", self._literal(value)) for name, value in headers.items()]
        for name, line in mailing.personal_headers().items():
            fields.append((f"h:{name}", self._personal(f"{_HEADER}{len(fields)}", line)))
        return fields

    def _personal(self, key: str, line: str) -> str:
        """Return a header's line; with a token, all of it is a value, since `%20` may precede the token."""
        if "{token}" not in line:
            return line
        self._values[key] = lambda recipient: line.replace("{token}", recipient.token)
        return self._variable(key)


@lru_cache(maxsize=4)
def template(mailing: Mailing) -> FormTemplate:
    """Return the template of a mailing's requests; the latest four are cached."""
    return FormTemplate(mailing)


def _tracking(mailing: Mailing) -> list[tuple[str, str]]:
    """Return all three switches; they count more than the settings of the domain."""
    wanted = {
        "": mailing.track_opens or mailing.track_clicks,
        "-opens": mailing.track_opens,
        "-clicks": mailing.track_clicks,
    }
    return [(f"o:tracking{kind}", "yes" if is_on else "no") for kind, is_on in wanted.items()]


def _encoded(value: _Value, encode: Callable[[str], str]) -> _Value:
    return value if encode is str else lambda recipient: encode(value(recipient))
