"""Begin a newsletter in a folder: write its first files, and its workflows for GitHub."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from newsletter.config import loader
from newsletter.disk import boundary, reading, writing
from newsletter.disk.failures import cannot_be, read_hint
from newsletter.display import display_path
from newsletter.errors import CHECK_PERMISSIONS, ConfigError, NewsError, Unavailable
from newsletter.issue import files
from newsletter.services.github_limits import SAFE_UNDO_WINDOW_MINUTES
from newsletter.services.github_setup import GitHubSetup, existing_folder, find_setup
from newsletter.services.new_files import NewFile, create_or_keep
from newsletter.starter.details import Details
from newsletter.starter.first_files import (
    ARCHIVE,
    IGNORED,
    first_issue,
    missing_lines,
    newsletter_yml,
    readme,
    with_lines,
)
from newsletter.starter.github_names import ActionSource, pages_address
from newsletter.starter.github_workflows import workflows
from newsletter.state.git import find_repository
from newsletter.state.local_git import ignored_by_folders

_GITIGNORE, _README = ".gitignore", "README.md"
_MAX_GITIGNORE_BYTES = 1_000_000


@dataclass(frozen=True)
class InitOptions:
    """The options of `news init`.

    `action` is by default the source of the installed news; `repository` is the `OWNER/NAME` whose runs send,
    by default that of the remote `origin`. `pages`: the archive is published on GitHub Pages. `markdown`: the
    first issue is a file in Markdown.
    """

    github: bool = False
    action: ActionSource | None = None
    repository: str = ""
    markdown: bool = False
    pages: bool = False


@dataclass(frozen=True)
class InitResult:
    """The files of a newsletter, its set-up on GitHub, and the name of its first issue, "" for none."""

    files: tuple[NewFile, ...]
    github: GitHubSetup | None = None
    issue: str = ""


@dataclass(frozen=True)
class InitPlan:
    """The folder of a newsletter, and its set-up on GitHub; `exists`: the folder has a newsletter already.

    `markdown`: the first issue will be a file in Markdown.
    """

    folder: Path
    exists: bool = False
    github: GitHubSetup | None = None
    markdown: bool = False


def plan_init(folder: Path, options: InitOptions) -> InitPlan:
    """Find out what `news init` will write, and write nothing.

    With `options.github`, the folder may hold a newsletter already; without, ConfigError is raised then.
    Raise StateError or Unavailable if the workflows cannot be made.
    """
    exists = os.path.lexists(folder / loader.FILE)
    if exists and not options.github:
        fix = "to begin an issue: news new DATE; to add the workflows for GitHub: news init --github"
        raise ConfigError.of(display_path(folder / loader.FILE), "this folder has a newsletter already", fix)
    newsletter = None
    if exists:
        config, lines = loader.load_file(folder)
        newsletter = loader.Newsletter(folder, config, lines=lines)
    setup = None
    if options.github:
        setup = find_setup(folder, options.action, options.repository, newsletter, pages=options.pages)
    return InitPlan(folder, exists, setup, options.markdown)


def init_newsletter(plan: InitPlan, details: Details, today: date) -> InitResult:
    """Write the files of a newsletter that do not exist yet; a file that exists is not changed.

    The lines that .gitignore lacks are added to it. Raise Unavailable if a file cannot be written: the same
    command continues.
    """
    written = list(_workflows(plan.github)) if plan.github else []
    written += _extend_gitignore(plan.folder)
    if plan.exists:
        return InitResult(tuple(written), plan.github)
    issue = "" if files.issue_files(plan.folder / loader.ISSUES) else today.isoformat()
    written += _first_files(plan, details, issue)
    return InitResult(tuple(written), plan.github, issue)


def _first_files(plan: InitPlan, details: Details, issue: str) -> Iterator[NewFile]:
    folder = plan.folder
    if not any(name.lower().startswith("readme") for name in boundary.names(folder)):
        text = readme(details.name, on_ref=plan.github is not None)
        yield create_or_keep(folder / _README, text.encode(), root=folder)
    if issue:
        path = folder / loader.ISSUES / f"{issue}{files.MARKDOWN if plan.markdown else files.SUFFIXES[0]}"
        text = first_issue(issue, details.theme, markdown=plan.markdown)
        yield create_or_keep(path, text.encode(), root=folder)
    # The last file: if the command was interrupted before it, the same command continues.
    yield create_or_keep(folder / loader.FILE, _newsletter_yml(plan, details).encode(), root=folder)


def _newsletter_yml(plan: InitPlan, details: Details) -> str:
    if not plan.github:
        return newsletter_yml(details)
    options = plan.github.workflows
    site = pages_address(options.repository) if options.pages else ""
    return newsletter_yml(details, f"{SAFE_UNDO_WINDOW_MINUTES}m", site)


def _workflows(setup: GitHubSetup) -> Iterator[NewFile]:
    for path, text in workflows(setup.workflows).items():
        yield create_or_keep(setup.top / path, text.encode(), root=setup.top)


def _extend_gitignore(folder: Path) -> Iterator[NewFile]:
    path = folder / _GITIGNORE
    exists = os.path.lexists(path)
    try:
        before = reading.read(path, _MAX_GITIGNORE_BYTES, root=folder) if exists else b""
    except OSError as failure:
        hint = read_hint(failure, CHECK_PERMISSIONS)
        raise Unavailable(cannot_be("read", failure), hint, where=display_path(path)) from failure
    missing = [line for line in _missing_lines(folder, before) if not _is_taken(folder, line)]
    if not missing:
        if exists:
            yield NewFile(path, "kept")
        return
    try:
        writing.write_public(path, with_lines(before, missing), root=folder)
    except OSError as failure:
        raise Unavailable.unwritable(path, failure) from failure
    yield NewFile(path, "extended" if exists else "written")


def _is_taken(folder: Path, line: str) -> bool:
    """Return True for the folder of the archive if it exists: it may be in Git, or be another site."""
    return line == ARCHIVE and os.path.lexists(folder / ARCHIVE.rstrip("/"))


def _missing_lines(folder: Path, gitignore: bytes) -> Sequence[str]:
    """Return the lines that .gitignore lacks, as far as Git can tell, or else by its text."""
    examples = [example for names in IGNORED.values() for example in names]
    with suppress(NewsError):  # the folder is in no repository, or git is not installed
        if repository := find_repository(existing_folder(folder)):
            ignored = ignored_by_folders(repository, folder, examples)
            return [line for line, names in IGNORED.items() if not ignored.issuperset(names)]
    return missing_lines(gitignore)
