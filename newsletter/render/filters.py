"""What templates do to text: dates in words, wrapping, Markdown to plain."""

import re
from collections.abc import Mapping

from newsletter.issue.model import Issue
from newsletter.render import markdown
from newsletter.render.wrapping import wrap

_PLACEHOLDER = re.compile(r"(\[\[\w+\]\])")


def week(issue: Issue, labels: Mapping[str, str]) -> str:
    """`27 April to 3 May 2026` with a dash, in the newsletter's own names of the months."""
    months = labels["months"].split()
    first, last = issue.week
    parts = [str(first.day)]
    if first.month != last.month:
        parts.append(months[first.month - 1])
    if first.year != last.year:
        parts.append(str(first.year))
    return f"{' '.join(parts)} \N{EN DASH} {last.day} {months[last.month - 1]} {last.year}"


def capitals(line: str) -> str:
    """One line in capitals, wrapped at 72; placeholders stay as they are."""
    return wrap("".join(part if part.startswith("[[") else part.upper() for part in _PLACEHOLDER.split(line)))


def plain(source: str) -> str:
    """Markdown as plain text, wrapped at 72."""
    return markdown.to_text(source)


def wrapped(line: str, indent: int = 0) -> str:
    """One line of text, wrapped at 72; the lines after the first are indented."""
    return wrap(line, rest=" " * indent)
