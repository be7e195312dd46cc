"""Move the state of an earlier version, `.news/`, out of the work tree, into Git's folder.

A process that is killed at any point loses nothing: the next one finishes the move. Its steps:

1. `.news` is renamed to `%moved-NAME` in Git's folder. On another file system it is copied to
   `%copying-NAME`, which is renamed to `%moved-NAME` once it is on the disk, and then `.news` is deleted.
2. `%moved-NAME` gets what the new folder has already (secrets, a cache), and takes its name.
"""

import errno
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from newsletter.disk.failures import cannot_be, write_hint
from newsletter.display import display_path
from newsletter.errors import StateError
from newsletter.state.folder import FILE_MODE, FOLDER_MODE, make_private_dir
from newsletter.state.location import BEFORE_FIRST_USE, DATABASE, DISPOSABLE, ENV, RUNS, StateLocation
from newsletter.state.process_lock import HAS_LOCKS, is_locked, lock
from newsletter.state.tracked import refuse_tracked

LOCK_SECONDS, DATABASE_BUSY_SECONDS = 60.0, 5.0
_LOCK, _SOURCE = "%lock", "%source"
Rename = Callable[[Path, Path], None]


def move_old_state(
    location: StateLocation, *, rename: Rename = os.rename, busy_seconds: float = DATABASE_BUSY_SECONDS
) -> str | None:
    """Move `.news/` to the place of the state; return a sentence about that, None if nothing was moved.

    Wait `busy_seconds` for a process that writes to the database; tests replace `rename`. Raise StateError if
    Git tracks `.news/`, if a process uses it, if both places have a state, or if it cannot be moved.
    """
    if not location.is_shared or not location.has_old:
        return None
    try:
        make_private_dir(location.folder.parent)
        with _locked(location.folder.parent):
            refuse_tracked(location.old)
            if os.path.lexists(location.old) and not stat.S_ISDIR(location.old.lstat().st_mode):
                fix = "delete it, or set NEWS_STATE_DIR to the folder that it names"
                raise _refused(location.old, "is not a folder", fix)
            return _Move(location, rename, busy_seconds).run()
    except OSError as failure:
        what = f"{cannot_be('moved', failure)} to {display_path(location.folder)}"
        fix = write_hint(failure, "check the permissions of both folders, then run the same command again")
        raise _refused(location.old, what, fix) from failure


class _Move:
    """The move of a state; every method may be repeated after a kill."""

    def __init__(self, location: StateLocation, rename: Rename, busy_seconds: float) -> None:
        self._old, self._new, self._rename = location.old, location.folder, rename
        self._busy_seconds = busy_seconds
        self._copying = self._new.with_name(f"%copying-{self._new.name}")
        self._moved = location.moving

    def run(self) -> str | None:
        with suppress(FileNotFoundError):
            shutil.rmtree(self._copying)  # incomplete: a process was killed
        if self._old.exists() and not self._moved.exists():
            if not set(os.listdir(self._old)) - DISPOSABLE:
                shutil.rmtree(self._old)
                return None
            self._refuse_second_state(self._old)
            self._take()
        if not self._moved.exists():
            return None  # another process has moved it meanwhile
        if self._old.exists():
            self._delete_copied()
        (self._moved / _SOURCE).unlink(missing_ok=True)
        self._refuse_second_state(self._moved)
        self._merge()
        with suppress(FileNotFoundError):
            self._new.rmdir()
        os.rename(self._moved, self._new)
        _sync(self._new.parent)
        before, now = (f"{display_path(folder)}/" for folder in (self._old, self._new))
        return f"moved this newsletter's state from {before} to {now}, where no checkout overwrites it"

    def _refuse_second_state(self, source: Path) -> None:
        """Raise StateError if the new folder has files that the move would lose."""
        try:
            present = set(os.listdir(self._new))
        except FileNotFoundError:
            return
        if present - BEFORE_FIRST_USE or (ENV in present and os.path.lexists(source / ENV)):
            what = f"holds a state, and {display_path(self._new)} holds one too, which is in use"
            fix = (
                "compare them: `news status` with NEWS_STATE_DIR set to one, then to the other; then move "
                "the one that you do not keep to another place"
            )
            raise _refused(source, what, fix)

    def _take(self) -> None:
        """Rename the old folder, or copy it if it is on another file system."""
        for alive in self._old.glob(f"{RUNS}/*/alive"):
            if _is_held(alive):
                what = "is in use: a process is sending with it"
                raise _refused(self._old, what, "wait until it has ended, then run the same command again")
        try:
            self._rename(self._old, self._moved)
            _sync(self._old.parent)
        except OSError as failure:
            if failure.errno != errno.EXDEV:
                raise
            with _no_writer(self._old / DATABASE, self._busy_seconds):
                _copy(self._old, self._copying)
                (self._copying / _SOURCE).write_text(_identity(self._old), encoding="ascii")
                _sync(self._copying)
                os.rename(self._copying, self._moved)
                _sync(self._moved.parent)
                self._delete_copied()
        _sync(self._moved.parent)

    def _delete_copied(self) -> None:
        """Delete the old folder after its copy; raise StateError if it is not the one that was copied."""
        source = self._moved / _SOURCE
        if not source.exists() or source.read_text(encoding="ascii") != _identity(self._old):
            what = f"holds a state, and {display_path(self._moved)} holds one that was being moved"
            raise _refused(self._old, what, "keep one of them: move this folder out of the work tree")
        shutil.rmtree(self._old)
        _sync(self._old.parent)

    def _merge(self) -> None:
        """Take the files that the new folder has already; those of the old state go before."""
        with suppress(FileNotFoundError):
            for name in os.listdir(self._new):
                if os.path.lexists(self._moved / name):
                    (self._new / name).unlink()
                else:
                    os.rename(self._new / name, self._moved / name)


