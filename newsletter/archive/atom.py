"""Write the Atom feed of the archive (RFC 4287)."""

import datetime as dt
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from newsletter.archive.feed_html import entry_html
from newsletter.archive.model import FEED_ENTRIES, GENERATOR, Channel, FeedEntry, last_update, newest_first
from newsletter.archive.xml_document import add, root, to_bytes

FILE = "feed.xml"
_NAMESPACE = "http://www.w3.org/2005/Atom"


def atom_feed(channel: Channel, entries: Sequence[FeedEntry]) -> bytes:
    """Return the Atom feed of the newest entries, with their whole content."""
    newest = newest_first(entries)[:FEED_ENTRIES]
    feed = root("feed", {"": _NAMESPACE}, **{"xml:lang": channel.language})
    add(feed, "id", channel.id)
    add(feed, "title", channel.name)
    if channel.description:
        add(feed, "subtitle", channel.description)
    add(feed, "updated", moment(last_update(newest)))
    add(feed, "link", rel="self", type="application/atom+xml", href=channel.address(FILE))
    add(feed, "link", rel="alternate", type="text/html", href=channel.address())
    add(add(feed, "author"), "name", channel.author)
    add(feed, "generator", GENERATOR)
    for entry in newest:
        _add_entry(feed, channel, entry)
    return to_bytes(feed)


def moment(time: dt.datetime) -> str:
    """Return a moment in UTC as RFC 3339 has it."""
    return time.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _add_entry(feed: ET.Element, channel: Channel, entry: FeedEntry) -> None:
    element = add(feed, "entry")
    add(element, "id", channel.entry_id(entry))
    add(element, "title", entry.title)
    add(element, "link", rel="alternate", type="text/html", href=channel.entry_url(entry))
    add(element, "published", moment(entry.published_at))
    add(element, "updated", moment(entry.updated_at))
    if entry.summary:
        add(element, "summary", entry.summary)
    add(element, "content", entry_html(channel, entry), type="html")
