"""Write files so that each is complete or unchanged; links and special files are never written through."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from newsletter.disk.boundary import refuse_special, refuse_unsafe, refuse_unwritable

_PRIVATE, _PUBLIC = 0o600, 0o666  # the umask applies to the second
# The errors of file systems without hard links, such as exFAT on a memory stick.
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


def write_atomically(file: Path, content: bytes, *, draft: Path | None = None, replace: bool = False) -> None:
    """Write a file that only its owner may read; it gets its name when it is complete and on the disk.

    An existing file is replaced if `replace`, else it is not changed. `draft` is the path of the incomplete
    file, on the same file system; by default it is in the same folder. Raise OSError if the file cannot be
    written.
    """
    draft = draft or _draft_of(file)
    with _draft(draft, _PRIVATE) as handle:
        _complete(handle, content)
        if replace:
            draft.replace(file)
        else:
            with suppress(FileExistsError):  # a rename would replace the file
                os.link(draft, file)


def write_public(file: Path, content: bytes, *, root: Path | None = None) -> None:
    """Replace a file that others may read, as far as the umask permits; a link is replaced, not followed.

    Its missing folders are made. With `root`, its folder must be inside this folder; see `refuse_unwritable`.
    Raise OSError if the file cannot be written; an existing file is then unchanged.
    """
    make_folder(file.parent, root=root)
    with replacing(file, private=False) as handle:
        handle.write(content)


@contextmanager
def replacing(file: Path, *, private: bool) -> Iterator[BinaryIO]:
    """Open a draft for writing, which replaces `file` at the end of the block if the block does not fail.

    A `private` file is for its owner only; another one keeps the mode of the file that it replaces. Raise
    UnsafeFile for a folder, a device, or another special file.
    """
    mode = _mode(file)
    draft = _draft_of(file)
    with _draft(draft, _PRIVATE if private else _PUBLIC) as handle:
        if mode is not None and not private and hasattr(os, "fchmod"):
            os.fchmod(handle.fileno(), mode)
        yield handle
        handle.close()
        draft.replace(file)


def create(file: Path, content: bytes, *, root: Path | None = None) -> None:
    """Write a new file; raise FileExistsError if there is one. Its folder is as in `write_public`.

    The file gets its name when it is complete and on the disk.
    """
    make_folder(file.parent, root=root)
    draft = _draft_of(file)
    try:
        with _draft(draft, _PUBLIC) as handle:
            _complete(handle, content)
            _name(draft, file)
    except OSError as failure:
        if failure.filename == os.fspath(draft):
            failure.filename = os.fspath(file)  # nobody knows the draft
        raise


def _complete(draft: BinaryIO, content: bytes) -> None:
    """Write the content of a draft to the disk, and close it."""
    draft.write(content)
    draft.flush()
    os.fsync(draft.fileno())
    draft.close()  # Windows cannot rename an open file


def _name(draft: Path, file: Path) -> None:
    """Give a draft its name; raise FileExistsError if the name is taken, also by a link."""
    try:
        os.link(draft, file)  # a rename would replace the file
    except OSError as failure:
        if failure.errno not in _NO_HARD_LINKS:
            raise
        file.open("xb").close()  # reserve the name
        draft.replace(file)


def make_folder(folder: Path, *, root: Path | None = None) -> None:
    """Make a folder and its parents, unless `refuse_unwritable` refuses it; raise OSError."""
    refuse_unwritable(folder, root)
    folder.mkdir(parents=True, exist_ok=True)


def _mode(file: Path) -> int | None:
    """Return the permissions of a file that will be replaced; None if there is none, or if it is a link."""
    try:
        mode = os.lstat(file).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(mode):
        return None
    refuse_special(mode)
    return stat.S_IMODE(mode)


def _draft_of(file: Path) -> Path:
    return file.with_name(f".{os.urandom(8).hex()}.part")


@contextmanager
def _draft(draft: Path, mode: int) -> Iterator[BinaryIO]:
    """Create a file that is deleted at the end of the block unless it was renamed."""
    with suppress(FileNotFoundError):
        draft.unlink()  # of a process of the same number that was killed
    try:
        # O_EXCL: a link of this name is not followed.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with open(os.open(draft, flags, mode), "wb") as handle:
            yield handle
    finally:
        with suppress(OSError):
            draft.unlink()


def overwrite(file: Path, spans: Iterable[tuple[int, int]], root: Path) -> None:
    """Overwrite ranges of a file inside `root` with `*`; another process may append to the file meanwhile.

    Raise OSError if the file cannot be written, and UnsafeFile for links that lead out and for special files.
    """
    refuse_unsafe(file, root)
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(file, flags), "r+b", buffering=0) as handle:
        refuse_special(os.fstat(handle.fileno()).st_mode)
        for start, end in spans:
            handle.seek(start)
            handle.write(b"*" * (end - start))
        os.fsync(handle.fileno())