def _identity(folder: Path) -> str:
    status = folder.stat()
    return f"{status.st_dev} {status.st_ino}"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock on the states of a repository; wait for another process at most LOCK_SECONDS."""
    file = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), FILE_MODE)
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while HAS_LOCKS:
            try:
                lock(file)
                break
            except BlockingIOError as failure:
                if time.monotonic() > deadline:
                    what = "is locked: another process has been moving a state for a minute"
                    fix = "wait until it has ended, then run the same command again"
                    raise _refused(folder / _LOCK, what, fix) from failure
                time.sleep(0.02)
        yield
    finally:
        os.close(file)


def _is_held(alive: Path) -> bool:
    if not HAS_LOCKS:
        return False
    try:
        file = os.open(alive, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return is_locked(file)
    finally:
        os.close(file)


@contextmanager
def _no_writer(database: Path, busy_seconds: float) -> Iterator[None]:
    """Keep other processes from writing to a database during the block; raise StateError if one does."""
    if not database.is_file():
        yield
        return
    connection = sqlite3.connect(database, timeout=busy_seconds, isolation_level=None)
    try:
        try:
            connection.execute("begin immediate")
        except sqlite3.DatabaseError as failure:
            if getattr(failure, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                fix = "wait until it has ended, then run the same command again"
                raise _refused(database, "is in use: another process writes to it", fix) from failure
            # A damaged database is moved as it is.
        yield
    finally:
        connection.close()


def _copy(source: Path, target: Path) -> None:
    """Copy a folder with all that is in it, onto the disk; raise StateError for special files."""
    target.mkdir(mode=FOLDER_MODE)
    with os.scandir(source) as entries:
        for entry in entries:
            path, copy = Path(entry.path), target / entry.name
            if entry.is_symlink():
                copy.symlink_to(path.readlink())
            elif entry.is_dir():
                _copy(path, copy)
            elif entry.is_file():
                _copy_file(path, copy)
            else:
                raise _refused(path, "is neither a file nor a folder", "delete it, or move it away")
    shutil.copystat(source, target)  # the age of a process's folder counts
    target.chmod(FOLDER_MODE)
    _sync(target)


def _copy_file(source: Path, target: Path) -> None:
    with (
        source.open("rb") as content,
        open(os.open(target, os.O_WRONLY | os.O_CREAT, FILE_MODE), "wb") as copy,
    ):
        shutil.copyfileobj(content, copy)
        copy.flush()
        os.fsync(copy.fileno())
    status = source.stat()
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _sync(folder: Path) -> None:
    """Write a folder's entries to the disk; Windows cannot open a folder."""
    if os.name == "nt":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _refused(path: Path, what: str, fix: str) -> StateError:
    return StateError.of(display_path(path), what, fix)
