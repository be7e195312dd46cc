"""Encode a mailing once as the JSON of a message at Postmark, and insert each recipient's values.

A request has the whole mail of each recipient: Postmark's batches know no template language, so an article
arrives as it is (https://postmarkapp.com/developer/api/email-api, Send batch emails).
"""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from newsletter.config.api_providers import Postmark
from newsletter.mail.event_tag import NAME, event_tags
from newsletter.mail.header_text import clean
from newsletter.mail.message import Mailing, Recipient
from newsletter.mail.personal_json import html_part, text_part
from newsletter.providers.postmark.mailboxes import mailbox


class MessageTemplate:
    """The JSON that all messages of a mailing share; `fill` returns that of a batch."""

    def __init__(self, mailing: Mailing, stream: str) -> None:
        self._mailing = mailing
        self._text, self._html = text_part(mailing), html_part(mailing)
        self._shared = _object_start(_shared(mailing, stream))
        self._headers = [_named(name, value) for name, value in _shared_headers(mailing).items()]
        self._personal = [_with_token(name, line) for name, line in mailing.personal_headers().items()]

    def fill(self, recipients: Sequence[Recipient]) -> list[bytes]:
        """Return the body of the request for recipients, in pieces."""
        tags = event_tags(self._mailing, recipients)
        messages = map(self._message, recipients, tags)
        pieces = [f"{',' if number else '['}{message}" for number, message in enumerate(messages)]
        return [piece.encode("utf-8", "replace") for piece in [*pieces, "]"]]

    def _message(self, recipient: Recipient, tag: str) -> str:
        headers = [
            *self._headers,
            # Without X-PM-KeepID, Postmark replaces the Message-ID (postmarkapp.com, Sending with SMTP).
            _named("Message-ID", recipient.message_id),
            *(line(recipient) for line in self._personal),
        ]
        return (
            f'{self._shared},"To":{_quoted(mailbox(recipient.name, recipient.address))}'
            f',"Metadata":{_quoted({NAME: tag} if tag else {})},"Headers":[{",".join(headers)}]'
            f',"TextBody":{self._text.fill(recipient)},"HtmlBody":{self._html.fill(recipient)}}}'
        )


@lru_cache(maxsize=4)
def _template(mailing: Mailing, stream: str) -> MessageTemplate:
    return MessageTemplate(mailing, stream)


def template(mailing: Mailing, settings: Postmark) -> MessageTemplate:
    """Return the template of a mailing's messages; the latest four are cached.

    An issue uses the broadcast stream, mail about a subscription the transactional one.
    """
    is_issue = mailing.list_header() is not None
    return _template(mailing, settings.stream if is_issue else settings.service_stream)


def _shared(mailing: Mailing, stream: str) -> dict[str, Any]:
    """Return the fields that are the same for all recipients, with both switches for tracking."""
    fields = {
        "From": mailbox(*mailing.sender),
        "Subject": clean(mailing.rendered.subject),
        "MessageStream": stream,
        "TrackOpens": mailing.track_opens,
        "TrackLinks": "HtmlAndText" if mailing.track_clicks else "None",
    }
    return {**fields, "ReplyTo": mailing.reply_to} if mailing.reply_to else fields


def _shared_headers(mailing: Mailing) -> dict[str, str]:
    return {**mailing.list_id_header(), **mailing.shared_headers(), "X-PM-KeepID": "true"}


def _with_token(name: str, line: str) -> Callable[[Recipient], str]:
    """Return a function that returns a header with a recipient's token."""
    before, *others = _named(name, line).split("{token}")
    return lambda recipient: before + "".join(recipient.token + after for after in others)


def _named(name: str, value: str) -> str:
    return _quoted({"Name": name, "Value": value})


def _object_start(fields: dict[str, Any]) -> str:
    return _quoted(fields)[:-1]


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
