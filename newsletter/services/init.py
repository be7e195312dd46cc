"""Begin a newsletter in a folder: write its first files, and its workflows for GitHub."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from newsletter.config import loader
from newsletter.disk import reading, writing
from newsletter.disk.failures import cannot_be, read_hint, write_hint
from newsletter.display import display_path
from newsletter.errors import ConfigError, Unavailable
from newsletter.issue import files
from newsletter.services.github_limits import SAFE_UNDO_WINDOW_MINUTES
from newsletter.services.github_setup import GitHubSetup, find_setup
from newsletter.starter.first_files import first_issue, newsletter_yml, with_ignored
from newsletter.starter.github_names import ActionSource
from newsletter.starter.github_workflows import workflows

_GITIGNORE = ".gitignore"
_MAX_GITIGNORE_BYTES = 1_000_000
_CHECK_PERMISSIONS = "check the permissions of its folder"


@dataclass(frozen=True)
class InitOptions:
    """The options of `news init`.

    `action` is by default the source of the installed news; `repository` is the `OWNER/NAME` whose runs send,
    by default that of the remote `origin`.
    """

    github: bool = False
    action: ActionSource | None = None
    repository: str = ""


@dataclass(frozen=True)
class InitFile:
    """A file of `news init`, and its result."""

    path: Path
    result: Literal[
        "written",
        "extended",  # lines were added
        "kept",  # it is there already, and is what would be written
        "differs",  # something else is there, which is kept
    ]


@dataclass(frozen=True)
class InitResult:
    """The files of a newsletter, and its set-up on GitHub."""

    files: tuple[InitFile, ...]
    github: GitHubSetup | None = None


def init_newsletter(folder: Path, options: InitOptions, today: date) -> InitResult:
    """Write the files of a newsletter that do not exist yet; a file that exists is not changed.

    The lines that .gitignore lacks are added to it. With `options.github`, the folder may hold a newsletter
    already; without, ConfigError is raised then. Raise StateError or Unavailable, before anything is written,
    if the workflows cannot be made; Unavailable if a file cannot be written: the same command continues.
    """
    exists = os.path.lexists(folder / loader.FILE)
    if exists and not options.github:
        fix = "to begin an issue: news new DATE; to add the workflows for GitHub: news init --github"
        raise ConfigError.of(display_path(folder / loader.FILE), "this folder has a newsletter already", fix)
    config = loader.load_file(folder)[0] if exists else None
    setup = find_setup(folder, options.action, options.repository, config) if options.github else None
    written = list(_workflows(setup)) if setup else []
    written.append(_extend_gitignore(folder))
    if not exists:
        written += _first_files(folder, today, github=options.github)
    return InitResult(tuple(written), setup)


def _first_files(folder: Path, today: date, *, github: bool) -> Iterator[InitFile]:
    if not files.issue_files(folder / loader.ISSUES):
        issue = folder / loader.ISSUES / f"{today.isoformat()}.yml"
        yield _create(issue, first_issue(today), root=folder)
    # The last file: if the command was interrupted before it, the same command continues.
    text = newsletter_yml(folder.resolve().name, f"{SAFE_UNDO_WINDOW_MINUTES}m" if github else "")
    yield _create(folder / loader.FILE, text, root=folder)


def _workflows(setup: GitHubSetup) -> Iterator[InitFile]:
    for path, text in workflows(setup.workflows).items():
        yield _create(setup.top / path, text, root=setup.top)


def _create(path: Path, text: str, *, root: Path) -> InitFile:
    """Write a file; keep one that exists."""
    try:
        writing.create(path, text.encode(), root=root)
    except OSError as failure:
        if isinstance(failure, FileExistsError) and os.path.lexists(path):
            return InitFile(path, "kept" if _holds(path, text, root) else "differs")
        raise _unwritable(path, failure) from failure
    return InitFile(path, "written")


def _holds(path: Path, text: str, root: Path) -> bool:
    with suppress(OSError):
        return reading.read(path, len(text.encode()), root=root) == text.encode()
    return False


def _extend_gitignore(folder: Path) -> InitFile:
    path = folder / _GITIGNORE
    exists = os.path.lexists(path)
    try:
        before = reading.read(path, _MAX_GITIGNORE_BYTES, root=folder) if exists else b""
    except OSError as failure:
        hint = read_hint(failure, _CHECK_PERMISSIONS)
        raise Unavailable(cannot_be("read", failure), hint, where=display_path(path)) from failure
    after = with_ignored(before)
    if after == before:
        return InitFile(path, "kept")
    try:
        writing.write_public(path, after, root=folder)
    except OSError as failure:
        raise _unwritable(path, failure) from failure
    return InitFile(path, "extended" if exists else "written")


def _unwritable(path: Path, failure: OSError) -> Unavailable:
    hint = write_hint(failure, _CHECK_PERMISSIONS)
    return Unavailable(cannot_be("written", failure), hint, where=display_path(path))
