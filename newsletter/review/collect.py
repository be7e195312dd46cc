"""Collect all that a review shows: the changed issues, their problems, and the changes of their text."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from newsletter.config import loader
from newsletter.disk import reading
from newsletter.disk.boundary import entries
from newsletter.errors import NewsError, StateError
from newsletter.issue import files
from newsletter.issue.model import Issue
from newsletter.limits.process import Limiter, run_limited
from newsletter.review.text_changes import TextChanges, compare_with
from newsletter.services.check import Checked, check
from newsletter.state.git import Repository, find_repository
from newsletter.state.git_tree import Commit, blob_id, find_commit
from newsletter.yamlfile.reader import MAX_BYTES

log = logging.getLogger(__name__)

MAX_ISSUES = 10
_MAX_FILES = 1000


@dataclass(frozen=True)
class BranchChanges:
    """The files of a newsletter that differ from a commit; the issues are the oldest first."""

    base: Commit
    issues: tuple[Path, ...]
    deleted: tuple[Path, ...]
    others: tuple[Path, ...]
    blobs: dict[Path, str] = field(repr=False)

    def content(self, file: Path) -> bytes | None:
        """Return the content of a file at the base; None if it is new. Raise Unavailable."""
        blob = self.blobs.get(file)
        return None if blob is None else self.base.content(blob, MAX_BYTES)


@dataclass(frozen=True)
class Review:
    """The review of one issue.

    `checked` is its result, `further` are those of the other issues that the branch changes. `text` is what
    changed since the base; without it, `not_compared` says why, and is "" for a review without a base.
    """

    checked: Checked
    further: tuple[Checked, ...] = ()
    branch: BranchChanges | None = None
    is_new: bool = False
    text: TextChanges | None = None
    not_compared: str = ""
    repository: Repository | None = None
    # The newsletter's folder in the repository; "" if it is the whole repository.
    folder: str = ""

    @property
    def results(self) -> tuple[Checked, ...]:
        """Return the results of all issues of the review."""
        return (self.checked, *self.further)


def review(
    folder: Path, name: str | None = None, base: str | None = None, *, limited: Limiter = run_limited
) -> Review:
    """Review the named issue, or the newest that the branch changes since `base`, or the newest.

    Raise Unavailable or StateError if the base cannot be read. `limited` compares the texts.
    """
    branch = branch_changes(folder, base) if base is not None else None
    names = [name] if name else [path.stem for path in branch.issues] if branch else []
    results = list(check(folder, names[-MAX_ISSUES:]))
    main, further = results[-1], tuple(reversed(results[:-1]))
    repository = branch.base.repository if branch else _repository(folder)
    found = Review(main, further, branch, repository=repository, folder=_place(folder, repository))
    if branch is None or main.proof is None:
        return found
    return _with_text_changes(found, branch, main.proof.issue, folder, limited)


def branch_changes(folder: Path, base: str) -> BranchChanges:
    """Return the files of a newsletter that differ from a commit; raise Unavailable or StateError."""
    commit = find_commit(folder, base)
    folder = folder.resolve()
    places = [folder / name for name in (loader.ISSUES, loader.TEMPLATES, loader.FILE)]
    blobs = commit.files(*places)
    present = {file: _differs(file, blobs.get(file), commit) for file in _present(folder)}
    issues = {path for path in (*blobs, *present) if path.parent == places[0] and files.is_issue_file(path)}
    gone = {path for path in blobs if path not in present and not path.is_symlink()}
    names = {path.stem for path in issues & present.keys()}
    changed = {path for path, differs in present.items() if differs}
    return BranchChanges(
        commit,
        tuple(sorted(issues & changed)),
        tuple(sorted(path for path in issues & gone if path.stem not in names)),
        tuple(sorted((changed | gone) - issues)),
        blobs,
    )


def _present(folder: Path) -> Iterator[Path]:
    """Yield the issues, templates and newsletter.yml of a folder."""
    yield from files.issue_files(folder / loader.ISSUES)
    for entry in entries(folder / loader.TEMPLATES, folder, _MAX_FILES):
        if entry.is_file(follow_symlinks=False):
            yield Path(entry.path)
    if (folder / loader.FILE).is_file():
        yield folder / loader.FILE


def _differs(file: Path, blob: str | None, commit: Commit) -> bool:
    """Return True if a file of the work tree has another content than at the commit, but for line ends."""
    if blob is None:
        return True
    try:
        content = reading.read(file, MAX_BYTES)
    except OSError:
        return True  # the check of the issue reports it
    if blob_id(content, blob) == blob:
        return False
    with_lf = content.replace(b"\r\n", b"\n")
    return with_lf == content or commit.content(blob, MAX_BYTES).replace(b"\r\n", b"\n") != with_lf


def _with_text_changes(
    found: Review, branch: BranchChanges, issue: Issue, folder: Path, limited: Limiter
) -> Review:
    issues = folder.resolve() / loader.ISSUES
    names = [issues / f"{issue.name}{suffix}" for suffix in files.SUFFIXES]  # the branch may rename it
    file = next((file for file in names if file in branch.blobs), names[0])
    content = branch.content(file)
    if content is None:
        return replace(found, is_new=True)
    try:
        return replace(found, text=limited(compare_with, content, file, issue))
    except NewsError as error:
        log.info("texts cannot be compared", extra={"issue": issue.name}, exc_info=error)
        return replace(found, not_compared=error.problems[0].what)


def _place(folder: Path, repository: Repository | None) -> str:
    """Return the newsletter's folder relative to the top of the work tree; "" for the top itself."""
    if repository is None:
        return ""
    place = repository.path_of(folder)
    return "" if place == "." else place


def _repository(folder: Path) -> Repository | None:
    with suppress(StateError):
        return find_repository(folder)
    return None
