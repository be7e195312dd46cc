"""The mail of an issue: the content that all recipients share, and the data of each recipient."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote

from newsletter.config.loader import Newsletter
from newsletter.constants import PLACEHOLDER
from newsletter.issue.model import Issue
from newsletter.mail.unsubscribe_tokens import SIGNATURE_LENGTH, UnsubscribeTokens
from newsletter.render.model import Rendered
from newsletter.subscribers.model import Subscriber


class Recipient(NamedTuple):
    """The data of one recipient: `number` is the position in the send, `token` is for unsubscribe links."""

    number: int
    address: str
    name: str
    message_id: str
    token: str


@dataclass(frozen=True)
class Mailing:
    """The content that all recipients of an issue share, with placeholders for their data.

    `date` is the time of sending; it is None until that is known, and is not part of the content.
    """

    issue: str
    rendered: Rendered
    sender: tuple[str, str]  # name and address
    reply_to: str | None
    list_id: tuple[str, str]  # name and id of the list (RFC 2919)
    unsubscribe_url: str | None
    unsubscribe_mailto: str | None
    sendgrid_group: int | None = None
    track_opens: bool = False
    track_clicks: bool = False
    fallback_name: str = "reader"
    date: datetime | None = None
    test: bool = False

    # The placeholders of its two parts.
    placeholder: ClassVar[re.Pattern[str]] = PLACEHOLDER

    @cached_property
    def sha256(self) -> str:
        """Return the hash of the content, by which a mailing is identified; the date is not part of it."""
        return hashlib.sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()

    def content(self) -> dict[str, Any]:
        """Return the fields of the content, in the form that the ledger stores and `sha256` hashes.

        `fallback_name` is stored as `nameless`, its name in the ledgers of sends that have started.
        """
        fields = asdict(self)
        del fields["date"]
        return {**fields, "nameless": fields.pop("fallback_name")}

    @property
    def sent_at(self) -> datetime:
        """Return the date. Raise ValueError if the mailing has none and so is not ready to be sent."""
        if self.date is None:
            raise ValueError("the mailing has no date: set it with replace(mailing, date=…)")
        return self.date

    def value(self, placeholder: str) -> Callable[[Recipient], str]:
        """Return a function that returns a placeholder's value for a recipient.

        The unsubscribe link is empty if the provider makes it. Raise KeyError for an unknown placeholder.
        """
        if placeholder == "name":
            return lambda recipient: recipient.name or self.fallback_name
        if placeholder == "address":
            return lambda recipient: recipient.address
        if placeholder == "unsubscribe_url":
            before, _, after = self.unsubscribe_link.partition("{token}")
            return lambda recipient: before + recipient.token + after if before else ""
        raise KeyError(placeholder)

    @property
    def unsubscribe_link(self) -> str:
        """Return the link in the mail by which a recipient unsubscribes, with `{token}`.

        It leads to the page, or writes a mail if there is no page; it is "" if the provider makes it.
        """
        if self.unsubscribe_url or self.sendgrid_group or not self.unsubscribe_mailto:
            return self.unsubscribe_url or ""
        return _unsubscribe_mail(self.unsubscribe_mailto)

    def list_header(self) -> tuple[str, str] | None:
        """Return the name and the id of the list for the header List-Id; None for mail without one."""
        return self.list_id

    def list_id_header(self) -> dict[str, str]:
        """Return the header List-Id with the id alone; none for mail of no list.

        It is for APIs that take headers as text, and might not encode the name of the list.
        """
        in_list = self.list_header()
        return {"List-Id": f"<{in_list[1]}>"} if in_list else {}

    def shared_headers(self) -> dict[str, str]:
        """Return further headers that are the same for all recipients."""
        return {"X-News-Test": "yes"} if self.test else {}

    def personal_headers(self) -> dict[str, str]:
        """Return the headers by which mail programs unsubscribe a recipient (RFC 2369, RFC 8058).

        Each is a line in which `{token}` stands for the recipient's token.
        """
        links = [f"<{self.unsubscribe_url}>"] if self.unsubscribe_url else []
        if self.unsubscribe_mailto:
            links.append(f"<{_unsubscribe_mail(self.unsubscribe_mailto)}>")
        headers = {"List-Unsubscribe": ", ".join(links)} if links else {}
        if self.unsubscribe_url:
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return headers

    def event_data(self) -> dict[str, str]:
        """Return the data with which a provider's events find the list and the issue."""
        return {"news_list": self.list_id[1], "news_issue": self.issue}

    def recipient_key(self) -> str:
        """Return the key under which a provider's events have the id of a recipient."""
        return "news_subscriber"

    def recipient_ids(self, recipients: Sequence[Recipient]) -> list[str]:
        """Return the id of each subscriber, so that events need no address; "" for a test recipient."""
        # In one expression, because it is evaluated for each of a million recipients.
        return [token[:-SIGNATURE_LENGTH].removeprefix("2.") for _, _, _, _, token in recipients]

    def as_test(self) -> "Mailing":
        """Return this mailing as a test, with `[Test]` before its subject."""
        rendered = replace(self.rendered, subject=f"[Test] {self.rendered.subject}")
        return replace(self, rendered=rendered, test=True)


