"""The lock on a file that a process holds; it ends with the process, kill -9 included."""

import os
from pathlib import Path
from typing import Self

from newsletter.disk.failures import cannot_be, write_hint
from newsletter.display import display_path
from newsletter.errors import StateError, Unavailable
from newsletter.state.folder import FILE_MODE

try:
    from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, flock
except ImportError:
    HAS_LOCKS = False
else:
    HAS_LOCKS = True


def require_locks() -> None:
    """Raise Unavailable on a system without the locks that prevent two sends of an issue at the same time."""
    if not HAS_LOCKS:
        what = "sending needs the file locks of Linux, macOS or another Unix, which this system does not have"
        raise Unavailable(what, "on Windows run news in WSL: https://learn.microsoft.com/windows/wsl/install")


def lock(file: int) -> None:
    """Lock an open file until it is closed or the process ends; raise OSError if it is locked already."""
    require_locks()
    flock(file, LOCK_EX | LOCK_NB)


def is_locked(file: int) -> bool:
    """Return True if a process holds the lock on a file, which is open here separately.

    The test takes a shared lock for a moment: several processes may test at the same time.
    """
    try:
        flock(file, LOCK_SH | LOCK_NB)
    except OSError:
        return True
    return False


class FileLock:
    """A lock on a file: several processes may share it, or one has it alone."""

    def __init__(self, file: Path) -> None:
        """Open the file, and make it if it does not exist; raise StateError if that fails."""
        require_locks()
        try:
            self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, FILE_MODE)
        except OSError as failure:
            fix = write_hint(failure, "check the permissions of the file and its folder")
            raise StateError.of(display_path(file), cannot_be("opened", failure), fix) from failure

    def share(self) -> None:
        """Share the lock, also if this process had it alone; wait for a process that has it alone."""
        flock(self._file, LOCK_SH)

    def wait(self) -> None:
        """Take the lock alone; wait for the processes that have it."""
        flock(self._file, LOCK_EX)

    def take(self) -> bool:
        """Take the lock alone; return False if another process has it. A shared lock is lost then."""
        try:
            flock(self._file, LOCK_EX | LOCK_NB)
        except OSError:
            return False
        return True

    def release(self) -> None:
        """Release the lock, and keep the file open."""
        flock(self._file, LOCK_UN)

    def is_of(self, file: Path) -> bool:
        """Return True if a path still names the file of this lock, and not a later one or none."""
        try:
            return os.path.samestat(os.fstat(self._file), os.lstat(file))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Release the lock."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
