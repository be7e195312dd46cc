"""Find the folder of a newsletter's state: subscribers, ledger and keys.

In a Git repository it lies in Git's own folder, because Git overwrites ignored files of the work tree at a
checkout without a word. All work trees of a repository share it.
"""

import os
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from newsletter.errors import StateError
from newsletter.state.git import Repository, find_repository, refuse_foreign

VARIABLE = "NEWS_STATE_DIR"
OLD = ".news"
DATABASE, SECRET, RUNS, ENV, LINK_RESULTS = "news.db", "secret", "runs", "env", "links.json"
"""Names in the folder of a state."""
# Files of a state that cannot be made again.
ESSENTIAL = (DATABASE, f"{DATABASE}-wal", SECRET, RUNS)
# Files of a state that the next command makes again.
DISPOSABLE = frozenset({".gitignore", LINK_RESULTS})
# Files that may be in the folder of a state before it is used for the first time.
BEFORE_FIRST_USE = DISPOSABLE | {ENV}
_IN_GIT, _TOP = "news", "_"
_MAX_NAME_BYTES = 200


@dataclass(frozen=True)
class StateLocation:
    """The place of a newsletter's state.

    `configured` is the value of NEWS_STATE_DIR, "" if it is not set; `repository` contains the newsletter's
    folder.
    """

    newsletter: Path
    repository: Repository | None = None
    configured: str = ""

    @cached_property
    def folder(self) -> Path:
        """Return the folder of the state, which may not exist."""
        if self.configured:
            return Path(self.configured)
        if self.repository is None:
            return self.old
        return self.repository.common_dir / _IN_GIT / folder_name(self.path)

    @property
    def old(self) -> Path:
        """Return `.news/`, the folder of the state outside Git, and of earlier versions in Git too."""
        return self.newsletter / OLD

    @property
    def env(self) -> Path:
        """Return the file of secrets in the state."""
        return self.folder / ENV

    @cached_property
    def path(self) -> str:
        """Return the path of the newsletter's folder from the top of the work tree; "" outside Git."""
        return self.repository.path_of(self.newsletter) if self.repository else ""

    @property
    def is_shared(self) -> bool:
        """Return True if the state lies in Git's folder, which all work trees share."""
        return self.repository is not None and not self.configured

    @property
    def moving(self) -> Path:
        """Return the folder that a state has while it is moved to its place in Git's folder."""
        return self.folder.with_name(f"%moved-{self.folder.name}")

    @property
    def has_old(self) -> bool:
        """Return True if an earlier version left a state that has to be moved, wholly or in part."""
        # The old folder first: another process may be renaming it to the other now.
        return os.path.lexists(self.old) or os.path.lexists(self.moving)

    @property
    def readable(self) -> Path:
        """Return the folder that has the state now: `.news/` while that is not moved yet."""
        waits = self.is_shared and not has_state(self.folder) and has_state(self.old)
        return self.old if waits else self.folder


def locate(newsletter: Path, configured: str = "") -> StateLocation:
    """Return the place of the state of the newsletter in a folder; `configured` is NEWS_STATE_DIR.

    Raise StateError if NEWS_STATE_DIR is not an absolute path, or if the newsletter's Git repository cannot
    be used.
    """
    if not configured:
        if repository := find_repository(newsletter):
            refuse_foreign(repository)
        return StateLocation(newsletter, repository)
    if not os.path.isabs(configured) or not configured.isprintable():
        raise StateError.of("environment", f"{VARIABLE} is not an absolute path", "begin it with /")
    return StateLocation(newsletter, configured=configured)


def has_state(folder: Path) -> bool:
    """Return True if a folder has a file of a state that cannot be made again."""
    return any(os.path.lexists(folder / name) for name in ESSENTIAL)


def folder_name(path: str) -> str:
    """Return the name of the state's folder for a path in the work tree; each path has a name of its own.

    It is one name, not a path: the state of the newsletter `a` must not contain that of `a/b`. In a name, `%`
    is followed by `25`, `2F`, `5F` or, if it is shortened, `x`.
    """
    if path == ".":
        return _TOP
    name = "%5F" if path == _TOP else path.replace("%", "%25").replace("/", "%2F")
    if len(encoded := os.fsencode(name)) <= _MAX_NAME_BYTES:
        return name
    digest = sha256(os.fsencode(path)).hexdigest()[:32]
    return f"{os.fsdecode(encoded[: _MAX_NAME_BYTES - 40])}%x{digest}"
