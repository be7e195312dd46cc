"""Folders for what is nobody else's business: addresses, keys, mail."""

from pathlib import Path


def make_private_dir(folder: Path) -> None:
    """Makes a folder that only its owner may enter and that Git passes over; raises OSError.

    One that is there stays as it is.
    """
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
