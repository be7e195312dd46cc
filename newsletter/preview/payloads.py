"""Convert builds and the results of checks to JSON values, for the page in the browser."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from newsletter.checks import registry, runner, settings
from newsletter.checks.document import Element, words
from newsletter.checks.mail.weight import heaviest
from newsletter.checks.proof import Proof
from newsletter.config import loader
from newsletter.constants import CLIPPED_BYTES
from newsletter.disk import reading
from newsletter.disk.boundary import is_inside
from newsletter.errors import Problem
from newsletter.issue import files
from newsletter.preview.builder import Page
from newsletter.preview.outline import element_of, flattened, outline
from newsletter.render.template_files import BUILT_IN

# The number of lines shown before, and after, the line of a problem.
_CONTEXT_LINES = 2
_MAX_FILE_BYTES = 2_000_000
_MAX_LINE_LENGTH = 400


def page(folder: Path, built: Page, good: Page | None) -> dict[str, Any]:
    """Return the state and problems of the last build, and the data of the last good one, which is shown."""
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
        "outline": [asdict(part) for part in outline(good.proof.issue)] if good and good.proof else [],
        "problems": [problem(folder, built_problem) for built_problem in built.problems],
    }


def checked(folder: Path, built: Page) -> dict[str, Any]:
    """Run the checks of a build; return its problems and its largest parts."""
    if built.proof is None:
        return check_results(folder, built, [])
    return {
        **check_results(folder, built, runner.run(built.proof)),
        "heaviest": heaviest(built.proof),
    }


def check_results(folder: Path, built: Page, problems: Sequence[Problem]) -> dict[str, Any]:
    """Return the problems of a build by group of checks, the most severe first.

    The last group has the checks that newsletter.yml switches off or lowers.
    """
    order = ("error", "warning", "note")
    groups = {
        heading: [found for found in problems if found.check in names]
        for heading, names in registry.GROUPS.items()
    }
    groups["Files"] = [found for found in problems if not found.check]
    lowered = settings.lowered(built.proof.newsletter) if built.proof else ()
    groups["Switched off or lowered"] = [check.problem for check in lowered]
    return {
        "version": built.version,
        "groups": [
            {
                "heading": heading,
                "problems": [
                    problem(folder, found) for found in sorted(group, key=lambda p: order.index(p.severity))
                ],
            }
            for heading, group in groups.items()
            if group
        ],
        "heaviest": [],
    }


def problem(folder: Path, found: Problem) -> dict[str, Any]:
    """Return a problem with an excerpt of its file: the lines around the problem, as (number, text)."""
    file, line = found.place
    excerpt = _excerpt(folder, file, line) if line else []
    # A problem at the end of a file may have the number of the line after the last one.
    marked = min(line, excerpt[-1][0]) if line and excerpt else line
    return {**asdict(found), "line": marked, "excerpt": excerpt}


def _excerpt(folder: Path, name: str, line: int) -> list[tuple[int, str]]:
    file = Path(os.path.abspath(name))
    suffix = _source_suffix(folder, file)
    if not suffix:
        return []
    root = BUILT_IN if is_inside(os.path.realpath(file), BUILT_IN) else folder
    with suppress(OSError):
        raw = reading.read(file, _MAX_FILE_BYTES, root=root, suffix=suffix)
        lines = raw.decode("utf-8", "replace").splitlines()
        first = max(line - _CONTEXT_LINES, 1)
        return [
            (n, text[:_MAX_LINE_LENGTH])
            for n, text in enumerate(lines[first - 1 : line + _CONTEXT_LINES], first)
        ]
    return []


def _source_suffix(folder: Path, file: Path) -> tuple[str, ...]:
    """Return the suffixes of an issue, of a template or of newsletter.yml; nothing for other files.

    Other files, such as `.env`, may hold secrets, so their lines are never shown.
    """
    is_config = file.name == loader.FILE and os.path.realpath(file.parent) == os.path.realpath(folder)
    if is_config or files.is_issue_file(file):
        return files.SUFFIXES
    return (".j2",) if file.suffix == ".j2" else ()


def links(proof: Proof) -> list[dict[str, Any]]:
    """Return each URL of a mail once, with the link's text and its location in the source files."""
    return [
        {"address": address, "text": words(link) or address, "where": proof.where(link)}
        for address, link in proof.document.targets.items()
        if not address.startswith("[[")
    ]


def place(proof: Proof, where: str) -> dict[str, Any] | None:
    """Return the mail's element for a line of a file: its tag, and its index among elements with this tag.

    It is the nearest element at or before the line, because a paragraph may have several lines; None if there
    is no such element. If a line has several elements, the one in a heading is returned: a title is also in
    the list at the top of the mail.
    """
    file, target_line = Problem(where, "").place
    before = [
        (line, element)
        for element in proof.document.elements
        for line in _lines(proof, element, file)
        if line <= (target_line or 0)
    ]
    if not before:
        return None
    _, nearest = max(before, key=lambda pair: (pair[0], _is_in_heading(pair[1])))
    return _address(proof, nearest)


def part_place(proof: Proof, number: int) -> dict[str, Any] | None:
    """Return the mail's element for a part of the outline, by its number from 0, like `place`."""
    parts = flattened(outline(proof.issue))
    if not 0 <= number < len(parts):
        return None
    element = element_of(proof, number)
    return place(proof, parts[number].where) if element is None else _address(proof, element)


def _address(proof: Proof, element: Element) -> dict[str, Any]:
    tag = str(element.tag)
    return {"tag": tag, "number": proof.document.named(tag).index(element)}


def _is_in_heading(element: Element) -> bool:
    return next(element.iterancestors("h1", "h2", "h3"), None) is not None


def _lines(proof: Proof, element: Element, file: str) -> Iterator[int]:
    """Yield the lines of a file from which an element's text and its link or image come."""
    if element.tag in ("html", "head", "title", "style", "meta", "script"):
        return
    text = " ".join((element.text or "").split())
    url = element.get("href") or element.get("src")
    for where in ([proof.where(element, text)] if text else []) + ([proof.where(element)] if url else []):
        source, line = Problem(where, "").place
        if source == file and line:
            yield line
