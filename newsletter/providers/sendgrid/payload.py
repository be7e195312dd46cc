"""A mailing as the JSON of SendGrid's mail/send, encoded once; recipients are spliced in.

Placeholders become SendGrid's substitutions, which know one value for both parts of a mail. So the text
part's placeholders get names of their own, and values in HTML are escaped.
"""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from html import escape
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from newsletter.constants import PLACEHOLDER
from newsletter.mail.message import Batch, Mailing, Recipient, ScheduledSend, list_headers

_Own = tuple[str, Callable[[Recipient], str]]

_NAME = ',"name":'
# About 50 KB, which stays in the cache, and in memory that is used again.
_PIECE = 100

GROUP_LINK = "<%asm_group_unsubscribe_raw_url%>"


class BodyTemplate:
    """Everything that recipients share, as JSON, with gaps for their own; `fill` makes a request of it.

    A token is URL-safe, and stands as it is wherever it stands.
    """

    def __init__(self, mailing: Mailing) -> None:
        text, html = _for_group(mailing, mailing.rendered.text), _for_group(mailing, mailing.rendered.html)
        self._head = json.dumps(_shared(mailing, text, html))[:-1] + ',"personalizations":['
        headers = "".join(f",{quoted(name)}:{quoted(line)}" for name, line in list_headers(mailing).items())
        links, own = _substitutions(mailing, text, html)
        self._own = [
            (f",{label}" if links or place else label, value) for place, (label, value) in enumerate(own)
        ]
        after_id = f'{headers}}},"substitutions":{{{",".join(links)}'
        self._around_token = after_id.split("{token}")

    def fill(self, batch: Batch) -> list[bytes]:
        """The request for a batch, in pieces."""
        people = batch.recipients
        pieces = []
        for start in range(0, len(people), _PIECE):
            each = self._each(people[start : start + _PIECE])
            each[0] = f",{each[0]}" if start else self._head + each[0]
            each[-1] += "}}"
            pieces.append("}},".join(each).encode("ascii"))
        pieces[-1] += f"]{_held(batch.scheduled)}}}".encode("ascii")
        return pieces

    def _each(self, people: Sequence[Recipient]) -> list[str]:
        """Each one's personalization, but for its end."""
        around = self._around_token
        each = [
            f'{{"to":[{{"email":{quoted(address)}{_NAME + quoted(name) if name else ""}}}],'
            f'"headers":{{"Message-ID":{quoted(message_id)}{token.join(around)}'
            for _, address, name, message_id, token in people
        ]
        for label, value in self._own:
            each = [f"{one}{label}{quoted(value(who))}" for one, who in zip(each, people, strict=True)]
        return each


@lru_cache(maxsize=4)
def template(mailing: Mailing) -> BodyTemplate:
    """The template of a mailing, made once."""
    return BodyTemplate(mailing)


def tracking_settings(mailing: Mailing) -> dict[str, Any]:
    """All four switches, always: what is absent may fall back to the account's settings."""
    return {
        "click_tracking": {"enable": mailing.track_clicks, "enable_text": mailing.track_clicks},
        "open_tracking": {"enable": mailing.track_opens},
        "subscription_tracking": {"enable": False},
        "ganalytics": {"enable": False},
    }


def _shared(mailing: Mailing, text: str, html: str) -> dict[str, Any]:
    shared: dict[str, Any] = {
        "from": {"email": mailing.sender[1], "name": mailing.sender[0]},
        "subject": mailing.rendered.subject,
        "content": [
            {"type": "text/plain", "value": PLACEHOLDER.sub(r"[[text.\1]]", text)},
            {"type": "text/html", "value": html},
        ],
        "headers": {"List-Id": f"<{mailing.list_id[1]}>"} | ({"X-News-Test": "yes"} if mailing.test else {}),
        "tracking_settings": tracking_settings(mailing),
    }
    if mailing.reply_to:
        shared["reply_to"] = {"email": mailing.reply_to}
    if mailing.sendgrid_group:
        shared["asm"] = {"group_id": mailing.sendgrid_group}
    return shared


def _substitutions(mailing: Mailing, text: str, html: str) -> tuple[list[str], list[_Own]]:
    """Links, `{token}` in them, as JSON; for the rest the JSON up to a value, and what makes the value."""
    links: list[str] = []
    own: list[_Own] = []
    for content, part, encode in ((text, "text.", str), (html, "", escape)):
        for name in sorted(set(PLACEHOLDER.findall(content))):
            label = f"{quoted(f'[[{part}{name}]]')}:"
            if name == "unsubscribe_url":
                links.append(label + quoted(encode(mailing.unsubscribe_url or "")))
            else:
                own.append((label, _encoded(mailing.value(name), encode)))
    return links, own


def _encoded(value: Callable[[Recipient], str], encode: Callable[[str], str]) -> Callable[[Recipient], str]:
    return value if encode is str else lambda recipient: encode(value(recipient))


def _held(scheduled: ScheduledSend | None) -> str:
    if scheduled is None:
        return ""
    return f',"batch_id":{quoted(scheduled.batch_id)},"send_at":{scheduled.send_at.timestamp():.0f}'


def _for_group(mailing: Mailing, content: str) -> str:
    return content.replace("[[unsubscribe_url]]", GROUP_LINK) if mailing.sendgrid_group else content
