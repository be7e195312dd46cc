"""Ask git about the local repository: it runs nothing of the repository, and fetches nothing."""

import os
from collections.abc import Iterable
from pathlib import Path

from newsletter.disk.programs import find_program
from newsletter.errors import StateError, Unavailable
from newsletter.state.git import LOCAL_OPTIONS, NO_GIT, TIMEOUT_SECONDS, Repository
from newsletter.state.git_process import Reply, git_environment, run_git

_MAX_REPLY_BYTES = 100_000
_HEADS = "refs/heads/"
_OF_ORIGIN = "refs/remotes/origin/"


def ask_git(repository: Repository, *arguments: str, content: bytes = b"", max_bytes: int = 1000) -> Reply:
    """Run a plumbing command of git with arguments; raise Unavailable or StateError if git cannot run.

    `content` is its input.
    """
    git = find_program("git", repository.top)
    if git is None:
        raise Unavailable(NO_GIT, "install git")
    # GIT_DIR and similar variables would lead to another repository.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    places = (f"--git-dir={repository.git_dir}", f"--work-tree={repository.top}")
    try:
        return run_git(
            [git, *LOCAL_OPTIONS, *places, *arguments],
            repository.top,
            git_environment(repository.top, inherited),
            content=content,
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


def configured_email(folder: Path) -> str:
    """Return the address that Git writes into commits in a folder, "" if it is unknown."""
    git = find_program("git", folder)
    if git is None:
        return ""
    command = [git, *LOCAL_OPTIONS, "config", "--get", "user.email"]
    environment = git_environment(folder, os.environ)
    try:
        reply = run_git(command, folder, environment, seconds=TIMEOUT_SECONDS, max_bytes=1000)
    except OSError:
        return ""
    return reply.output.decode("utf-8", "replace").strip() if reply.code == 0 else ""


def ignored_by_folders(repository: Repository, folder: Path, names: Iterable[str]) -> frozenset[str]:
    """Return the names of files in a folder that a .gitignore of it, or of a folder above it, ignores.

    The files do not need to exist. What this user's own configuration ignores does not count: other clones
    lack it. Raise StateError or Unavailable if Git cannot tell.
    """
    place = folder.resolve()
    paths = {os.fspath(place / name): name for name in names}
    options = (
        "-c",
        f"core.excludesFile={os.devnull}",
        "check-ignore",
        "--no-index",
        "--verbose",
        "-z",
        "--stdin",
    )
    content = b"".join(os.fsencode(path) + b"\0" for path in paths)
    reply = ask_git(repository, *options, content=content, max_bytes=_MAX_REPLY_BYTES)
    if reply.code not in (0, 1):  # 1: none is ignored
        what = f"cannot tell what is ignored ({reply.errors.strip()[:200]})"
        raise StateError.of("git", what, "repair the repository")
    fields = [os.fsdecode(field) for field in reply.output.split(b"\0")]
    found = zip(fields[::4], fields[2::4], fields[3::4], strict=False)
    return frozenset(
        paths[path]
        for source, pattern, path in found
        if not pattern.startswith("!") and (repository.top / source) in _gitignores(place)
    )


def _gitignores(place: Path) -> frozenset[Path]:
    return frozenset(folder / ".gitignore" for folder in (place, *place.parents))


def _branch(repository: Repository, ref: str, start: str) -> str:
    reply = ask_git(repository, "symbolic-ref", "--quiet", ref)
    name = os.fsdecode(reply.output).rstrip("\n")
    return name.removeprefix(start) if reply.code == 0 and name.startswith(start) else ""
