"""Write the RSS 2.0 feed of the archive, as the RSS Advisory Board's Best Practices Profile asks for it."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from email.utils import format_datetime
from html import escape

from newsletter.archive.atom import moment
from newsletter.archive.feed_html import entry_html
from newsletter.archive.model import FEED_ENTRIES, GENERATOR, Channel, FeedEntry, last_update, newest_first
from newsletter.archive.xml_document import add, root, to_bytes

FILE = "rss.xml"
_NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
}
# The elements of plain text. No other text has these tags: "<" is escaped in it.
_PLAIN = re.compile(rb"<title>[^<]*+</title>|(?<=^    )<description>[^<]*+</description>", re.MULTILINE)


def rss_feed(channel: Channel, entries: Sequence[FeedEntry]) -> bytes:
    """Return the RSS feed of the newest entries, with their whole content."""
    newest = newest_first(entries)[:FEED_ENTRIES]
    rss = root("rss", _NAMESPACES, version="2.0")
    element = add(rss, "channel")
    add(element, "title", channel.name)
    add(element, "link", channel.address())
    add(element, "description", channel.description or channel.name)
    add(element, "language", channel.language)
    if newest:
        add(element, "lastBuildDate", format_datetime(last_update(newest), usegmt=True))
    add(element, "generator", GENERATOR)
    add(element, "atom:link", rel="self", type="application/rss+xml", href=channel.address(FILE))
    for entry in newest:
        _add_item(element, channel, entry)
    return _PLAIN.sub(lambda match: _with_hexadecimal(match[0]), to_bytes(rss))


def _add_item(parent: ET.Element, channel: Channel, entry: FeedEntry) -> None:
    item = add(parent, "item")
    add(item, "title", entry.title)
    add(item, "link", channel.entry_url(entry))
    add(item, "guid", channel.entry_id(entry), isPermaLink="false")
    add(item, "pubDate", format_datetime(entry.published_at, usegmt=True))
    # RSS has no element for a change of an item; readers that know Atom take its element.
    add(item, "atom:updated", moment(entry.updated_at))
    add(item, "dc:creator", channel.author)
    # The description of an item is HTML; it stands before the content for readers that take the first.
    add(item, "description", escape(entry.summary, quote=False))
    add(item, "content:encoded", entry_html(channel, entry))


def _with_hexadecimal(element: bytes) -> bytes:
    """Return an element of plain text with its `&` and `<` as the Profile writes them: `&#x26;`, `&#x3C;`.

    To XML these are the same, but RSS does not say whether a title is HTML, and more readers guess right.
    """
    return element.replace(b"&amp;", b"&#x26;").replace(b"&lt;", b"&#x3C;")
