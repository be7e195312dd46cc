"""Private folders, for addresses, keys and mail."""

from pathlib import Path


def make_private_dir(folder: Path) -> None:
    """Make a folder that only its owner may enter and that Git ignores; raise OSError if that fails.

    An existing folder is not changed.
    """
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
