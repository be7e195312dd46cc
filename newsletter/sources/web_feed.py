"""Read the entries of a feed: RSS, RDF or Atom by feedparser, and JSON Feed by our own code."""

import io
import re
from datetime import UTC, datetime
from typing import Any

from newsletter.display import counted
from newsletter.errors import Problem
from newsletter.sources import json_feed, plain_text
from newsletter.sources.entry import Entries, SourceEntry, SourceRequest
from newsletter.sources.fetch import Response

_HTML_PAGE = re.compile(
    rb"\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)


def read(request: SourceRequest, response: Response) -> Entries:
    """Return the entries of a feed, in its order; raise Unavailable if the content is no feed."""
    start = response.body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"{", b"[")):
        return json_feed.read(request, response)
    if not start:
        raise request.unavailable("the response is empty", "try again later")
    parsed = _parsed(response)
    if not parsed.version:
        what = "an HTML page" if _HTML_PAGE.match(start) else f'content of the type "{_type(response)}"'
        fix = "write the address of the feed: the page may name it as RSS or Atom"
        raise request.unavailable(f"gave no feed, but {what}", fix)
    is_atom = parsed.version.startswith("atom")
    entries = tuple(_entry(item, response.url, is_atom) for item in parsed.entries)
    return Entries(entries, tuple(_notes(request, parsed, len(entries))))


def _parsed(response: Response) -> Any:
    import feedparser

    headers = {"content-type": response.content_type, "content-location": response.url}
    # A file object: feedparser opens a text, and bytes too, as the path of a local file if there is one.
    # The HTML in it becomes plain text here, so that feedparser need not spend a second on cleaning it.
    return feedparser.parse(
        io.BytesIO(response.body),
        response_headers=headers,
        sanitize_html=False,
        resolve_relative_uris=False,
    )


def _type(response: Response) -> str:
    return plain_text.one_line(response.content_type)[:60] or "unknown"


def _notes(request: SourceRequest, parsed: Any, count: int) -> list[Problem]:
    """Return a warning for a feed that is broken; feedparser then has the entries before the mistake."""
    import feedparser

    failure = parsed.get("bozo_exception")
    harmless = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
    if not parsed.bozo or isinstance(failure, harmless):
        return []
    read = f"only {counted(count, 'entry', 'entries')} could be read"
    reason = plain_text.one_line(str(failure), html=False)[:120]
    what = f"the feed is broken ({reason}): {read}"
    return [request.note(what, "compare them with the page", warning=True)]


def _entry(item: Any, base: str, is_atom: bool) -> SourceEntry:
    kind = (item.get("title_detail") or {}).get("type")
    # Only Atom says whether a title is HTML.
    is_html = kind != "text/plain" if is_atom and kind else None
    names = (author.get("name") for author in item.get("authors") or () if author)
    return SourceEntry(
        plain_text.one_line(item.get("title") or "", is_html),
        plain_text.address(item.get("link"), base),
        tuple(name for given in names if given and "@" not in given and (name := plain_text.one_line(given))),
        _moment(item),
        _text(item),
    )


def _text(item: Any) -> str:
    """Return the content of an entry, or its summary, as the feed wrote it."""
    first: dict[str, Any] = (item.get("content") or ({},))[0]
    return str(first.get("value") or item.get("summary") or "")


def _moment(item: Any) -> datetime | None:
    """Return the time at which an entry was published, or else updated."""
    # Not `item.get`, which warns where feedparser takes one date for the other.
    parts = dict.get(item, "published_parsed") or dict.get(item, "updated_parsed")
    if parts is None:
        return None
    try:
        return datetime(parts[0], parts[1], parts[2], parts[3], parts[4], tzinfo=UTC)
    except (ValueError, TypeError):
        return None
