"""Find files that are meant as issues and are not named like one: no command reads them."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

from newsletter.disk import reading
from newsletter.disk.boundary import entries
from newsletter.display import counted, display_path
from newsletter.errors import Problem, Severity
from newsletter.issue.file_names import MARKDOWN, SUFFIXES, is_issue_file

MAX_MISNAMED = 20
"""The files that are named one by one; a further problem is the number of the others."""
_MAX_FILES = 1_000
_MAX_BYTES = 100_000  # `ready:` stands near the top of an issue
_MARKDOWN = (MARKDOWN, ".markdown")
# Git, editors and backups add other endings, such as `.orig`: those files are not meant as issues.
_ADDED = ".txt"
_SEPARATOR = r"[-_. \u00a0\u2010-\u2015\u2212]?"
_DATE = re.compile(rf"(?<!\d)([12]\d{{3}}){_SEPARATOR}(\d\d?){_SEPARATOR}(\d\d?)(?!\d)")
# The year of an issue, or a date of another millennium.
_YEAR = re.compile(r"(?<!\d)(?:[12]\d{3}|\d{4}-\d\d?-\d\d?(?!\d))")
_READY = re.compile(rb"""^["']?ready["']?[ \t]*:[ \t]*["']?(?:true|yes|on)\b""", re.IGNORECASE | re.MULTILINE)


def misnamed(folder: Path) -> Iterator[Problem]:
    """Yield a problem for each file that is meant as an issue and is not named like one.

    `folder` is that of the issues, directly in the newsletter's folder. The problem is an error for a file
    that says `ready: true`, and a warning for another.
    """
    found = misnamed_files(folder)
    for path, is_ready in found[:MAX_MISNAMED]:
        what = "is not named like an issue: no command reads it"
        said = "says `ready: true`, and " if is_ready else ""
        severity: Severity = "error" if is_ready else "warning"
        yield Problem(display_path(path), said + what, naming_hint(path, folder), severity)
    if more := found[MAX_MISNAMED:]:
        what = f"and {counted(len(more), 'more file')} that no command reads"
        severe = any(is_ready for _, is_ready in more)
        yield Problem(
            display_path(folder), what, "rename those that are listed", "error" if severe else "warning"
        )


def misnamed_files(folder: Path) -> list[tuple[Path, bool]]:
    """Return the files that are meant as issues and are not named like one; True with one that is ready.

    A file is meant as an issue if its name has the ending of one and a year, or if it says `ready: true`.
    """
    found = []
    for entry in entries(folder, folder.parent, _MAX_FILES):
        path = Path(entry.path)
        if not _ending(path) or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        is_inside = path.parent == folder
        if (is_inside and is_issue_file(path)) or not entry.is_file():
            continue
        is_ready = _says_ready(path, folder.parent)
        if is_ready or (is_inside and _YEAR.search(path.name)):
            found.append((path, is_ready))
    return sorted(found)


def meant_for(name: str, folder: Path) -> Path | None:
    """Return the first file that is meant as the issue of a date, such as `2026-05-04`, and misnamed."""
    day = _date(name)
    return next((path for path, _ in misnamed_files(folder) if day and _date(path.name) == day), None)


def naming_hint(path: Path, folder: Path) -> str:
    """Return how to name a file of the folder of issues, so that it is an issue."""
    day = _date(path.name)
    if day is None:
        return "name it by the date of the issue: 2026-04-27.yml"
    name = f"{day.isoformat()}{MARKDOWN if _ending(path) in _MARKDOWN else SUFFIXES[0]}"
    if os.path.lexists(folder / name) and not _is_same(folder / name, path):
        return f"{name} exists already: delete this file, or name it by another date"
    return f"name it {name}" if path.parent == folder else f"move it to {folder.name}/{name}"


def _is_same(first: Path, second: Path) -> bool:
    """Return True if two names are of one file: some systems do not distinguish `.yml` and `.YML`."""
    with suppress(OSError):
        return os.path.samefile(first, second)
    return False


def _ending(path: Path) -> str:
    """Return the ending of an issue that a file has, in small letters; "" if it has none of them."""
    name = path.name.strip().lower().removesuffix(_ADDED)
    if _DATE.fullmatch(name):
        return SUFFIXES[0]
    return next((ending for ending in (*SUFFIXES, *_MARKDOWN) if name.endswith(ending)), "")


def _date(name: str) -> date | None:
    if match := _DATE.search(name):
        with suppress(ValueError):
            return date(*map(int, match.groups()))
    return None


def _says_ready(path: Path, root: Path) -> bool:
    """Return True if a file says `ready: true` outside of its text; False if it cannot be read."""
    with suppress(OSError), reading.open_regular(path, root=root) as file:
        content = file.read(_MAX_BYTES).removeprefix(b"\xef\xbb\xbf")
        if _ending(path) in _MARKDOWN:  # only the front matter of a Markdown file has keys
            front, _, _ = content.removeprefix(b"---").partition(b"\n---")
            content = front if content.startswith(b"---") else b""
        return _READY.search(content.replace(b"\r", b"\n")) is not None
    return False
