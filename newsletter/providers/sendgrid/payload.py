"""Encode a mailing once as the JSON of SendGrid's mail/send, and insert the recipients of each batch.

Placeholders become SendGrid's substitutions, which have the same value in both parts of a mail. Therefore the
placeholders of the text part are renamed (`text.…`), and the values for the HTML part are escaped.
"""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from html import escape
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from newsletter.mail.message import Batch, Mailing, Recipient, ScheduledSend

# A substitution: its JSON up to the value, and a function that returns the value.
_Substitution = tuple[str, Callable[[Recipient], str]]

_NAME = ',"name":'
_AFTER_ID = '"}'
# About 50 KB of JSON: a piece fits the processor's cache, and its memory is reused.
_RECIPIENTS_PER_PIECE = 100

# SendGrid replaces this tag by the recipient's link of the unsubscribe group.
GROUP_LINK = "<%asm_group_unsubscribe_raw_url%>"


class BodyTemplate:
    """The JSON that all recipients of a mailing share; `fill` inserts the recipients of a batch.

    `custom_args` come back with each event: by them an event finds its list, issue and recipient, and no
    address is needed (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event).
    A token is URL-safe, so it needs no escape in JSON or HTML.
    """

    def __init__(self, mailing: Mailing) -> None:
        text, html = _for_group(mailing, mailing.rendered.text), _for_group(mailing, mailing.rendered.html)
        self._head = json.dumps(_shared(mailing, text, html))[:-1] + ',"personalizations":['
        personal = mailing.personal_headers()
        headers = "".join(f",{quoted(name)}:{quoted(line)}" for name, line in personal.items())
        links, others = _substitutions(mailing, text, html)
        self._substitutions = [
            (f",{label}" if links or index else label, value) for index, (label, value) in enumerate(others)
        ]
        after_id = f'{headers}}},"substitutions":{{{",".join(links)}'
        self._around_token = after_id.split("{token}")
        self._ids = mailing.recipient_ids
        self._before_id = f',"custom_args":{{{quoted(mailing.recipient_key())}:"'

    def fill(self, batch: Batch) -> list[bytes]:
        """Return the body of the request for a batch, in pieces of at most 100 recipients."""
        recipients = batch.recipients
        pieces = []
        for start in range(0, len(recipients), _RECIPIENTS_PER_PIECE):
            objects = self._personalizations(recipients[start : start + _RECIPIENTS_PER_PIECE])
            objects[0] = f",{objects[0]}" if start else self._head + objects[0]
            objects[-1] += "}}"
            pieces.append("}},".join(objects).encode("ascii"))
        pieces[-1] += f"]{_schedule(batch.scheduled)}}}".encode("ascii")
        return pieces

    def _personalizations(self, recipients: Sequence[Recipient]) -> list[str]:
        """Return the personalization object of each recipient, without its closing braces."""
        around, before_id = self._around_token, self._before_id
        objects = [
            f'{{"to":[{{"email":{quoted(address)}{_NAME + quoted(name) if name else ""}}}]'
            f"{before_id + subscriber + _AFTER_ID if subscriber else ''}"
            f',"headers":{{"Message-ID":{quoted(message_id)}{token.join(around)}'
            for (_, address, name, message_id, token), subscriber in zip(
                recipients, self._ids(recipients), strict=True
            )
        ]
        for label, value in self._substitutions:
            objects = [
                f"{text}{label}{quoted(value(recipient))}"
                for text, recipient in zip(objects, recipients, strict=True)
            ]
        return objects


@lru_cache(maxsize=4)
def template(mailing: Mailing) -> BodyTemplate:
    """Return the template of a mailing's requests; the latest four are cached."""
    return BodyTemplate(mailing)


def tracking_settings(mailing: Mailing) -> dict[str, Any]:
    """Return all four tracking settings; for an absent one SendGrid may use the account's setting."""
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
            {"type": "text/plain", "value": mailing.placeholder.sub(r"[[text.\1]]", text)},
            {"type": "text/html", "value": html},
        ],
        "headers": mailing.list_id_header() | mailing.shared_headers(),
        "custom_args": mailing.event_data(),
        "tracking_settings": tracking_settings(mailing),
    }
    if mailing.reply_to:
        shared["reply_to"] = {"email": mailing.reply_to}
    if mailing.sendgrid_group:
        shared["asm"] = {"group_id": mailing.sendgrid_group}
    return shared


def _substitutions(mailing: Mailing, text: str, html: str) -> tuple[list[str], list[_Substitution]]:
    """Return the unsubscribe links as JSON with `{token}`, and the other substitutions."""
    links: list[str] = []
    others: list[_Substitution] = []
    for content, part, encode in ((text, "text.", str), (html, "", escape)):
        for name in sorted(set(mailing.placeholder.findall(content))):
            label = f"{quoted(f'[[{part}{name}]]')}:"
            if name == "unsubscribe_url":
                links.append(label + quoted(encode(mailing.unsubscribe_link)))
            else:
                others.append((label, _encoded(mailing.value(name), encode)))
    return links, others


def _encoded(value: Callable[[Recipient], str], encode: Callable[[str], str]) -> Callable[[Recipient], str]:
    return value if encode is str else lambda recipient: encode(value(recipient))


def _schedule(scheduled: ScheduledSend | None) -> str:
    if scheduled is None:
        return ""
    return f',"batch_id":{quoted(scheduled.batch_id)},"send_at":{scheduled.send_at.timestamp():.0f}'


def _for_group(mailing: Mailing, content: str) -> str:
    return content.replace("[[unsubscribe_url]]", GROUP_LINK) if mailing.sendgrid_group else content
