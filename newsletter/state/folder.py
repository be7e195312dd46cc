"""Private folders, for addresses, keys and mail."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from newsletter.disk.failures import cannot_be
from newsletter.display import display_path
from newsletter.errors import Problem

FOLDER_MODE, FILE_MODE = 0o700, 0o600
_OWNER, _OTHERS = 0o700, 0o077
_MAX_DEPTH = 20
# On Windows permissions are inherited from the user's folder.
_HAS_MODES = os.name != "nt" and hasattr(os, "fchmod")


def make_private_dir(folder: Path) -> None:
    """Make a folder that only its owner may enter and that Git ignores; raise OSError if that fails.

    An existing folder gets the same permissions, if that is possible, and the same `.gitignore`.
    """
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with suppress(OSError):
        _restrict(folder)
    with suppress(FileExistsError), open(_create(folder / ".gitignore"), "wb") as handle:
        handle.write(b"*\n")


def create_private(file: Path) -> None:
    """Create an empty file that only its owner may read, or restrict an existing one; raise OSError.

    SQLite gives its `-wal` and `-shm` files the permissions of the database.
    """
    with suppress(FileExistsError):
        os.close(_create(file))
        return
    with suppress(OSError):
        _restrict(file)


def protect(folder: Path) -> list[Problem]:
    """Restrict an existing private folder, and all below it, to its owner.

    Return a warning for each path whose permissions cannot be changed: it belongs to another user, or its
    file system has no permissions. Symbolic links are not followed.
    """
    return _protect([folder, *_below(folder)])


def protect_maildir(folder: Path, parts: Sequence[str]) -> list[Problem]:
    """Restrict a maildir and its `parts` to their owner, as `protect` does; its other folders stay.

    The messages in the parts are restricted too, unless the maildir itself was private already.
    """
    is_open = _is_open_to_others(folder)
    folders = [folder / part for part in parts]
    messages = (path for part in folders for path in _below(part, 1)) if is_open else ()
    return _protect([folder, *folders, *messages])


def _protect(paths: Iterable[Path]) -> list[Problem]:
    return [problem for path in paths if (problem := _restrict_or_warn(path))] if _HAS_MODES else []


def _below(folder: Path, depth: int = _MAX_DEPTH) -> Iterator[Path]:
    """Yield the files and folders below a folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                continue
            yield Path(entry.path)
            if depth > 1 and entry.is_dir():
                yield from _below(Path(entry.path), depth - 1)


def _is_open_to_others(path: Path) -> bool:
    try:
        return bool(path.lstat().st_mode & _OTHERS)
    except OSError:
        return False


def _restrict_or_warn(path: Path) -> Problem | None:
    try:
        if not _restrict(path):
            return None
        what = "its file system keeps no permissions"
    except FileNotFoundError:  # another process deleted it meanwhile
        return None
    except OSError as failure:
        what = cannot_be("changed", failure)
    fix = "move it to a file system with permissions and to a folder of your own, or accept that"
    return Problem(display_path(path), f"other users of this machine may read it: {what}", fix, "warning")


def _restrict(path: Path) -> bool:
    """Restrict a file or folder to its owner; return True if it is still open to others afterwards.

    Raise OSError if the permissions cannot be changed. Other kinds of files are not opened.
    """
    status = path.lstat()
    if not _HAS_MODES or not status.st_mode & _OTHERS:
        return False
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        return False
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.fchmod(opened, os.fstat(opened).st_mode & _OWNER)  # a program stays one
        return bool(os.fstat(opened).st_mode & _OTHERS)
    finally:
        os.close(opened)


def _create(file: Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
