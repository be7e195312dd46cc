"""Find the Git repository of a folder, and ask Git which files it tracks.

The repository is found without Git, by reading `.git` (https://git-scm.com/docs/gitrepository-layout).
`git ls-files` runs with fixed arguments, and starts no program that the repository's configuration names.
"""

import logging
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from newsletter.disk import reading
from newsletter.disk.failures import cannot_be
from newsletter.disk.programs import find_program
from newsletter.display import display_path
from newsletter.errors import StateError

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 20
NO_GIT = "git is not installed"
"""The reason why Git cannot be asked which files it tracks."""
_MAX_POINTER_BYTES = 8192  # a path has at most 4,096 bytes on Linux
_MAX_WORK_TREES = 1000
_POINTER = b"gitdir: "
_SET_PLACE = "repair the repository, or set NEWS_STATE_DIR to a folder for the newsletter's state"
LOCAL_OPTIONS = (
    *("--no-pager", "--no-optional-locks", "--no-replace-objects"),
    *("-c", "core.fsmonitor=", "-c", f"core.hooksPath={os.devnull}", "-c", "protocol.allow=never"),
)
"""Options for a question about the local repository: its configuration may name programs for plumbing
commands, and a partial clone may fetch objects."""
_ENVIRONMENT = {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


@dataclass(frozen=True)
class Repository:
    """A Git repository: the top of its work tree, and its folders.

    `git_dir` belongs to this work tree, and `common_dir` to all work trees of the repository; both are `.git`
    in a repository with one work tree.
    """

    top: Path
    git_dir: Path
    common_dir: Path

    def path_of(self, folder: Path) -> str:
        """Return the path of a folder from the top of the work tree; `.` is the top."""
        return folder.resolve().relative_to(self.top).as_posix()


def find_repository(folder: Path) -> Repository | None:
    """Return the repository whose work tree contains a folder; None if there is none.

    As Git does, search up to the root of the file system that the folder is on. Raise StateError if `.git`
    cannot be used.
    """
    start = folder.resolve()
    device = _device(start)
    for top in (start, *start.parents):
        if _device(top) != device:
            return None
        entry = top / ".git"
        if not os.path.lexists(entry):
            continue
        if (git_dir := _git_dir(entry)) is not None:
            return _repository(entry, git_dir)
    return None


def _device(folder: Path) -> int | None:
    try:
        return folder.stat().st_dev
    except OSError:
        return None


def _git_dir(entry: Path) -> Path | None:
    """Return the folder that `.git` is or names; None for another folder of this name, which Git ignores."""
    try:
        mode = entry.stat().st_mode
        if stat.S_ISDIR(mode):
            is_repository = os.path.lexists(entry / "HEAD") and (entry / "objects").is_dir()
            return entry.resolve() if is_repository else None
        if not stat.S_ISREG(mode):
            raise _unusable(entry, "is neither a folder nor a file")
        content = _read_pointer(entry)
    except OSError as failure:
        raise _unusable(entry, cannot_be("read", failure)) from failure
    if not content.startswith(_POINTER):
        raise _unusable(entry, "does not name the folder of a repository")
    return _named(entry.parent, content.removeprefix(_POINTER), entry)


def _repository(entry: Path, git_dir: Path) -> Repository:
    common_dir = git_dir
    if os.path.lexists(git_dir / "commondir"):
        try:
            common_dir = _named(git_dir, _read_pointer(git_dir / "commondir"), entry)
            # A linked work tree and its folder name each other.
            own = _named(git_dir, _read_pointer(git_dir / "gitdir"), entry)
            is_own = own.samefile(entry)
        except OSError as failure:
            raise _unusable(git_dir, cannot_be("read", failure)) from failure
        if not is_own:
            what = f"names {display_path(git_dir)}, which belongs to another work tree"
            raise _unusable(entry, what, "git worktree repair")
    if not (os.path.lexists(git_dir / "HEAD") and (common_dir / "objects").is_dir()):
        raise _unusable(entry, "names a folder that is no Git repository")
    return Repository(entry.parent, git_dir, common_dir)


def work_trees(repository: Repository) -> Iterator[Path]:
    """Yield the tops of the other work trees of a repository, as far as they can be found."""
    tops = [repository.common_dir.parent] if repository.common_dir.name == ".git" else []
    with suppress(OSError):
        for linked in islice((repository.common_dir / "worktrees").iterdir(), _MAX_WORK_TREES):
            with suppress(OSError):
                tops.append(Path(os.fsdecode(_read_pointer(linked / "gitdir").strip())).parent)
    yield from (top for top in tops if top != repository.top)


def refuse_foreign(repository: Repository) -> None:
    """Raise StateError if another user owns a repository: nothing must be kept in it (CVE-2022-24765)."""
    for path in (repository.top / ".git", repository.git_dir, repository.common_dir):
        if not _is_own(path):
            raise _unusable(path, "belongs to another user", "set NEWS_STATE_DIR to a folder of your own")


def _read_pointer(file: Path) -> bytes:
    """Read a file that holds one path; raise OSError if it is large or no regular file."""
    content = reading.read(file, _MAX_POINTER_BYTES)
    if b"\0" in content:
        raise OSError("not the path of a folder")
    return content


def _named(base: Path, content: bytes, entry: Path) -> Path:
    path = os.fsdecode(content.rstrip(b"\r\n"))
    if not path:
        raise _unusable(entry, "names no folder")
    try:
        return (base / path).resolve(strict=True)
    except (OSError, RuntimeError) as failure:  # RuntimeError: symbolic links in a circle
        raise _unusable(entry, f"names {display_path(base / path)}, which cannot be read") from failure


def _is_own(path: Path) -> bool:
    """Return True if a path belongs to this user or to root; always True on Windows."""
    return os.name == "nt" or not hasattr(os, "geteuid") or path.lstat().st_uid in (0, os.geteuid())


def _unusable(path: Path, what: str, fix: str = _SET_PLACE) -> StateError:
    return StateError.of(display_path(path), what, fix)


def tracked(repository: Repository, paths: Iterable[Path]) -> tuple[frozenset[Path], str]:
    """Return the paths that Git tracks, or below which it tracks files, and why Git could not be asked.

    The reason is "" if Git replied. If Git cannot be asked, return all paths. They must be in the work tree,
    with no symbolic link in their parents.
    """
    try:
        index = (repository.git_dir / "index").stat()
    except OSError:
        return frozenset(), ""  # nothing was ever added
    # Git replaces the index by a new file.
    stamp = (index.st_ino, index.st_mtime_ns, index.st_size)
    return _ask(repository, tuple(sorted(set(paths))), stamp)


@lru_cache(maxsize=64)
def _ask(
    repository: Repository, paths: Sequence[Path], stamp: tuple[int, int, int]
) -> tuple[frozenset[Path], str]:
    import subprocess

    git = find_program("git", repository.top)
    if git is None:
        return frozenset(paths), NO_GIT
    top, names = repository.top, [path.relative_to(repository.top).as_posix() for path in paths]
    any_case = os.path.lexists(top / ".GIT")  # `.ENV` is `.env` on this file system
    magic = ":(top,literal,icase)" if any_case else ":(top,literal)"
    places = (f"--git-dir={repository.git_dir}", f"--work-tree={top}")
    pathspecs = [f"{magic}{name}" for name in names]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def list_files(*options: str, check: bool = True) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [git, *LOCAL_OPTIONS, *places, "ls-files", "-z", "--cached", *options, "--", *pathspecs],
            cwd=top,
            env={**environment, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=check,
        )

    try:
        # With the commit, because `git rm --cached` alone leaves the branch's file in the work tree.
        done = list_files("--with-tree=HEAD", check=False)
        if done.returncode:  # there is no commit yet
            done = list_files()
    except (OSError, ValueError, subprocess.SubprocessError) as failure:
        log.info("git could not be asked", exc_info=failure)
        return frozenset(paths), "git gave no reply"
    fold = str.casefold if any_case else str
    found = {fold(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name}
    return frozenset(
        path
        for path, name in zip(paths, map(fold, names), strict=True)
        if name in found or any(file.startswith("" if name == "." else f"{name}/") for file in found)
    ), ""
