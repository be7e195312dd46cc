"""The mail about a subscription, one mailing a kind: its headers, and the links of each recipient.

It is no mail of the list: it has no List-Id and no List-Unsubscribe, says that a program wrote it (RFC 3834),
and is never tracked.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, get_args
from urllib.parse import quote

from newsletter.config.loader import Newsletter
from newsletter.constants import ServiceMailKind
from newsletter.mail.message import Mailing, Recipient
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.render.service_mail import render_service_mail

DATA_LINK_LIFETIME = timedelta(hours=1)
"""The time for which the link to a person's own data works, from when it is sent."""


class ServiceRecipient(Recipient):
    """A recipient with the link of the mail's button; `token` is for the link to unsubscribe, or "".

    `sign_up_id` is set for a person who is no subscriber yet.
    """

    link: str = ""
    sign_up_id: int | None = None


class WaitingMail(Protocol):
    """A mail that waits, as the store has it."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> ServiceMailKind: ...
    @property
    def sign_up_id(self) -> int | None: ...
    @property
    def subscriber_id(self) -> int | None: ...
    @property
    def address(self) -> str: ...


@dataclass(frozen=True)
class ServiceMailing(Mailing):
    """The content that all mails of a kind share; `issue` is the name of the kind."""

    placeholder: ClassVar[re.Pattern[str]] = re.compile(r"\[\[(link|unsubscribe_url)\]\]")

    def recipient_key(self) -> str:
        """Return the key of the ids: a person who is no subscriber yet has the id of a sign-up."""
        return "news_sign_up" if self.issue == "confirm" else "news_subscriber"

    def value(self, placeholder: str) -> Callable[[Recipient], str]:
        """Return a function that returns a placeholder's value; raise KeyError for an unknown placeholder."""
        if placeholder == "link":
            return _link
        if placeholder == "unsubscribe_url":
            return super().value(placeholder)
        raise KeyError(placeholder)

    def list_header(self) -> None:
        """Return None."""

    def shared_headers(self) -> dict[str, str]:
        """Return the header that keeps vacation programs from an answer."""
        return {"Auto-Submitted": "auto-generated"}

    def personal_headers(self) -> dict[str, str]:
        """Return no headers: a button of the mail program would take people off the list by mistake."""
        return {}

    def event_data(self) -> dict[str, str]:
        """Return the data with which a provider's events find the list; there is no issue."""
        return {"news_list": self.list_id[1]}

    def recipient_ids(self, recipients: Sequence[Recipient]) -> list[str]:
        """Return the id of each recipient's sign-up, or else of the subscriber."""
        if self.issue == "confirm":
            return [str(_as_service(recipient).sign_up_id or "") for recipient in recipients]
        return super().recipient_ids(recipients)


class ServiceMailings:
    """The mailings of a newsletter, each rendered once, and the recipients with their links."""

    def __init__(
        self, newsletter: Newsletter, links: SignedLinks, tokens: UnsubscribeTokens, base: str
    ) -> None:
        """Take the keys of the links, and the address of the public pages, without a slash at its end.

        "" is for a newsletter without public pages: people answer the mail, to `sign_up.mailto`.
        """
        self._newsletter, self._links, self._tokens, self._base = newsletter, links, tokens, base
        sign_up = newsletter.config.sign_up
        self._mailto = sign_up.mailto if sign_up and not base else ""
        self._rendered: dict[ServiceMailKind, ServiceMailing] = {}

    def render(self) -> None:
        """Render the mail of all kinds, if this was not done yet. Raise TemplateError if a template fails."""
        kinds: tuple[ServiceMailKind, ...] = get_args(ServiceMailKind)
        self._rendered = self._rendered or {kind: self._mailing(kind) for kind in kinds}

    def mailing(self, kind: ServiceMailKind, now: datetime) -> ServiceMailing:
        """Return the mailing of a kind, to be sent now. Raise TemplateError if a template fails."""
        self.render()
        return replace(self._rendered[kind], date=now)

    def _mailing(self, kind: ServiceMailKind) -> ServiceMailing:
        config = self._newsletter.config
        page = f"{self._base}/unsubscribe/{{token}}" if self._base else config.unsubscribe.url
        return ServiceMailing(
            issue=kind,
            rendered=render_service_mail(kind, self._newsletter.site, is_by_mail=bool(self._mailto)),
            sender=(config.sender.name, config.sender.email),
            reply_to=self._mailto or config.reply_to,
            list_id=(config.name, self._newsletter.list_id),
            unsubscribe_url=page,
            unsubscribe_mailto=None if page else config.unsubscribe.mailto,
        )

    def recipient(self, mail: WaitingMail, number: int, now: datetime) -> ServiceRecipient:
        """Return the recipient of a mail that is sent now, numbered within its batch."""
        token = self._tokens.token(mail.subscriber_id) if mail.subscriber_id else ""
        recipient = ServiceRecipient(number, mail.address, "", self._message_id(mail), token)
        recipient.link, recipient.sign_up_id = self._link(mail, now), mail.sign_up_id
        return recipient

    def _link(self, mail: WaitingMail, now: datetime) -> str:
        if mail.kind == "confirm" and mail.sign_up_id:
            token = self._links.confirm_token(mail.sign_up_id)
            if self._mailto:
                return f"mailto:{quote(self._mailto, safe='@')}?subject=confirm%20{token}"
            return f"{self._base}/confirm/{token}"
        if mail.kind == "data" and mail.subscriber_id:
            expires = now + DATA_LINK_LIFETIME
            return f"{self._base}/me/{self._links.data_token(mail.subscriber_id, expires)}"
        return ""

    def _message_id(self, mail: WaitingMail) -> str:
        """Return the Message-ID of a mail, from which nobody can read the number of mails.

        An answer repeats it (RFC 5322, In-Reply-To): if people confirm by an answer, it is their token.
        """
        domain = self._newsletter.config.sender.email.rpartition("@")[2]
        if self._mailto and mail.kind == "confirm" and mail.sign_up_id:
            return f"<{self._links.confirm_token(mail.sign_up_id)}@{domain}>"
        _, digits = self._tokens.unsigned(f"service mail {mail.id}")
        return f"<{mail.kind}.{digits}@{domain}>"


def _link(recipient: Recipient) -> str:
    return _as_service(recipient).link


def _as_service(recipient: Recipient) -> ServiceRecipient:
    if not isinstance(recipient, ServiceRecipient):
        raise TypeError("this recipient has no link")
    return recipient
