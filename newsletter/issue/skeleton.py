"""Write the skeleton of a new issue: a commented file to fill in."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

from newsletter.disk import writing
from newsletter.display import display_path
from newsletter.errors import IssueError, Unavailable
from newsletter.issue.files import MARKDOWN, SUFFIXES, issue_date, issue_files, load, next_monday
from newsletter.issue.markdown.skeleton import skeleton as markdown_skeleton
from newsletter.issue.model import Issue, Passage, Section

_STORY = (
    "    stories:",
    '      - title: ""',
    '        link: ""     # https://…; optional',
    "        text: |",
)


def create(folder: Path, day: date, *, markdown: bool | None = None) -> Path:
    """Write a commented skeleton with the headings of the newest issue; return its path.

    `folder` is that of the issues, directly in the newsletter's folder. `markdown` is True for an issue in
    Markdown, False for one in YAML, and None for the format of the newest issue.

    Raise IssueError if the file exists, and Unavailable if it cannot be written.
    """
    if markdown is None:
        markdown = any(path.suffix == MARKDOWN for path in issue_files(folder)[-1:])
    path = folder / f"{day.isoformat()}{MARKDOWN if markdown else SUFFIXES[0]}"
    issue_date(path)  # raise IssueError for a date that `load` would reject
    for suffix in SUFFIXES:
        _refuse_existing(path.with_suffix(suffix))
    text = (markdown_skeleton if markdown else _skeleton)(day, _newest(folder))
    try:
        writing.create(path, text.encode(), root=folder.parent)
    except OSError as failure:
        if isinstance(failure, FileExistsError):
            _refuse_existing(path)
        raise Unavailable.unwritable(Path(failure.filename or path), failure) from failure
    return path


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise IssueError.of(display_path(path), "the file exists already", "edit it, or delete it first")


def parse_day(text: str, today: date) -> date:
    """Parse `2026-05-04`, `today`, `tomorrow` or `monday` (the next one); raise ValueError for other text."""
    words = {"today": today, "tomorrow": today + timedelta(days=1), "monday": next_monday(today)}
    return words.get(text.lower()) or datetime.strptime(text, "%Y-%m-%d").date()


def _newest(folder: Path) -> Issue | None:
    """Return the newest issue that can be loaded, or None; a draft with errors is skipped."""
    for path in reversed(issue_files(folder)):
        with suppress(IssueError):
            return load(path, folder.parent)
    return None


def _skeleton(day: date, previous: Issue | None) -> str:
    opening = _headings(previous.opening if previous else (), ("This week",))
    lines = [
        f"# The issue of {day.isoformat()}. To see it while you write: news preview {day.isoformat()}",
        "# Text is Markdown: **bold**, *italics*, [a link](https://example.com), lists. HTML stays text.",
        "",
        'subject: ""      # one line; phones show about 40 characters',
        'preheader: ""    # inboxes show this after the subject; 40 to 100 characters',
        "",
        "# true: automation may send this issue when it is merged.",
        "ready: false",
        "",
        "opening:         # passages before the stories; optional",
        *_passages(opening, "  "),
        "",
        *(_sections(previous.sections) if previous and previous.sections else _stories(previous)),
        "",
        "# closing:       # passages after the stories; optional",
        "#   - heading: Until next week",
        "#     text: |",
        "#       …",
    ]
    return "\n".join(lines) + "\n"


def _stories(previous: Issue | None) -> list[str]:
    passages = _headings(
        previous.stories[0].passages if previous and previous.stories else (), ("What it is",)
    )
    return [
        "stories:         # repeat the block for each story",
        '  - title: ""',
        '    link: ""     # https://…',
        "    authors: []  # [Ada Example, Bo Sample]; below, the number of authors left out",
        "    more_authors: 0",
        "    passages:",
        *_passages(passages, "      "),
        "    tags: []",
        "    # links:     # further links; optional",
        "    #   - {text: Project page, link: https://example.com}",
        "    # image: {src: https://example.com/picture.png, alt: A description, width: 528}",
    ]


def _sections(sections: Sequence[Section]) -> list[str]:
    """Return the sections with their headings: a text to fill in, or one story to repeat."""
    lines = ["sections:        # in a section, repeat the block for each story"]
    for section in sections:
        heading = json.dumps(section.heading, ensure_ascii=False)
        lines.append(f"  - heading: {heading}" if section.heading else "  -")
        lines += [*_STORY, ""] if section.stories else ["    text: |", ""]
    return lines


def _headings(passages: Sequence[Passage], fallback: tuple[str, ...]) -> list[str]:
    return [passage.heading for passage in passages if passage.heading] or list(fallback)


def _passages(headings: list[str], indent: str) -> list[str]:
    return [
        line
        for heading in headings
        for line in (
            f"{indent}- heading: {json.dumps(heading, ensure_ascii=False)}",
            f"{indent}  text: |",
            "",
        )
    ]
