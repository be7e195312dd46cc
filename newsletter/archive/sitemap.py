"""Write the files for search engines: the sitemap (https://www.sitemaps.org/protocol.html) and robots.txt."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from newsletter.archive.model import Channel, FeedEntry, newest_first
from newsletter.archive.xml_document import add, root, to_bytes

FILE = "sitemap.xml"
ROBOTS_FILE = "robots.txt"
MAX_URLS = 50_000
"""The number of addresses that a sitemap may have."""
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def sitemap(channel: Channel, entries: Sequence[FeedEntry]) -> bytes:
    """Return the sitemap: the list of issues, then each issue with the date of its last change."""
    newest = newest_first(entries)[: MAX_URLS - 1]
    urls = root("urlset", {"": _NAMESPACE})
    changed = max((entry.updated_at.date().isoformat() for entry in newest), default=None)
    _add_url(urls, channel.address(), changed)
    for entry in newest:
        _add_url(urls, channel.entry_url(entry), entry.updated_at.date().isoformat())
    return to_bytes(urls)


def robots(channel: Channel) -> bytes:
    """Return robots.txt (RFC 9309): everything may be read, and the sitemap is there."""
    return f"User-agent: *\nAllow: /\n\nSitemap: {channel.address(FILE)}\n".encode("ascii")


def _add_url(urls: ET.Element, address: str, changed: str | None) -> None:
    url = add(urls, "url")
    add(url, "loc", address)
    if changed:
        add(url, "lastmod", changed)
