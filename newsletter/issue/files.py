"""Find an issue file such as `issues/2026-04-27.yml` or `.md`, load it, and describe its JSON Schema."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from newsletter.disk.boundary import root_of
from newsletter.display import display_path
from newsletter.errors import IssueError
from newsletter.issue.file_names import MARKDOWN as MARKDOWN
from newsletter.issue.file_names import SUFFIXES as SUFFIXES
from newsletter.issue.file_names import is_issue_file as is_issue_file
from newsletter.issue.file_names import issue_date as issue_date
from newsletter.issue.file_names import issue_name as issue_name
from newsletter.issue.misnamed import meant_for, naming_hint
from newsletter.issue.model import Issue, IssueFile
from newsletter.yamlfile import reader, validation


class Text(NamedTuple):
    """A text of an issue with its location; `markdown` is True for a text in Markdown."""

    loc: reader.Loc
    content: str
    markdown: bool


def load(path: Path, folder: Path | None = None) -> Issue:
    """Load an issue; raise IssueError with every problem of the file, each with its line.

    `folder` is that of the newsletter: a path through it must not lead out of it, by symbolic links. A path
    elsewhere, which a user has named, may lead anywhere.
    """
    day = issue_date(path)
    _refuse_twin(path)
    return _validated(_read(path, root_of(path, folder) if folder else None), day)


def parse(content: bytes, path: Path) -> Issue:
    """Return the issue of a file's content, such as that of an earlier commit; raise IssueError as `load`."""
    shown = display_path(path)
    text = reader.decode(content, shown, IssueError)
    return _validated(_document(text, shown), issue_date(path))


def _read(path: Path, root: Path | None) -> reader.Document:
    suffix = (MARKDOWN,) if path.suffix == MARKDOWN else reader.SUFFIXES
    text = reader.read_text(path, IssueError, root, suffix=suffix if root else "")
    return _document(text, display_path(path))


def _document(text: str, shown: str) -> reader.Document:
    if shown.endswith(MARKDOWN):
        from newsletter.issue.markdown import document  # markdown-it takes 45 ms to import

        return document.parse(text, shown)
    return reader.parse(text, shown, IssueError)


def _validated(document: reader.Document, day: date) -> Issue:
    issue = validation.validate(document, IssueFile, IssueError, context={"date": day})
    return Issue.model_construct(
        **dict(issue), date=day, path=document.path, lines=document.lines, source=document.text
    )


def where(issue: Issue, loc: reader.Loc, words: str = "", nth: int = 0) -> str:
    """Return `file:line` of a part of an issue, such as `("stories", 2, "link")`, or of `words` in that part.

    `nth` is the number of the occurrence of the words, from 0.
    """
    return reader.Document(issue.path, None, issue.lines, text=issue.source).where(loc, words, nth)


def where_line(issue: Issue, text: Text, number: int, words: str = "") -> str:
    """Return `file:line` of a line of a text of an issue, which is counted from 0, or of `words` in it."""
    document = reader.Document(issue.path, None, issue.lines, text=issue.source)
    return document.where_line(text.loc, text.content, number, words)


def texts(issue: Issue) -> Iterator[Text]:
    """Yield every text of an issue, from top to bottom."""
    for loc, content in reader.texts_in(issue.model_dump(include=set(IssueFile.model_fields))):
        is_markdown = loc[-1] == "text" and "links" not in loc and loc[0] != "extra"
        yield Text(loc, content, is_markdown)


def issue_files(folder: Path) -> list[Path]:
    """Return the issue files of a folder, oldest first; other files are ignored.

    Of two files of the same issue, return only one: `load` refuses it and names both.
    """
    with suppress(FileNotFoundError, NotADirectoryError):  # the folder was deleted after `glob` found it
        found = sorted(filter(is_issue_file, folder.glob("[12]*")), key=_by_name_and_suffix, reverse=True)
        return list({path.stem: path for path in found}.values())[::-1]
    return []


def _by_name_and_suffix(path: Path) -> tuple[str, int]:
    return path.stem, SUFFIXES.index(path.suffix)


def _refuse_twin(path: Path) -> None:
    """Raise IssueError if another file of the same folder has the same date."""
    for suffix in SUFFIXES:
        twin = path.with_suffix(suffix)
        if suffix != path.suffix and os.path.lexists(twin):
            first, second = sorted((path, twin), key=_by_name_and_suffix)
            what = f"{first.name} and {second.name} are both the issue of {path.stem}"
            raise IssueError.of(display_path(path), what, "delete one of the two, or give it another date")


def find(folder: Path, name: str | None = None) -> Path:
    """Return the file of an issue by its date or path; without a name, that of the newest issue.

    Raise IssueError if there is no such file.
    """
    files = issue_files(folder)
    if name is None:
        if not files:
            start = f"start one, for example for next Monday: news new {next_monday(date.today())}"
            raise IssueError.of(display_path(folder), "there is no issue in this folder", start)
        return files[-1]
    is_file_name = name.lower().endswith(SUFFIXES)
    candidates = (
        [Path(name), folder / name] if is_file_name else [folder / f"{name}{suffix}" for suffix in SUFFIXES]
    )
    for path in candidates:
        if os.path.lexists(path):
            return path
    missing = candidates[0]
    if misnamed := meant_for(missing.stem, folder):
        what = f"there is no such issue, and {display_path(misnamed)} is not named like one"
        raise IssueError.of(display_path(missing), what, naming_hint(misnamed, folder))
    fix = _alternatives(missing.stem, files)
    raise IssueError.of(display_path(missing), "there is no such issue", fix)


def schema() -> str:
    """Return the JSON Schema of an issue file, for completion in editors."""
    header: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(header | IssueFile.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def next_monday(today: date) -> date:
    """Return the first Monday after a date."""
    return today + timedelta(days=7 - today.weekday())


def _alternatives(name: str, files: Sequence[Path]) -> str:
    start = f"start it: news new {name}" if issue_name(name) else "name an issue by its date: 2026-05-04"
    newest = ", ".join(file.stem for file in files[-3:])
    return f"the newest here: {newest}; or {start}" if newest else start
