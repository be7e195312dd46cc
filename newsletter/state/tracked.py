"""Refuse private files that Git tracks: a branch may have written them, and others can read them.

Git overwrites an ignored file of the same name at a checkout.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from newsletter.display import display_path
from newsletter.errors import Problem, StateError
from newsletter.state.git import NO_GIT, Repository, find_repository, tracked


def refuse_tracked(*paths: Path) -> None:
    """Raise StateError if one of these private files or folders exists and Git tracks it or files in it."""
    if problems := list(tracked_problems(paths)):
        raise StateError(problems)


def tracked_problems(paths: Iterable[Path]) -> Iterator[Problem]:
    """Yield a problem for each of these private files or folders that exists and that Git tracks.

    Without git, such files in a repository count as tracked. Git is asked only if one of them exists.
    """
    asked: dict[Repository, dict[Path, Path]] = {}
    for path in paths:
        for real in _real(path):
            try:
                repository = find_repository(real.parent)
            except StateError as failure:
                yield _problem(path, f"{failure.problems[0].where} {failure.problems[0].what}")
                break
            if repository and not real.is_relative_to(repository.common_dir):  # Git tracks nothing there
                asked.setdefault(repository, {})[real] = path
    for repository, real_paths in asked.items():
        found, reason = tracked(repository, real_paths)
        for path in dict.fromkeys(shown for real, shown in real_paths.items() if real in found):
            yield _problem(path, reason)


def _real(path: Path) -> set[Path]:
    """Return the place of a path without symbolic links in its parents, and the place that it leads to."""
    if not os.path.lexists(path):
        return set()
    try:
        return {path.parent.resolve() / path.name, path.resolve()}
    except (OSError, RuntimeError):  # RuntimeError: symbolic links in a circle
        return {path.parent.absolute() / path.name}


def _problem(path: Path, reason: str) -> Problem:
    where = display_path(path)
    if reason:
        what = f"may be tracked by Git: it is in a Git repository, and {reason}; it is not read"
        fix = "install git" if reason == NO_GIT else "repair the repository: git status shows what is wrong"
        return Problem(where, what, f"{fix}; or move it out of the repository")
    what = "is tracked by Git, so a branch may have written it; it is not read"
    import shlex

    command = f"git rm {'-r ' if path.is_dir() else ''}--cached {shlex.quote(where)}"
    fix = (
        "if the branch is another person's, leave it as it is, and go back to your own: git switch -; if the "
        f"file is yours: {command}, commit that, and replace the secrets in it"
    )
    return Problem(where, what, fix)
