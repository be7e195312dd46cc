"""Insert a recipient's values into a part of a mail, as a JSON string, for providers that get whole mails.

The constant text is encoded once; only the values are encoded for each recipient.
"""

import json
from collections.abc import Callable
from html import escape

from newsletter.mail.message import Mailing, Recipient


class JsonPart:
    """The text or the HTML of a mailing; `fill` returns it for a recipient as a JSON string with its quotes.

    The JSON is UTF-8: characters outside ASCII are not escaped.
    """

    def __init__(self, mailing: Mailing, content: str, encode: Callable[[str], str]) -> None:
        """Take the content, and the encoding of a value in it: `str` for text, `escape` for HTML."""
        pieces = mailing.placeholder.split(content)
        self._fixed = [_inside(piece) for piece in pieces[::2]]
        self._values = [(mailing.value(name), encode) for name in pieces[1::2]]

    def fill(self, recipient: Recipient) -> str:
        parts = ['"', self._fixed[0]]
        for fixed, (value, encode) in zip(self._fixed[1:], self._values, strict=True):
            parts += (_inside(encode(value(recipient))), fixed)
        return "".join((*parts, '"'))


def text_part(mailing: Mailing) -> JsonPart:
    """Return the text of a mailing."""
    return JsonPart(mailing, mailing.rendered.text, str)


def html_part(mailing: Mailing) -> JsonPart:
    """Return the HTML of a mailing."""
    return JsonPart(mailing, mailing.rendered.html, escape)


def _inside(text: str) -> str:
    """Return a text as it stands between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
