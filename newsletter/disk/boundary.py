"""Keep paths inside a folder: symbolic links of a stranger's branch must not lead out of the newsletter."""

import errno
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

_MAX_ENTRIES = 10_000
_MAX_LINKS = 40  # as on Linux


class UnsafeFile(OSError):
    """The error for a file that is not read or written, such as a named pipe.

    `reason` is a predicate whose subject is the file; `fix` is what to do.
    """

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(errno.EPERM, reason)
        self.reason, self.fix = reason, fix

    def __reduce__(self) -> tuple[object, ...]:
        """Return the parts to pickle: a process with limits returns its errors so."""
        return type(self), (self.reason, self.fix), self.__dict__


def root_of(path: Path, folder: Path) -> Path | None:
    """Return `folder` if a path, as it is written, leads through that folder; else None.

    A file that a user names by a path may lie elsewhere; a file of the newsletter may not.
    """
    absolute = Path(os.path.abspath(path))
    if is_inside(os.path.realpath(absolute.parent), folder):
        return folder
    for parent in absolute.parents:
        with suppress(OSError):
            if os.path.samefile(parent, folder):
                return folder
    return None


def refuse_outside(path: Path, root: Path | None) -> None:
    """Raise UnsafeFile if symbolic links lead from a path out of the folder `root`; None permits all paths.

    The path does not need to exist.
    """
    if root is not None and not is_inside(os.path.realpath(path), root):
        raise leads_out(path)


def refuse_unwritable(folder: Path, root: Path | None) -> None:
    """Raise UnsafeFile if symbolic links lead from a folder out of `root`, or into a hidden folder below it.

    Files in `.git` would be broken branches, or part of the newsletter's state. A hidden folder that the path
    names itself is permitted.
    """
    refuse_outside(folder, root)
    if root is None:
        return
    real = Path(os.path.realpath(folder)).relative_to(os.path.realpath(root))
    if any(part.startswith(".") and part not in folder.parts for part in real.parts):
        raise UnsafeFile(
            f"is or is behind a symbolic link that leads to {real.as_posix()}",
            "put the folder itself in the place of the link",
        )


def leads_out(path: Path) -> UnsafeFile:
    """Return the error for a path that symbolic links lead out of the newsletter's folder."""
    what = "is" if path.is_symlink() else "is behind"
    return UnsafeFile(
        f"{what} a symbolic link that leads out of the newsletter's folder",
        "put the file or folder itself in the place of the link, or name its real path",
    )


def is_inside(resolved: str, root: Path) -> bool:
    """Return True if a path without symbolic links is `root`, or is below it."""
    return Path(resolved).is_relative_to(os.path.realpath(root))


def follow(path: Path, start: Path) -> list[Path]:
    """Return each symbolic link that a path leads through, in order, and then the path without links.

    The folder of each is a path without links. `start` is a folder above `path`, without links. The path does
    not need to exist. A path of more than 40 links, such as a loop, ends at the last of them.
    """
    passed, here = list[Path](), start
    waiting = list(reversed(path.relative_to(start).parts))
    while waiting:
        part = waiting.pop()
        if part == os.pardir:
            here = here.parent
            continue
        here /= part
        with suppress(OSError):  # not a link
            target = Path(os.readlink(here))
            passed.append(here)
            if len(passed) > _MAX_LINKS:
                return passed
            here = Path(target.anchor) if target.is_absolute() else here.parent
            waiting.extend(reversed(target.relative_to(target.anchor).parts))
    return [*passed, here]


def refuse_special(mode: int) -> None:
    """Raise UnsafeFile for a mode (`st_mode`) that is not of a regular file."""
    if stat.S_ISREG(mode):
        return
    kinds = {
        stat.S_IFDIR: "folder",
        stat.S_IFIFO: "named pipe",
        stat.S_IFSOCK: "socket",
        stat.S_IFCHR: "device",
        stat.S_IFBLK: "device",
    }
    kind = kinds.get(stat.S_IFMT(mode))
    what = f"is a {kind}, not a regular file" if kind else "is not a regular file"
    raise UnsafeFile(what, "put a regular file in its place, or name another file")


def refuse_unsafe(file: Path, root: Path) -> None:
    """Raise UnsafeFile for a path to a special file, or out of `root`; the file does not need to exist."""
    refuse_outside(file, root)
    with suppress(FileNotFoundError):
        refuse_special(os.stat(file).st_mode)


def entries(folder: Path, root: Path, limit: int = _MAX_ENTRIES) -> Iterator[os.DirEntry[str]]:
    """Yield at most `limit` files and folders below a folder; do not follow symbolic links below it.

    Yield nothing if the folder itself is outside `root`. A folder that cannot be read is passed over.
    """
    return islice(_entries(folder), limit) if is_inside(os.path.realpath(folder), root) else iter(())


def every_entry(folder: Path, without: Collection[Path] = ()) -> Iterator[os.DirEntry[str]]:
    """Yield all files and folders below a folder, but for those below the folders `without`.

    Symbolic links below it are not followed. Raise OSError if one of the folders cannot be read. A folder
    that does not exist, or no longer, is empty.
    """
    passed_over = {os.path.abspath(path) for path in without}
    folders = [os.path.abspath(folder)]
    while folders:
        with suppress(FileNotFoundError), os.scandir(folders.pop()) as found:
            for entry in found:
                yield entry
                if entry.is_dir(follow_symlinks=False) and entry.path not in passed_over:
                    folders.append(entry.path)


def names(folder: Path) -> list[str]:
    """Return the names of the files in a folder; none if it cannot be read."""
    with suppress(OSError):
        return sorted(os.listdir(folder))
    return []


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    folders = [os.fspath(folder)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as found:
            for entry in found:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
