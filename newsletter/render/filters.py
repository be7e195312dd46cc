"""The filters of templates: dates in words, capitals, wrapping, Markdown to plain text."""

from collections.abc import Mapping
from typing import Any

from newsletter.render import markdown
from newsletter.render.wrapping import wrap


def week(issue: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Return an issue's week as `27 April to 3 May 2026`, but with a dash, and with the labels' months."""
    months = labels["months"].split()
    first, last = issue["week"]
    parts = [str(first.day)]
    if first.month != last.month:
        parts.append(months[first.month - 1])
    if first.year != last.year:
        parts.append(str(first.year))
    return f"{' '.join(parts)} \N{EN DASH} {last.day} {months[last.month - 1]} {last.year}"


def capitals(line: str) -> str:
    """Return a line of Markdown in capitals, wrapped; code, addresses and placeholders keep their case."""
    return wrap(markdown.inline_capitals(line))


def plain(source: str) -> str:
    """Convert Markdown to plain text, wrapped at 72 columns."""
    return markdown.to_text(source)


def wrapped(line: str, indent: int = 0) -> str:
    """Wrap a line at 72 columns; indent the lines after the first by `indent` spaces."""
    return wrap(line, prefix=" " * indent)
