"""Mail: what all recipients of an issue share, and what each one has of their own."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cached_property
from urllib.parse import quote

from newsletter.config import Newsletter
from newsletter.links import Links
from newsletter.models import Issue, Rendered, Subscriber


@dataclass(frozen=True)
class Recipient:
    """One person's part of an issue; `number` is their place in the send."""

    number: int
    address: str
    name: str
    message_id: str
    token: str
    values: Mapping[str, str]

    @property
    def unsubscribe_url(self) -> str:
        """Their own link; empty where the provider makes it."""
        return self.values["unsubscribe_url"]


@dataclass(frozen=True)
class Mailing:
    """What all recipients of an issue share; placeholders stand where they differ.

    `date` is when it is sent: it is set when that is known, and no part of the content.
    """

    issue: str
    rendered: Rendered
    sender: tuple[str, str]
    reply_to: str | None
    list_id: tuple[str, str]
    unsubscribe_url: str | None
    unsubscribe_mailto: str | None
    sendgrid_group: int | None = None
    track_opens: bool = False
    track_clicks: bool = False
    nameless: str = "reader"
    date: datetime | None = None
    test: bool = False

    @cached_property
    def sha256(self) -> str:
        """What the content is known by; the moment of sending is no part of it."""
        content = asdict(self)
        del content["date"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def sent_at(self) -> datetime:
        """The date; a mailing without one is not ready to be sent."""
        if self.date is None:
            raise ValueError("a mailing is sent at some date: replace(mailing, date=…)")
        return self.date

    def as_test(self) -> "Mailing":
        """The same mail, marked as a test where its reader sees it."""
        rendered = replace(self.rendered, subject=f"[Test] {self.rendered.subject}")
        return replace(self, rendered=rendered, test=True)


@dataclass(frozen=True)
class Batch:
    """Recipients of one call to a provider."""

    mailing: Mailing
    recipients: tuple[Recipient, ...]


def mailing(issue: Issue, rendered: Rendered, newsletter: Newsletter) -> Mailing:
    """An issue of this newsletter, ready to be addressed."""
    config = newsletter.config
    domain = config.sender.email.rpartition("@")[2]
    slug = re.sub(r"[^a-z0-9]+", "-", config.name.lower()).strip("-") or "newsletter"
    return Mailing(
        issue=issue.name,
        rendered=rendered,
        sender=(config.sender.name, config.sender.email),
        reply_to=config.reply_to,
        list_id=(config.name, config.list_id or f"{slug}.{domain}"),
        unsubscribe_url=config.unsubscribe.url,
        unsubscribe_mailto=config.unsubscribe.mailto,
        sendgrid_group=config.unsubscribe.sendgrid_group,
        track_opens=config.tracking.opens,
        track_clicks=config.tracking.clicks,
        nameless=config.labels.reader,
    )


class Addresser:
    """Turns subscribers into recipients of a mailing, with links and Message-IDs of their own."""

    def __init__(self, mailing: Mailing, secret: str) -> None:
        self._mailing = mailing
        self._links = Links(secret)
        self._key = hashlib.sha256(b"news.message-id:" + secret.encode()).digest()
        self._domain = mailing.sender[1].rpartition("@")[2]

    def __call__(self, number: int, subscriber: Subscriber) -> Recipient:
        token = self._links.token(subscriber.id)
        url = (self._mailing.unsubscribe_url or "").replace("{token}", token)
        name = subscriber.name or self._mailing.nameless
        values = {"unsubscribe_url": url, "name": name, "address": subscriber.address}
        message_id = self._message_id(subscriber.address)
        return Recipient(number, subscriber.address, subscriber.name, message_id, token, values)

    def _message_id(self, address: str) -> str:
        """The same for an issue and a recipient whenever it is made; a test gets a new one each time."""
        kind = f"test.{self._mailing.sent_at.timestamp():.0f}." if self._mailing.test else ""
        data = f"{self._mailing.issue}\0{address.lower()}".encode()
        return f"<{self._mailing.issue}.{kind}{_keyed(data, self._key)}@{self._domain}>"


def _keyed(data: bytes, key: bytes) -> str:
    return hashlib.blake2b(data, key=key, digest_size=12).hexdigest()


def list_headers(mailing: Mailing, recipient: Recipient) -> dict[str, str]:
    """The headers that let a mail program unsubscribe somebody (RFC 2369, RFC 8058), one line each."""
    ways = [f"<{recipient.unsubscribe_url}>"] if recipient.unsubscribe_url else []
    if mailing.unsubscribe_mailto:
        ways.append(
            f"<mailto:{quote(mailing.unsubscribe_mailto, safe='@')}?subject=unsubscribe%20{recipient.token}>"
        )
    headers = {"List-Unsubscribe": ", ".join(ways)} if ways else {}
    if recipient.unsubscribe_url:
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
