"""Name the file of an issue by its date, such as `issues/2026-04-27.yml` or `.md`."""

import re
from datetime import date
from pathlib import Path

from newsletter.display import display_path
from newsletter.errors import IssueError
from newsletter.yamlfile import reader

MARKDOWN = ".md"
SUFFIXES = (*reader.SUFFIXES, MARKDOWN)
"""The suffixes of issue files, the usual one first."""
_NAME = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}")


def is_issue_file(path: Path) -> bool:
    """Return True if a file is named like an issue, such as `2026-04-27.yml`."""
    return path.suffix in SUFFIXES and _NAME.fullmatch(path.stem) is not None


def issue_name(argument: str) -> str | None:
    """Return the name of the issue for a date or a path; None for other text.

    The issue does not need to exist.
    """
    path = Path(argument)
    name = path.stem if path.suffix in SUFFIXES else path.name
    return name if _NAME.fullmatch(name) else None


def issue_date(path: Path) -> date:
    """Return the date in an issue file's name; raise IssueError if the name is not a date."""
    what = "the file's name is not the date of the issue"
    try:
        if is_issue_file(path):
            return date.fromisoformat(path.stem)
    except ValueError:
        what = f"there is no {path.stem} in the calendar"
    suffix = MARKDOWN if path.suffix.lower() == MARKDOWN else SUFFIXES[0]
    raise IssueError.of(display_path(path), what, f"name it like this: 2026-04-27{suffix}")
