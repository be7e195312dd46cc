"""Judge a JSON Feed by the rules of its version 1.1: https://www.jsonfeed.org/version/1.1/"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.archive.feed_html_rules import Problem, html_problems, words

TEXTS = {"version", "title", "home_page_url", "feed_url", "description", "language", "icon", "favicon"}
LISTS = {"authors", "items"}
ITEM_TEXTS = words(
    "id url external_url title content_html content_text summary image banner_image date_published "
    "date_modified language"
)
ADDRESSES = {"home_page_url", "feed_url", "icon", "favicon", "url", "external_url", "image", "banner_image"}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})")


def json_feed_problems(document: bytes, location: str) -> list[Problem]:
    """Return each broken rule of a JSON Feed that can be read at `location`."""
    try:
        feed = json.loads(document.decode("utf-8"))
    except ValueError as failure:
        return [Problem("not JSON in UTF-8", str(failure))]
    return list(_feed(feed, location))


def _feed(feed: dict[str, Any], location: str) -> Iterator[Problem]:
    if feed.get("version") != "https://jsonfeed.org/version/1.1":
        yield Problem("version", str(feed.get("version")))
    if not feed.get("title"):
        yield Problem("title", "missing")
    if not isinstance(feed.get("items"), list):
        yield Problem("items", "missing")
    if feed.get("feed_url") != location:
        yield Problem("feed_url", str(feed.get("feed_url")))
    if not feed.get("home_page_url"):
        yield Problem("home_page_url", "missing")
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", feed.get("language", "en")):
        yield Problem("language", feed["language"])
    for author in feed.get("authors", []):
        if not author.keys() & {"name", "url", "avatar"}:
            yield Problem("author without a name, an address or a picture", str(author))
    yield from _values(feed, TEXTS, LISTS)
    items = feed.get("items", [])
    for item in items:
        yield from _item(item)
    ids = [item.get("id") for item in items]
    if len(ids) != len(set(ids)):
        yield Problem("id twice", str(ids))


def _item(item: dict[str, Any]) -> Iterator[Problem]:
    if not item.get("id"):
        yield Problem("item without id", str(item)[:80])
    if "content_html" not in item and "content_text" not in item:
        yield Problem("item without content", str(item)[:80])
    for name in ("date_published", "date_modified"):
        if name in item and not _DATE.fullmatch(item[name]):
            yield Problem("date", item[name])
    yield from _values(item, ITEM_TEXTS, {"tags", "authors", "attachments"})
    yield from html_problems(item.get("content_html", ""), "content_html")


def _values(values: dict[str, Any], texts: set[str], lists: set[str]) -> Iterator[Problem]:
    for name, value in values.items():
        if name in texts:
            if not isinstance(value, str):
                yield Problem("type of a value", name)
            elif name in ADDRESSES and not re.fullmatch(r"https?://[!-~]+", value):
                yield Problem("address", value)
        elif name not in lists and not name.startswith("_"):
            yield Problem("unknown name", name)