@dataclass(frozen=True)
class ScheduledSend:
    """The time until which a provider holds a batch, and the provider's batch id by which it is recalled."""

    batch_id: str
    send_at: datetime


@dataclass(frozen=True)
class Batch:
    """The mailing and the recipients of one call to a provider; it is held back if `scheduled` is set.

    `key` is the idempotency key of the call, at most 256 letters, digits, `/`, `-` and `_`. A provider that
    accepts repeated calls (`Capabilities.repeat_window`) accepts two calls with the same key and bytes once.
    """

    mailing: Mailing
    recipients: Sequence[Recipient]
    scheduled: ScheduledSend | None = None
    key: str | None = None


def mailing(issue: Issue, rendered: Rendered, newsletter: Newsletter) -> Mailing:
    """Return the mailing of a rendered issue of this newsletter."""
    config = newsletter.config
    return Mailing(
        issue=issue.name,
        rendered=rendered,
        sender=(config.sender.name, config.sender.email),
        reply_to=config.reply_to,
        list_id=(config.name, newsletter.list_id),
        unsubscribe_url=config.unsubscribe.url,
        unsubscribe_mailto=config.unsubscribe.mailto,
        sendgrid_group=config.unsubscribe.sendgrid_group,
        track_opens=config.tracking.opens,
        track_clicks=config.tracking.clicks,
        fallback_name=config.labels.reader,
    )


class Personalizer:
    """Turn a subscriber into a recipient of a mailing, with a token and a Message-ID."""

    def __init__(self, mailing: Mailing, secret: str, *, token_version: int = 2) -> None:
        """Derive the key of the mailing's list from the secret; see `UnsubscribeTokens`."""
        tokens = UnsubscribeTokens(secret, mailing.list_id[1], version=token_version)
        self._signed, self._unsigned = tokens.signed, tokens.unsigned
        # A Message-ID is the same each time for an issue and a subscriber; only a test gets a new one.
        kind = f"test.{mailing.sent_at.timestamp():.0f}." if mailing.test else ""
        self._before = f"<{mailing.issue}.{kind}"
        self._after = f"@{mailing.sender[1].rpartition('@')[2]}>"

    def __call__(self, subscriber: Subscriber) -> Recipient:
        subscriber_id, address, name, number = subscriber
        token, digits = self._signed(subscriber_id) if subscriber_id else self._unsigned(address)
        # tuple.__new__ takes half the time of Recipient(…), and is called for each of a million recipients.
        return _new(Recipient, (number, address, name, self._before + digits + self._after, token))


_new = tuple.__new__


def _unsubscribe_mail(address: str) -> str:
    """Return the link that writes a mail with the token as its subject."""
    return f"mailto:{quote(address, safe='@')}?subject=unsubscribe%20{{token}}"
