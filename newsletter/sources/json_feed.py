"""Read the entries of a JSON Feed (https://www.jsonfeed.org/version/1.1/)."""

from typing import Any

from newsletter.sources import plain_text
from newsletter.sources.dates import parse_moment
from newsletter.sources.entry import Entries, SourceEntry, SourceRequest
from newsletter.sources.fetch import Response
from newsletter.sources.json_content import decode, describe_json, text_or_empty

_VERSION = "jsonfeed.org/version/"


def read(request: SourceRequest, response: Response) -> Entries:
    """Return the entries of a JSON Feed, in its order; raise Unavailable if the content is none."""
    data = decode(request, response)
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list) or _VERSION not in str(data.get("version")):
        what = f"gave JSON that is no JSON Feed: {describe_json(data)}"
        raise request.unavailable(what, "write `json:` in place of `feed:`, with expressions")
    return Entries(tuple(_entry(item, response.url) for item in items if isinstance(item, dict)))


def _entry(item: dict[str, Any], base: str) -> SourceEntry:
    authors = item.get("authors")
    if not isinstance(authors, list):
        authors = [item.get("author")]  # in version 1.0
    names = [text_or_empty(author.get("name")) for author in authors if isinstance(author, dict)]
    is_html = bool(text_or_empty(item.get("content_html")))
    text = item.get("content_html") if is_html else item.get("content_text") or item.get("summary")
    return SourceEntry(
        plain_text.one_line(text_or_empty(item.get("title"))),
        plain_text.address(item.get("url") or item.get("external_url"), base),
        tuple(name for given in names if (name := plain_text.one_line(given))),
        parse_moment(item.get("date_published")) or parse_moment(item.get("date_modified")),
        text_or_empty(text),
    )
