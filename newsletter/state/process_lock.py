"""The lock on a file that a sending process holds; it ends with the process, kill -9 included."""

from newsletter.errors import Unavailable

try:
    from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
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
