"""Write the JSON Feed of the archive, version 1.1: https://www.jsonfeed.org/version/1.1/"""

import json
from collections.abc import Mapping, Sequence

from newsletter.archive.atom import moment
from newsletter.archive.clean_text import clean
from newsletter.archive.feed_html import entry_html
from newsletter.archive.model import FEED_ENTRIES, Channel, FeedEntry, newest_first

FILE = "feed.json"


def json_feed(channel: Channel, entries: Sequence[FeedEntry]) -> bytes:
    """Return the JSON Feed of the newest entries, with their whole content."""
    newest = newest_first(entries)[:FEED_ENTRIES]
    texts = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.name,
        "home_page_url": channel.address(),
        "feed_url": channel.address(FILE),
        "description": channel.description,
        "language": channel.language,
    }
    feed = {
        **_present(texts),
        "authors": [{"name": clean(channel.author)}],
        "items": [_item(channel, entry) for entry in newest],
    }
    return json.dumps(feed, ensure_ascii=False, indent=2).encode("utf-8") + b"\n"


def _item(channel: Channel, entry: FeedEntry) -> dict[str, str]:
    texts = {
        "url": channel.entry_url(entry),
        "title": entry.title,
        "content_text": entry.text,
        "summary": entry.summary,
        "image": entry.image,
        "date_published": moment(entry.published_at),
        "date_modified": moment(entry.updated_at),
    }
    # An item must have content, even if the article is empty.
    content = {"content_html": clean(entry_html(channel, entry))}
    return {"id": channel.entry_id(entry)} | content | _present(texts)


def _present(texts: Mapping[str, str | None]) -> dict[str, str]:
    """Return the texts that are there, cleaned; a JSON Feed leaves the others out."""
    return {name: clean(text) for name, text in texts.items() if text}
