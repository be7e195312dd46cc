"""What the page in the browser is told, as plain values for JSON."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from newsletter.checks import registry
from newsletter.checks.document import Element, words
from newsletter.checks.mail.weight import CLIPPED_BYTES, heaviest
from newsletter.checks.proof import Proof
from newsletter.errors import Problem
from newsletter.preview.builder import Page
from newsletter.render.templates import BUILT_IN

# Lines shown before and after the one that a problem is in.
_AROUND = 2
_MOST = 2_000_000
_LINE = 400


def page(folder: Path, built: Page, good: Page | None) -> dict[str, Any]:
    """What was built last, and of the mail that is there to be seen, which may be an earlier one."""
    config = good.proof.newsletter.config if good and good.proof else None
    mail = good.mail if good else None
    return {
        "state": "error" if built.problems else "live",
        "version": built.version,
        "mail": good.version if good else None,
        "issue": built.issue,
        "subject": mail.subject if mail else "",
        "preheader": mail.preheader if mail else "",
        "sender": config.sender.name if config else "",
        "provider": config.provider if config else "outbox",
        "weight": good.weight if good else 0,
        "most": CLIPPED_BYTES,
        "pictures": mail.html.count("<img ") if mail else 0,
        "saved": built.saved,
        "problems": [problem(folder, one) for one in built.problems],
    }


def checked(folder: Path, built: Page, problems: Sequence[Problem]) -> dict[str, Any]:
    """What checks found in a mail, in their groups, and what weighs most in it."""
    order = ("error", "warning", "note")
    groups = {
        heading: [one for one in problems if one.check in names] for heading, names in registry.GROUPS.items()
    }
    groups["Files"] = [one for one in problems if not one.check]
    return {
        "version": built.version,
        "groups": [
            {
                "heading": heading,
                "problems": [
                    problem(folder, one) for one in sorted(some, key=lambda p: order.index(p.severity))
                ],
            }
            for heading, some in groups.items()
            if some
        ],
        "heaviest": heaviest(built.proof) if built.proof else [],
    }


def problem(folder: Path, one: Problem) -> dict[str, Any]:
    """A problem with the lines of the file around its place."""
    file, line = one.place
    excerpt = _excerpt(folder, file, line) if line else []
    # What is missing at the end of a file is said of the line behind it.
    marked = min(line, excerpt[-1][0]) if line and excerpt else line
    return {**asdict(one), "line": marked, "excerpt": excerpt}


def _excerpt(folder: Path, name: str, line: int) -> list[tuple[int, str]]:
    file = Path(os.path.abspath(name)).resolve()
    if not any(file.is_relative_to(home.resolve()) for home in (folder, BUILT_IN)):
        return []
    with suppress(OSError):
        with file.open("rb") as handle:
            lines = handle.read(_MOST).decode("utf-8", "replace").splitlines()
        first = max(line - _AROUND, 1)
        return [(n, text[:_LINE]) for n, text in enumerate(lines[first - 1 : line + _AROUND], first)]
    return []


def links(proof: Proof) -> list[dict[str, Any]]:
    """Every link of a mail, an address once, with what it says and where that was written."""
    return [
        {"address": address, "text": words(link) or address, "where": proof.where(link)}
        for address, link in proof.document.targets.items()
        if not address.startswith("[[")
    ]


def place(proof: Proof, where: str) -> dict[str, Any] | None:
    """The element that a line of a file became: its tag, and which of these it is in the mail.

    That is the nearest one before it, where a paragraph has several lines; of several for one line the
    heading, as a title stands in the list on top too.
    """
    file, sought = Problem(where, "").place
    before = [
        (line, element)
        for element in proof.document.elements
        for line in _lines(proof, element, file)
        if line <= (sought or 0)
    ]
    if not before:
        return None
    _, nearest = max(before, key=lambda found: (found[0], _is_in_heading(found[1])))
    tag = str(nearest.tag)
    return {"tag": tag, "number": proof.document.named(tag).index(nearest)}


def _is_in_heading(element: Element) -> bool:
    return next(element.iterancestors("h1", "h2", "h3"), None) is not None


def _lines(proof: Proof, element: Element, file: str) -> Iterator[int]:
    """Where in a file an element was written: what it leads to or shows, and what it says itself."""
    if element.tag in ("html", "head", "title", "style", "meta", "script"):
        return
    says = " ".join((element.text or "").split())
    leads = element.get("href") or element.get("src")
    for where in ([proof.where(element, says)] if says else []) + ([proof.where(element)] if leads else []):
        there, line = Problem(where, "").place
        if there == file and line:
            yield line
