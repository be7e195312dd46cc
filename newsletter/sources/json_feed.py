"""Read the entries of a JSON Feed (https://www.jsonfeed.org/version/1.1/)."""

from typing import Any

from newsletter.sources import plain_text
from newsletter.sources.dates import parse_moment
from newsletter.sources.entry import Entries, Entry, SourceRequest
from newsletter.sources.fetch import Content
from newsletter.sources.json_content import decode, described

_VERSION = "jsonfeed.org/version/"


def read(request: SourceRequest, content: Content) -> Entries:
    """Return the entries of a JSON Feed, in its order; raise Unavailable if the content is none."""
    data = decode(request, content)
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list) or _VERSION not in str(data.get("version")):
        what = f"gave JSON that is no JSON Feed: {described(data)}"
        raise request.unavailable(what, "write `json:` in place of `feed:`, with expressions")
    return Entries(tuple(_entry(item, content.address) for item in items if isinstance(item, dict)))


def _entry(item: dict[str, Any], base: str) -> Entry:
    authors = item.get("authors")
    if not isinstance(authors, list):
        authors = [item.get("author")]  # in version 1.0
    names = [_words(author.get("name")) for author in authors if isinstance(author, dict)]
    is_html = bool(_words(item.get("content_html")))
    text = item.get("content_html") if is_html else item.get("content_text") or item.get("summary")
    return Entry(
        plain_text.one_line(_words(item.get("title"))),
        plain_text.address(item.get("url") or item.get("external_url"), base),
        tuple(name for given in names if (name := plain_text.one_line(given))),
        parse_moment(item.get("date_published")) or parse_moment(item.get("date_modified")),
        _words(text),
    )


def _words(value: object) -> str:
    return value if isinstance(value, str) else ""
