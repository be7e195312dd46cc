"""Private folders, for addresses, keys and mail."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from newsletter.disk.failures import cannot_be
from newsletter.display import display_path
from newsletter.errors import Problem

FOLDER_MODE, FILE_MODE = 0o700, 0o600
_OTHERS = 0o077
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


def protect(folder: Path, *, everything: bool = True) -> list[Problem]:
    """Restrict an existing private folder, and the files below it, to their owner.

    Return a warning for each path whose permissions cannot be changed: it belongs to another user, or its
    file system has no permissions. Symbolic links are not followed. Unless `everything`, only folders are
    restricted if the folder itself was private already.
    """
    if not _HAS_MODES:
        return []
    everything = everything or _is_open_to_others(folder)
    return [problem for path in _below(folder, everything) if (problem := _restrict_or_warn(path))]


def _below(folder: Path, everything: bool) -> Iterator[Path]:
    yield folder
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _below(Path(entry.path), everything) if everything else (Path(entry.path),)
            elif everything and entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


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
    is_folder = stat.S_ISDIR(status.st_mode)
    if not _HAS_MODES or not status.st_mode & _OTHERS:
        return False
    if not is_folder and not stat.S_ISREG(status.st_mode):
        return False
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.fchmod(opened, FOLDER_MODE if is_folder else FILE_MODE)
        return bool(os.fstat(opened).st_mode & _OTHERS)
    finally:
        os.close(opened)


def _create(file: Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
