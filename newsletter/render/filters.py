"""The filters of templates: dates in words, capitals, wrapping, Markdown to plain text."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from newsletter.render import markdown
from newsletter.render.date_line import date_line
from newsletter.render.wrapping import wrap

_PLACEHOLDER = re.compile(r"(\[\[\w+\]\])")


def week(issue: Mapping[str, Any], labels: Mapping[str, str], language: str = "en") -> str:
    """Return an issue's week as the language writes it, with the months of the labels if they have some."""
    first, _ = issue["week"]
    return date_line("week", date(*first), language, labels["months"])


def capitals(line: str) -> str:
    """Return a line in capitals, wrapped at 72 characters; placeholders do not change."""
    return wrap("".join(part if part.startswith("[[") else part.upper() for part in _PLACEHOLDER.split(line)))


def plain(source: str) -> str:
    """Convert Markdown to plain text, wrapped at 72 characters."""
    return markdown.to_text(source)


def wrapped(line: str, indent: int = 0) -> str:
    """Wrap a line at 72 characters; indent the lines after the first by `indent` spaces."""
    return wrap(line, prefix=" " * indent)
