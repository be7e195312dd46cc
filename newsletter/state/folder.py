"""Folders and files for what is nobody else's business: addresses, keys, mail."""

import os
from contextlib import suppress
from pathlib import Path


def make_private_dir(folder: Path) -> None:
    """Makes a folder that only its owner may enter and that Git passes over; raises OSError.

    One that is there stays as it is.
    """
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="ascii")


def write_atomically(file: Path, content: bytes, *, draft: Path | None = None, replace: bool = False) -> None:
    """Write a file that only its owner may read, and give it its name once it is complete; raise OSError.

    A file that is there already stays as it is, or is replaced. `draft` is the name until then, on the same
    file system; without one it is beside the file.
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
