"""The public address of the server: that of the unsubscribe links in mail that was sent."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from newsletter.config.loader import Newsletter
from newsletter.config.serve_url import UNSUBSCRIBE_END, serve_url
from newsletter.constants import SERVE_PORT
from newsletter.errors import ConfigError
from newsletter.network.hosts import is_loopback


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
    if (base := serve_url(url)) is not None:
        return PublicAddress(base)
    if url.endswith(UNSUBSCRIBE_END):
        what = "unsubscribe.url has a path before /unsubscribe/ that the pages of news serve cannot have"
        fix = "write one of letters, digits, dots, hyphens and underscores, such as https://example.com/news"
        raise ConfigError.of(where, what, f"{fix}{UNSUBSCRIBE_END}")
    fix = (
        f"write unsubscribe.url: https://news.example.com{UNSUBSCRIBE_END} with your own host; to try it on "
        f"this machine, with provider: outbox, write http://127.0.0.1:{port or SERVE_PORT}{UNSUBSCRIBE_END}"
    )
    what = (
        f"unsubscribe.url does not end with {UNSUBSCRIBE_END}, so that readers would not reach the pages of "
        "news serve"
    )
    raise ConfigError.of(where, what, fix)
