"""Create a new issue: a commented file to fill in, named by its date."""

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

from newsletter.disk import writing
from newsletter.display import display_path
from newsletter.errors import IssueError, Unavailable
from newsletter.issue.draft import DraftGroup
from newsletter.issue.files import MARKDOWN, SUFFIXES, issue_date, issue_files, load, next_monday
from newsletter.issue.markdown.skeleton import skeleton as markdown_skeleton
from newsletter.issue.model import Issue
from newsletter.issue.yaml_skeleton import skeleton as yaml_skeleton


def create(
    folder: Path, day: date, *, markdown: bool | None = None, groups: Sequence[DraftGroup] = ()
) -> Path:
    """Write a commented skeleton with the headings of the newest issue; return its path.

    `folder` is that of the issues, directly in the newsletter's folder. `markdown` is True for an issue in
    Markdown, False for one in YAML, and None for the format of the newest issue. `groups` are the stories of
    each source; without them, the skeleton has an empty story.

    Raise IssueError if the file exists, and Unavailable if it cannot be written.
    """
    path = new_path(folder, day, markdown=markdown)
    write = markdown_skeleton if path.suffix == MARKDOWN else yaml_skeleton
    text = write(day, _newest(folder), groups)
    try:
        writing.create(path, text.encode(), root=folder.parent)
    except OSError as failure:
        if isinstance(failure, FileExistsError):
            _refuse_existing(path)
        raise Unavailable.unwritable(Path(failure.filename or path), failure) from failure
    return path


def new_path(folder: Path, day: date, *, markdown: bool | None = None) -> Path:
    """Return the path of a new issue, as `create` would; raise IssueError if there is one of this date."""
    if markdown is None:
        markdown = any(path.suffix == MARKDOWN for path in issue_files(folder)[-1:])
    path = folder / f"{day.isoformat()}{MARKDOWN if markdown else SUFFIXES[0]}"
    issue_date(path)  # raise IssueError for a date that `load` would reject
    for suffix in SUFFIXES:
        _refuse_existing(path.with_suffix(suffix))
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
