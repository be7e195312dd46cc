"""Name the files of a SQLite database: its own, and those that SQLite makes beside it."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

COMPANIONS = ("-wal", "-shm", "-journal")
"""The endings that SQLite adds to a database's name for these files (https://www.sqlite.org/tempfiles.html)."""


def file_of_url(url: str) -> Path | None:
    """Return the file of a database's URL, such as `sqlite:///news.db`; None if it names no file.

    It reads a URL as SQLAlchemy 2.1 does, which only the store imports.
    """
    dialect, _, rest = url.partition("://")
    if dialect.partition("+")[0] != "sqlite":
        return None
    return file_of_name(unquote(rest.partition("/")[2].partition("?")[0]))


def file_of_name(name: str) -> Path | None:
    """Return the file of a database's name, which may be a `file:` URI; None for a database in memory."""
    path = unquote(urlsplit(name).path) if name.startswith("file:") else name
    return Path(path) if path and path != ":memory:" else None


def with_companions(file: Path) -> list[Path]:
    """Return a database's file and those that SQLite makes beside it."""
    return [file.with_name(f"{file.name}{ending}") for ending in ("", *COMPANIONS)]
