"""Private folders and files, for addresses, keys and mail."""

import os
from contextlib import suppress
from pathlib import Path


def make_private_dir(folder: Path) -> None:
    """Make a folder that only its owner may enter and that Git ignores; raise OSError if that fails.

    An existing folder is not changed.
    """
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="ascii")


def write_atomically(file: Path, content: bytes, *, draft: Path | None = None, replace: bool = False) -> None:
    """Write a file that only its owner may read; it gets its name when it is complete and on the disk.

    An existing file is replaced if `replace`, else it is not changed. `draft` is the path of the incomplete
    file, on the same file system; by default it is in the same folder. Raise OSError if the file cannot be
    written.
    """
    draft = draft or file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        if replace:
            draft.replace(file)
        else:
            with suppress(FileExistsError):  # a rename would replace the file
                os.link(draft, file)
    finally:
        with suppress(OSError):
            draft.unlink()
