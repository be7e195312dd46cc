"""Placeholders that nothing will fill would reach readers as they stand."""

import re
from collections.abc import Iterator

from newsletter import issues
from newsletter.errors import Problem
from newsletter.message import PLACEHOLDERS
from newsletter.models import Issue, Rendered

_ANY = re.compile(r"\[\[([a-z_]+)\]\]")


def placeholders(issue: Issue, rendered: Rendered) -> list[Problem]:
    """Unknown placeholders anywhere, and any in subject or preheader, where none is filled."""
    found = [
        Problem(_where(issue, name), f"[[{name}]] is no placeholder that is filled", _known())
        for name in sorted(set(_ANY.findall(rendered.html) + _ANY.findall(rendered.text)) - set(PLACEHOLDERS))
    ]
    for part in ("subject", "preheader"):
        if names := _ANY.findall(getattr(rendered, part)):
            fix = "write what everybody may read"
            found.append(
                Problem(issues.where(issue, (part,)), f"{part}: [[{names[0]}]] is not filled here", fix)
            )
    return found


def _known() -> str:
    return "the ones that are: " + ", ".join(f"[[{name}]]" for name in PLACEHOLDERS)


def _where(issue: Issue, name: str) -> str:
    """The part of the issue that the placeholder stands in, or the file where a template wrote it."""
    return next(
        (issues.where(issue, loc) for loc, text in _texts(issue) if f"[[{name}]]" in text), issue.path
    )


def _texts(issue: Issue) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for part in ("opening", "closing"):
        for n, passage in enumerate(getattr(issue, part)):
            yield (part, n, "text"), passage.text
    for n, story in enumerate(issue.stories):
        yield ("stories", n, "title"), story.title
        for m, passage in enumerate(story.passages):
            yield ("stories", n, "passages", m, "text"), passage.text
