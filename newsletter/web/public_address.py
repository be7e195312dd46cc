"""The public address of the server: that of the unsubscribe links in mail that was sent."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from newsletter.config.loader import Newsletter
from newsletter.constants import SERVE_PORT
from newsletter.errors import ConfigError
from newsletter.network.hosts import is_loopback

_END = "/unsubscribe/{token}"
# Not what browsers encode, and the routes would have to decode.
_PATH = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


@dataclass(frozen=True)
class PublicAddress:
    """The address below which readers reach the pages; `path` is its path, without a slash at the end."""

    url: str

    @property
    def path(self) -> str:
        """Return the path of the address: "" or, for example, `/news`."""
        return urlsplit(self.url).path

    @property
    def port(self) -> int | None:
        """Return the port that the address names, None if it names none."""
        return urlsplit(self.url).port

    @property
    def is_loopback_only(self) -> bool:
        """Return True for an address of this machine, which no other one reaches."""
        return is_loopback(urlsplit(self.url).hostname or "")


def public_address(newsletter: Newsletter, port: int) -> PublicAddress:
    """Return the public address of a newsletter's pages.

    Raise ConfigError if its `unsubscribe.url` does not lead to the pages of `news serve`; `port` is for the
    example in the message.
    """
    url = newsletter.config.unsubscribe.url or ""
    where = newsletter.where("unsubscribe", "url")
    if url.endswith(_END):
        base = urlsplit(url.removesuffix(_END))
        if _PATH.fullmatch(base.path) and not base.query:
            return PublicAddress(base.geturl())
        what = "unsubscribe.url has a path before /unsubscribe/ that the pages of news serve cannot have"
        fix = "write one of letters, digits, dots, hyphens and underscores, such as https://example.com/news"
        raise ConfigError.of(where, what, f"{fix}{_END}")
    fix = (
        f"write unsubscribe.url: https://news.example.com{_END} with your own host; to try it on this "
        f"machine, with provider: outbox, write http://127.0.0.1:{port or SERVE_PORT}{_END}"
    )
    what = (
        f"unsubscribe.url does not end with {_END}, so that readers would not reach the pages of news serve"
    )
    raise ConfigError.of(where, what, fix)
