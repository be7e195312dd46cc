"""The state that the handlers of requests share: the newsletter, its database, links, limits and pages."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache, partial

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from newsletter.archive.page_frame import FORM_NAME
from newsletter.archive.pages import archive_wording
from newsletter.config.loader import Newsletter
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.providers.webhook_events import Webhook
from newsletter.providers.webhook_factory import WEBHOOK_PROVIDERS, open_webhook
from newsletter.render.pages import render_page, sign_up_wording
from newsletter.store.database import Database
from newsletter.store.group_commit import Writer
from newsletter.web.equal_time import ANSWER_SECONDS
from newsletter.web.public_address import PublicAddress
from newsletter.web.throttle import Throttle

# The values of pages that are the same for many people; of an address, most is hidden.
_SHARED_VALUES = frozenset({"address", "trap"})
_MAX_SHARED_PAGES = 500
_MAX_WEBHOOKS = 4


@dataclass
class Probe:
    """The last probe of the database, and the time of the event loop until which it counts."""

    succeeded: bool = False
    valid_until: float = 0.0


@dataclass(frozen=True)
class Context:
    """The state of the server.

    `wake_mailer` tells the thread that sends mail that some waits, `is_mailing` that its last pass succeeded,
    and `erase_later` that deleted rows are still to be erased from the database's file. A form that could
    tell who is on the list is answered after `answer_seconds`. `webhook_slots` limits the large bodies that
    are in memory at the same time, and `erasing` lets one request at a time search the files.
    """

    newsletter: Newsletter
    address: PublicAddress
    database: Database
    writer: Writer
    tokens: UnsubscribeTokens
    links: SignedLinks
    throttle: Throttle
    now: Callable[[], datetime]
    wake_mailer: Callable[[], None]
    is_mailing: Callable[[], bool]
    erase_later: Callable[[], None]
    answer_seconds: float = ANSWER_SECONDS
    probe: Probe = field(default_factory=Probe)
    erasing: asyncio.Lock = field(default_factory=asyncio.Lock)
    webhook_slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MAX_WEBHOOKS))

    def wording(self, form: str) -> str:
        """Return the words with which people ask for the newsletter; they are kept with the consent.

        `form` is the name that the form gives itself: those of the archive have one, that of the server none.
        """
        return self._wordings["archive" if form == FORM_NAME else "server"]

    @cached_property
    def _wordings(self) -> Mapping[str, str]:
        site = self.newsletter.site
        return {"server": sign_up_wording(site), "archive": archive_wording(site, self.address.url)}

    @cached_property
    def webhook(self) -> Callable[[str], Webhook | None]:
        """Return the function that opens the webhook of a provider, and keeps it until the restart."""
        return lru_cache(maxsize=len(WEBHOOK_PROVIDERS))(partial(open_webhook, newsletter=self.newsletter))

    def page(self, name: str, values: Mapping[str, object] | None = None, status: int = 200) -> Response:
        """Return the response with a page; raise TemplateError for a mistake in a template of its own."""
        given = values or {}
        if given.keys() <= _SHARED_VALUES:
            html = self._shared_page(name, tuple(given.items()))
        else:
            html = render_page(name, self.newsletter.site, given, base=self.address.path)
        return HTMLResponse(html, status)

    @cached_property
    def _shared_page(self) -> Callable[[str, tuple[tuple[str, object], ...]], str]:
        """Return the function that renders a page which many people get, and keeps it until the restart.

        To render a page takes longer than all else that a request needs.
        """

        @lru_cache(maxsize=_MAX_SHARED_PAGES)
        def render(name: str, values: tuple[tuple[str, object], ...]) -> str:
            return render_page(name, self.newsletter.site, dict(values), base=self.address.path)

        return render


def context(request: Request) -> Context:
    """Return the context of the server that got a request."""
    shared: Context = request.app.state.context
    return shared


def client(request: Request) -> str:
    """Return the client's IP address: that of the connection, or the one that a trusted proxy names."""
    return request.client.host if request.client else ""
