"""Placeholders that nothing will fill would reach readers as they stand."""

import re
from collections.abc import Iterator

from newsletter import issues
from newsletter.errors import Problem
from newsletter.models import Issue, Rendered
from newsletter.names import PLACEHOLDER, PLACEHOLDERS
from newsletter.yamlfile import Loc

_LOOKS_LIKE_ONE = re.compile(r"\[\[\s*[A-Za-z][\w-]*\s*\]\]")
_IN_LINK = re.compile(rf"https?://[^\s\"<>]*?(\[\[(?:{'|'.join(PLACEHOLDERS)})\]\])")


def placeholders(issue: Issue, rendered: Rendered) -> list[Problem]:
    """Unknown placeholders anywhere, and any in subject or preheader, where none is filled."""
    known = "the ones that are: " + ", ".join(f"[[{name}]]" for name in PLACEHOLDERS)
    found = [
        Problem(_where(issue, written), f"{written} is no placeholder that is filled", known)
        for written in sorted(_unknown(rendered.html) | _unknown(rendered.text))
    ]
    for written in sorted(set(_IN_LINK.findall(rendered.text)) | set(_IN_LINK.findall(rendered.html))):
        what = f"a web address with {written} in it hands readers' data to that site"
        found.append(Problem(_where(issue, written), what, "take it out of the address"))
    for part in ("subject", "preheader"):
        if written := _LOOKS_LIKE_ONE.search(getattr(rendered, part)):
            where = issues.where(issue, (part,))
            found.append(Problem(where, f"{part}: {written[0]} is not filled here", "write it out"))
    return found


def _unknown(content: str) -> set[str]:
    return {one for one in _LOOKS_LIKE_ONE.findall(content) if not PLACEHOLDER.fullmatch(one)}


def _where(issue: Issue, written: str) -> str:
    """The part of the issue that the placeholder stands in, or the file where a template wrote it."""
    return next((issues.where(issue, loc) for loc, text in _texts(issue) if written in text), issue.path)


def _texts(issue: Issue) -> Iterator[tuple[Loc, str]]:
    for part in ("opening", "closing"):
        for n, passage in enumerate(getattr(issue, part)):
            yield (part, n, "text"), passage.text
    for n, story in enumerate(issue.stories):
        yield ("stories", n, "title"), story.title
        for m, passage in enumerate(story.passages):
            yield ("stories", n, "passages", m, "text"), passage.text
