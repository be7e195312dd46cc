"""Paths and values as messages show them."""

from contextlib import suppress
from pathlib import Path


def display_path(path: Path) -> str:
    """A path as a person in this folder would write it."""
    with suppress(OSError, RuntimeError, ValueError):  # elsewhere, or nowhere
        path = (path.parent.resolve() / path.name).relative_to(Path.cwd())
    return printable(path.as_posix(), 4096)


def printable(text: str, most: int = 60) -> str:
    """Text for one line of a message, shortened, with what is invisible written out."""
    text = f"{text[: most - 3]}…" if len(text) > most else text
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
