"""Requests for sources, and answers that need no network."""

from datetime import date
from typing import Any

from newsletter.config.sources import Source
from newsletter.sources.entry import SourceRequest
from newsletter.sources.fetch import Response
from newsletter.sources.window import Week

ADDRESS = "https://soup.example.com/feed.xml"
WEEK = Week(date(2026, 4, 27))
KEYS = ("feed", "json", "entries", "title", "link", "authors", "date", "text", "rating")


def request(**keys: Any) -> SourceRequest:
    """Return the request for a feed at ADDRESS, or for the source with these keys of newsletter.yml.

    The keys stand in newsletter.yml from line 11 on, in the order of KEYS.
    """
    source = Source.model_validate(keys or {"feed": ADDRESS})
    lines = {key: f"newsletter.yml:{number}" for number, key in enumerate(KEYS, 11)}
    return SourceRequest("soup", source, WEEK, "news (test)", lines)


def content(text: str | bytes, content_type: str = "") -> Response:
    """Return a response of ADDRESS."""
    return Response(text.encode() if isinstance(text, str) else text, ADDRESS, content_type)
