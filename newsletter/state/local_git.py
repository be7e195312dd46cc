"""Ask git about the local repository: it runs nothing of the repository, and fetches nothing."""

import os

from newsletter.disk.programs import find_program
from newsletter.errors import StateError, Unavailable
from newsletter.state.git import LOCAL_OPTIONS, NO_GIT, TIMEOUT_SECONDS, Repository
from newsletter.state.git_process import Reply, git_environment, run_git

_OPTIONS = (*LOCAL_OPTIONS, "--literal-pathspecs")
_HEADS = "refs/heads/"
_OF_ORIGIN = "refs/remotes/origin/"


def ask_git(repository: Repository, *arguments: str, max_bytes: int = 1000) -> Reply:
    """Run a plumbing command of git with arguments; raise Unavailable or StateError if git cannot run."""
    git = find_program("git", repository.top)
    if git is None:
        raise Unavailable(NO_GIT, "install git")
    # GIT_DIR and similar variables would lead to another repository.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    places = (f"--git-dir={repository.git_dir}", f"--work-tree={repository.top}")
    try:
        return run_git(
            [git, *_OPTIONS, *places, *arguments],
            repository.top,
            git_environment(repository.top, inherited),
            seconds=TIMEOUT_SECONDS,
            max_bytes=max_bytes,
        )
    except OSError as failure:
        raise StateError.of("git", f"cannot be started: {failure.strerror}", "install it again") from failure


def known_default_branch(repository: Repository) -> str:
    """Return the default branch of `origin` if the clone knows it, else ""."""
    return _branch(repository, f"{_OF_ORIGIN}HEAD", _OF_ORIGIN)


def current_branch(repository: Repository) -> str:
    """Return the branch that is checked out, "" if none is."""
    return _branch(repository, "HEAD", _HEADS)


def _branch(repository: Repository, ref: str, start: str) -> str:
    reply = ask_git(repository, "symbolic-ref", "--quiet", ref)
    name = os.fsdecode(reply.output).rstrip("\n")
    return name.removeprefix(start) if reply.code == 0 and name.startswith(start) else ""
