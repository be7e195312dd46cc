"""Read regular files of a limited size, which lie where they should."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias

from newsletter.disk.boundary import UnsafeFile, is_inside, leads_out, refuse_outside, refuse_special

Suffix: TypeAlias = str | tuple[str, ...]
# Without these two flags, opening a named pipe waits for a writer, and a terminal may become the controlling
# terminal. Windows lacks both flags.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


def read(path: Path, max_bytes: int, *, root: Path | None = None, suffix: Suffix = "") -> bytes:
    """Return the content of a regular file of at most `max_bytes`, opened by `open_regular`.

    Raise OSError if it cannot be read, and UnsafeFile, which is an OSError, for any other file.
    """
    with open_regular(path, root=root, suffix=suffix) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise UnsafeFile(f"is larger than {max_bytes:,} bytes", "shorten it")
    return content


@contextmanager
def open_regular(path: Path, *, root: Path | None = None, suffix: Suffix = "") -> Iterator[BinaryIO]:
    """Open a regular file for reading; raise OSError if that fails, and UnsafeFile for any other file.

    With `root`, the file must be inside this folder after all symbolic links have been followed. `suffix` is
    for content that others will see: the name of the file at the end of the links must have this suffix, or
    one of these, and no part of its path may be hidden. Otherwise a link could publish `.env` or the list of
    subscribers.
    """
    refuse_outside(path, root)
    refuse_special(os.stat(path).st_mode)  # before it is opened: opening some devices has an effect
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NO_WAIT)) as file:
        # Decide by what was opened: the path may lead elsewhere since it was checked.
        refuse_special(os.fstat(file.fileno()).st_mode)
        if root is not None:
            location = _location(file, path)
            if not is_inside(location, root):
                raise leads_out(path)
            _refuse_kind(Path(location).relative_to(os.path.realpath(root)), suffix)
        yield file


@contextmanager
def open_named(path: Path) -> Iterator[io.BufferedReader]:
    """Open a file that a user names on the command line, which may be a pipe: `<(…)`, `/dev/stdin`, a FIFO.

    Raise OSError if that fails, and UnsafeFile for a folder, a device or a socket. Wait for the writer of a
    pipe: do not open a file of the newsletter so, since a branch may hold a pipe to which nobody writes.
    """
    _refuse_no_stream(os.stat(path).st_mode)  # before it is opened: opening some devices has an effect
    with open(path, "rb") as file:
        _refuse_no_stream(os.fstat(file.fileno()).st_mode)
        yield file


def _refuse_no_stream(mode: int) -> None:
    """Raise UnsafeFile for a mode that is neither of a regular file nor of a pipe."""
    if not stat.S_ISFIFO(mode):
        refuse_special(mode)


def _location(file: BinaryIO, path: Path) -> str:
    """Return the path of an open file, without symbolic links."""
    with suppress(OSError):  # Linux only
        # A file that was replaced after it was opened has the mark " (deleted)".
        return os.readlink(f"/proc/self/fd/{file.fileno()}").removesuffix(" (deleted)")
    resolved = os.path.realpath(path)
    if not os.path.samestat(os.lstat(resolved), os.fstat(file.fileno())):
        raise UnsafeFile("was replaced while it was read", "run the same command again")
    return resolved


def _refuse_kind(file: Path, suffix: Suffix) -> None:
    """Raise UnsafeFile for a file of another suffix, and for a hidden one; "" permits all files."""
    suffixes = (suffix,) if isinstance(suffix, str) else suffix
    fix = "rename it, or put the file itself in the place of the link"
    if not file.name.endswith(suffixes):
        listed = " or ".join(suffixes)
        raise UnsafeFile(f"is or leads to a file whose name does not end with {listed}", fix)
    if suffix and any(part.startswith(".") for part in file.parts):
        raise UnsafeFile("is or leads to a file whose path has a name that starts with a dot", fix)
