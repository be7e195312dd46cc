"""Encode a batch as the JSON of Resend's emails/batch: one whole mail for each recipient.

The same batch always gives the same bytes, because a repeated call must have those of the first one. Resend
has no template language: nothing of an issue is taken for a variable.
"""

import json
from collections.abc import Callable
from functools import lru_cache

from newsletter.mail.event_tag import NAME, event_tags
from newsletter.mail.message import Batch, Mailing, Recipient
from newsletter.mail.personal_json import html_part, text_part
from newsletter.providers.resend.mailboxes import recipient_mailbox, sender_mailbox


class BodyTemplate:
    """The JSON of a mailing; `fill` makes the mails of a batch from it."""

    def __init__(self, mailing: Mailing) -> None:
        self._mailing = mailing
        self._text, self._html = text_part(mailing), html_part(mailing)
        shared = {"from": sender_mailbox(*mailing.sender), "subject": mailing.rendered.subject}
        if mailing.reply_to:
            shared["reply_to"] = mailing.reply_to
        self._head = _json(shared)[:-1]
        self._headers = _headers(mailing)

    def fill(self, batch: Batch) -> list[bytes]:
        """Return the body of the request for a batch, one piece for each recipient."""
        tags = event_tags(self._mailing, batch.recipients)
        mails = [self._mail(recipient, tag) for recipient, tag in zip(batch.recipients, tags, strict=True)]
        parts = [f"{',' if index else '['}{mail}" for index, mail in enumerate(mails)]
        return [part.encode("utf-8", "replace") for part in parts] + [b"]"]

    def _mail(self, recipient: Recipient, tag: str) -> str:
        tags = f',"tags":[{{"name":"{NAME}","value":"{tag}"}}]' if tag else ""
        return (
            f'{self._head},"to":[{_json(recipient_mailbox(recipient.name, recipient.address))}]'
            f',"headers":{self._headers(recipient)}{tags}'
            f',"text":{self._text.fill(recipient)},"html":{self._html.fill(recipient)}}}'
        )


@lru_cache(maxsize=4)
def template(mailing: Mailing) -> BodyTemplate:
    """Return the template of a mailing's requests; the latest four are cached."""
    return BodyTemplate(mailing)


def _headers(mailing: Mailing) -> Callable[[Recipient], str]:
    """Return a function that returns the headers of a recipient's mail as JSON.

    Resend writes a Message-ID of its own, below which Amazon SES writes another one; ours is sent as
    `X-Entity-Ref-ID`, which keeps Gmail from joining mails into one conversation
    (https://resend.com/docs/dashboard/emails/custom-headers).
    """
    shared = mailing.shared_headers() | mailing.list_id_header()
    constant = _json(shared | mailing.personal_headers())[:-1]
    before, separator = constant.split("{token}"), "," if len(constant) > 1 else ""

    def fill(recipient: Recipient) -> str:
        reference = _json(recipient.message_id.strip("<>"))
        return f'{recipient.token.join(before)}{separator}"X-Entity-Ref-ID":{reference}}}'

    return fill


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
